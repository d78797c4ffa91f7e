/**
 * Those who are to hear of one process's end, in the order in which they asked: a ring, since every call and every start joins one and
 * leaves it again. (That costs 10 ns, and an idle process 40 bytes; in a Set it cost 100 ns and 220 bytes.)
 */
import type { ExitReason } from './exit.ts';

/** Watches one process at most. */
export abstract class Watcher {
  #before: Watcher = this;
  #after: Watcher = this;

  /** It has ended, with `reason`. Take note, and react to it later. */
  abstract ended(reason: ExitReason): void;

  /** Take the last place in a ring, which is the one before its anchor. */
  join(ring: Watchers): void {
    this.#after = ring;
    this.#before = ring.#before;
    this.#before.#after = ring.#before = this;
  }
  /** Watch no longer. */
  leave(): void {
    this.#before.#after = this.#after;
    this.#after.#before = this.#before;
    this.#before = this.#after = this;
  }
  protected get next(): Watcher {
    return this.#after;
  }
}

/** A ring, that is to say its anchor: the watchers are those between it and itself. */
export class Watchers extends Watcher {
  /** Tell them all. One that leaves meanwhile, because another has heard, is not told. */
  override ended(reason: ExitReason): void {
    for (let one = this.next; one !== this; one = this.next) {
      one.leave();
      try {
        one.ended(reason);
      } catch (error) {
        queueMicrotask(() => {
          throw error; // loud, and without harm to those who are still to hear
        });
      }
    }
  }
}

/** A watcher that is a function. */
export class Listener extends Watcher {
  readonly #hear: (reason: ExitReason) => void;
  constructor(hear: (reason: ExitReason) => void) {
    super();
    this.#hear = hear;
  }
  override ended(reason: ExitReason): void {
    this.#hear(reason);
  }
}
