/** A clock that a spec turns and that knows how many timers are running: after the last process there must be none. */
import { VirtualClock } from '../otp/virtual-clock.ts';

export class CountingClock extends VirtualClock {
  readonly #running = new Set<() => void>();

  get pending(): number {
    return this.#running.size;
  }

  override setTimer(delayMs: number, fire: () => void): () => void {
    if (delayMs === Number.POSITIVE_INFINITY) return () => {};
    const cancel = super.setTimer(delayMs, () => {
      this.#running.delete(cancel);
      fire();
    });
    this.#running.add(cancel);
    return () => {
      this.#running.delete(cancel);
      cancel();
    };
  }
}
