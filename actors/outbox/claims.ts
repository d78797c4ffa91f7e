/**
 * Executions in a store that other nodes share: each is claimed before it is carried out, under a lease that is renewed as long as it is held.
 * Whoever has a free hand takes what is due, also what a node leaves behind that stops or dies.
 */
import type { Process } from '../../lib/process.ts';
import type { Logger } from '../logger.ts';
import type { Due, SharedQueue } from './port.ts';

/** How many more of which actions could be carried out now. */
export type Hands = ReadonlyMap<string, number>;

/** Retries fall due, and leases of the dead run out, without a word. */
const LOOK_MS = 1_000;
const MOST_AT_ONCE = 200;
const RENEWALS = 3;

export class Claims {
  readonly #queue: SharedQueue;
  readonly #self: Process;
  readonly #log: Logger;
  readonly #hands: () => Hands;
  readonly #got: (dues: readonly Due[]) => void;
  #looking = false;
  #again = false;
  #renewedMs = 0;

  constructor(queue: SharedQueue, self: Process, log: Logger, hands: () => Hands, got: (dues: readonly Due[]) => void) {
    this.#queue = queue;
    this.#self = self;
    this.#log = log;
    this.#hands = hands;
    this.#got = got;
  }

  /** What this node held in another life goes back first: it carries nothing of that out. */
  async begin(): Promise<void> {
    await this.#queue.release();
    this.#renewedMs = Date.now();
    this.#tick();
  }

  /** Somebody has written executions down, or a hand has become free. */
  look(): void {
    this.#again = true;
    if (this.#looking) return;
    this.#looking = true;
    void this.#take().finally(() => {
      this.#looking = false;
    });
  }

  async #take(): Promise<void> {
    while (this.#again && this.#self.isAlive) {
      this.#again = false;
      const hands = this.#hands();
      const limit = Math.min(
        MOST_AT_ONCE,
        [...hands.values()].reduce((sum, free) => sum + free, 0),
      );
      if (limit === 0) return; // the next one that ends looks again
      try {
        const claimed = await this.#queue.claim([...hands.keys()], limit);
        if (this.#self.isAlive) this.#got(claimed); // at once: the next look counts the hands that are left
        if (claimed.length === limit) this.#again = true;
      } catch (error) {
        this.#log.error('executions cannot be claimed; it is tried again', { error: String(error) });
        return;
      }
    }
  }

  #tick(): void {
    this.look();
    if (Date.now() - this.#renewedMs >= this.#queue.leaseMs / RENEWALS) {
      this.#renewedMs = Date.now();
      this.#queue.renew().catch((error: unknown) => this.#log.error('claims cannot be renewed; others may take them', { error: String(error) }));
    }
    this.#self.clock.setTimer(LOOK_MS, () => this.#self.isAlive && this.#tick());
  }
}
