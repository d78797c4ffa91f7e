/**
 * Of which rows and samples an aggregation of a series is made: down-sampled rows where they are whole and say what the samples would, and where the
 * samples are gone; samples elsewhere. Pure, for either engine.
 */
import { bucketOf, type Wanted } from './engine.ts';
import { HOUR_MS, MINUTE_MS, type Step } from './rollup.ts';

/** From `from` on and before `to`, ms since 1970. */
export interface Time {
  readonly from: number;
  readonly to: number;
}
/** Rows of this length whose `ts` lies in this time, and of these the ones whose first sample lies in the range; or samples. */
export interface Piece extends Time {
  readonly step: Step | undefined;
}
/** What is known of a series. -Infinity: nothing. */
export interface Known {
  /** All before is rolled up. */
  readonly rolled: number;
  /** Samples before this are gone. */
  readonly raw: number;
  /** Minutes before this are gone. */
  readonly minutes: number;
  /** Minutes whose rows are out of date, in order. */
  readonly stale: readonly Time[];
}

/** Fewer rows of a kind are not worth the reading. */
const LEAST: Readonly<Record<Step, number>> = { [HOUR_MS]: 2, [MINUTE_MS]: 5 };

const floor = (ts: number, step: Step): number => Math.floor(ts / step) * step;
const ceil = (ts: number, step: Step): number => Math.ceil(ts / step) * step;

/** The pieces of one series, in the order of time: each sample of the range lies in one of them. */
export function piecesOf(wanted: Wanted, known: Known): readonly Piece[] {
  const plan = new Plan(known);
  plan.series(wanted, longestOf(wanted));
  return plan.pieces;
}

/** Where it matters whether rows are out of date; nowhere: no rows are read that have samples beside them. */
export function doubtOf(wanted: Wanted, { rolled, raw }: Pick<Known, 'rolled' | 'raw'>): Time | undefined {
  const from = ceil(Math.max(wanted.fromMs, raw), MINUTE_MS);
  const to = floor(Math.min(wanted.toMs + 1, rolled), MINUTE_MS);
  return longestOf(wanted) !== undefined && to - from >= LEAST[MINUTE_MS] * MINUTE_MS ? { from, to } : undefined;
}

/** The longest rows that lie in one bucket each. */
function longestOf(wanted: Wanted): Step | undefined {
  const one = bucketOf(wanted, wanted.fromMs) === bucketOf(wanted, wanted.toMs);
  if (one && (wanted.fn === 'first' || wanted.fn === 'last')) return undefined; // among samples that takes one look
  return ([HOUR_MS, MINUTE_MS] as const).find((step) => one || (wanted.stepMs % step === 0 && wanted.baseMs % step === 0));
}

class Plan {
  readonly pieces: Piece[] = [];
  readonly #known: Known;

  constructor(known: Known) {
    this.#known = known;
  }

  series({ fromMs: from, toMs }: Wanted, longest: Step | undefined): void {
    const { raw, minutes } = this.#known;
    const to = toMs + 1;
    const [hoursEnd, minutesEnd] = [Math.min(ceil(minutes, HOUR_MS), to), Math.min(ceil(raw, MINUTE_MS), to)];
    if (from < hoursEnd) this.#add(HOUR_MS, { from: floor(from, HOUR_MS), to: hoursEnd }); // with the hour that the range begins in
    const since = Math.max(from, hoursEnd);
    this.#withoutSamples({ from: since, to: minutesEnd }, longest);
    this.#exactly({ from: Math.max(from, hoursEnd, minutesEnd), to }, longest);
  }

  #withoutSamples({ from, to }: Time, longest: Step | undefined): void {
    if (from >= to) return;
    const [begin, end] = longest === HOUR_MS ? [ceil(from, HOUR_MS), floor(to, HOUR_MS)] : [to, to];
    this.#add(MINUTE_MS, { from: floor(from, MINUTE_MS), to: Math.min(begin, to) }); // with the minute that the range begins in
    if (begin < end) this.#add(HOUR_MS, { from: begin, to: end });
    this.#add(MINUTE_MS, { from: Math.max(begin, end), to });
  }

  /** By rows of this length where they are whole and up to date, by shorter ones, and by samples. */
  #exactly({ from, to }: Time, step: Step | undefined): void {
    if (from >= to) return;
    if (step === undefined) {
      this.#add(step, { from, to });
      return;
    }
    const shorter = step === HOUR_MS ? MINUTE_MS : undefined;
    const [begin, end] = [ceil(from, step), floor(Math.min(to, this.#known.rolled), step)];
    if (end - begin < LEAST[step] * step) {
      this.#exactly({ from, to }, shorter);
      return;
    }
    this.#exactly({ from, to: begin }, shorter);
    const { stale } = this.#known;
    let at = begin;
    for (let i = firstAfter(stale, at); at < end; i = firstAfter(stale, at, i)) {
      const wrong = stale[i];
      if (!wrong || wrong.from >= end) break;
      const [row, next] = [Math.max(at, floor(wrong.from, step)), Math.min(end, ceil(wrong.to, step))];
      this.#add(step, { from: at, to: row });
      this.#exactly({ from: row, to: next }, shorter);
      at = next;
    }
    this.#add(step, { from: at, to: end });
    this.#exactly({ from: end, to }, shorter);
  }

  /** What follows on its like is one with it. */
  #add(step: Step | undefined, { from, to }: Time): void {
    if (from >= to) return;
    const last = this.pieces.at(-1);
    if (last && last.step === step && last.to === from) this.pieces[this.pieces.length - 1] = { step, from: last.from, to };
    else this.pieces.push({ step, from, to });
  }
}

/** The index of the first of these times that ends after this instant. */
function firstAfter(times: readonly Time[], ts: number, since = 0): number {
  let [low, high] = [since, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle]?.to ?? 0) > ts) high = middle;
    else low = middle + 1;
  }
  return low;
}
