/** Those who wait for a message inside a handler of one process: the first of them that a message fits gets it. */
import { type Mailbox, NOTHING } from './mailbox.ts';

export interface Waiter {
  readonly match: (message: unknown) => boolean;
  /** Once, with the message, or with undefined when its time is over. */
  readonly settle: (message: unknown) => void;
  /** Its time has come while the process was suspended. */
  late: boolean;
}

export class Waiters {
  #all: readonly Waiter[] = [];
  readonly #fault: (thrown: unknown) => void;

  /** @param fault hears what a matcher throws: it is the fault of the process that waits, and of nobody else. */
  constructor(fault: (thrown: unknown) => void) {
    this.#fault = fault;
  }

  add(waiter: Waiter): void {
    this.#all = [...this.#all, waiter];
  }

  /** False when nobody waits for this message. */
  give(message: unknown): boolean {
    const waiter = this.#all.find((one) => this.#fits(one, message));
    if (waiter) this.#settle(waiter, message);
    return waiter !== undefined;
  }

  /** Let them look into the mailbox, one after the other. */
  offer(mail: Mailbox): void {
    for (const waiter of this.#all) {
      const message = mail.take((one) => this.#fits(waiter, one));
      if (message !== NOTHING) this.#settle(waiter, message);
      else if (waiter.late) this.giveUp(waiter);
    }
  }

  giveUp(waiter: Waiter): void {
    this.#settle(waiter, undefined);
  }

  #fits({ match }: Waiter, message: unknown): boolean {
    try {
      return match(message);
    } catch (thrown) {
      this.#all = [];
      this.#fault(thrown);
      return false;
    }
  }

  #settle(waiter: Waiter, message: unknown): void {
    this.#all = this.#all.filter((one) => one !== waiter);
    waiter.settle(message);
  }
}
