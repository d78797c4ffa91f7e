/** Metrics as they cross between threads and as queries answer them. */

/** Metrics on their way between threads: transferred, not copied. */
export interface Columns {
  readonly series: Uint32Array<ArrayBuffer>;
  /** ms since 1970. */
  readonly ts: Float64Array<ArrayBuffer>;
  readonly value: Float64Array<ArrayBuffer>;
}

/** A series that the thread has not seen yet. Its id is given out by whoever sends. */
export interface Series {
  readonly id: number;
  readonly service: string;
  readonly name: string;
  /** JSON with sorted keys. */
  readonly tags: string;
}
