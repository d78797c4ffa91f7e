/**
 * A distribution in bounded memory, from which any quantile can be read within 1 % of its value (DDSketch: Masson, Rim, Lee, VLDB 2019).
 * Sketches of parts, merged in whatever order, are the sketch of the whole.
 */

/** The relative error of a quantile. */
export const ACCURACY = 0.01;
const GAMMA = (1 + ACCURACY) / (1 - ACCURACY);
/** The width of a bin, in the logarithm. */
export const LOG_GAMMA = Math.log(GAMMA);
/** Bins of either sign at the most: 17 decades. Then the smallest values share one, and only quantiles down there lose their accuracy. */
const MOST_BINS = 2_048;
/** The smallest number of full precision; what is nearer to 0 counts as 0. */
export const SMALLEST = 2 ** -1022;

type Bins = Map<number, number>;

/** The bin of a number of full precision. */
export const binOf = (positive: number): number => Math.ceil(Math.log(positive) / LOG_GAMMA);
/** The middle of a bin, of which nothing in it is further than ACCURACY. From the bin's lower end, since the upper one of the last bin is infinite. */
export const middleOf = (bin: number): number => Math.min(GAMMA ** (bin - 1) * (1 + ACCURACY), Number.MAX_VALUE);

export class Sketch {
  #count = 0;
  #zeros = 0;
  readonly #positive: Bins = new Map();
  readonly #negative: Bins = new Map();

  get count(): number {
    return this.#count;
  }

  /** @param value any finite number. */
  add(value: number, times = 1): void {
    this.#count += times;
    if (Math.abs(value) < SMALLEST) this.#zeros += times;
    else increase(value > 0 ? this.#positive : this.#negative, binOf(Math.abs(value)), times);
  }

  merge(other: Sketch): void {
    this.#count += other.#count;
    this.#zeros += other.#zeros;
    for (const [bin, times] of other.#positive) increase(this.#positive, bin, times);
    for (const [bin, times] of other.#negative) increase(this.#negative, bin, times);
  }

  /** The value of rank `q * (count - 1)`, rounded down, of the values in order. @param q from 0 to 1. @returns NaN when it is empty. */
  quantile(q: number): number {
    if (this.#count === 0) return Number.NaN;
    const rank = Math.floor(q * (this.#count - 1));
    let seen = 0;
    for (const [bin, times] of sorted(this.#negative).reverse()) {
      seen += times;
      if (seen > rank) return -middleOf(bin);
    }
    seen += this.#zeros;
    if (seen > rank) return 0;
    let last = 0;
    for (const [bin, times] of sorted(this.#positive)) {
      seen += times;
      last = middleOf(bin);
      if (seen > rank) return last;
    }
    return last;
  }

  /** zeros, then of each sign the number of bins and, from the lowest, the distance to the bin before and its count: LEB128, signed ones as zigzag. */
  encode(): Uint8Array<ArrayBuffer> {
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

  /** @throws RangeError when the bytes are not those of one sketch. */
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
    if (at !== bytes.length) throw new RangeError('bytes are left over after the sketch');
    return sketch;
  }
}

/** The highest bins are kept whatever the order of what comes, and the lowest of them has all that is below it. */
function increase(bins: Bins, bin: number, times: number): void {
  const there = bins.get(bin);
  bins.set(bin, (there ?? 0) + times);
  if (there !== undefined || bins.size <= MOST_BINS) return;
  let [lowest, next] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (const one of bins.keys())
    if (one < lowest) [lowest, next] = [one, lowest];
    else if (one < next) next = one;
  bins.set(next, (bins.get(next) ?? 0) + (bins.get(lowest) ?? 0));
  bins.delete(lowest);
}

const sorted = (bins: Bins): [number, number][] => [...bins].sort(([a], [b]) => a - b);

function put(bytes: number[], value: number): void {
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  bytes.push(rest);
}
