/** What the queries need of an engine: some statements in its words, and the source of an aggregation's parts. Everything else is the same for all. */
import type { Partial } from './partial.ts';
import type { Span } from './plan.ts';
import type { Program, Statement } from './program.ts';
import type { Fn, Order } from './query.ts';

/** Where the reading of a series goes on: with the sample after this place, whether there is one at it or not. */
export interface Place {
  readonly series: number;
  readonly ts: number;
  readonly seq: number;
}

export interface Engine {
  /** How many series one statement takes. */
  readonly atOnce: number;
  /** How many lines one statement may look at, however few of them fit; left out: it can be stopped while it does. */
  readonly mostSeen?: number;
  /**
   * Of each of these series the next `limit` samples in this order, none beyond the instant `end`.
   * Rows: series, ts, seq, value; those of one series in order.
   */
  samples(places: readonly Place[], end: number, order: Order, limit: number): Statement;
  /** The last sample of each of these series within the span. Rows: series, ts, seq, value. */
  latest(series: readonly number[], span: Span): Statement;
  /** When the first and the last sample of all these series within the span are. One row: ts, ts; or nulls. */
  extent(series: readonly number[], span: Span): Statement;
  readonly source: Source;
}

/** Buckets of `stepMs` each; the first begins at `baseMs`, which lies not after `fromMs`. */
export interface Wanted extends Span {
  readonly fn: Fn;
  readonly baseMs: number;
  readonly stepMs: number;
}
export const bucketOf = ({ baseMs, stepMs }: Wanted, tsMs: number): number => Math.floor((tsMs - baseMs) / stepMs);

/** Where the parts of an aggregation come from. One can stand before another: down-sampled rows, and raw samples where there are none. */
export interface Source {
  /**
   * Emits what each of the series has in each bucket: enough of it for `fn`. Series by series as they are given, the parts of each in the order
   * of time; a bucket may come in several parts. What is emitted belongs to the receiver.
   */
  parts(series: readonly number[], wanted: Wanted, emit: Emit): Program<void>;
}
export type Emit = (series: number, bucket: number, part: Partial) => void;
