/**
 * Down-sampling: each closed minute of each series becomes a row, and each closed hour one made of its minutes. A window of time is rolled up
 * series by series; how far that has come is kept in `marks`, so that it goes on where it was after a restart. Part of the thread that writes.
 */
import type Database from 'better-sqlite3';
import type { Partial } from '../query/partial.ts';
import { extended, FIRST_MS, HOUR_MS, hourOf, MINUTE_MS, minuteOf, partialOf, ROLLUP, type RollupRow, type Step, stretch, valuesOf } from '../query/rollup.ts';
import type { Steps } from './steps.ts';

/** Rows that are read at once: a few tenths of a millisecond. */
const CHUNK = 256;
type Point = readonly [ts: number, seq: number, value: number];

export class Rollups {
  readonly #point: Database.Statement;
  readonly #minutes: Database.Statement;
  readonly #nextMinute: Database.Statement;
  readonly #row: Database.Statement;
  readonly #write: Database.Statement;
  readonly #series: Database.Statement;
  readonly #mark: Database.Statement;
  readonly #marked: Database.Statement;
  /** All before is rolled up. */
  #rolled = FIRST_MS;
  /** All before is rolled up or about to be: the end of the window. */
  #rolling = FIRST_MS;
  /** The last series that the window has done with, and the one that is written down. */
  #passed = 0;
  #saved = 0;

  constructor(db: Database.Database) {
    this.#point = db.prepare('SELECT ts, seq, value FROM points WHERE series_id = ? AND (ts, seq) > (?, ?) AND ts < ? ORDER BY ts, seq LIMIT ?').raw(true);
    this.#minutes = db.prepare(`SELECT ${ROLLUP} FROM rollups WHERE series_id = ? AND step = ${MINUTE_MS} AND ts >= ? AND ts < ? ORDER BY ts`);
    this.#nextMinute = db.prepare(`SELECT min(ts) FROM rollups WHERE series_id = ? AND step = ${MINUTE_MS} AND ts >= ? AND ts < ?`).pluck();
    this.#row = db.prepare(`SELECT ${ROLLUP} FROM rollups WHERE series_id = ? AND step = ? AND ts = ?`);
    this.#write = db.prepare(`INSERT OR REPLACE INTO rollups (series_id, step, ${ROLLUP}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
    this.#series = db.prepare(`SELECT id FROM series WHERE id > ? ORDER BY id LIMIT ${CHUNK}`).pluck();
    this.#mark = db.prepare('INSERT INTO marks (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value');
    this.#marked = db.prepare('SELECT value FROM marks WHERE name = ?').pluck();
    this.load();
  }

  /** How far it has come, as the database has it. */
  load(): void {
    const mark = (name: string, none: number): number => Number(this.#marked.get(name) ?? none);
    this.#rolled = mark('rolled', FIRST_MS);
    this.#rolling = mark('rolling', FIRST_MS);
    this.#passed = this.#saved = mark('rolled_series', 0);
  }

  /** All before this is rolled up, ms since 1970. */
  get rolled(): number {
    return this.#rolled;
  }
  /** A sample from before this that comes now is late: its minute has been rolled up, or may have been. */
  get late(): number {
    return this.#rolling;
  }
  /** Every minute of the hour is rolled up, or will be with the window. */
  closed(hour: number): boolean {
    return hour + HOUR_MS <= this.#rolling;
  }

  /** Rolls up all before `until`: first what is left of the window that was begun. */
  *roll(until: number): Steps {
    if (this.#rolling > this.#rolled) yield* this.#window();
    if (minuteOf(until) <= this.#rolled) return;
    this.#rolling = minuteOf(until);
    this.#passed = 0;
    this.#mark.run('rolling', this.#rolling);
    yield* this.#window();
  }

  /** Called before each commit. */
  save(): void {
    if (this.#saved === this.#passed) return;
    this.#mark.run('rolled_series', this.#passed);
    this.#saved = this.#passed;
  }

  *#window(): Steps {
    const [from, to] = [this.#rolled, this.#rolling];
    for (;;) {
      const ids = this.#series.all(this.#passed) as number[];
      for (const id of ids) {
        yield* this.minutes(id, from, to);
        for (let hour = this.#hourFrom(id, hourOf(from), hourOf(to)); hour !== undefined; hour = this.#hourFrom(id, hour + HOUR_MS, hourOf(to))) {
          this.hour(id, hour);
          yield;
        }
        this.#passed = id;
        yield;
      }
      if (ids.length === 0) break; // also those that came in meanwhile
    }
    this.#rolled = to;
    this.#mark.run('rolled', to);
  }

  #hourFrom(series: number, from: number, to: number): number | undefined {
    const minute = from < to ? this.#nextMinute.get(series, from, to) : null;
    return typeof minute === 'number' ? hourOf(minute) : undefined;
  }

  /** From their samples, those of [from, to) that have any. */
  *minutes(series: number, from: number, to: number): Steps {
    let [ts, seq] = [from, -1];
    let minute = Number.NaN;
    let open = stretch();
    for (;;) {
      const points = this.#point.all(series, ts, seq, to, CHUNK) as Point[];
      for (const point of points) {
        if (minuteOf(point[0]) !== minute) {
          this.#put(series, MINUTE_MS, minute, open);
          minute = minuteOf(point[0]);
          open = stretch();
        }
        open.add(point[2], point[0]);
      }
      const last = points.at(-1);
      if (!last || points.length < CHUNK) break;
      [ts, seq] = last;
      yield;
    }
    this.#put(series, MINUTE_MS, minute, open);
  }

  /** From its minutes. */
  hour(series: number, hour: number): void {
    const whole = stretch();
    for (const row of this.#minutes.all(series, hour, hour + HOUR_MS) as RollupRow[]) whole.append(partialOf(row));
    this.#put(series, HOUR_MS, hour, whole);
  }

  /** Adds to what is there. */
  extend(series: number, step: Step, ts: number, more: Partial): void {
    const row = this.#row.get(series, step, ts) as RollupRow | undefined;
    this.#put(series, step, ts, extended(row ? partialOf(row) : stretch(), more));
  }

  #put(series: number, step: Step, ts: number, partial: Partial): void {
    if (partial.count > 0) this.#write.run(series, step, ...valuesOf(ts, partial));
  }
}
