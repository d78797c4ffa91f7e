/**
 * Samples of a time that has been rolled up already. Where what came with them is still there, their minute is made anew from all of it. Where
 * retention has taken that, making it anew would lose it: there the sample is added, once, to the rollup that is left. All but the growth of a
 * counter stays exact with that: of samples that fall between others which are gone, the steps from one to the other are not known.
 * Part of the thread that writes.
 */
import type Database from 'better-sqlite3';
import type { Partial } from '../query/partial.ts';
import { FIRST_MS, HOUR_MS, hourOf, MINUTE_MS, minuteOf, type Step, stretch } from '../query/rollup.ts';
import type { Rollups } from './rollups.ts';
import type { Steps } from './steps.ts';

/** Samples that are added to rollups at once. */
const CHUNK = 100;
type Where = readonly [series: number, ts: number];
type Point = readonly [id: number, ts: number, value: number];

export class Late {
  readonly #rollups: Rollups;
  readonly #removed: Database.Statement;
  readonly #remove: Database.Statement;
  readonly #addStale: Database.Statement;
  readonly #addPoint: Database.Statement;
  readonly #nextStale: Database.Statement;
  readonly #stale: Database.Statement;
  readonly #fresh: Database.Statement;
  readonly #nextPoint: Database.Statement;
  readonly #points: Database.Statement;
  readonly #added: Database.Statement;
  /** Retention has taken nothing from here on, of no series: most samples need not ask further. */
  #untouched: number;
  /** The hour that is being made anew. */
  #open = { series: 0, hour: 0, touched: false };

  constructor(db: Database.Database, rollups: Rollups) {
    this.#rollups = rollups;
    this.#removed = db.prepare('SELECT raw_before, minutes_before FROM removed WHERE series_id = ?').raw(true);
    this.#remove = db.prepare(
      'INSERT INTO removed (series_id, raw_before, minutes_before) VALUES (?, ?, ?) ON CONFLICT (series_id) DO UPDATE SET' +
        ' raw_before = max(raw_before, excluded.raw_before), minutes_before = max(minutes_before, excluded.minutes_before)',
    );
    this.#addStale = db.prepare('INSERT OR IGNORE INTO stale_rollups (series_id, ts) VALUES (?, ?)');
    this.#addPoint = db.prepare('INSERT INTO late_points (series_id, ts, value) VALUES (?, ?, ?)');
    this.#nextStale = db.prepare('SELECT series_id, ts FROM stale_rollups WHERE (series_id, ts) >= (?, ?) ORDER BY series_id, ts LIMIT 1').raw(true);
    this.#stale = db.prepare('SELECT ts FROM stale_rollups WHERE series_id = ? AND ts >= ? AND ts < ? ORDER BY ts').pluck();
    this.#fresh = db.prepare('DELETE FROM stale_rollups WHERE series_id = ? AND ts >= ? AND ts < ?');
    this.#nextPoint = db.prepare('SELECT series_id, ts FROM late_points WHERE (series_id, ts) >= (?, ?) ORDER BY series_id, ts LIMIT 1').raw(true);
    this.#points = db.prepare(`SELECT id, ts, value FROM late_points WHERE series_id = ? AND ts >= ? AND ts < ? ORDER BY ts, id LIMIT ${CHUNK}`).raw(true);
    this.#added = db.prepare('DELETE FROM late_points WHERE id = ?');
    this.#untouched = Number(db.prepare('SELECT max(raw_before) FROM removed').pluck().get() ?? FIRST_MS);
  }

  /** A sample from before this is late. */
  get before(): number {
    return this.#rollups.late;
  }

  /** A late sample, in the transaction of its batch. @returns whether it is dealt with; else it belongs into `points` like any other. */
  take(series: number, ts: number, value: number): boolean {
    if (ts < this.#untouched && ts < this.#removedOf(series)[0]) {
      this.#addPoint.run(series, ts, value);
      return true;
    }
    this.#addStale.run(series, minuteOf(ts));
    if (this.#open.series === series && this.#open.hour === hourOf(ts)) this.#open.touched = true;
    return false;
  }

  /** From now on retention takes samples before `raw` and minutes before `minutes`. @returns false: not yet, a minute of that waits to be made anew. */
  remove(series: number, raw: number, minutes: number): boolean {
    if (this.#stale.get(series, FIRST_MS, raw) !== undefined) return false;
    this.#remove.run(series, Math.max(raw, FIRST_MS), Math.max(minutes, FIRST_MS));
    this.#untouched = Math.max(this.#untouched, raw);
    return true;
  }

  /** All that waits, once. */
  *refresh(): Steps {
    for (let at: Where | undefined = [0, FIRST_MS]; ; ) {
      at = this.#nextStale.get(...at) as Where | undefined;
      if (!at) break;
      const [series, hour] = [at[0], hourOf(at[1])];
      yield* this.#again(series, hour);
      at = [series, hour + HOUR_MS];
    }
    for (let at: Where | undefined = [0, FIRST_MS]; ; ) {
      at = this.#nextPoint.get(...at) as Where | undefined;
      if (!at) break;
      const [series, hour] = [at[0], hourOf(at[1])];
      at = this.#add(series, hour) < CHUNK ? [series, hour + HOUR_MS] : [series, hour];
      yield;
    }
  }

  /** The minutes of one series that wait and begin before this. */
  *freshen(series: number, before: number): Steps {
    for (let minute = this.#stale.get(series, FIRST_MS, before); typeof minute === 'number'; minute = this.#stale.get(series, minute, before)) {
      const hour = hourOf(minute);
      yield* this.#again(series, hour);
      minute = hour + HOUR_MS;
    }
  }

  *#again(series: number, hour: number): Steps {
    const open = { series, hour, touched: false };
    this.#open = open;
    for (const minute of this.#stale.all(series, hour, hour + HOUR_MS) as number[]) {
      yield* this.#rollups.minutes(series, minute, minute + MINUTE_MS);
      yield;
    }
    if (this.#rollups.closed(hour)) this.#rollups.hour(series, hour);
    // What came in meanwhile waits for the next round.
    if (!open.touched) this.#fresh.run(series, hour, hour + HOUR_MS);
    yield;
  }

  /** Adds samples of one hour to what is left of it, and forgets them: both in one transaction. @returns how many. */
  #add(series: number, hour: number): number {
    const [, minutesBefore] = this.#removedOf(series);
    const step: Step = hour < minutesBefore ? HOUR_MS : MINUTE_MS;
    const stretches = new Map<number, Partial>();
    const points = this.#points.all(series, hour, hour + HOUR_MS) as Point[];
    for (const [id, ts, value] of points) {
      const bucket = step === HOUR_MS ? hour : minuteOf(ts);
      const there = stretches.get(bucket) ?? stretch();
      stretches.set(bucket, there);
      there.add(value, ts);
      this.#added.run(id);
    }
    for (const [bucket, added] of stretches) this.#rollups.extend(series, step, bucket, added);
    if (step === MINUTE_MS && this.#rollups.closed(hour)) this.#rollups.hour(series, hour);
    return points.length;
  }

  #removedOf(series: number): Where {
    return (this.#removed.get(series) as Where | undefined) ?? [FIRST_MS, FIRST_MS];
  }
}
