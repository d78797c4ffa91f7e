/** A down-sampled row: what the samples of one series come to over a minute or an hour. How it is written and read, in either engine. */
import { Sketch } from '../sketch.ts';
import { Partial } from './partial.ts';

export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export type Step = typeof MINUTE_MS | typeof HOUR_MS;

export const minuteOf = (ts: number): number => Math.floor(ts / MINUTE_MS) * MINUTE_MS;
export const hourOf = (ts: number): number => Math.floor(ts / HOUR_MS) * HOUR_MS;

/** A stretch that can be kept: it has its distribution. */
export const stretch = (): Partial => new Partial(new Sketch());

/** Columns of `rollups`, in the order of `valuesOf`. */
export const ROLLUP = 'count, sum, min, max, first, last, increase, sketch';
export type RollupValues = readonly [number, number | null, number, number, number, number, number | null, Uint8Array];
export type RollupRow = Readonly<Record<'count' | 'min' | 'max' | 'first' | 'last', number>> & {
  /** NULL: not a number, as where the sum of huge values of both signs has left what a double can hold. */
  readonly sum: number | null;
  readonly increase: number | null;
  readonly sketch: Uint8Array;
};

const orNull = (value: number): number | null => (Number.isNaN(value) ? null : value);

export const valuesOf = ({ count, sum, min, max, first, last, increase, sketch = new Sketch() }: Partial): RollupValues => [
  count,
  orNull(sum),
  min,
  max,
  first,
  last,
  orNull(increase),
  sketch.encode(),
];

export function partialOf(row: RollupRow): Partial {
  const partial = new Partial(Sketch.decode(row.sketch));
  const { count, sum, min, max, first, last, increase } = row;
  return Object.assign(partial, { count, sum: sum ?? Number.NaN, min, max, first, last, increase: increase ?? Number.NaN });
}
