/**
 * A place where only one server can stand at a time, such as a port. Whoever comes waits until the last one has gone, also one whose process
 * was killed while it was still arriving: its promise goes on, and what that brings is closed again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Exit } from '../lib/exit.ts';

/** Its place is free when it begins to close; a connection of its that will not end holds nobody up for longer. */
const LEAVES_MS = 1_000;

export interface Closable {
  close(): PromiseLike<unknown>;
}

export class Berth {
  #free: Promise<unknown> = Promise.resolve();

  /** Open when the place is free. It is closed when `signal` is aborted, and not opened at all when it is by then. @throws what `open` throws. */
  take<T extends Closable>(signal: AbortSignal, open: () => Promise<T>): Promise<T> {
    const opened = this.#free.then(() => {
      if (signal.aborted) throw new Exit('killed');
      return open();
    });
    const gone = async (one: T): Promise<void> => {
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      await Promise.race([one.close(), sleep(LEAVES_MS, undefined, { ref: false })]);
    };
    this.#free = opened.then(gone).catch(() => {});
    return opened;
  }
}
