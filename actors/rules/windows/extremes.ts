/** The greatest and the least: `min`, `max`, and whether there are two that differ: `changed`. */
import { isDeepStrictEqual } from 'node:util';
import { Levels } from './levels.ts';
import { Column, isJson, Values } from './measure.ts';

/** `max`, and `min` as the max of what is opposite. */
export class Extreme extends Levels {
  protected override readonly anyOrder = true;
  readonly #column = this.column(new Column());
  readonly #sign: 1 | -1;
  #most = 0;
  /** The last node that has it. */
  #node = 0;

  constructor(sign: 1 | -1) {
    super();
    this.#sign = sign;
  }

  override answer(lo: number, hi: number): number {
    this.fold(lo, hi);
    return this.#sign * this.#most;
  }
  override turn(lo: number, hi: number): number {
    this.fold(lo, hi);
    return this.lastCell(this.#node, (node) => this.#column.data[node] === this.#most);
  }

  protected override put(at: number, value: unknown): void {
    this.#column.data[at] = this.#sign * Number(value);
  }
  protected override clear(): void {
    this.#most = Number.NEGATIVE_INFINITY;
  }
  protected override take(from: number, to: number): void {
    const values = this.#column.data;
    let [most, node] = [this.#most, this.#node];
    for (let i = from; i < to; i++) {
      const value = values[i] as number;
      if (value < most) continue;
      most = value;
      node = i;
    }
    this.#most = most;
    this.#node = node;
  }
  protected override keep(node: number): void {
    this.#column.data[node] = this.#most;
  }
}

/**
 * Each run of equal values has a number of its own, so that in a stretch values differ when the numbers do. Values are compared once, with their
 * neighbours, and those of a run are one object.
 */
export class Changes extends Levels {
  readonly #values = this.column(new Values());
  readonly #lowest = this.column(new Column());
  readonly #highest = this.column(new Column());
  #runs = 0;
  #low = 0;
  #high = 0;

  override takes(value: unknown): boolean {
    return isJson(value);
  }
  override drop(from: number, to: number): void {
    this.#values.data.fill(undefined, from, to);
  }
  override absorb(to: number, from: number): void {
    super.absorb(to, from);
    this.#values.copy(to, from);
  }
  override answer(lo: number, hi: number): boolean {
    this.fold(lo, hi);
    return this.#low !== this.#high;
  }

  protected override put(at: number, value: unknown, head: number, end: number): void {
    const like = at + 1 < end && this.#isLike(at + 1, value) ? at + 1 : at > head && this.#isLike(at - 1, value) ? at - 1 : undefined;
    const run = like === undefined ? ++this.#runs : (this.#lowest.data[like] as number);
    this.#values.data[at] = like === undefined ? value : this.#values.data[like];
    this.#lowest.data[at] = run;
    this.#highest.data[at] = run;
  }
  /** A cell in which there was a change belongs to no run. */
  #isLike(at: number, value: unknown): boolean {
    if (this.#lowest.data[at] !== this.#highest.data[at]) return false;
    const there = this.#values.data[at];
    return there === value || (typeof there === 'object' && isDeepStrictEqual(there, value));
  }
  protected override clear(): void {
    this.#low = Number.POSITIVE_INFINITY;
    this.#high = Number.NEGATIVE_INFINITY;
  }
  protected override take(from: number, to: number): void {
    const lowest = this.#lowest.data;
    const highest = this.#highest.data;
    let [low, high] = [this.#low, this.#high];
    for (let i = from; i < to; i++) {
      low = Math.min(low, lowest[i] as number);
      high = Math.max(high, highest[i] as number);
    }
    this.#low = low;
    this.#high = high;
  }
  protected override keep(node: number): void {
    this.#lowest.data[node] = this.#low;
    this.#highest.data[node] = this.#high;
  }
}
