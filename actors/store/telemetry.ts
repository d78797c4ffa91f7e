/** Metrics and logs in the store's thread: columns in, rows out. */
import type Database from 'better-sqlite3';
import type { Level, Log, Metric } from '../event.ts';

/** A batch of metrics on its way between threads: transferred, not copied. */
export interface Columns {
  readonly series: Uint32Array;
  readonly ts: Float64Array;
  readonly value: Float64Array;
}

/** A series that the thread has not seen yet. Its id is given out by whoever sends. */
export interface Series {
  readonly id: number;
  readonly service: string;
  readonly name: string;
  /** JSON with sorted keys. */
  readonly tags: string;
}

export interface TelemetryFilter {
  readonly service?: string;
  /** ms since 1970, both included. */
  readonly from?: number;
  readonly to?: number;
  /** Newest first; default 1,000. */
  readonly limit?: number;
}

type Row = Readonly<Record<string, unknown>>;

export class TelemetryTables {
  readonly #db: Database.Database;
  readonly #addSeries: Database.Statement;
  readonly #addPoint: Database.Statement;
  readonly #addLog: Database.Statement;
  #seq: number;

  constructor(db: Database.Database) {
    this.#db = db;
    this.#addSeries = db.prepare('INSERT OR IGNORE INTO series (id, service, name, tags) VALUES (?, ?, ?, ?)');
    this.#addPoint = db.prepare('INSERT INTO points (series_id, ts, seq, value) VALUES (?, ?, ?, ?)');
    this.#addLog = db.prepare('INSERT INTO logs (ts, service, level, message, tags) VALUES (?, ?, ?, ?, ?)');
    this.#seq = Date.now() * 1_000; // grows over restarts, so that an instant's second sample never meets the first one's key
  }

  append(series: readonly Series[], { series: ids, ts, value }: Columns, logs: readonly Log[]): void {
    for (const { id, service, name, tags } of series) this.#addSeries.run(id, service, name, tags);
    const order = ids.length > 1 ? Uint32Array.from(ids.keys()).sort((a, b) => (ids[a] as number) - (ids[b] as number)) : [0];
    if (ids.length > 0) for (const i of order) this.#addPoint.run(ids[i], ts[i], this.#seq++, value[i]);
    for (const log of logs) this.#addLog.run(log.timestamp, log.service, log.level, log.message, JSON.stringify(log.tags));
  }

  series(): Series[] {
    return this.#db.prepare('SELECT id, service, name, tags FROM series').all() as Series[];
  }

  metrics({ service, name, from = 0, to = Number.MAX_SAFE_INTEGER, limit = 1_000 }: TelemetryFilter & { readonly name?: string }): Metric[] {
    const rows = this.#db
      .prepare(
        `SELECT s.service, s.name, s.tags, p.ts, p.value FROM points p JOIN series s ON s.id = p.series_id
         WHERE (:service IS NULL OR s.service = :service) AND (:name IS NULL OR s.name = :name) AND p.ts BETWEEN :from AND :to
         ORDER BY p.ts DESC, p.seq DESC LIMIT :limit`,
      )
      .all({ service: service ?? null, name: name ?? null, from, to, limit }) as Row[];
    return rows.map((r) => ({
      name: String(r.name),
      value: Number(r.value),
      timestamp: Number(r.ts),
      service: String(r.service),
      tags: JSON.parse(String(r.tags)),
    }));
  }

  logs({ service, level, from = 0, to = Number.MAX_SAFE_INTEGER, limit = 1_000 }: TelemetryFilter & { readonly level?: string }): Log[] {
    const rows = this.#db
      .prepare(
        `SELECT ts, service, level, message, tags FROM logs
         WHERE (:service IS NULL OR service = :service) AND (:level IS NULL OR level = :level) AND ts BETWEEN :from AND :to
         ORDER BY ts DESC, id DESC LIMIT :limit`,
      )
      .all({ service: service ?? null, level: level ?? null, from, to, limit }) as Row[];
    return rows.map((r) => ({
      level: r.level as Level,
      message: String(r.message),
      timestamp: Number(r.ts),
      service: String(r.service),
      tags: JSON.parse(String(r.tags)),
    }));
  }

  counts(): { readonly series: number; readonly points: number; readonly logs: number } {
    const count = (table: string): number => Number((this.#db.prepare(`SELECT count(*) AS n FROM ${table}`).get() as Row).n);
    return { series: count('series'), points: count('points'), logs: count('logs') };
  }
}
