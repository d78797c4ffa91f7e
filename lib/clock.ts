/** Time as a parameter: every process has a clock, inherited from the process that spawned it, so that a spec can turn the hands. */

export interface Clock {
  /** Monotonic milliseconds; the wall clock's jumps do not touch it. */
  now(): number;
  /** Call `fire` once, `delayMs` from now; the answer cancels. `Infinity` never fires. */
  setTimer(delayMs: number, fire: () => void): () => void;
}

/** What `setTimeout` takes at most: a longer delay would fire after 1 ms. */
const LONGEST_MS = 2 ** 31 - 1;

/** The machine's own monotonic clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  setTimer(delayMs, fire) {
    if (delayMs === Number.POSITIVE_INFINITY) return () => {};
    let handle: NodeJS.Timeout;
    const arm = (leftMs: number): void => {
      handle = leftMs > LONGEST_MS ? setTimeout(() => arm(leftMs - LONGEST_MS), LONGEST_MS) : setTimeout(fire, leftMs);
    };
    arm(delayMs);
    return () => clearTimeout(handle);
  },
};
