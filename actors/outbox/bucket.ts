/** A token bucket: so many a second on average, and so many at once. Pure: time is a parameter, in ms since 1970. */
import type { Rate } from '../names.ts';
/** Of fractions of tokens. */
const ROUNDING = 1e-9;

export class Bucket {
  readonly #rate: Rate;
  #tokens: number;
  #atMs: number;

  constructor(rate: Rate, nowMs: number) {
    this.#rate = rate;
    this.#tokens = rate.burst;
    this.#atMs = nowMs;
  }

  /** When there is a token: now, or later. */
  freeMs(nowMs: number): number {
    const tokens = this.#at(nowMs);
    return tokens >= 1 - ROUNDING ? nowMs : nowMs + Math.ceil(((1 - tokens) * 1_000) / this.#rate.perSecond);
  }

  /** Take one, when `freeMs` lets. */
  take(nowMs: number): void {
    this.#tokens = this.#at(nowMs) - 1;
    this.#atMs = Math.max(this.#atMs, nowMs);
  }

  #at(nowMs: number): number {
    const passedMs = Math.max(0, nowMs - this.#atMs); // a wall clock that is set back gives nothing and takes nothing
    return Math.min(this.#rate.burst, this.#tokens + (passedMs * this.#rate.perSecond) / 1_000);
  }
}
