/** What SQL adds up of a series, a slice of time after the other. */
import type { Emit, Wanted } from './engine.ts';
import { Partial } from './partial.ts';
import { type Program, statement } from './program.ts';
import type { Fn } from './query.ts';

/** Rows of a series: samples, or what is kept of more than one. */
export interface Table {
  /** Of the samples: their count and the value that a function needs. Not more, since each column costs by the row. */
  readonly columns: Readonly<Record<Additive, string>>;
  /** FROM and WHERE. The first three that are bound are the series and both ends of a range of `ts`. */
  readonly within: string;
  readonly bound: readonly number[];
  /** When the first sample of a row is, in SQL: from its `ts` on, and before that of the next row. */
  readonly at: string;
  /** How many rows one statement reads: some milliseconds. So short a range is read at once, however many lie in it. */
  readonly slice: number;
  readonly shortMs: number;
}

/** What is kept of the value, by what SQL adds it up to. */
export const FIELD = { avg: 'sum', sum: 'sum', min: 'min', max: 'max', count: undefined } as const;
export type Additive = keyof typeof FIELD;
export const isAdditive = (fn: Fn): fn is Additive => Object.hasOwn(FIELD, fn);

/** The parts of one series, in the order of time. */
export function* added(series: number, { fromMs, toMs, baseMs, stepMs }: Wanted, fn: Additive, table: Table, emit: Emit): Program<void> {
  const { columns, within, bound, at, slice, shortMs } = table;
  const field = FIELD[fn];
  const bucketAt = (ts: number): number => Math.floor((ts - baseMs) / stepMs);
  for (let begin = fromMs; begin <= toMs; ) {
    // Where the slice that follows begins.
    const [next] = toMs - begin < shortMs ? [] : yield statement(`SELECT ts ${within} ORDER BY ts LIMIT 1 OFFSET ?`, series, begin, toMs, ...bound, slice);
    const end = next ? Math.max(begin, Number(next[0]) - 1) : toMs;
    const first = bucketAt(begin);
    const rows =
      bucketAt(end) === first
        ? yield statement(`SELECT ${columns[fn]} ${within}`, series, begin, end, ...bound)
        : // CAST: a number that is bound may come as a floating one, and would make one of the quotient.
          yield statement(
            `SELECT ${columns[fn]}, (${at} - CAST(? AS BIGINT)) / CAST(? AS BIGINT) AS bucket ${within} GROUP BY bucket ORDER BY bucket`,
            ...[baseMs, stepMs, series, begin, end, ...bound],
          );
    for (const [count, value, bucket = first] of rows) {
      if (!count) continue;
      const part = Object.assign(new Partial(), { count: Number(count) });
      if (field) part[field] = Number(value ?? Number.NaN); // NULL: not a number
      emit(series, Number(bucket), part);
    }
    begin = end + 1;
  }
}
