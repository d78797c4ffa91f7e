/** What the first and the last sample of a window say: `first`, `last`, `delta`, `age`. */
import { Column, isJson, Measure, Spare, Values } from './measure.ts';
import { DOWN, up } from './scale.ts';

/** Of what looks at the last cell alone, the others serve only those who ask about earlier. */
const MOST_BEHIND = 1_024;

export class Age extends Measure {
  override readonly endsOnly = true;
  override readonly lastOnly = true;

  override takes(value: unknown): boolean {
    return isJson(value);
  }
  override most(asked: number): number {
    return Math.min(asked, MOST_BEHIND);
  }
  override absorb(): void {}
  override answer(_lo: number, _hi: number, ageMs: number): unknown {
    return ageMs / 1_000;
  }
  override turn(_lo: number, hi: number): number {
    return hi - 1;
  }
  protected override put(): void {}
}

export class End extends Measure {
  override readonly endsOnly = true;
  readonly #values = this.column(new Values());
  override readonly lastOnly: boolean;

  constructor(last: boolean) {
    super();
    this.lastOnly = last;
  }

  override takes(value: unknown): boolean {
    return isJson(value);
  }
  override most(asked: number): number {
    return this.lastOnly ? Math.min(asked, MOST_BEHIND) : asked;
  }
  override drop(from: number, to: number): void {
    this.#values.data.fill(undefined, from, to);
  }
  override absorb(to: number, from: number): void {
    if (this.lastOnly) this.#values.copy(to, from);
  }
  override answer(lo: number, hi: number): unknown {
    return this.#values.data[this.turn(lo, hi)];
  }
  override turn(lo: number, hi: number): number {
    return this.lastOnly ? hi - 1 : lo;
  }
  protected override put(at: number, value: unknown): void {
    this.#values.data[at] = value;
  }
}

export class Delta extends Measure {
  override readonly endsOnly = true;
  readonly #last = this.column(new Column());
  /** The first of a cell of many. */
  readonly #first = this.column(new Spare());

  override coarsen(): void {
    this.#first.begin(() => this.#last.data.slice());
  }
  override absorb(to: number, from: number): void {
    this.#last.copy(to, from);
  }
  override answer(lo: number, hi: number): number {
    const last = this.#last.data;
    const first = this.#first.data[lo] ?? (last[lo] as number);
    return up((last[hi - 1] as number) * DOWN - first * DOWN);
  }
  protected override put(at: number, value: unknown): void {
    this.#last.data[at] = Number(value);
    this.#first.put(at, Number(value));
  }
}
