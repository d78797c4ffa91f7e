/**
 * The source of an aggregation in PostgreSQL: rows and samples of some series in one statement, added up by the server, since a statement costs a round
 * trip. The statement is made for what was known before, and tells what is so at its own moment: of series of which that is something else it is made anew.
 */
import { bucketOf, type Emit, type Engine, type Source, type Wanted } from '../query/engine.ts';
import { type Piece, piecesOf } from '../query/pieces.ts';
import { type Program, type Rows, statement } from '../query/program.ts';
import { ASIDE, asked, boundOf, holds, isPlain, type Knowledge, knowledgeOf, knownOf } from './knowledge.ts';
import { list } from './rollups.ts';
import { bucketsOf, type Sum, sumOf } from './sums.ts';

/** What one statement reads at the most; the lines are those that it answers, about. */
export interface Sizes {
  readonly lines: number;
  readonly series: number;
  readonly pieces: number;
}
const SIZES: Sizes = { lines: 50_000, series: 200, pieces: 20_000 };

interface Answer {
  readonly lines: Rows;
  readonly now: Knowledge;
}

/** @param others for what may have more buckets than one statement answers. */
export function manyAtOnce(extent: Engine['extent'], others: Source, sizes = SIZES): Source {
  /** What was told last, if it was as it is mostly: then nobody asks before. */
  let guess: Knowledge | undefined;
  return {
    *parts(series, all, emit) {
      for (let i = 0; i < series.length; ) {
        const ids = series.slice(i, i + sizes.series);
        const wanted = yield* clipped(ids, all, extent, sizes.lines);
        if (!wanted) {
          i += ids.length;
          continue;
        }
        const guessed = guess;
        const known = guessed ?? knowledgeOf(yield asked(ids, { from: wanted.fromMs, to: wanted.toMs + 1 }));
        const plan = new Plan(ids, wanted, known, sizes);
        if (plan.series.length === 0) {
          yield* others.parts(ids.slice(0, 1), wanted, emit);
          i++;
          continue;
        }
        const { lines, now } = yield* plan.read();
        guess = isPlain(now) ? now : undefined;
        const wrong = guessed && !guess ? 0 : plan.series.findIndex((one) => !holds(known, now, one));
        const right = plan.series.slice(0, wrong < 0 ? undefined : wrong);
        plan.emit(lines, right.length, emit);
        i += right.length;
      }
    },
  };
}

/** Where a range may have very many buckets, that of it which has samples. @returns undefined: none has. */
function* clipped(ids: readonly number[], wanted: Wanted, extent: Engine['extent'], most: number): Program<Wanted | undefined> {
  if (bucketOf(wanted, wanted.toMs) - bucketOf(wanted, wanted.fromMs) < most) return wanted;
  const [[first, last] = []] = yield extent(ids, wanted);
  return typeof first === 'number' && typeof last === 'number' ? { ...wanted, fromMs: first, toMs: Math.min(last, wanted.toMs) } : undefined;
}

/** The pieces of the first of these series: as many of them as one statement may read. */
class Plan {
  readonly series: number[] = [];
  readonly #pieces: (Piece & { readonly n: number; readonly series: number })[] = [];
  readonly #wanted: Wanted;
  readonly #known: Knowledge;
  readonly #isOne: boolean;
  readonly #sum: Sum;

  constructor(ids: readonly number[], wanted: Wanted, known: Knowledge, most: Sizes) {
    this.#wanted = wanted;
    this.#known = known;
    this.#isOne = bucketOf(wanted, wanted.fromMs) === bucketOf(wanted, wanted.toMs);
    this.#sum = sumOf(wanted.fn, this.#isOne);
    let lines = 0;
    for (const series of ids) {
      const pieces = piecesOf(wanted, knownOf(known, series));
      for (const piece of pieces) lines += this.#linesOf(piece);
      if (lines > most.lines || (this.#pieces.length > 0 && this.#pieces.length + pieces.length > most.pieces)) return;
      for (const piece of pieces) this.#pieces.push({ ...piece, n: this.#pieces.length, series });
      this.series.push(series);
    }
  }

  *read(): Program<Answer> {
    const { samples, rows, types } = this.#sum;
    const buckets = bucketsOf(this.#wanted, this.#isOne);
    const [those, others] = [this.#pieces.filter(({ step }) => step !== undefined), this.#pieces.filter(({ step }) => step === undefined)];
    const given = (pieces: typeof those): string[] => (['n', 'series', 'from', 'to'] as const).map((key) => list(pieces.map((piece) => piece[key])));
    const parts: string[] = [];
    const bound: (string | number)[] = [];
    if (those.length > 0) {
      parts.push(
        `SELECT n, part.* FROM unnest(?::int[], ?::int[], ?::bigint[], ?::bigint[], ?::int[]) AS given (n, id, begins, ends, step) CROSS JOIN LATERAL (${rows}) AS part`,
      );
      bound.push(...given(those), list(those.map(({ step = 0 }) => step)), ...buckets);
    }
    if (others.length > 0) {
      parts.push(
        `SELECT n, part.* FROM unnest(?::int[], ?::int[], ?::bigint[], ?::bigint[]) AS given (n, id, begins, ends) CROSS JOIN LATERAL (${samples}) AS part`,
      );
      bound.push(...given(others), ...buckets);
    }
    const rest = types.slice(1).map((type) => `, NULL::${type}`);
    parts.push(`SELECT aside.*${rest.join('')} FROM (${ASIDE}) AS aside`);
    const { fromMs: from, toMs } = this.#wanted;
    const told = boundOf(this.series, { from, to: Math.min(toMs + 1, Math.max(from, this.#known.rolled)) });
    const answer = yield statement(`${parts.join(' UNION ALL ')} ORDER BY 1, 2`, ...bound, ...told);
    const begin = answer.findIndex(([n]) => Number(n) >= 0);
    const end = begin < 0 ? answer.length : begin;
    return { lines: answer.slice(end), now: knowledgeOf(answer.slice(0, end)) };
  }

  /** Of so many of the series. */
  emit(lines: Rows, most: number, emit: Emit): void {
    const { start, read } = this.#sum;
    const right = new Set(this.series.slice(0, most));
    for (let i = 0; i < lines.length; ) {
      const [n, bucket] = lines[i] ?? [];
      const series = this.#pieces[Number(n)]?.series;
      if (series === undefined || !right.has(series)) return; // nor is what follows
      const part = start();
      for (let line = lines[i]; line && line[0] === n && line[1] === bucket; line = lines[++i]) read(part, Number(line[2]), line.slice(3));
      if (part.count > 0) emit(series, Number(bucket), part);
    }
  }

  #linesOf({ step, from, to }: Piece): number {
    const { perBucket, perRow } = this.#sum;
    if (step !== undefined && perRow > 0) return ((to - from) / step) * perRow;
    return (bucketOf(this.#wanted, to - 1) - bucketOf(this.#wanted, from) + 1) * perBucket;
  }
}
