/**
 * Window functions: what a rule's condition says of a value over the last so many milliseconds. Incremental and pure: time is a parameter. A new
 * sample costs the same however many there are (a late one, as many memory moves as there are later ones), an answer a few dozen steps. When there
 * are many, what comes shares cells at once: no sample has to wait until others have been put together.
 *
 * | function | counts | over the samples of the window | of one sample |
 * | --- | --- | --- | --- |
 * | `count` | any value | how many | 1 |
 * | `first`, `last` | any value | the value of the earliest, of the latest | it |
 * | `age` | any value | seconds since the latest | that |
 * | `changed` | any value | whether there are two that differ | false |
 * | `sum`, `avg`, `min`, `max` | numbers | as they are called | it |
 * | `stddev` | numbers | the population's standard deviation | 0 |
 * | `delta` | numbers | the last less the first | 0 |
 * | `rate` | numbers | what a counter has grown by a second of the window's length, resets taken out (as the store's: store/partial.ts) | unknown |
 * | `percentile` | numbers | the value of rank p/100 · (count − 1), rounded down, in their order: within 1 % | it |
 *
 * - A window without data is unknown (`undefined`), for every function, `count` too: use `no_data` or `age` for silence.
 * - Of numbers NaN and ±Infinity are no data, and neither is `undefined`, nor a time that is not finite. Booleans are numbers, 1 and 0; to a numeric
 *   function every other kind is no data.
 * - The window at `now` is (now − length, now]: a sample leaves exactly `length` after its time. What lies after `now` waits until its time comes.
 * - Samples may come in any order. Those of one instant all count, the same value too, in the order in which they came.
 * - A result beyond the greatest number is told as that one; numbers below 10^-288 may be told as 0.
 */
import { Age, Delta, End } from './ends.ts';
import { Changes, Extreme } from './extremes.ts';
import { Growth } from './growth.ts';
import type { Measure } from './measure.ts';
import { Quantile } from './quantile.ts';
import { Spread } from './spread.ts';
import { Count, Total } from './totals.ts';
import { Window } from './window.ts';

export const WINDOW_FUNCTIONS = ['avg', 'sum', 'min', 'max', 'count', 'rate', 'delta', 'stddev', 'percentile', 'first', 'last', 'age', 'changed'] as const;
export type WindowFunction = (typeof WINDOW_FUNCTIONS)[number];

export interface WindowOptions {
  readonly fn: WindowFunction;
  readonly lengthMs: number;
  /** For `percentile`: from 0 to 100. */
  readonly p?: number | undefined;
  /**
   * Samples that are kept apart at the least; default 10,000, and 16 at the least. `age` and `last` keep 1,024, for an earlier `now`. A window has up to
   * 1.6 times as many cells of 8 to 40 bytes each, and half as much room again: 0.5 MB at the most (`changed`, with its values, 1 MB).
   */
  readonly most?: number | undefined;
}

export interface Aggregate {
  /** What was observed, and when (ms since 1970). */
  add(tsMs: number, value: unknown): void;
  /**
   * The answer over (nowMs − length, nowMs]; `undefined` when it is unknown.
   *
   * What has left is forgotten here, but not at once, since the next one may ask for an earlier `now`: the last four are kept, or as many as a
   * quarter of what the window has, unless they left a window's length ago. So the answer for an earlier `now` is exact as far back as these go;
   * beyond it is over what is still there of its window, with whatever late samples came since. It is never unknown for want of what was
   * forgotten, as long as it is asked for less than a window's length late.
   */
  at(nowMs: number): unknown;
  /**
   * The first instant after `nowMs` at which time alone may change the answer: a sample that matters leaves, or one comes whose time lay ahead.
   * `undefined`: never. The answer of `age` grows all the time, by a second a second; of it this tells when its last sample leaves.
   */
  nextMs(nowMs: number): number | undefined;
  /**
   * There were more samples than are kept apart, and the window that was last asked for has some that share a cell. Those of the same short
   * time do: length / 5,000 with the default of 10,000 samples; four times, sixteen times … as much if that is not enough. They leave together,
   * with the last of them, so that the answer is over a window longer by less than twice that time (and, for a `now` before the newest sample, ends
   * earlier by as much); but for this, nothing is lost. Percentiles stay within 1 % of the value: samples share a cell only when they share a bin.
   * Should their values lie so far apart that this does not do, the oldest go. `last` and `age` are exact unless such a cell ends after `now`.
   */
  readonly truncated: boolean;
}

const MOST = 10_000;

/** @throws RangeError for a length that is not above 0, and for a percentile without `p` from 0 to 100: conditions are checked before. */
export function windowOf(options: WindowOptions): Aggregate {
  const { fn, lengthMs, most = MOST } = options;
  if (!(lengthMs > 0 && lengthMs < Number.POSITIVE_INFINITY)) throw new RangeError(`${fn}: a window's length is above 0 ms, not ${lengthMs}`);
  return new Window(measureOf(options), lengthMs, most);
}

function measureOf({ fn, lengthMs, p = Number.NaN }: WindowOptions): Measure {
  switch (fn) {
    case 'count':
      return new Count();
    case 'sum':
    case 'avg':
      return new Total(fn === 'avg');
    case 'min':
    case 'max':
      return new Extreme(fn === 'max' ? 1 : -1);
    case 'rate':
      return new Growth(lengthMs);
    case 'stddev':
      return new Spread();
    case 'delta':
      return new Delta();
    case 'first':
    case 'last':
      return new End(fn === 'last');
    case 'age':
      return new Age();
    case 'changed':
      return new Changes();
    case 'percentile':
      if (!(p >= 0 && p <= 100)) throw new RangeError(`percentile: p is from 0 to 100, not ${p}`);
      return new Quantile(p);
  }
}
