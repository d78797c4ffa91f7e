/**
 * The housekeeping of the database, one short step after the other between the groups of requests: down-sampling, retention, the bound of the
 * size. Each step is a transaction of its own; how far it has come is in the database, so that it goes on there after a restart.
 * Part of the thread that writes.
 */
import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import type Database from 'better-sqlite3';
import { Growth, type Health } from '../health.ts';
import { cutsOf, everyMs, keepOf, type Policy } from '../retention.ts';
import { FIRST_MS, HOUR_MS, MINUTE_MS, minuteOf } from '../query/rollup.ts';
import { Late } from './late.ts';
import { Rollups } from './rollups.ts';
import { Size } from './size.ts';
import { Statements, type Steps } from './steps.ts';
import { Sweep } from './sweep.ts';
import { sweepJournal } from './sweep-journal.ts';

export interface Limits {
  /** Left out: everything is kept. */
  readonly retention?: Policy | undefined;
  readonly maxBytes?: number | undefined;
}

/** A step works so long, and then ends what it is at: fractions of a millisecond, and the commit. */
const STEP_MS = 3.5;
/** A minute is down-sampled so long after its end: most of what is late has come by then. */
const CLOSED_MS = 2 * MINUTE_MS;
/** After a step that failed, as on a full disk, the next one is tried so much later. */
const AFTER_FAULT_MS = 5_000;
/** When nothing was left that could go. */
const AFTER_EXHAUSTED_MS = 10_000;

export class Housekeeping {
  readonly #db: Database.Database;
  readonly #limits: Limits;
  readonly #now: () => number;
  readonly #stepMs: number;
  readonly #size: Size;
  readonly #begin: Database.Statement;
  readonly #commit: Database.Statement;
  readonly #mark: Database.Statement;
  readonly #growth: Growth;
  readonly #rollups: Rollups;
  readonly #sweep: Sweep;
  readonly #sql: Statements;
  /** What is late among the samples of a batch goes through here, in the transaction of the batch. */
  readonly late: Late;
  /** What is being done. */
  #round: Steps | undefined;
  /** When something was begun last. */
  readonly #begun = new Map<string, number>();
  #oldest = Number.POSITIVE_INFINITY;
  #stalled: string | undefined;

  constructor(db: Database.Database, limits: Limits, now: () => number = Date.now, stepMs = STEP_MS) {
    this.#stepMs = stepMs;
    this.#db = db;
    this.#limits = limits;
    this.#now = now;
    this.#size = new Size(db, limits.maxBytes ?? Number.POSITIVE_INFINITY);
    this.#begin = db.prepare('BEGIN');
    this.#commit = db.prepare('COMMIT');
    this.#mark = db.prepare("INSERT INTO marks (name, value) VALUES ('growth', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value");
    const growth = db.prepare("SELECT value FROM marks WHERE name = 'growth'").pluck().get();
    this.#growth = new Growth(typeof growth === 'number' ? growth : null);
    this.#rollups = new Rollups(db);
    this.late = new Late(db, this.#rollups);
    this.#sql = new Statements(db);
    this.#sweep = new Sweep(this.#sql, this.#rollups, this.late);
  }

  /** The database is larger than it may be, and something can be done about it: then housekeeping takes as much time as the requests. */
  get urgent(): boolean {
    return this.#size.over && !this.#size.exhausted && this.#stalled === undefined;
  }

  /** Some milliseconds of what is due, in a transaction. @returns whether there is more at once. Never throws. */
  step(): boolean {
    if (this.#stalled !== undefined && !this.#isTime('again', AFTER_FAULT_MS)) return false;
    const start = performance.now();
    try {
      // What a failed step had done in memory is forgotten. Until then more is taken for late than has to be, which harms nothing.
      if (this.#stalled !== undefined) this.#rollups.load();
      this.#begin.run();
      this.#round ??= this.#due();
      for (let commitMs = 0; this.#round; ) {
        const { value = 0, done } = this.#round.next();
        if (done) this.#round = undefined;
        else commitMs += value;
        if (performance.now() - start + commitMs >= this.#stepMs) break;
      }
      this.#rollups.save();
      this.#commit.run();
      this.#stalled = undefined;
      return this.#round !== undefined;
    } catch (error) {
      if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
      this.#round = undefined;
      this.#begun.clear();
      this.#stalled = error instanceof Error ? error.message : String(error);
      this.#begun.set('again', this.#now());
      return false;
    }
  }

  health(): Omit<Health, 'commitMs' | 'fsyncMs' | 'waiting'> {
    const { bavail, bfree, blocks, bsize } = statfsSync(dirname(this.#db.name));
    return {
      sizeBytes: this.#size.bytes,
      walBytes: this.#size.walBytes,
      maxBytes: this.#size.maxBytes,
      exhausted: this.#size.exhausted,
      // Some file systems keep a part for root: what is used and what is free for us are the whole.
      disk: { freeBytes: bavail * bsize, totalBytes: (blocks - bfree + bavail) * bsize },
      growthBytesPerDay: this.#growth.perDay,
      oldestSampleMs: Number.isFinite(this.#oldest) ? this.#oldest : null,
      rolledMs: this.#rollups.rolled === FIRST_MS ? null : this.#rollups.rolled,
      stalled: this.#stalled ?? null,
    };
  }

  *#due(): Steps {
    yield* this.#rollups.roll(minuteOf(this.#now() - CLOSED_MS));
    if (this.#isTime('late', MINUTE_MS)) yield* this.late.refresh();
    if (this.#isTime('growth', MINUTE_MS)) this.#seeGrowth();
    const { retention } = this.#limits;
    if (retention && this.#isTime('retention', everyMs(retention))) yield* this.#retain(retention);
    if (this.#isTime('oldest', HOUR_MS)) this.#oldest = yield* this.#sweep.oldest('raw');
    if (this.#size.over && (!this.#size.exhausted || this.#isTime('relief', AFTER_EXHAUSTED_MS))) {
      yield* this.#size.relieve(this.#sweep, this.#rollups, this.#now());
      this.#begun.set('relief', this.#now());
      this.#begun.delete('oldest');
    } else if (!this.#size.over) this.#size.exhausted = false;
  }

  *#retain(policy: Policy): Steps {
    const nowMs = this.#now();
    const known = new Map<string, ReturnType<typeof cutsOf>>();
    const cuts = (service: string): ReturnType<typeof cutsOf> => {
      const there = known.get(service) ?? cutsOf(keepOf(policy, service), nowMs);
      known.set(service, there);
      return there;
    };
    this.#begun.delete('oldest');
    yield* this.#sweep.telemetry(cuts, { nowMs });
    yield* sweepJournal(this.#sql, policy, nowMs);
  }

  #seeGrowth(): void {
    this.#growth.see(this.#size.dataBytes, this.#now());
    const { perDay } = this.#growth;
    if (perDay !== null) this.#mark.run(perDay);
  }

  /** Whether it is due, so often; then it is begun. A clock that was set back delays nothing. */
  #isTime(what: string, everyMs: number): boolean {
    const now = this.#now();
    if (Math.abs(now - (this.#begun.get(what) ?? Number.POSITIVE_INFINITY)) < everyMs) return false;
    this.#begun.set(what, now);
    return true;
  }
}
