/** Deletes what is older than a cut, in small pieces: samples with what was made of them, logs and traces, and what of the journal has ended. Part of the thread that writes. */
import type Database from 'better-sqlite3';
import { HOUR_MS, hourOf, MINUTE_MS, type Step } from '../rollup.ts';
import type { Cuts, Policy } from '../retention.ts';
import type { Late } from './late.ts';
import { FIRST_MS, type Rollups, type Steps } from './rollups.ts';

/** Rows of telemetry that go at once, and rows with indexes, each of which costs ten times as much. */
const CHUNK = 256;
const FEW = 32;
/** An end is written once; what is not there yet has none. */
const ENDED = "status NOT IN ('queued', 'running', 'retrying')";
/** With logs and traces each service has its own range of an index. */
const TEXTS = ['logs', 'traces'] as const;

type SeriesCuts = Pick<Cuts, 'raw' | 'minutes' | 'hours'>;

export class Sweep {
  readonly #rollups: Rollups;
  readonly #late: Late;
  readonly #db: Database.Database;
  readonly #prepared = new Map<string, Database.Statement>();

  constructor(db: Database.Database, rollups: Rollups, late: Late) {
    this.#db = db;
    this.#rollups = rollups;
    this.#late = late;
  }

  /** Everything that is due. */
  *all(policy: Policy, cutsOf: (service: string) => Cuts, nowMs: number): Steps {
    yield* this.telemetry(cutsOf, () => false);
    yield* this.#journal(policy, nowMs);
  }

  /** Telemetry older than its service's cuts, until it is `enough`. What is not rolled up stays. */
  *telemetry(cutsOf: (service: string) => Cuts, enough: () => boolean): Steps {
    for (const table of TEXTS) {
      for (let service = this.#service(table); service !== undefined; service = this.#service(table, service)) {
        yield* this.#texts(table, service, cutsOf(service)[table]);
        if (enough()) return;
      }
    }
    for (const [id, service] of this.#eachSeries()) {
      yield* this.#series(id, cutsOf(service));
      yield;
      if (enough()) return;
    }
  }

  /** @returns when the oldest is of: logs, traces and samples · minutes · hours. Infinity: there is none. */
  *oldest(of: 'raw' | 'minutes' | 'hours'): Steps<number> {
    let oldest = Number.POSITIVE_INFINITY;
    const see = (ts: number | undefined): number => Math.min(oldest, ts ?? oldest);
    if (of === 'raw') for (const table of TEXTS) oldest = see(this.#number(`SELECT min(ts) FROM ${table}`));
    for (const [id] of this.#eachSeries()) {
      oldest = see(of === 'raw' ? this.#first(id) : this.#firstRollup(id, of === 'minutes' ? MINUTE_MS : HOUR_MS));
      yield;
    }
    return oldest;
  }

  *#series(id: number, cuts: SeriesCuts): Steps {
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
    const edge = this.#sql('SELECT ts, seq FROM points WHERE series_id = ? AND ts < ? ORDER BY ts, seq LIMIT 1 OFFSET ?').raw(true).get(series, before, CHUNK);
    if (Array.isArray(edge)) this.#sql('DELETE FROM points WHERE series_id = ? AND (ts, seq) < (?, ?)').run(series, ...edge);
    else this.#sql('DELETE FROM points WHERE series_id = ? AND ts < ?').run(series, before);
    return Array.isArray(edge);
  }

  #rolledUp(series: number, step: Step, before: number): boolean {
    const edge = this.#number('SELECT ts FROM rollups WHERE series_id = ? AND step = ? AND ts < ? ORDER BY ts LIMIT 1 OFFSET ?', series, step, before, CHUNK);
    this.#sql('DELETE FROM rollups WHERE series_id = ? AND step = ? AND ts < ?').run(series, step, edge ?? before);
    return edge !== undefined;
  }

