/** Batches in, rows out: series, points, logs and traces, and the batch itself until it is judged. Part of the thread that writes. */
import type { Columns, Series } from '../query/columns.ts';
import type Database from 'better-sqlite3';
import type { Log, Trace } from '../../event.ts';
import type { Batch, Boot, Unjudged } from '../work.ts';

type Row = Readonly<Record<string, unknown>>;

/** What has to know of samples from before some instant, in the transaction of their batch. */
export interface Late {
  readonly before: number;
  /** @returns whether the sample is dealt with; else it belongs into `points` like any other. */
  take(series: number, ts: number, value: number): boolean;
}

export class Telemetry {
  readonly #db: Database.Database;
  readonly #addSeries: Database.Statement;
  readonly #addPoint: Database.Statement;
  readonly #addTwin: Database.Statement;
  readonly #addLog: Database.Statement;
  readonly #addTrace: Database.Statement;
  readonly #keep: Database.Statement;
  readonly #judge: Database.Statement;
  readonly #mark: Database.Statement;
  readonly #late: Late;

  constructor(db: Database.Database, late: Late) {
    this.#db = db;
    this.#late = late;
    this.#addSeries = db.prepare('INSERT OR IGNORE INTO series (id, service, name, tags) VALUES (?, ?, ?, ?)');
    this.#addPoint = db.prepare('INSERT INTO points (series_id, ts, seq, value) VALUES (?, ?, 0, ?) ON CONFLICT DO NOTHING');
    // A second sample of one instant is kept beside the first. It is rare, and pays for both to be small: seq 0 takes no byte.
    this.#addTwin = db.prepare(
      'INSERT INTO points (series_id, ts, seq, value) SELECT :id, :ts, max(seq) + 1, :value FROM points WHERE series_id = :id AND ts = :ts',
    );
    this.#addLog = db.prepare('INSERT INTO logs (ts, service, level, message, tags) VALUES (?, ?, ?, ?, ?)');
    this.#addTrace = db.prepare(
      'INSERT INTO traces (trace_id, span_id, parent_id, ts, duration_ms, service, name, status, tags) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
    );
    this.#keep = db.prepare('INSERT INTO unjudged (seq, at_ms, protocol, series, ts, value, texts) VALUES (?, ?, ?, ?, ?, ?, ?)');
    this.#judge = db.prepare('DELETE FROM unjudged WHERE seq <= ?');
    this.#mark = db.prepare("INSERT INTO marks (name, value) VALUES ('judged', ?) ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)");
  }

  append({ seq, atMs, protocol, series, columns, logs, traces }: Batch): void {
    for (const { id, service, name, tags } of series) this.#addSeries.run(id, service, name, tags);
    const { series: ids, ts, value } = columns;
    const { before } = this.#late;
    for (const i of clustered(columns)) {
      const [id, at, one] = [ids[i] as number, ts[i] as number, value[i] as number];
      if (at < before && this.#late.take(id, at, one)) continue;
      if (this.#addPoint.run(id, at, one).changes === 0) this.#addTwin.run({ id, ts: at, value: one });
    }
    if (logs !== '[]')
      for (const log of JSON.parse(logs) as Log[]) this.#addLog.run(log.timestamp, log.service, log.level, log.message, JSON.stringify(log.tags));
    if (traces !== undefined) for (const trace of JSON.parse(traces) as Trace[]) this.#trace(trace);
    if (seq > 0) this.#keep.run(seq, atMs, protocol, bytes(ids), bytes(ts), bytes(value), logs);
  }

  #trace({ traceId, spanId, parentId, timestamp, durationMs, service, name, status, tags }: Trace): void {
    this.#addTrace.run(traceId, spanId, parentId ?? null, wholeMs(timestamp), durationMs, service, name, status, JSON.stringify(tags));
  }

  /** All batches up to this one are judged: they need not be kept for that any more. */
  judged(seq: number): void {
    this.#judge.run(seq);
    this.#mark.run(seq);
  }

  boot(): Boot {
    const last = Number(
      this.#db.prepare("SELECT max(coalesce((SELECT max(seq) FROM unjudged), 0), coalesce((SELECT value FROM marks WHERE name = 'judged'), 0))").pluck().get(),
    );
    return { series: this.#db.prepare('SELECT id, service, name, tags FROM series').all() as Series[], lastSeq: last };
  }

  unjudged(after: number, limit: number): Unjudged[] {
    const rows = this.#db.prepare('SELECT * FROM unjudged WHERE seq > ? ORDER BY seq LIMIT ?').all(after, limit) as Row[];
    return rows.map((r) => ({
      seq: Number(r.seq),
      atMs: Number(r.at_ms),
      protocol: String(r.protocol),
      columns: { series: new Uint32Array(buffer(r.series)), ts: new Float64Array(buffer(r.ts)), value: new Float64Array(buffer(r.value)) },
      logs: JSON.parse(String(r.texts)) as Log[],
    }));
  }
}

/** What is no number is null in JSON, and the table refuses it. */
const wholeMs = (ms: number | null): number | null => ms && Math.trunc(ms);

/** The order in which a batch is written: by series and time, as the table is. */
function clustered({ series, ts }: Columns): Iterable<number> {
  const order = Uint32Array.from(series.keys());
  return order.length < 2 ? order : order.sort((a, b) => (series[a] as number) - (series[b] as number) || (ts[a] as number) - (ts[b] as number));
}

const bytes = ({ buffer, byteOffset, byteLength }: Uint32Array | Float64Array): Uint8Array => new Uint8Array(buffer, byteOffset, byteLength);
/** A copy, since a typed array wants its bytes aligned. */
const buffer = (blob: unknown): ArrayBuffer => new Uint8Array(blob as Uint8Array).slice().buffer;
