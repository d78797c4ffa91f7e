/** The way to one destination, which several actions may share: how fast it may be gone, whether anybody is there, and when it has asked us to come again. */
import { isDeepStrictEqual } from 'node:util';
import type { Outcome } from '../job.ts';
import type { Terms } from '../names.ts';
import { Breaker, type BreakerState } from './breaker.ts';
import { Bucket } from './bucket.ts';

export class Gate {
  readonly #terms: Pick<Terms, 'breaker' | 'rate'>;
  readonly #breaker: Breaker;
  readonly #bucket: Bucket | undefined;
  /** It has asked not to be asked before that. */
  #askedMs = 0;

  constructor(terms: Pick<Terms, 'breaker' | 'rate'>, nowMs: number) {
    const { breaker, rate } = terms;
    this.#terms = terms;
    this.#breaker = new Breaker(breaker);
    this.#bucket = rate && new Bucket(rate, nowMs);
  }

  fits(terms: Pick<Terms, 'breaker' | 'rate'>): boolean {
    return isDeepStrictEqual(terms, this.#terms);
  }

  stateAt(nowMs: number): BreakerState {
    return this.#breaker.stateAt(nowMs);
  }

  /** When one more may go: now, later, or, `undefined`, when one that is under way has come back. */
  freeMs(nowMs: number): number | undefined {
    const free = this.#breaker.freeMs(nowMs);
    return free && Math.max(free, this.#askedMs, this.#bucket?.freeMs(nowMs) ?? 0);
  }

  enter(nowMs: number): void {
    this.#breaker.enter();
    this.#bucket?.take(nowMs);
  }

  /** @param outcome `absent`: the action was gone before it could ask. */
  leave(outcome: Outcome | 'absent', nowMs: number): void {
    if (outcome === 'absent') this.#breaker.left();
    else if (outcome.kind !== 'delivered' && (outcome.class === 'server' || outcome.class === 'timeout' || outcome.class === 'network'))
      this.#breaker.failed(nowMs);
    else this.#breaker.reached();
    if (outcome !== 'absent' && outcome.kind === 'retry' && outcome.class === 'rate') this.#askedMs = Math.max(this.#askedMs, nowMs + (outcome.afterMs ?? 0));
  }
}
