/** What a stretch of one series comes to: enough for every aggregate, and two stretches, one after the other, come to a third. */
import { Sketch } from '../sketch.ts';
import type { Fn } from './query.ts';

export class Partial {
  count = 0;
  sum = 0;
  min = Number.POSITIVE_INFINITY;
  max = Number.NEGATIVE_INFINITY;
  first = Number.NaN;
  last = Number.NaN;
  /** How much a counter has grown: each step up, and after a reset what it has come to since (Prometheus: increase, without extrapolation). */
  increase = 0;
  /** The distribution, where it is asked for. */
  readonly sketch: Sketch | undefined;

  constructor(sketch?: Sketch) {
    this.sketch = sketch;
  }

  /** The next sample in time. */
  add(value: number): void {
    if (this.count === 0) this.first = value;
    else this.increase += grown(this.last, value);
    this.last = value;
    this.count++;
    this.sum += value;
    if (value < this.min) this.min = value;
    if (value > this.max) this.max = value;
    this.sketch?.add(value);
  }

  /** The stretch that follows this one in time. */
  append(later: Partial): void {
    if (later.count === 0) return;
    this.increase += later.increase + (this.count === 0 ? 0 : grown(this.last, later.first));
    if (this.count === 0) this.first = later.first;
    this.last = later.last;
    this.count += later.count;
    this.sum += later.sum;
    this.min = Math.min(this.min, later.min);
    this.max = Math.max(this.max, later.max);
    if (later.sketch) this.sketch?.merge(later.sketch);
  }

  /** Another series over the same time: what makes sense across series is put together. */
  join(other: Partial): void {
    if (other.count === 0) return;
    if (this.count === 0) this.first = other.first;
    this.last = other.last;
    this.increase += other.increase;
    this.count += other.count;
    this.sum += other.sum;
    this.min = Math.min(this.min, other.min);
    this.max = Math.max(this.max, other.max);
    if (other.sketch) this.sketch?.merge(other.sketch);
  }

  /** @param seconds how long the stretch is, for `rate`. NaN where there is no sample. */
  value(fn: Fn, seconds: number): number {
    if (this.count === 0) return Number.NaN;
    switch (fn) {
      case 'avg':
        return this.sum / this.count;
      case 'rate':
        return this.increase / seconds;
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
}

/** A counter that has become smaller was reset to 0 in between. */
const grown = (before: number, now: number): number => (now >= before ? now - before : now);
