/**
 * Down-sampled rows as the source of an aggregation, before another one: series after series, each by its pieces (pieces.ts). Of a time whose samples
 * are gone, a row counts where its first sample was; what came late of it is there when housekeeping has added it.
 */
import { added, FIELD, isAdditive, type Table } from './added.ts';
import { bucketOf, type Emit, type Source, type Wanted } from './engine.ts';
import { Partial } from './partial.ts';
import { doubtOf, type Known, piecesOf, type Time } from './pieces.ts';
import { type Cell, type Program, statement } from './program.ts';
import type { Fn } from './query.ts';
import { MINUTE_MS, type Step } from './rollup.ts';
import { Sketch } from '../../sketch.ts';

/** How many rows one statement reads, added up or one by one, and how many marks of what is out of date: some milliseconds. */
export interface Sizes {
  /** 0: rows are never added up by SQL. */
  readonly slice: number;
  readonly scan: number;
  readonly stale: number;
}
export const SIZES: Sizes = { slice: 5_000, scan: 1_000, stale: 200 };

const COLUMNS: Table['columns'] = {
  avg: 'sum(count), CASE WHEN count(sum) = count(*) THEN sum(sum) END',
  sum: 'sum(count), CASE WHEN count(sum) = count(*) THEN sum(sum) END',
  min: 'sum(count), min(min)',
  max: 'sum(count), max(max)',
  count: 'sum(count), 0',
};
const within = (step: Step): string => `FROM rollups WHERE series_id = ? AND step = ${step} AND ts BETWEEN ? AND ? AND ts + first_at BETWEEN ? AND ?`;
const ROLLED = "SELECT value FROM marks WHERE name = 'rolled'";
const STALE = 'SELECT ts FROM stale_rollups WHERE series_id = ? AND ts >= ? AND ts < ? ORDER BY ts LIMIT ?';
const NOTHING = Number.NEGATIVE_INFINITY;

/** @param gone the table that says of a series what retention has taken. */
export const rolledSource = (samples: Source, sizes = SIZES, gone = 'removed'): Source => ({
  *parts(series, wanted, emit) {
    const [mark] = yield statement(ROLLED);
    const [removals] = yield statement(`SELECT 1 FROM ${gone} LIMIT 1`);
    const reader = new Reader(sizes, wanted, emit);
    for (const one of series) {
      const [before] = removals ? yield statement(`SELECT raw_before, minutes_before FROM ${gone} WHERE series_id = ?`, one) : [];
      const known = { rolled: Number(mark?.[0] ?? NOTHING), raw: Number(before?.[0] ?? NOTHING), minutes: Number(before?.[1] ?? NOTHING) };
      const stale = yield* staleOf(one, doubtOf(wanted, known), sizes.stale);
      for (const { step, from, to } of piecesOf(wanted, { ...known, stale })) {
        if (step === undefined) yield* samples.parts([one], { ...wanted, fromMs: from, toMs: to - 1 }, emit);
        else yield* reader.rows(one, step, { from, to });
      }
    }
  },
});

/** Minutes that are out of date, those that follow on each other as one. */
function* staleOf(series: number, doubt: Time | undefined, most: number): Program<Known['stale']> {
  const stale: { from: number; to: number }[] = [];
  for (let from = doubt?.from; doubt && from !== undefined; ) {
    const found = yield statement(STALE, series, from, doubt.to, most);
    for (const [cell] of found) {
      const ts = Number(cell);
      const last = stale.at(-1);
      if (last?.to === ts) last.to = ts + MINUTE_MS;
      else stale.push({ from: ts, to: ts + MINUTE_MS });
    }
    from = found.length < most ? undefined : stale.at(-1)?.to;
  }
  return stale;
}

class Reader {
  readonly #sizes: Sizes;
  readonly #wanted: Wanted;
  readonly #emit: Emit;

  constructor(sizes: Sizes, wanted: Wanted, emit: Emit) {
    this.#sizes = sizes;
    this.#wanted = wanted;
    this.#emit = emit;
  }

  /** All whose `ts` lies in this time, and their first sample within the range. */
  *rows(series: number, step: Step, { from, to }: Time): Program<void> {
    const { slice } = this.#sizes;
    const { fn, fromMs, toMs } = this.#wanted;
    const rows = { ...this.#wanted, fromMs: from, toMs: to - 1 };
    if (!isAdditive(fn) || slice === 0) return yield* this.#scanned(series, step, rows);
    const table = {
      columns: COLUMNS,
      within: within(step),
      bound: [fromMs, toMs],
      at: 'ts + first_at',
      slice,
      shortMs: slice * step,
    };
    yield* added(series, rows, fn, table, this.#emit);
  }

  *#scanned(series: number, step: Step, rows: Wanted): Program<void> {
    const { fn, fromMs, toMs } = this.#wanted;
    const { scan } = this.#sizes;
    const { columns, part } = rowOf(fn);
    for (let from = rows.fromMs; ; ) {
      const found = yield statement(
        `SELECT ts, ts + first_at, count, ${columns} ${within(step)} ORDER BY ts LIMIT ?`,
        series,
        from,
        rows.toMs,
        fromMs,
        toMs,
        scan,
      );
      for (const [, first, count, ...more] of found) this.#emit(series, bucketOf(this.#wanted, Number(first)), part(Number(first), Number(count), more));
      const last = found.at(-1);
      if (!last || found.length < scan) return;
      from = Number(last[0]) + 1;
    }
  }
}

interface Row {
  readonly columns: string;
  readonly part: (firstMs: number, count: number, more: readonly Cell[]) => Partial;
}
const numbered = (value: Cell | undefined): number => Number(value ?? Number.NaN); // NULL: not a number

/** What a function needs of a row. */
function rowOf(fn: Fn): Row {
  if (fn.startsWith('p'))
    return {
      columns: 'sketch',
      part: (_, count, [bytes]) => Object.assign(new Partial(bytes instanceof Uint8Array ? Sketch.decode(bytes) : undefined), { count }),
    };
  if (isAdditive(fn)) {
    const field = FIELD[fn];
    return { columns: field ?? '0', part: (_, count, [value]) => Object.assign(new Partial(), { count }, field && { [field]: numbered(value) }) };
  }
  return {
    columns: 'first, last, ts + last_at, increase',
    part: (firstMs, count, [first, last, lastMs, increase]) =>
      Object.assign(new Partial(), {
        count,
        steps: count - 1, // each sample but the first had one before it
        first: numbered(first),
        firstMs,
        last: numbered(last),
        lastMs: Number(lastMs),
        increase: numbered(increase),
      }),
  };
}
