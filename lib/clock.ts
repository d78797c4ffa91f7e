/** Time as a parameter: every process has a clock, inherited from the process that spawned it, so that a spec can turn the hands. */

export interface Clock {
  /** Monotonic milliseconds; the wall clock's jumps do not touch it. */
  now(): number;
  /** Call `fire` once, `delayMs` from now; the answer cancels. `Infinity` never fires. */
  setTimer(delayMs: number, fire: () => void): () => void;
}

/** What `setTimeout` takes at most: a longer delay would fire after 1 ms. */
const LONGEST_MS = 2 ** 31 - 1;

class SystemTimer {
  readonly #fire: () => void;
  #leftMs: number;
  #cancelled = false;
  #handle: NodeJS.Timeout | undefined;
  constructor(delayMs: number, fire: () => void) {
    this.#leftMs = delayMs;
    this.#fire = fire;
  }
  arm(): void {
    if (this.#cancelled) return;
    const ms = Math.min(this.#leftMs, LONGEST_MS);
    this.#leftMs -= ms;
    this.#handle = setTimeout(() => (this.#leftMs > 0 ? this.arm() : this.#fire()), ms);
  }
  cancel(): void {
    this.#cancelled = true;
    clearTimeout(this.#handle);
  }
}

/**
 * The timers of this turn of the event loop. Node gets those that are left of them when it is over: most were a call's, whose answer
 * has come by then, and a `setTimeout` that is cleared again costs 0.35 µs, a third of such a call.
 */
let fresh: SystemTimer[] = [];
function armFresh(): void {
  const timers = fresh;
  fresh = [];
  for (const timer of timers) timer.arm();
}

/** The machine's own monotonic clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  setTimer(delayMs, fire) {
    if (delayMs === Number.POSITIVE_INFINITY) return () => {};
    const timer = new SystemTimer(delayMs, fire);
    if (fresh.push(timer) === 1) setImmediate(armFresh);
    return () => timer.cancel();
  },
};
