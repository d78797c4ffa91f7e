/**
 * Silences and maintenance windows: which firings are not told, and until when. Pure. They hold back the telling of a firing only: the rule goes
 * on being judged, and an end is told to whoever was told of the beginning.
 */
import { type Static, Type } from 'typebox';
import { check, type Fault, oneOf } from '../../schema.ts';
import type { Hold } from './alert-state.ts';
import { type Matcher, matches, parseMatcher, type Subject } from './matchers.ts';
import { changeAfter, covers, DAYS, minutesOf, offsetOf, type Recurring } from './recurring.ts';

const TIME = '^([01][0-9]|2[0-3]):[0-5][0-9]$';

export const windowSchema = Type.Object(
  {
    days: Type.Array(oneOf(DAYS), { uniqueItems: true, minItems: 1, default: [...DAYS], description: 'The days on which it begins. Left out: every day.' }),
    from: Type.String({ pattern: TIME, default: '00:00', description: '`HH:MM` by the wall clock of the zone.' }),
    to: Type.String({
      pattern: `${TIME}|^24:00$`,
      default: '24:00',
      description: '`HH:MM`; the end is not in it. When it is not after `from`, it is on the next day.',
    }),
    zone: Type.String({
      description: 'An IANA time zone: `Europe/Berlin`, `UTC`. Summer time is followed: what the clock skips does not happen, what it repeats happens twice.',
    }),
  },
  { additionalProperties: false },
);

export const silenceSchema = Type.Object(
  {
    name: Type.String({ pattern: '^[A-Za-z0-9_-]{1,128}$', description: 'Unique among the silences.' }),
    matchers: Type.Array(Type.String({ maxLength: 2_048 }), {
      minItems: 1,
      maxItems: 64,
      description:
        'All must match: `rule = too_hot`, `severity != critical`, `instance =~ iot_.*`, `labels.site !~ "north|south"`; of `rule`, `instance`, `severity`, `monitor`, `labels.KEY`. `=~` is RE2 and matches the whole value.',
    }),
    starts: Type.Optional(Type.String({ format: 'date-time', description: 'ISO 8601. Left out: it has begun.' })),
    ends: Type.Optional(Type.String({ format: 'date-time', description: 'ISO 8601; the end is not in it. Only maintenance windows may do without.' })),
    windows: Type.Array(windowSchema, {
      maxItems: 32,
      default: [],
      description: 'Maintenance: it silences only within these windows. Left out: all the time.',
    }),
    author: Type.String({ default: '', description: 'Who said so.' }),
    comment: Type.String({ default: '', description: 'Why.' }),
  },
  {
    additionalProperties: false,
    description:
      'Holds back the firings of the alerts that match: they are judged and on record, and told when the silence is over, if they still fire. Whoever was told of a firing is told of its end. `argos silence` adds and ends silences in the running node.',
  },
);
export type SilenceConfig = Static<typeof silenceSchema>;

export interface Silence {
  readonly name: string;
  readonly matchers: readonly Matcher[];
  /** ms since 1970; the end is not in it. Infinite where nothing is said. */
  readonly startsMs: number;
  readonly endsMs: number;
  /** None: all the time. */
  readonly windows: readonly Recurring[];
}

/**
 * A silence as it is written, checked.
 *
 * @param path where it stands, as a JSON pointer.
 */
export function parseSilence(json: unknown, path = ''): { readonly silence: Silence; readonly faults: readonly [] } | { readonly faults: readonly Fault[] } {
  const checked = check(silenceSchema, json, path);
  if (!('value' in checked)) return checked;
  const { name, matchers: texts, starts, ends, windows: written } = checked.value;
  const faults: Fault[] = [];
  const matchers = texts.flatMap((text, i) => {
    const parsed = parseMatcher(text);
    if ('of' in parsed) return [parsed];
    faults.push({ path: `${path}/matchers/${i}`, got: text, ...parsed });
    return [];
  });
  const windows = written.flatMap((window, i) => recurring(window, `${path}/windows/${i}`, faults));
  const startsMs = timeOf(starts, Number.NEGATIVE_INFINITY, `${path}/starts`, faults);
  const endsMs = timeOf(ends, Number.POSITIVE_INFINITY, `${path}/ends`, faults);
  if (endsMs <= startsMs) faults.push({ path: `${path}/ends`, expected: 'a time after `starts`', got: ends });
  if (ends === undefined && written.length === 0)
    faults.push({ path: `${path}/ends`, expected: 'an end, or `windows`: a silence for ever is a rule to be removed' });
  return faults.length > 0 ? { faults } : { silence: { name, matchers, startsMs, endsMs, windows }, faults: [] };
}

