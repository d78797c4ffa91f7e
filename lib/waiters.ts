/** Those who wait inside a handler of one process, for a message or for its next turn: the first of them that a message fits gets it. */
import { type Mailbox, NOTHING } from './mailbox.ts';

type Match = (message: unknown) => boolean;

interface Waiter {
  /** Without it no message will do: it waits for a turn. */
  readonly match?: Match;
  /** Once, with the message, or with undefined when its time is over. */
  readonly settle: (message: unknown) => void;
  /** Its time is over: it goes on in the next turn, with a message if there is one for it. */
  late: boolean;
}

export class Waiters {
  #all: readonly Waiter[] = [];
  readonly #fault: (thrown: unknown) => void;

  /** @param fault hears what a matcher throws: it is the fault of the process that waits, and of nobody else. It is over then. */
  constructor(fault: (thrown: unknown) => void) {
    this.#fault = fault;
  }

  /**
   * Wait for a message that matches, or for the end of the time.
   * @param arm sets the timer, and answers how to cancel it.
   * @param mayGoOn whether one whose time is over goes on at once, or in the next turn.
   */
  wait(match: Match, arm: (fire: () => void) => () => void, mayGoOn: () => boolean): Promise<unknown> {
    return new Promise((resolve) => {
      const settle = (message: unknown): void => {
        cancel();
        resolve(message);
      };
      const waiter: Waiter = { match, settle, late: false };
      const cancel = arm(() => {
        waiter.late = true;
        if (mayGoOn()) this.#settle(waiter, undefined);
      });
      this.#all = [...this.#all, waiter];
    });
  }
  /** Wait for the next turn. */
  pause(): Promise<unknown> {
    return new Promise((settle) => {
      this.#all = [...this.#all, { settle, late: true }];
    });
  }

  /** False when nobody waits for this message. */
  give(message: unknown): boolean {
    try {
      const waiter = this.#all.find(({ match }) => match?.(message));
      if (waiter) this.#settle(waiter, message);
      return waiter !== undefined;
    } catch (thrown) {
      this.#fault(thrown);
      return false;
    }
  }

  /** Let them look into the mailbox, one after the other. */
  offer(mail: Mailbox): void {
    try {
      for (const waiter of this.#all) {
        const message = waiter.match ? mail.take(waiter.match) : NOTHING;
        if (message !== NOTHING) this.#settle(waiter, message);
        else if (waiter.late) this.#settle(waiter, undefined);
      }
    } catch (thrown) {
      this.#fault(thrown);
    }
  }

  #settle(waiter: Waiter, message: unknown): void {
    this.#all = this.#all.filter((one) => one !== waiter);
    waiter.settle(message);
  }
}
