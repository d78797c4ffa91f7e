/** Windows as they are written: `{"avg": ["monitor.path", "5m"]}`. What they come to is no part of the evaluation: it is asked for. Pure. */
import type { WindowFunction } from '../windows/windows.ts';

/** What the rule keeps an aggregate for: `windowOf(window)`, fed with what stands at the path in the states of the monitor. */
export interface Window {
  readonly fn: WindowFunction;
  readonly monitor: string;
  readonly path: readonly string[];
  readonly lengthMs: number;
  /** 0 to 100, of `percentile` only. */
  readonly p?: number;
}

const UNITS: readonly (readonly [unit: string, ms: number])[] = [
  ['w', 604_800_000],
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
];
const LONGEST_MS = 366 * 86_400_000;
export const A_DURATION = 'a duration of 1ms to 366d, such as "5m" or "1h30m"';

/** `5m`, `1h30m` in ms; undefined for what is none, or less than 1 ms or more than 366 days. */
export function durationMs(text: unknown): number | undefined {
  if (typeof text !== 'string' || text.length > 64 || !/^(?:\d+(?:ms|[smhdw]))+$/.test(text)) return undefined;
  let sum = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+)(ms|[smhdw])/g)) sum += Number(amount) * (UNITS.find(([one]) => one === unit)?.[1] ?? Number.NaN);
  return sum >= 1 && sum <= LONGEST_MS ? sum : undefined;
}

/** The same in few words: 5400000 is `1h30m`. */
export function durationText(ms: number): string {
  let rest = ms;
  const parts = UNITS.map(([unit, size]) => {
    const amount = unit === 'ms' ? rest : Math.floor(rest / size);
    rest -= amount * size;
    return amount > 0 ? `${amount}${unit}` : '';
  });
  return parts.join('');
}
