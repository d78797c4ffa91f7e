/** Raw samples as the source of an aggregation: what SQL adds up is added up there, the rest is read sample by sample. */
import { added, isAdditive, type Table } from './added.ts';
import { bucketOf, type Emit, type Source, type Wanted } from './engine.ts';
import { Partial } from './partial.ts';
import { type Program, statement } from './program.ts';
import type { Fn } from './query.ts';

export interface Sizes extends Pick<Table, 'slice' | 'shortMs'> {
  /** Samples that are read one by one in a statement. */
  readonly scan: number;
}
const SIZES: Sizes = { slice: 20_000, shortMs: 3_600_000, scan: 5_000 };

const WITHIN = 'FROM points WHERE series_id = ? AND ts BETWEEN ? AND ?';
const SAMPLES: Omit<Table, keyof Sizes> = {
  columns: {
    avg: 'count(*), sum(value)',
    sum: 'count(*), sum(value)',
    min: 'count(*), min(value)',
    max: 'count(*), max(value)',
    count: 'count(*), 0',
  },
  within: WITHIN,
  bound: [],
  at: 'ts',
};
const SCAN = 'SELECT ts, seq, value FROM points WHERE series_id = ? AND (ts, seq) > (?, ?) AND ts <= ? ORDER BY ts, seq LIMIT ?';
const ENDS = { first: `SELECT ts, value ${WITHIN} ORDER BY ts, seq LIMIT 1`, last: `SELECT ts, value ${WITHIN} ORDER BY ts DESC, seq DESC LIMIT 1` };

export const rawSource = (sizes = SIZES): Source => {
  const table: Table = { ...SAMPLES, ...sizes };
  return {
    *parts(series, wanted, emit) {
      const { fn } = wanted;
      for (const one of series) {
        if (isAdditive(fn)) yield* added(one, wanted, fn, table, emit);
        else if (isEnd(fn) && bucketOf(wanted, wanted.toMs) === bucketOf(wanted, wanted.fromMs)) yield* sought(one, wanted, ENDS[fn], emit);
        else yield* scanned(one, wanted, sizes.scan, emit);
      }
    },
  };
};

const isEnd = (fn: Fn): fn is 'first' | 'last' => fn === 'first' || fn === 'last';

function* sought(series: number, wanted: Wanted, sql: string, emit: Emit): Program<void> {
  const [found] = yield statement(sql, series, wanted.fromMs, wanted.toMs);
  if (!found) return;
  const part = new Partial();
  part.add(Number(found[1]), Number(found[0]));
  emit(series, bucketOf(wanted, Number(found[0])), part);
}

function* scanned(series: number, wanted: Wanted, scan: number, emit: Emit): Program<void> {
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
