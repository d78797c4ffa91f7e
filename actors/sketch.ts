/**
 * A distribution in bounded memory, from which any quantile can be read within 1 % of its value (DDSketch: Masson, Rim, Lee, VLDB 2019).
 * Sketches of parts, merged, are the sketch of the whole.
 */

/** The relative error of a quantile. */
export const ACCURACY = 0.01;
const GAMMA = (1 + ACCURACY) / (1 - ACCURACY);
const LOG_GAMMA = Math.log(GAMMA);
/** Bins of either sign at the most; then the smallest values share one, and only quantiles down there lose their accuracy. */
const MOST_BINS = 2_048;

const binOf = (positive: number): number => Math.ceil(Math.log(positive) / LOG_GAMMA);
/** The middle of a bin, of which nothing in it is further than ACCURACY. */
const valueOf = (bin: number): number => (2 * GAMMA ** bin) / (GAMMA + 1);

export class Sketch {
  #count = 0;
  #zeros = 0;
  readonly #positive = new Map<number, number>();
  readonly #negative = new Map<number, number>();

  get count(): number {
    return this.#count;
  }

  /** @param value any finite number. */
  add(value: number, times = 1): void {
    this.#count += times;
    if (value === 0) this.#zeros += times;
    else increase(value > 0 ? this.#positive : this.#negative, binOf(Math.abs(value)), times);
  }

  merge(other: Sketch): void {
    this.#count += other.#count;
    this.#zeros += other.#zeros;
    for (const [bin, times] of other.#positive) increase(this.#positive, bin, times);
    for (const [bin, times] of other.#negative) increase(this.#negative, bin, times);
  }

  /** @param q from 0 to 1. @returns NaN when it is empty. */
  quantile(q: number): number {
    if (this.#count === 0) return Number.NaN;
    const rank = q * (this.#count - 1);
    let seen = 0;
    for (const [bin, times] of sorted(this.#negative).reverse()) {
      seen += times;
      if (seen > rank) return -valueOf(bin);
    }
    seen += this.#zeros;
    if (seen > rank) return 0;
    let last = 0;
    for (const [bin, times] of sorted(this.#positive)) {
      seen += times;
      last = valueOf(bin);
      if (seen > rank) return last;
    }
    return last;
  }

  /** zeros, then of each sign the number of bins and, from the lowest, the distance to the bin before and its count: LEB128, signed ones as zigzag. */
  encode(): Uint8Array {
    const bytes: number[] = [];
    put(bytes, this.#zeros);
    for (const bins of [this.#positive, this.#negative]) {
      put(bytes, bins.size);
      let before = 0;
      for (const [bin, times] of sorted(bins)) {
        put(bytes, bin < before ? 2 * (before - bin) - 1 : 2 * (bin - before));
        put(bytes, times);
        before = bin;
      }
    }
    return Uint8Array.from(bytes);
  }

  static decode(bytes: Uint8Array): Sketch {
    const sketch = new Sketch();
    let at = 0;
    const take = (): number => {
      let value = 0;
      for (let scale = 1; ; scale *= 128) {
        const byte = bytes[at++];
        if (byte === undefined) throw new RangeError('the sketch is cut off');
        value += (byte & 127) * scale;
        if (byte < 128) return value;
      }
    };
    sketch.#zeros = sketch.#count = take();
    for (const bins of [sketch.#positive, sketch.#negative]) {
      let bin = 0;
      for (let left = take(); left > 0; left--) {
        const step = take();
        bin += step % 2 === 1 ? -(step + 1) / 2 : step / 2;
        const times = take();
        bins.set(bin, times);
        sketch.#count += times;
      }
    }
    return sketch;
  }
}

function increase(bins: Map<number, number>, bin: number, times: number): void {
  bins.set(bin, (bins.get(bin) ?? 0) + times);
  if (bins.size <= MOST_BINS) return;
  const [[lowest, few], [next, more]] = sorted(bins) as [[number, number], [number, number]]; // more than two are there
  bins.delete(lowest);
  bins.set(next, more + few);
}

const sorted = (bins: ReadonlyMap<number, number>): [number, number][] => [...bins].sort(([a], [b]) => a - b);

function put(bytes: number[], value: number): void {
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  bytes.push(rest);
}
