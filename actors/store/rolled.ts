/**
 * Down-sampled rows as the source of an aggregation, before another one: they are read where they tell the same as the samples would, and where
 * the samples are gone. Of a time whose samples are gone, a row counts where its first sample was; what came late of it is there when
 * housekeeping has added it.
 */
import { added, isAdditive, type Table } from './added.ts';
import { bucketOf, type Emit, type Source, type Wanted } from './engine.ts';
import { Partial } from './partial.ts';
import { type Cell, type Program, statement } from './program.ts';
import type { Fn } from './query.ts';
import { HOUR_MS, MINUTE_MS, type Step } from './rollup.ts';
import { Sketch } from '../sketch.ts';

/** How many rows one statement reads, added up or one by one, and how many marks of what is out of date: some milliseconds. */
export interface Sizes {
  readonly slice: number;
  readonly scan: number;
  readonly stale: number;
}
const SIZES: Sizes = { slice: 5_000, scan: 1_000, stale: 200 };
/** Fewer rows of a kind are not worth the statements. */
const LEAST: Readonly<Record<Step, number>> = { [HOUR_MS]: 2, [MINUTE_MS]: 5 };

const COLUMNS: Table['columns'] = {
  avg: 'sum(count), CASE WHEN count(sum) = count(*) THEN sum(sum) END',
  sum: 'sum(count), CASE WHEN count(sum) = count(*) THEN sum(sum) END',
  min: 'sum(count), min(min)',
  max: 'sum(count), max(max)',
  count: 'sum(count), 0',
};
const within = (step: Step): string => `FROM rollups WHERE series_id = ? AND step = ${step} AND ts BETWEEN ? AND ? AND ts + first_at BETWEEN ? AND ?`;
const ROLLED = "SELECT value FROM marks WHERE name = 'rolled'";
const REMOVED = 'SELECT raw_before, minutes_before FROM removed WHERE series_id = ?';

const floor = (ts: number, step: Step): number => Math.floor(ts / step) * step;
const ceil = (ts: number, step: Step): number => Math.ceil(ts / step) * step;

/** From `from` on and before `to`, ms since 1970. */
interface Time {
  readonly from: number;
  readonly to: number;
}

export const rolledSource = (samples: Source, sizes = SIZES): Source => ({
  *parts(series, wanted, emit) {
    const [mark] = yield statement(ROLLED);
    const [removals] = yield statement('SELECT 1 FROM removed LIMIT 1');
    const reader = new Reader(samples, sizes, wanted, Number(mark?.[0] ?? Number.NEGATIVE_INFINITY), emit);
    for (const one of series) {
      const [gone] = removals ? yield statement(REMOVED, one) : [];
      yield* reader.series(one, Number(gone?.[0] ?? Number.NEGATIVE_INFINITY), Number(gone?.[1] ?? Number.NEGATIVE_INFINITY));
    }
  },
});

class Reader {
  readonly #samples: Source;
  readonly #sizes: Sizes;
  readonly #wanted: Wanted;
  /** All before is rolled up. */
  readonly #rolled: number;
  readonly #emit: Emit;
  /** The longest rows that lie in one bucket each. */
  readonly #longest: Step | undefined;

  constructor(samples: Source, sizes: Sizes, wanted: Wanted, rolled: number, emit: Emit) {
    this.#samples = samples;
    this.#sizes = sizes;
    this.#wanted = wanted;
    this.#rolled = rolled;
    this.#emit = emit;
    const one = bucketOf(wanted, wanted.fromMs) === bucketOf(wanted, wanted.toMs);
    const isSought = one && (wanted.fn === 'first' || wanted.fn === 'last'); // among samples that takes one look
    this.#longest = isSought ? undefined : ([HOUR_MS, MINUTE_MS] as const).find((step) => one || (wanted.stepMs % step === 0 && wanted.baseMs % step === 0));
  }

  /** Samples before `raw` and minutes before `minutes` are gone. */
  *series(series: number, raw: number, minutes: number): Program<void> {
    const { fromMs: from, toMs } = this.#wanted;
    const to = toMs + 1;
    const [hoursEnd, minutesEnd] = [Math.min(ceil(minutes, HOUR_MS), to), Math.min(ceil(raw, MINUTE_MS), to)];
    if (from < hoursEnd) yield* this.#rows(series, HOUR_MS, { from: from - HOUR_MS + 1, to: hoursEnd });
    const since = Math.max(from, hoursEnd);
    if (since < minutesEnd) yield* this.#withoutSamples(series, { from: since, to: minutesEnd });
    const left = Math.max(from, minutesEnd);
    if (left < to) yield* this.#exactly(series, { from: left, to }, this.#longest);
  }

  *#withoutSamples(series: number, { from, to }: Time): Program<void> {
    const [begin, end] = this.#longest === HOUR_MS ? [ceil(from, HOUR_MS), floor(to, HOUR_MS)] : [to, to];
    yield* this.#rows(series, MINUTE_MS, { from: from - MINUTE_MS + 1, to: Math.min(begin, to) }); // with the minute that the range begins in
    if (begin >= end) {
      if (begin < to) yield* this.#rows(series, MINUTE_MS, { from: begin, to });
      return;
    }
    yield* this.#rows(series, HOUR_MS, { from: begin, to: end });
    yield* this.#rows(series, MINUTE_MS, { from: end, to });
  }

  /** By rows of this length where they are whole and up to date, by shorter ones, and by samples. */
  *#exactly(series: number, { from, to }: Time, step: Step | undefined): Program<void> {
    if (from >= to) return;
    if (step === undefined) return yield* this.#samples.parts([series], { ...this.#wanted, fromMs: from, toMs: to - 1 }, this.#emit);
    const shorter = step === HOUR_MS ? MINUTE_MS : undefined;
    const [begin, end] = [ceil(from, step), floor(Math.min(to, this.#rolled), step)];
    if (end - begin < LEAST[step] * step) return yield* this.#exactly(series, { from, to }, shorter);
    yield* this.#exactly(series, { from, to: begin }, shorter);
    const stale = yield statement(
      'SELECT ts FROM stale_rollups WHERE series_id = ? AND ts >= ? AND ts < ? ORDER BY ts LIMIT ?',
      series,
      begin,
      end,
      this.#sizes.stale,
    );
    let at = begin;
    for (const [ts] of stale) {
      const row = floor(Number(ts), step);
      if (row < at) continue;
      yield* this.#rows(series, step, { from: at, to: row });
      yield* this.#exactly(series, { from: row, to: row + step }, shorter);
      at = row + step;
    }
    if (stale.length === this.#sizes.stale) return yield* this.#exactly(series, { from: at, to }, step);
    yield* this.#rows(series, step, { from: at, to: end });
    yield* this.#exactly(series, { from: end, to }, shorter);
  }

  /** All whose `ts` lies in this time, and their first sample within the range. */
  *#rows(series: number, step: Step, { from, to }: Time): Program<void> {
    if (from >= to) return;
    const { slice } = this.#sizes;
    const { fn, fromMs, toMs } = this.#wanted;
    const rows = { ...this.#wanted, fromMs: from, toMs: to - 1 };
    if (!isAdditive(fn)) return yield* this.#scanned(series, step, rows);
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
