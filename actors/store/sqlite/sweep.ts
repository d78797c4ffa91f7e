/** Deletes telemetry that is older than a cut, in small pieces: samples and what was made of them, logs and traces. Part of the thread that writes. */
import { HOUR_MS, hourOf, MINUTE_MS, type Step } from '../query/rollup.ts';
import type { Cuts } from '../retention.ts';
import type { Late } from './late.ts';
import type { Rollups } from './rollups.ts';
import type { Statements, Steps } from './steps.ts';
import { SweepTexts, TEXTS } from './sweep-texts.ts';

/** Rows that go at once: they lie side by side. */
const CHUNK = 256;

export class Sweep {
  readonly #sql: Statements;
  readonly #rollups: Rollups;
  readonly #late: Late;
  readonly #texts: SweepTexts;

  constructor(sql: Statements, rollups: Rollups, late: Late) {
    this.#sql = sql;
    this.#rollups = rollups;
    this.#late = late;
    this.#texts = new SweepTexts(sql);
  }

  /** What is older than its service's cuts, until it is `enough`. What is not rolled up stays. @param nowMs as SweepTexts has it. */
  *telemetry(cutsOf: (service: string) => Cuts, { nowMs, enough = (): boolean => false }: { readonly nowMs?: number; readonly enough?: () => boolean }): Steps {
    for (const table of TEXTS) yield* this.#texts.sweep(table, (service) => cutsOf(service)[table], enough, nowMs);
    for (const [id, service] of this.#eachSeries()) {
      if (enough()) return;
      yield* this.#series(id, cutsOf(service));
      yield;
    }
  }

  /** @returns when the oldest is of: logs, traces and samples · minutes · hours. Infinity: there is none. */
  *oldest(of: 'raw' | 'minutes' | 'hours'): Steps<number> {
    let oldest = Number.POSITIVE_INFINITY;
    const see = (ts: number | undefined): number => Math.min(oldest, ts ?? oldest);
    if (of === 'raw') for (const table of TEXTS) oldest = see(this.#texts.oldest(table));
    for (const [id] of this.#eachSeries()) {
      oldest = see(of === 'raw' ? this.#first(id) : this.#firstRollup(id, of === 'minutes' ? MINUTE_MS : HOUR_MS));
      yield;
    }
    return oldest;
  }

  *#series(id: number, cuts: Cuts): Steps {
    const raw = Math.min(cuts.raw, this.#rollups.rolled);
    const minutes = Math.min(cuts.minutes, hourOf(raw)); // minutes go only where the samples have gone: an hour is made anew from minutes
    if ((this.#first(id) ?? raw) < raw || (this.#firstRollup(id, MINUTE_MS) ?? minutes) < minutes) {
      yield* this.#late.freshen(id, raw);
      if (!this.#late.remove(id, raw, minutes)) return; // samples have come in meanwhile: next time
      while (this.#points(id, raw)) yield;
      while (this.#rolledUp(id, MINUTE_MS, minutes)) yield;
    }
    while (this.#rolledUp(id, HOUR_MS, Math.min(cuts.hours, minutes))) yield;
  }

  /** By its key from one to another: five times as fast as with LIMIT. @returns whether there may be more. */
  #points(series: number, before: number): boolean {
    const [edge] = this.#sql.rows('SELECT ts, seq FROM points WHERE series_id = ? AND ts < ? ORDER BY ts, seq LIMIT 1 OFFSET ?', series, before, CHUNK);
    if (edge) this.#sql.run('DELETE FROM points WHERE series_id = ? AND (ts, seq) < (?, ?)', series, Number(edge[0]), Number(edge[1]));
    else this.#sql.run('DELETE FROM points WHERE series_id = ? AND ts < ?', series, before);
    return edge !== undefined;
  }

  #rolledUp(series: number, step: Step, before: number): boolean {
    const next = 'SELECT ts FROM rollups WHERE series_id = ? AND step = ? AND ts < ? ORDER BY ts LIMIT 1 OFFSET ?';
    const edge = this.#sql.number(next, series, step, before, CHUNK);
    this.#sql.run('DELETE FROM rollups WHERE series_id = ? AND step = ? AND ts < ?', series, step, edge ?? before);
    return edge !== undefined;
  }

  *#eachSeries(): Generator<readonly [id: number, service: string], void, undefined> {
    for (let last = 0; ; ) {
      const page = this.#sql.rows(`SELECT id, service FROM series WHERE id > ? ORDER BY id LIMIT ${CHUNK}`, last);
      for (const [id, service] of page) {
        last = Number(id);
        yield [last, String(service)];
      }
      if (page.length < CHUNK) return;
    }
  }

  #first(series: number): number | undefined {
    return this.#sql.number('SELECT ts FROM points WHERE series_id = ? ORDER BY ts LIMIT 1', series);
  }
  #firstRollup(series: number, step: Step): number | undefined {
    return this.#sql.number('SELECT ts FROM rollups WHERE series_id = ? AND step = ? ORDER BY ts LIMIT 1', series, step);
  }
}
