/**
 * The partitions of `points`: one a day (UTC), made before a sample of that day is written, and the one of tomorrow today. Days far from today
 * have none, so that a device with a wrong clock makes no thousands of them; their samples lie in the default partition, and so do those that
 * come while a partition cannot be made: a query that takes long is in the way. When it is made, they move into it.
 */
import { mayTryAgain } from './faults.ts';
import { lockKey } from './migrate.ts';
import type { Session } from './session.ts';

export const DAY_MS = 86_400_000;
export const BACK_DAYS = 400;
export const AHEAD_DAYS = 2;
/** Who makes a partition waits so long for readers, and commits wait for it; so it is tried again only after a while. */
const LOCK_MS = 500;
const RETRY_MS = 60_000;
/** Samples come in without being updated: they are vacuumed early, so that a range is read from the index alone. */
export const STORAGE = 'autovacuum_vacuum_insert_scale_factor = 0.05';

export const dayOf = (tsMs: number): number => Math.floor(tsMs / DAY_MS);
export const partitionOf = (day: number): string => `points_${new Date(day * DAY_MS).toISOString().slice(0, 10).replaceAll('-', '')}`;

export class Days {
  readonly #session: Session;
  /** Day to when it may be tried again; those that are there, never. */
  readonly #known = new Map<number, number>();

  private constructor(session: Session) {
    this.#session = session;
  }

  /** @returns undefined when `points` has no partitions of ours: a hypertable. */
  static async of(session: Session): Promise<Days | undefined> {
    const { rows } = await session.ask("SELECT relkind = 'p' AS ours FROM pg_class WHERE oid = 'points'::regclass");
    return rows[0]?.ours === true ? new Days(session) : undefined;
  }

  /** Make what is missing for samples of these days. Not within a transaction. */
  async cover(days: ReadonlySet<number>, nowMs: number): Promise<void> {
    const today = dayOf(nowMs);
    for (const day of [...days, today + 1]) {
      if (day < today - BACK_DAYS || day > today + AHEAD_DAYS || (this.#known.get(day) ?? 0) > nowMs) continue;
      this.#known.set(day, (await this.#make(day)) ? Number.POSITIVE_INFINITY : nowMs + RETRY_MS);
    }
  }

  async #make(day: number): Promise<boolean> {
    const name = partitionOf(day);
    const [from, to] = [day * DAY_MS, (day + 1) * DAY_MS];
    try {
      // One transaction. What was there in the meantime, made by another node, is left as it is.
      await this.#session.run(`BEGIN; SET LOCAL lock_timeout = ${LOCK_MS}; SELECT pg_advisory_xact_lock(${lockKey('points')});
        DO $$ BEGIN
          IF to_regclass(quote_ident(current_schema()) || '.${name}') IS NULL THEN
            LOCK TABLE points_default IN ACCESS EXCLUSIVE MODE;
            CREATE TABLE ${name} (LIKE points INCLUDING ALL) WITH (${STORAGE});
            WITH moved AS (DELETE FROM points_default WHERE ts >= ${from} AND ts < ${to} RETURNING series_id, ts, seq, value)
              INSERT INTO ${name} (series_id, ts, seq, value) SELECT series_id, ts, seq, value FROM moved;
            ALTER TABLE points ATTACH PARTITION ${name} FOR VALUES FROM (${from}) TO (${to});
          END IF;
        END $$;
        COMMIT`);
      return true;
    } catch (error) {
      await this.#session.run('ROLLBACK');
      if (mayTryAgain(error)) return false;
      throw error;
    }
  }
}