  *#texts(table: (typeof TEXTS)[number], service: string, before: number): Steps {
    const sql = `DELETE FROM ${table} WHERE service = ? AND ts < ? ORDER BY ts LIMIT ${FEW}`;
    while (this.#sql(sql).run(service, before).changes === FEW) yield;
    yield;
  }

  *#journal({ episodesMs, jobsMs, auditMs, versionsMs, versionsAtLeast }: Policy, nowMs: number): Steps {
    yield* this.#rows(`DELETE FROM episodes WHERE ended_ms < ? ORDER BY ended_ms LIMIT ${FEW}`, nowMs - episodesMs);
    yield* this.#rows(`DELETE FROM audit WHERE at_ms < ? ORDER BY at_ms LIMIT ${FEW}`, nowMs - auditMs);
    const older = 'number < (SELECT min(number) FROM (SELECT number FROM config_versions ORDER BY number DESC LIMIT ?))';
    yield* this.#rows(`DELETE FROM config_versions WHERE at_ms < ? AND ${older} ORDER BY number LIMIT ${FEW}`, nowMs - versionsMs, versionsAtLeast);
    yield* this.#jobs(nowMs - jobsMs);
  }

  *#rows(sql: string, ...params: readonly number[]): Steps {
    while (this.#sql(sql).run(...params).changes === FEW) yield;
    yield;
  }

  /** A job has ended when its last word came: `due_ms` of the end, the last attempt, or its creation, whichever was last. */
  *#jobs(before: number): Steps {
    const attempted = 'EXISTS (SELECT 1 FROM attempts WHERE job_id = jobs.id AND started_ms + duration_ms >= ?)';
    const ended = this.#sql(
      `SELECT due_ms, id, created_ms >= ? OR ${attempted} FROM jobs WHERE ${ENDED} AND due_ms < ? AND (due_ms, id) > (?, ?) ORDER BY due_ms, id LIMIT ${FEW}`,
    ).raw(true);
    for (let [at, last]: [number, string] = [FIRST_MS, '']; ; ) {
      const jobs = ended.all(before, before, before, at, last) as [dueMs: number, id: string, young: 0 | 1][];
      for (const [dueMs, id, young] of jobs) {
        [at, last] = [dueMs, id];
        if (young) continue;
        this.#sql('DELETE FROM attempts WHERE job_id = ?').run(id);
        this.#sql('DELETE FROM jobs WHERE id = ?').run(id);
      }
      yield;
      if (jobs.length < FEW) return;
    }
  }

  *#eachSeries(): Generator<readonly [id: number, service: string], void, undefined> {
    const next = this.#sql(`SELECT id, service FROM series WHERE id > ? ORDER BY id LIMIT ${CHUNK}`).raw(true);
    for (let last = 0; ; ) {
      const page = next.all(last) as [number, string][];
      yield* page;
      last = page.at(-1)?.[0] ?? Number.POSITIVE_INFINITY;
      if (page.length < CHUNK) return;
    }
  }

  #service(table: string, after?: string): string | undefined {
    const sql = `SELECT service FROM ${table} ${after === undefined ? '' : 'WHERE service > ?'} ORDER BY service LIMIT 1`;
    const service = this.#sql(sql).pluck().get(...(after === undefined ? [] : [after]));
    return typeof service === 'string' ? service : undefined;
  }
  #first(series: number): number | undefined {
    return this.#number('SELECT ts FROM points WHERE series_id = ? ORDER BY ts LIMIT 1', series);
  }
  #firstRollup(series: number, step: Step): number | undefined {
    return this.#number('SELECT ts FROM rollups WHERE series_id = ? AND step = ? ORDER BY ts LIMIT 1', series, step);
  }
  #number(sql: string, ...params: readonly (string | number)[]): number | undefined {
    const value = this.#sql(sql).pluck().get(...params);
    return typeof value === 'number' ? value : undefined;
  }
  #sql(sql: string): Database.Statement {
    const there = this.#prepared.get(sql) ?? this.#db.prepare(sql);
    this.#prepared.set(sql, there);
    return there;
  }
}
