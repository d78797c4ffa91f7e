/**
 * `stddev`: the population's standard deviation. A node knows the sum of its samples and how far they deviate from its own mean (Chan, Golub,
 * LeVeque 1979).
 */
import { Levels } from './levels.ts';
import { Column, Weights } from './measure.ts';
import { DOWN, length, up } from './scale.ts';

/** Squares are added as they are between these; beyond, they have been rounded to 0 or overflown, or nearly. */
const [LEAST, MOST] = [2 ** -900, 2 ** 1_000];

export class Spread extends Levels {
  protected override readonly anyOrder = true;
  readonly #sums = this.column(new Column());
  readonly #deviations = this.column(new Column());
  readonly #weights = this.column(new Weights());
  #count = 0;
  #mean = 0;
  #deviation = 0;

  override coarsen(): void {
    this.#weights.beginWith(this.length(this.capacity));
  }
  override absorb(to: number, from: number): void {
    const [sums, weights, deviations] = [this.#sums.data, this.#weights.data, this.#deviations.data];
    const [a, b] = [weights[to] as number, weights[from] as number];
    const off = ((sums[from] as number) / b - (sums[to] as number) / a) * (Math.sqrt(a) / (a + b)) * Math.sqrt(b);
    deviations[to] = length((deviations[to] as number) * Math.sqrt(a / (a + b)), (deviations[from] as number) * Math.sqrt(b / (a + b)), off);
    sums[to] = (sums[to] as number) + (sums[from] as number);
    weights[to] = a + b;
  }
  override answer(lo: number, hi: number): number {
    this.fold(lo, hi);
    return up(this.#deviation);
  }

  protected override put(at: number, value: unknown): void {
    this.#sums.data[at] = Number(value) * DOWN;
    this.#deviations.data[at] = 0;
    this.#weights.put(at, 1);
  }
  protected override clear(): void {
    this.#count = 0;
    this.#mean = 0;
    this.#deviation = 0;
  }
  protected override take(from: number, to: number, width: number): void {
    if (from === to) return;
    const [sums, weights] = [this.#sums.data, this.#weights.data];
    let [count, sum] = [(to - from) * width, 0];
    for (let i = from; i < to; i++) sum += sums[i] as number;
    if (weights.length > 0) {
      count = 0;
      for (let i = from; i < to; i++) count += weights[i] as number;
    }
    this.#join(count, sum / count, this.#deviationOf(from, to, width, count, sum / count));
  }
  protected override keep(node: number): void {
    this.#sums.data[node] = this.#mean * this.#count;
    this.#deviations.data[node] = this.#deviation;
    this.#weights.put(node, this.#count);
  }

  /** Of the nodes from..to, of which the mean is known. */
  #deviationOf(from: number, to: number, width: number, count: number, mean: number): number {
    const squares = this.#squares(from, to, width, mean, 1);
    if (squares > LEAST && squares < MOST) return Math.sqrt(squares / count);
    const [sums, weights, deviations] = [this.#sums.data, this.#weights.data, this.#deviations.data];
    let most = 0;
    for (let i = from; i < to; i++) {
      const off = Math.abs((sums[i] as number) / (weights[i] ?? width) - mean);
      most = Math.max(most, off, deviations[i] as number);
    }
    return most === 0 ? 0 : most * Math.sqrt(this.#squares(from, to, width, mean, most) / count);
  }
  #squares(from: number, to: number, width: number, mean: number, unit: number): number {
    const [sums, weights, deviations] = [this.#sums.data, this.#weights.data, this.#deviations.data];
    const equal = weights.length === 0;
    let squares = 0;
    for (let i = from; i < to; i++) {
      const weight = equal ? width : (weights[i] as number);
      const off = ((sums[i] as number) / weight - mean) / unit;
      const own = (deviations[i] as number) / unit;
      squares += weight * (off * off + own * own);
    }
    return squares;
  }

  /** With so many more, of that mean and deviation. */
  #join(count: number, mean: number, deviation: number): void {
    const all = this.#count + count;
    const off = (mean - this.#mean) * (Math.sqrt(this.#count) / all) * Math.sqrt(count);
    this.#deviation = length(this.#deviation * Math.sqrt(this.#count / all), deviation * Math.sqrt(count / all), off);
    this.#mean += (mean - this.#mean) * (count / all);
    this.#count = all;
  }
}
