/** Raw samples as the source of an aggregation: what SQL adds up is added up there, a slice of time after the other; the rest is read sample by sample. */
import { bucketOf, type Emit, type Source, type Wanted } from './engine.ts';
import { Partial } from './partial.ts';
import { type Program, statement } from './program.ts';
import type { Fn } from './query.ts';

/** How much one statement reads: some milliseconds. */
export interface Sizes {
  /** Samples that are added up, and that are read one by one. */
  readonly slice: number;
  readonly scan: number;
  /** So short a range is added up at once, however many samples lie in it. */
  readonly shortMs: number;
}
const SIZES: Sizes = { slice: 20_000, scan: 5_000, shortMs: 3_600_000 };

/** What SQL adds up for a function. Each column costs by the sample. */
const SUMS: Readonly<Record<string, { readonly columns: string; readonly part: (count: number, value: number) => Partial }>> = {
  avg: { columns: 'count(*), sum(value)', part: (count, sum) => Object.assign(new Partial(), { count, sum }) },
  sum: { columns: 'count(*), sum(value)', part: (count, sum) => Object.assign(new Partial(), { count, sum }) },
  min: { columns: 'count(*), min(value)', part: (count, min) => Object.assign(new Partial(), { count, min }) },
  max: { columns: 'count(*), max(value)', part: (count, max) => Object.assign(new Partial(), { count, max }) },
  count: { columns: 'count(*), 0', part: (count) => Object.assign(new Partial(), { count }) },
};
type Sum = (typeof SUMS)[string];

const WITHIN = 'FROM points WHERE series_id = ? AND ts BETWEEN ? AND ?';
// CAST: a number that is bound may come as a floating one, and would make one of the quotient.
const BUCKET = '(ts - CAST(? AS BIGINT)) / CAST(? AS BIGINT)';
// Where the slice that follows begins.
const PROBE = `SELECT ts ${WITHIN} ORDER BY ts LIMIT 1 OFFSET ?`;
const SCAN = 'SELECT ts, seq, value FROM points WHERE series_id = ? AND (ts, seq) > (?, ?) AND ts <= ? ORDER BY ts, seq LIMIT ?';
const ENDS = { first: `SELECT ts, value ${WITHIN} ORDER BY ts, seq LIMIT 1`, last: `SELECT ts, value ${WITHIN} ORDER BY ts DESC, seq DESC LIMIT 1` };

export const rawSource = (sizes = SIZES): Source => ({
  *parts(series, wanted, emit) {
    const sum = SUMS[wanted.fn];
    for (const one of series) {
      if (sum) yield* summed(one, wanted, sum, sizes, emit);
      else if (isEnd(wanted.fn) && bucketOf(wanted, wanted.toMs) === bucketOf(wanted, wanted.fromMs)) yield* sought(one, wanted, ENDS[wanted.fn], emit);
      else yield* scanned(one, wanted, sizes, emit);
    }
  },
});

const isEnd = (fn: Fn): fn is 'first' | 'last' => fn === 'first' || fn === 'last';

function* summed(series: number, { fromMs, toMs, baseMs, stepMs }: Wanted, { columns, part }: Sum, { slice, shortMs }: Sizes, emit: Emit): Program<void> {
  for (let at = fromMs; at <= toMs; ) {
    const [next] = toMs - at < shortMs ? [] : yield statement(PROBE, series, at, toMs, slice);
    const until = next ? Math.max(at, Number(next[0]) - 1) : toMs;
    const first = Math.floor((at - baseMs) / stepMs);
    const one = Math.floor((until - baseMs) / stepMs) === first;
    const rows = one
      ? yield statement(`SELECT ${columns} ${WITHIN}`, series, at, until)
      : yield statement(`SELECT ${columns}, ${BUCKET} AS bucket ${WITHIN} GROUP BY bucket ORDER BY bucket`, baseMs, stepMs, series, at, until);
    for (const [count, value, bucket = first] of rows) if (count !== 0) emit(series, Number(bucket), part(Number(count), Number(value ?? Number.NaN)));
    at = until + 1;
  }
}

function* sought(series: number, wanted: Wanted, sql: string, emit: Emit): Program<void> {
  const [found] = yield statement(sql, series, wanted.fromMs, wanted.toMs);
  if (!found) return;
  const part = new Partial();
  part.add(Number(found[1]), Number(found[0]));
  emit(series, bucketOf(wanted, Number(found[0])), part);
}

function* scanned(series: number, wanted: Wanted, { scan }: Sizes, emit: Emit): Program<void> {
  let [ts, seq] = [wanted.fromMs, -1];
  let [bucket, part] = [-1, Partial.for(wanted.fn)];
  for (;;) {
    const rows = yield statement(SCAN, series, ts, seq, wanted.toMs, scan);
    for (const row of rows) {
      ts = Number(row[0]);
      const now = bucketOf(wanted, ts);
      if (now !== bucket) {
        if (part.count > 0) emit(series, bucket, part);
        [bucket, part] = [now, Partial.for(wanted.fn)];
      }
      part.add(Number(row[2]), ts);
    }
    if (rows.length < scan) break;
    seq = Number(rows.at(-1)?.[1]);
  }
  if (part.count > 0) emit(series, bucket, part);
}