function recurring({ days, from, to, zone }: Static<typeof windowSchema>, path: string, faults: Fault[]): readonly Recurring[] {
  const offset = offsetOf(zone);
  if (!offset) faults.push({ path: `${path}/zone`, expected: 'an IANA time zone such as Europe/Berlin', got: zone });
  if (from === to) faults.push({ path: `${path}/to`, expected: 'another time than `from`; a whole day is 00:00 to 24:00', got: to });
  const [begin, end] = [minutesOf(from), minutesOf(to)];
  return offset && begin !== undefined && end !== undefined ? [{ days, from: begin, to: end, offset }] : [];
}

function timeOf(text: string | undefined, otherwise: number, path: string, faults: Fault[]): number {
  const ms = text === undefined ? otherwise : Date.parse(text);
  if (Number.isNaN(ms)) faults.push({ path, expected: 'a time of the calendar, in ISO 8601', got: text }); // leap seconds are ISO 8601 too
  return ms;
}

/** The first of the silences that silences this alert at that time. */
export const silencedBy = (silences: readonly Silence[], alert: Subject, atMs: number): Silence | undefined =>
  silences.find((one) => matches(one.matchers, alert) && isOn(one, atMs)); // the clocks of the world cost more than a matcher

/**
 * When `silencedBy` answers otherwise next: another silence, or none, or one. Of windows that follow on each other without a gap it looks so
 * many ahead, and names a time at which nothing changes; it never names one that is too late. Undefined for never.
 */
export function nextMs(silences: readonly Silence[], alert: Subject, atMs: number): number | undefined {
  let next = Number.POSITIVE_INFINITY;
  for (const silence of silences) {
    if (!matches(silence.matchers, alert)) continue;
    const on = isOn(silence, atMs);
    next = Math.min(next, on ? offAfter(silence, atMs) : onAfter(silence, atMs));
    if (on) break; // those behind it are not asked
  }
  return next === Number.POSITIVE_INFINITY ? undefined : next;
}

/** What the silences mean for the telling of a firing. */
export function holdOf(silences: readonly Silence[], alert: Subject, atMs: number): Hold | undefined {
  const silence = silencedBy(silences, alert, atMs);
  return silence && { reason: silence.windows.length > 0 ? 'maintenance' : 'silenced', by: silence.name, untilMs: nextMs(silences, alert, atMs) };
}

/** How a silence stands at that time, and when that changes next; ms since 1970. */
export function standing(silence: Silence, atMs: number): { readonly status: 'active' | 'pending' | 'expired'; readonly nextMs: number | undefined } {
  const on = isOn(silence, atMs);
  const nextMs = on ? offAfter(silence, atMs) : onAfter(silence, atMs);
  return { status: on ? 'active' : nextMs < Number.POSITIVE_INFINITY ? 'pending' : 'expired', nextMs: nextMs < Number.POSITIVE_INFINITY ? nextMs : undefined };
}

const isOn = ({ startsMs, endsMs, windows }: Silence, atMs: number): boolean =>
  atMs >= startsMs && atMs < endsMs && (windows.length === 0 || windows.some((window) => covers(window, atMs)));

const MOST_WINDOWS_IN_A_ROW = 16;
const orNever = (atMs: number | undefined): number => atMs ?? Number.POSITIVE_INFINITY;

/** For one that is off. */
function onAfter(silence: Silence, atMs: number): number {
  const { startsMs, endsMs, windows } = silence;
  const fromMs = Math.max(atMs, startsMs);
  if (fromMs >= endsMs) return Number.POSITIVE_INFINITY;
  const onMs = fromMs > atMs && isOn(silence, fromMs) ? fromMs : Math.min(...windows.map((window) => orNever(changeAfter(window, fromMs))));
  return onMs < endsMs ? onMs : Number.POSITIVE_INFINITY;
}

/** For one that is on. */
function offAfter(silence: Silence, atMs: number): number {
  const { endsMs, windows } = silence;
  if (windows.length === 0) return endsMs;
  let offMs = atMs;
  for (let turns = 0; turns < MOST_WINDOWS_IN_A_ROW && isOn(silence, offMs); turns++)
    offMs = Math.min(endsMs, Math.max(...windows.filter((window) => covers(window, offMs)).map((window) => orNever(changeAfter(window, offMs)))));
  return offMs;
}
