/**
 * A circuit breaker for one destination (Nygard, "Release It!"): after so many failures in a row nobody is sent there for a while; then one execution tries, and
 * its outcome decides. Pure: time is a parameter, in ms since 1970.
 */
import type { BreakerTerms } from '../names.ts';

export type BreakerState = 'closed' | 'open' | 'half_open';

const LONGEST_MS = 600_000;

export class Breaker {
  readonly #terms: BreakerTerms;
  #failures = 0;
  #openings = 0;
  #untilMs = 0;
  /** Somebody tries whether the destination is there again. */
  #trying = false;
  #state: BreakerState = 'closed';

  constructor(terms: BreakerTerms) {
    this.#terms = terms;
  }

  stateAt(nowMs: number): BreakerState {
    return this.#state === 'open' && nowMs >= this.#untilMs ? 'half_open' : this.#state;
  }

  /** When somebody may go; `undefined`: when he who tries has come back. */
  freeMs(nowMs: number): number | undefined {
    if (this.#state === 'closed') return nowMs;
    if (this.#trying) return undefined;
    return Math.max(nowMs, this.#untilMs);
  }

  /** Somebody goes, when `freeMs` lets him. */
  enter(): void {
    if (this.#state === 'closed') return;
    this.#state = 'half_open';
    this.#trying = true;
  }

  /** He has come back, and the destination was there, whatever it said. */
  reached(): void {
    this.#state = 'closed';
    this.#failures = this.#openings = 0;
    this.#trying = false;
  }

  /** He has come back, and the destination was not there, or could do nothing. */
  failed(nowMs: number): void {
    this.#failures++;
    if (this.#state === 'open' || (this.#state === 'closed' && this.#failures < this.#terms.failures)) return; // one that went before it was opened says nothing new
    this.#state = 'open';
    this.#trying = false;
    this.#untilMs = nowMs + Math.min(LONGEST_MS, this.#terms.coolMs * 2 ** Math.min(this.#openings++, 20));
  }

  /** He has come back without having been there: the action was stopped. */
  left(): void {
    if (this.#state !== 'half_open') return;
    this.#state = 'open';
    this.#trying = false;
  }
}
