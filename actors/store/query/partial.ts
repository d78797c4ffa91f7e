/** What a stretch of time comes to: enough for every aggregate. Two stretches of a series, one after the other, come to a third; so do two series. */
import { Sketch } from '../../sketch.ts';
import type { Fn } from './query.ts';

export class Partial {
  count = 0;
  sum = 0;
  min = Number.POSITIVE_INFINITY;
  max = Number.NEGATIVE_INFINITY;
  first = Number.NaN;
  /** When, ms since 1970. */
  firstMs = Number.POSITIVE_INFINITY;
  last = Number.NaN;
  lastMs = Number.NEGATIVE_INFINITY;
  /** How much a counter has grown: each step up, and after a reset what it has come to since (Prometheus: increase, without extrapolation). */
  increase = 0;
  /** Samples of which the one before is known: without any, nothing is known of the growth. */
  steps = 0;
  /** The distribution, where it is asked for. */
  readonly sketch: Sketch | undefined;

  constructor(sketch?: Sketch) {
    this.sketch = sketch;
  }

  /** One that is ready to take what `fn` needs. */
  static for(fn: Fn): Partial {
    return new Partial(fn.startsWith('p') ? new Sketch() : undefined);
  }

  /** The next sample in time. */
  add(value: number, tsMs: number): void {
    if (this.count === 0) {
      this.first = value;
      this.firstMs = tsMs;
    } else this.#step(this.last, value);
    this.last = value;
    this.lastMs = tsMs;
    this.count++;
    this.sum += value;
    if (value < this.min) this.min = value;
    if (value > this.max) this.max = value;
    this.sketch?.add(value);
  }

  /** The series' sample before this stretch lies outside of it; the step from it to the first one within is the stretch's. */
  follow(before: number): void {
    if (this.count > 0) this.#step(before, this.first);
  }

  /** The stretch of the same series that follows this one in time. */
  append(later: Partial): void {
    if (later.count === 0) return;
    if (this.count === 0) [this.first, this.firstMs] = [later.first, later.firstMs];
    else this.#step(this.last, later.first);
    [this.last, this.lastMs] = [later.last, later.lastMs];
    this.#add(later);
  }

  /** Another series over the same time: what makes sense across series is put together. `first` and `last` go by time. */
  join(other: Partial): void {
    if (other.count === 0) return;
    if (this.count === 0 || other.firstMs < this.firstMs) [this.first, this.firstMs] = [other.first, other.firstMs];
    if (this.count === 0 || other.lastMs >= this.lastMs) [this.last, this.lastMs] = [other.last, other.lastMs];
    this.#add(other);
  }

  /** @param seconds how long the stretch is, for `rate`. NaN where nothing is known. */
  value(fn: Fn, seconds: number): number {
    if (this.count === 0) return Number.NaN;
    switch (fn) {
      case 'avg':
        return this.sum / this.count;
      case 'rate':
        return this.steps === 0 ? Number.NaN : this.increase / seconds;
      case 'count':
      case 'sum':
      case 'min':
      case 'max':
      case 'first':
      case 'last':
        return this[fn];
      default:
        return this.sketch?.quantile(Number(fn.slice(1)) / 100) ?? Number.NaN;
    }
  }

  /** A counter that has become smaller was reset to 0 in between. */
  #step(before: number, now: number): void {
    this.increase += now >= before ? now - before : now;
    this.steps++;
  }

  #add(other: Partial): void {
    this.increase += other.increase;
    this.steps += other.steps;
    this.count += other.count;
    this.sum += other.sum;
    this.min = Math.min(this.min, other.min);
    this.max = Math.max(this.max, other.max);
    if (other.sketch) this.sketch?.merge(other.sketch);
  }
}
