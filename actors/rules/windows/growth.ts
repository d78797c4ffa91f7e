/**
 * `rate`: what a counter has grown by, its resets taken out, in a second of the window; the store's rate over the same span (store/partial.ts).
 * A cell knows what it has grown by since the cell before it. For the first one of a window that lies outside, but for the growth within it.
 */
import { Levels } from './levels.ts';
import { Column, Spare } from './measure.ts';
import { DOWN, up } from './scale.ts';

/** A counter that has become smaller was reset to 0 in between. Scaled. */
const step = (before: number, now: number): number => (now >= before ? now * DOWN - before * DOWN : now * DOWN);

export class Growth extends Levels {
  /** A late sample in the midst of a cell says nothing of a counter, but for a reset that nobody has seen. */
  override readonly endsOnly = true;
  readonly #last = this.column(new Column());
  /** Of a cell of many: its first value, and its growth from there to the last. Of one sample the latter is NaN. */
  readonly #first = this.column(new Spare());
  readonly #within = this.column(new Spare());
  readonly #grown = this.column(new Column());
  readonly #seconds: number;
  #sum = 0;

  constructor(lengthMs: number) {
    super();
    this.#seconds = lengthMs / 1_000;
  }

  override coarsen(): void {
    this.#first.begin(() => this.#last.data.slice());
    this.#within.begin(() => new Float64Array(this.#last.data.length).fill(Number.NaN));
  }
  override absorb(to: number, from: number): void {
    const [grown, within] = [this.#grown.data, this.#within.data];
    const more = grown[from] as number;
    grown[to] = (grown[to] as number) + more;
    within[to] = (within[to] || 0) + more;
    this.#last.copy(to, from);
  }
  override answer(lo: number, hi: number): number | undefined {
    const within = this.#within.data[lo] ?? Number.NaN;
    if (hi - lo < 2 && Number.isNaN(within)) return undefined;
    this.fold(lo + 1, hi);
    return up(((within || 0) + this.#sum) / this.#seconds);
  }

  protected override put(at: number, value: unknown, head: number, end: number): void {
    const [now, last, grown] = [Number(value), this.#last.data, this.#grown.data];
    last[at] = now;
    this.#first.put(at, now);
    this.#within.put(at, Number.NaN);
    grown[at] = at > head ? step(last[at - 1] as number, now) : 0;
    if (at + 1 === end) return;
    const first = this.#first.data[at + 1] ?? (last[at + 1] as number);
    grown[at + 1] = step(now, first) + (this.#within.data[at + 1] || 0);
  }
  protected override clear(): void {
    this.#sum = 0;
  }
  protected override take(from: number, to: number): void {
    const grown = this.#grown.data;
    let sum = this.#sum;
    for (let i = from; i < to; i++) sum += grown[i] as number;
    this.#sum = sum;
  }
  protected override keep(node: number): void {
    this.#grown.data[node] = this.#sum;
  }
}
