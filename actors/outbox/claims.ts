/**
 * What is owed stands in the store, and only what can be carried out soon is taken from there: each execution is claimed under a lease that is renewed as long as it
 * is held. So a hundred thousand that wait cost no memory, and nodes that share a store take over what one of them leaves behind.
 */
import type { Process } from '../../lib/process.ts';
import type { Logger } from '../logger.ts';
import { groupOf } from './groups.ts';
import type { Due, Queue } from './port.ts';

/** Retries fall due, and leases of the dead run out, without a word. */
const LOOK_MS = 1_000;
const RENEWALS = 3;

/** How many more of an action could be taken now. */
export interface Hands {
  readonly action: string;
  readonly free: number;
  readonly ordered: boolean;
}

/** What its process is sent. */
export const TICK = Symbol('look at what is owed');

export class Claims {
  readonly #queue: Queue;
  readonly #self: Process;
  readonly #log: Logger;
  /** Of this action, or of all. */
  readonly #hands: (action?: string) => readonly Hands[];
  readonly #got: (action: string, dues: readonly Due[]) => void;
  readonly #gone: () => readonly Due[];
  readonly #looking = new Set<string>();
  readonly #again = new Set<string>();
  #renewedMs = 0;

  constructor(
    queue: Queue,
    self: Process,
    log: Logger,
    hands: (action?: string) => readonly Hands[],
    got: (action: string, dues: readonly Due[]) => void,
    gone: () => readonly Due[],
  ) {
    this.#queue = queue;
    this.#self = self;
    this.#log = log;
    this.#hands = hands;
    this.#got = got;
    this.#gone = gone;
  }

  /** What this node held in another life goes back first: it carries nothing of that out. */
  async begin(): Promise<void> {
    await this.#queue.release();
    this.#renewedMs = Date.now();
    this.tick();
  }

  /** Something may be due, or a hand has become free. */
  look(action?: string): void {
    for (const one of this.#hands(action)) {
      if (this.#looking.has(one.action)) this.#again.add(one.action);
      else if (one.free > 0) void this.#take(one);
    }
  }

  async #take({ action, free, ordered }: Hands): Promise<void> {
    this.#looking.add(action);
    this.#again.delete(action);
    let full = false;
    try {
      const claimed = await this.#queue.claim(action, free, ordered);
      full = claimed.length === free;
      const whole = await this.#whole(claimed);
      if (this.#self.isAlive) this.#got(action, whole); // at once: the next look counts the hands that are left
    } catch (error) {
      this.#log.error('executions cannot be claimed; it is tried again', { action, error: String(error) });
    } finally {
      this.#looking.delete(action);
    }
    if (this.#self.isAlive && (full || this.#again.has(action))) this.look(action);
  }

  /** Each group as one, with those of it that stand further behind. */
  async #whole(claimed: readonly Due[]): Promise<readonly Due[]> {
    const groups = new Map<string, Due[]>();
    for (const due of claimed) {
      const group = groupOf(due) ?? due.job.id;
      groups.set(group, [...(groups.get(group) ?? []), due]);
    }
    const whole: Due[] = [];
    for (const [first, ...rest] of groups.values()) {
      if (!first) continue;
      const others = first.job.group ? [...rest, ...(await this.#queue.claimGroup(first))] : rest;
      whole.push(others.length > 0 ? { ...first, others } : first);
    }
    return whole;
  }

  /** Also what this node has claimed and has not begun. */
  async #expire(): Promise<void> {
    const gone = this.#gone();
    if (gone.length > 0) await this.#queue.release(gone);
    await this.#queue.expire();
  }

  /** To be called at every `Tick` that it sends to its process. */
  tick(): void {
    this.look();
    this.#expire().catch((error: unknown) => this.#log.error('what has expired cannot be told', { error: String(error) }));
    if (Date.now() - this.#renewedMs >= this.#queue.leaseMs / RENEWALS) {
      this.#renewedMs = Date.now();
      this.#queue.renew().catch((error: unknown) => this.#log.error('claims cannot be renewed; others may take them', { error: String(error) }));
    }
    this.#self.sendAfter(LOOK_MS, TICK);
  }
}
