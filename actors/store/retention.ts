/** How long what is kept: the policy, for each kind and each service; and what goes first when the store is full. Pure, for either engine. */
import { glob } from '../glob.ts';
import type { RetentionConfig, ServiceRetentionConfig } from './schema.ts';
import { HOUR_MS, MINUTE_MS } from './query/rollup.ts';

const DAY_MS = 24 * HOUR_MS;
const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: MINUTE_MS, h: HOUR_MS, d: DAY_MS, w: 7 * DAY_MS, y: 365 * DAY_MS };

/** How long the telemetry of one service is kept, in ms; Infinity: for ever. */
export interface Keep {
  readonly rawMs: number;
  readonly minutesMs: number;
  readonly hoursMs: number;
  readonly logsMs: number;
  readonly tracesMs: number;
}
/** Plain data, that crosses to a thread. */
export interface Policy {
  readonly telemetry: Keep;
  /** What a service has of its own, by its name or a pattern with `*`. */
  readonly services: Readonly<Record<string, Partial<Keep>>>;
  /** Of these only what has ended goes, so long after its end. */
  readonly episodesMs: number;
  readonly jobsMs: number;
  readonly auditMs: number;
  readonly versionsMs: number;
  /** So many of the last versions stay, however old they are. */
  readonly versionsAtLeast: number;
}
/** What is older goes, ms since 1970: whole minutes of samples, and whole hours of minutes, so that each row that is left says all of its time. */
export interface Cuts {
  readonly raw: number;
  readonly minutes: number;
  readonly hours: number;
  readonly logs: number;
  readonly traces: number;
}

/** `7d`, `forever`, as the schema takes them, in ms. */
export function durationMs(text: string): number {
  const [, amount, unit = ''] = /^(\d+)([smhdwy])$/.exec(text) ?? [];
  return text === 'forever' ? Number.POSITIVE_INFINITY : Number(amount) * (UNIT_MS[unit] ?? Number.NaN);
}

const KEYS = { rawMs: 'metrics', minutesMs: 'metrics_1m', hoursMs: 'metrics_1h', logsMs: 'logs', tracesMs: 'traces' } as const;
const keysOf = Object.entries(KEYS) as [keyof Keep, keyof ServiceRetentionConfig][]; // `entries` forgets the keys' type

export function policyOf({ episodes, executions, audit, versions, services, ...telemetry }: RetentionConfig): Policy {
  const some = (given: ServiceRetentionConfig): Partial<Keep> =>
    Object.fromEntries(keysOf.flatMap(([key, name]) => (given[name] === undefined ? [] : [[key, durationMs(given[name])]])));
  const { metrics, metrics_1m, metrics_1h, logs, traces } = telemetry;
  return {
    telemetry: {
      rawMs: durationMs(metrics),
      minutesMs: durationMs(metrics_1m),
      hoursMs: durationMs(metrics_1h),
      logsMs: durationMs(logs),
      tracesMs: durationMs(traces),
    },
    services: Object.fromEntries(Object.entries(services).map(([pattern, given]) => [pattern, some(given)])),
    episodesMs: durationMs(episodes),
    jobsMs: durationMs(executions),
    auditMs: durationMs(audit),
    versionsMs: durationMs(versions),
    versionsAtLeast: VERSIONS_AT_LEAST,
  };
}
const VERSIONS_AT_LEAST = 100;

/** What is kept of a service: its own entry, or the first whose pattern fits. What is down-sampled stays as long at the least as what it was made of. */
export function keepOf({ telemetry, services }: Policy, service: string): Keep {
  const own = services[service] ?? Object.entries(services).find(([pattern]) => glob(pattern)(service))?.[1];
  const keep = { ...telemetry, ...own };
  const minutesMs = Math.max(keep.minutesMs, keep.rawMs);
  return { ...keep, minutesMs, hoursMs: Math.max(keep.hoursMs, minutesMs) };
}
export const cutsOf = ({ rawMs, minutesMs, hoursMs, logsMs, tracesMs }: Keep, nowMs: number): Cuts => ({
  raw: floor(nowMs - rawMs, MINUTE_MS),
  minutes: floor(nowMs - minutesMs, HOUR_MS),
  hours: floor(nowMs - hoursMs, HOUR_MS),
  logs: nowMs - logsMs,
  traces: nowMs - tracesMs,
});
const floor = (ms: number, step: number): number => Math.floor(ms / step) * step;

/** So often it is looked what is due: nothing stays longer than it is kept by more than an hour, or by a twentieth when that is less. */
export function everyMs({ telemetry, services }: Policy): number {
  const shortest = Math.min(...[telemetry, ...Object.values(services)].flatMap((keep) => Object.values(keep)));
  return Math.min(HOUR_MS, Math.max(MINUTE_MS, shortest / 20));
}

/** What goes when the store has come to its size: stage after stage, in each the oldest first. The journal never does. */
export interface Stage {
  /** `raw`: samples, logs and traces · `minutes`, `hours`: what was down-sampled, too. */
  readonly of: 'raw' | 'minutes' | 'hours';
  /** What is younger stays in this stage. */
  readonly youngerMs: number;
}
export const STAGES: readonly Stage[] = [
  { of: 'raw', youngerMs: HOUR_MS },
  { of: 'minutes', youngerMs: DAY_MS },
  { of: 'hours', youngerMs: DAY_MS },
  { of: 'raw', youngerMs: 0 },
  { of: 'hours', youngerMs: 0 },
];
/** The next cut of a stage whose oldest is at `oldest`: a 64th of the way, so that little more goes than has to. */
export const nextCut = (oldest: number, youngest: number): number =>
  Math.min(youngest, floor(oldest + Math.max(MINUTE_MS, (youngest - oldest) / 64), MINUTE_MS) + MINUTE_MS);
