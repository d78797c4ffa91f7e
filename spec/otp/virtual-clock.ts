/** A clock that a spec turns: its time stands still until somebody advances it, and then jumps to the next timer. */
import type { Clock } from '../../lib/clock.ts';

interface Timer {
  readonly due: number;
  readonly fire: () => void;
}

export class VirtualClock implements Clock {
  #now: number;
  /** In the order in which they were set; of those due at the same time the older one fires first. */
  readonly #timers = new Set<Timer>();

  constructor(startMs = 0) {
    this.#now = startMs;
  }

  now(): number {
    return this.#now;
  }

  setTimer(delayMs: number, fire: () => void): () => void {
    if (delayMs === Number.POSITIVE_INFINITY) return () => {};
    const timer: Timer = { due: this.#now + Math.max(0, delayMs), fire };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  }

  /** Jump to the next timer and fire it. False when there is none. */
  advance(): boolean {
    let next: Timer | undefined;
    for (const timer of this.#timers) if (!next || timer.due < next.due) next = timer;
    if (!next) return false;
    this.#timers.delete(next);
    this.#now = next.due;
    next.fire();
    return true;
  }
}
