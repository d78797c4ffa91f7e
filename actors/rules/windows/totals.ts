/** How many and how much: `count`, `sum`, `avg`. */
import { Levels } from './levels.ts';
import { Column, isJson, Weights } from './measure.ts';
import { DOWN, up } from './scale.ts';

/** `count`. */
export class Count extends Levels {
  protected override readonly anyOrder = true;
  readonly #weights = this.column(new Weights());
  #count = 0;

  override takes(value: unknown): boolean {
    return isJson(value);
  }
  override coarsen(): void {
    this.#weights.beginWith(this.length(this.capacity));
  }
  protected override settle(from: number, end: number): void {
    if (this.#weights.data.length > 0) super.settle(from, end);
  }
  override answer(lo: number, hi: number): number {
    if (this.#weights.data.length === 0) return hi - lo;
    this.fold(lo, hi);
    return this.#count;
  }

  protected override put(at: number): void {
    this.#weights.put(at, 1);
  }
  protected override clear(): void {
    this.#count = 0;
  }
  protected override take(from: number, to: number): void {
    const weights = this.#weights.data;
    for (let i = from; i < to; i++) this.#count += weights[i] as number;
  }
  protected override keep(node: number): void {
    this.#weights.data[node] = this.#count;
  }
}

/** `sum`, `avg`. */
export class Total extends Levels {
  protected override readonly anyOrder = true;
  readonly #sums = this.column(new Column());
  readonly #weights = this.column(new Weights());
  readonly #average: boolean;
  #sum = 0;
  #count = 0;

  constructor(average: boolean) {
    super();
    this.#average = average;
  }

  override coarsen(): void {
    this.#weights.beginWith(this.length(this.capacity));
  }
  override answer(lo: number, hi: number): number {
    this.fold(lo, hi);
    return up(this.#average ? this.#sum / this.#count : this.#sum);
  }

  protected override put(at: number, value: unknown): void {
    this.#sums.data[at] = Number(value) * DOWN;
    this.#weights.put(at, 1);
  }
  protected override clear(): void {
    this.#sum = 0;
    this.#count = 0;
  }
  protected override take(from: number, to: number, width: number): void {
    const sums = this.#sums.data;
    const weights = this.#weights.data;
    let sum = this.#sum;
    for (let i = from; i < to; i++) sum += sums[i] as number;
    this.#sum = sum;
    if (weights.length === 0) this.#count += (to - from) * width;
    else for (let i = from; i < to; i++) this.#count += weights[i] as number;
  }
  protected override keep(node: number): void {
    this.#sums.data[node] = this.#sum;
    if (this.#weights.data.length > 0) this.#weights.data[node] = this.#count;
  }
}
