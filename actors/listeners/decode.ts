/** Bytes and JSON from the wire into metrics and logs, with every fault named. Pure; time is a parameter. */
import { LEVELS, type Level, type Log, type Metric } from '../event.ts';

/** One item that is refused: which, and what was expected. */
export interface ItemFault {
  readonly index: number;
  readonly error: string;
}
export interface Decoded<T> {
  readonly items: readonly T[];
  readonly faults: readonly ItemFault[];
}

const LONGEST_NAME = 256;
const LONGEST_MESSAGE = 65_536;
const MOST_TAGS = 32;
type Json = Readonly<Record<string, unknown>>;

/** A metric, or a list of them. The good ones are kept. */
export const decodeMetrics = (json: unknown, nowMs: number): Decoded<Metric> => decode(json, (one) => metric(one, nowMs));
/** A log, or a list of them. The good ones are kept. */
export const decodeLogs = (json: unknown, nowMs: number): Decoded<Log> => decode(json, (one) => log(one, nowMs));

/** MQTT `argus/metrics/{service}/{metric_name}`: a number, or an object with `value`. What the topic says may be left out, and is not contradicted. */
export function decodeMetricMessage(service: string, name: string, json: unknown, nowMs: number): Decoded<Metric> {
  return decode(typeof json === 'number' ? { value: json } : json, (one) => metric(within(one, { service, name }), nowMs));
}
/** MQTT `argus/logs/{service}/{level}`: a text, or an object with `message`. */
export function decodeLogMessage(service: string, level: string, json: unknown, nowMs: number): Decoded<Log> {
  return decode(typeof json === 'string' ? { message: json } : json, (one) => log(within(one, { service, level }), nowMs));
}

function decode<T>(json: unknown, one: (json: Json) => T): Decoded<T> {
  const items: T[] = [];
  const faults: ItemFault[] = [];
  for (const [index, value] of (Array.isArray(json) ? json : [json]).entries()) {
    try {
      if (!isObject(value)) throw new Refused('an object', value);
      items.push(one(value));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      faults.push({ index, error: error.message });
    }
  }
  return { items, faults };
}

function metric(json: Json, nowMs: number): Metric {
  known(json, ['name', 'value', 'timestamp', 'service', 'tags']);
  const { value } = json;
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new Refused('value: a finite number', value);
  return { name: text(json.name, 'name'), value, timestamp: timestamp(json.timestamp, nowMs), service: text(json.service, 'service'), tags: tagsOf(json.tags) };
}

function log(json: Json, nowMs: number): Log {
  known(json, ['level', 'message', 'timestamp', 'service', 'tags']);
  const level = LEVELS.find((one) => one === json.level);
  if (!level) throw new Refused(`level: one of ${LEVELS.join(', ')}`, json.level);
  const { message } = json;
  if (typeof message !== 'string' || message.length > LONGEST_MESSAGE) throw new Refused(`message: a text of at most ${LONGEST_MESSAGE} characters`, message);
  return {
    level: level satisfies Level,
    message,
    timestamp: timestamp(json.timestamp, nowMs),
    service: text(json.service, 'service'),
    tags: tagsOf(json.tags),
  };
}

function within(json: Json, topic: Json): Json {
  for (const [key, value] of Object.entries(topic))
    if (json[key] !== undefined && json[key] !== value) throw new Refused(`${key}: ${JSON.stringify(value)}, as the topic says`, json[key]);
  return { ...json, ...topic };
}

function known(json: Json, keys: readonly string[]): void {
  for (const key of Object.keys(json)) if (!keys.includes(key)) throw new Refused(`the keys ${keys.join(', ')}`, key);
}

function text(value: unknown, key: string): string {
  if (typeof value === 'string' && value.length > 0 && value.length <= LONGEST_NAME) return value;
  throw new Refused(`${key}: a text of 1 to ${LONGEST_NAME} characters`, value);
}

/** ISO 8601 or milliseconds since 1970, up to the year 9999; left out, it is now. */
function timestamp(value: unknown, nowMs: number): number {
  if (value === undefined || value === null) return nowMs;
  const ms = typeof value === 'number' ? value : typeof value === 'string' && /^\d{4}-\d{2}-\d{2}T/.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isFinite(ms) && ms >= 0 && ms < 253_402_300_800_000 && (typeof value === 'number' || isDay(String(value).slice(0, 10)))) return Math.trunc(ms);
  throw new Refused('timestamp: ISO 8601, or milliseconds since 1970', value);
}

/** Date.parse takes February 30 for March 1 or 2. */
const isDay = (day: string): boolean => new Date(`${day}T00:00Z`).toISOString().startsWith(day);

function tagsOf(value: unknown): Record<string, string> {
  if (value === undefined || value === null) return {};
  if (!isObject(value)) throw new Refused('tags: an object of texts', value);
  const tags = Object.entries(value);
  if (tags.length > MOST_TAGS) throw new Refused(`tags: at most ${MOST_TAGS}`, `${tags.length}`);
  for (const [key, tag] of tags) {
    if (typeof tag !== 'string' || tag.length > LONGEST_NAME || key.length > LONGEST_NAME)
      throw new Refused(`tags.${key.slice(0, 64)}: a text of at most ${LONGEST_NAME} characters`, tag);
  }
  return Object.fromEntries(tags) as Record<string, string>;
}

/** No Error: a body may hold half a million bad items, and each stack would cost more than the item. */
class Refused {
  readonly message: string;
  constructor(expected: string, got: unknown) {
    const shown = JSON.stringify(got) ?? 'nothing';
    this.message = `expected ${expected}, got ${shown.length > 100 ? `${shown.slice(0, 100)}…` : shown}`;
  }
}

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
