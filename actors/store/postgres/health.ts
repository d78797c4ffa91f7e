/** How the store is, as far as it can be told from here: the server's disk and its log are its own affair. */
import { Worker } from 'node:worker_threads';
import { type Health, Recent } from '../health.ts';
import type { Session } from './session.ts';

/** What the thread that keeps house tells from time to time. */
export type Kept = Pick<Health, 'growthBytesPerDay' | 'oldestSampleMs' | 'rolledMs' | 'stalled'>;

/** First the node comes up. */
const KEEP_AFTER_MS = 3_000;
const KEEP_AGAIN_MS = 60_000;
const SIZE = 'SELECT pg_database_size(current_database()) AS size';

export class Condition {
  readonly #groups = new Recent();
  readonly #commits = new Recent();
  #kept: Kept = { growthBytesPerDay: null, oldestSampleMs: null, rolledMs: null, stalled: null };

  /** A group of requests came through. */
  took(groupMs: number, commitMs: number): void {
    const now = performance.now();
    this.#groups.add(groupMs, now);
    this.#commits.add(commitMs, now);
  }

  /** Has house kept in a thread of its own, for as long as this one lives. */
  keepHouse(workerData: unknown, afterMs = KEEP_AFTER_MS): void {
    setTimeout(() => {
      const keeper = new Worker(new URL('./keeper.ts', import.meta.url), { workerData });
      keeper.on('message', (kept: Kept) => {
        this.#kept = kept;
      });
      keeper.on('error', (error: Error) => {
        this.#kept = { ...this.#kept, stalled: error.message };
      });
      keeper.on('exit', () => this.keepHouse(workerData, KEEP_AGAIN_MS));
    }, afterMs);
  }

  /** @param waiting requests in the same group. */
  async health(session: Session, waiting: number): Promise<Health> {
    const { rows } = await session.ask(SIZE);
    const now = performance.now();
    const here = { commitMs: this.#groups.quantiles(now), fsyncMs: this.#commits.quantiles(now), waiting };
    return { sizeBytes: Number(rows[0]?.size), walBytes: 0, maxBytes: null, exhausted: false, disk: null, ...here, ...this.#kept };
  }
}
