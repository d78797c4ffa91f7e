/** A down-sampled row: what the samples of one series come to over a minute or an hour. How it is written and read, in either engine. */
import { Sketch } from '../../sketch.ts';
import { Partial } from './partial.ts';

export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export type Step = typeof MINUTE_MS | typeof HOUR_MS;
/** No time is before this one (ECMA-262 21.4.1.1). */
export const FIRST_MS = -8_640_000_000_000_000;

export const minuteOf = (ts: number): number => Math.floor(ts / MINUTE_MS) * MINUTE_MS;
export const hourOf = (ts: number): number => Math.floor(ts / HOUR_MS) * HOUR_MS;

/** A stretch that can be kept: it has its distribution. */
export const stretch = (): Partial => new Partial(new Sketch());

/** What is there with more: of before it, of behind it, or, where the two overlap, without the steps from one to the other. */
export function extended(there: Partial, more: Partial): Partial {
  const [first, second] = more.lastMs < there.firstMs ? [more, there] : [there, more];
  if (second.firstMs >= first.lastMs) first.append(second);
  else first.join(second);
  return first;
}

/** Columns of `rollups`, in the order of `valuesOf`. */
export const ROLLUP = 'ts, count, sum, min, max, first, first_at, last, last_at, increase, sketch';
type Numbers = 'ts' | 'count' | 'min' | 'max' | 'first' | 'last';
export type RollupRow = Readonly<Record<Numbers, number>> & {
  /** NULL: not a number, as where the sum of huge values of both signs has left what a double can hold. */
  readonly sum: number | null;
  readonly increase: number | null;
  /** So many ms after `ts`. */
  readonly first_at: number;
  readonly last_at: number;
  readonly sketch: Uint8Array;
};

const orNull = (value: number): number | null => (Number.isNaN(value) ? null : value);

/** @param ts where the minute or hour begins, ms since 1970. */
export function valuesOf(ts: number, p: Partial): readonly (number | null | Uint8Array)[] {
  const sketch = (p.sketch ?? new Sketch()).encode();
  return [ts, p.count, orNull(p.sum), p.min, p.max, p.first, p.firstMs - ts, p.last, p.lastMs - ts, orNull(p.increase), sketch];
}

export function partialOf({ ts, count, sum, min, max, first, first_at, last, last_at, increase, sketch }: RollupRow): Partial {
  const numbers = { count, sum: sum ?? Number.NaN, min, max, first, firstMs: ts + first_at, last, lastMs: ts + last_at, increase: increase ?? Number.NaN };
  return Object.assign(new Partial(Sketch.decode(sketch)), numbers, { steps: count - 1 }); // each sample but the first had one before it
}
