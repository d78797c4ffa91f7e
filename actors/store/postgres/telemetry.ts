/** Batches in, rows out: series, points, logs and traces, and each batch itself until the rules of this node have done with it. Part of the thread that writes. */
import type { Columns } from '../query/columns.ts';
import type { Log, Trace } from '../../event.ts';
import type { Batch, Boot, Unjudged } from '../work.ts';
import { minuteOf } from '../query/rollup.ts';
import { Days, dayOf } from './days.ts';
import { LATE_MS } from './rollups.ts';
import { Rows } from './rows.ts';
import { SeriesMap } from './series.ts';
import type { Session } from './session.ts';
import { addTraces } from './traces.ts';

/** Numbers of samples are taken from the database by so many. */
const BLOCK = 2 ** 24;

export class Telemetry {
  readonly #node: string;
  readonly #now: () => number;
  readonly #series = new SeriesMap();
  #days: Days | undefined;
  #nextSample = 0;
  #endOfBlock = 0;

  /** @param node whose batches these are. */
  constructor(node: string, now: () => number = Date.now) {
    this.#node = node;
    this.#now = now;
  }

  /** A connection has begun. @throws Unfit when the database has lost what this thread relies on. */
  async begin(session: Session): Promise<void> {
    await this.#series.check(session);
    this.#days = await Days.of(session);
  }

  /** What batches need before their transaction. */
  async prepare(session: Session, batches: readonly Batch[]): Promise<void> {
    let samples = 0;
    const days = new Set<number>();
    for (const { columns } of batches) {
      samples += columns.ts.length;
      for (const ts of columns.ts) days.add(dayOf(ts));
    }
    if (samples === 0) return;
    await this.#series.intern(
      session,
      batches.flatMap(({ series }) => series),
    );
    await this.#days?.cover(days, this.#now());
    if (samples > BLOCK) throw new RangeError(`at most ${BLOCK} samples can be written at once, got ${samples}`);
    if (this.#nextSample + samples <= this.#endOfBlock) return;
    const { rows } = await session.ask("SELECT nextval('sample_blocks') AS block");
    this.#nextSample = Number(rows[0]?.block) * BLOCK;
    this.#endOfBlock = this.#nextSample + BLOCK;
  }

  /** Within a transaction. @throws RangeError when a batch holds what is no sample: nothing of it is sent. */
  append(session: Session, batches: readonly Batch[]): Promise<unknown>[] {
    const points = new Rows();
    const logs = new Rows();
    const traces: Trace[] = [];
    const unjudged = new Rows();
    const late = new Late(this.#now() - LATE_MS);
    for (const batch of batches) {
      const { seq, atMs, protocol, columns } = batch;
      const ours = { ...columns, series: columns.series.map((id) => this.#series.ours(id)) };
      this.#addPoints(points, late, ours);
      if (batch.logs !== '[]') addLogs(logs, JSON.parse(batch.logs) as Log[]);
      if (batch.traces !== undefined) for (const trace of JSON.parse(batch.traces) as Trace[]) traces.push(trace);
      if (seq === 0) continue;
      unjudged.row(8).text(this.#node).int8(seq).float8(atMs).text(protocol);
      unjudged.bytes(bytes(ours.series)).bytes(bytes(ours.ts)).bytes(bytes(ours.value)).text(batch.logs);
    }
    const sent: Promise<unknown>[] = [];
    if (unjudged.count > 0) sent.push(session.copy('unjudged (node, seq, at_ms, protocol, series, ts, value, texts)', unjudged.finish()));
    if (points.count > 0) sent.push(session.copy('points (series_id, ts, seq, value)', points.finish()));
    if (late.count > 0) sent.push(session.ask(STALE, late.columns));
    if (logs.count > 0) sent.push(session.copy('logs (ts, service, level, message, tags)', logs.finish()));
    if (traces.length > 0) sent.push(addTraces(session, traces));
    return sent;
  }

  async boot(session: Session): Promise<Boot> {
    const last = 'SELECT greatest((SELECT max(seq) FROM unjudged WHERE node = ?), (SELECT judged FROM nodes WHERE node = ?)) AS last';
    const [{ rows }, series] = await Promise.all([session.ask(last, [this.#node, this.#node]), this.#series.tell(session)]);
    return { series, lastSeq: Number(rows[0]?.last ?? 0) };
  }

  async unjudged(session: Session, after: number, limit: number): Promise<Unjudged[]> {
    const { rows } = await session.ask('SELECT * FROM unjudged WHERE node = ? AND seq > ? ORDER BY seq LIMIT ?', [this.#node, after, limit]);
    return rows.map((r) => ({
      seq: Number(r.seq),
      atMs: Number(r.at_ms),
      protocol: String(r.protocol),
      columns: {
        series: new Uint32Array(buffer(r.series)).map((id) => this.#series.theirs(id)),
        ts: new Float64Array(buffer(r.ts)),
        value: new Float64Array(buffer(r.value)),
      },
      logs: JSON.parse(String(r.texts)) as Log[],
    }));
  }

  /** In the order of the index, so that a series' samples lie together. Each gets a number of its own, which keeps two of one instant apart. */
  #addPoints(rows: Rows, late: Late, { series, ts, value }: Columns): void {
    const order = Uint32Array.from(series.keys());
    order.sort((a, b) => (series[a] as number) - (series[b] as number) || (ts[a] as number) - (ts[b] as number));
    for (const i of order) {
      const one = value[i] as number;
      if (Number.isNaN(one)) throw new RangeError('a sample is not a number'); // SQLite has no NaN
      const at = Math.trunc(ts[i] as number);
      late.see(series[i] as number, at);
      rows
        .row(4)
        .int4(series[i] as number)
        .int8(at)
        .int8(this.#nextSample++)
        .float8(one + 0); // nor a negative zero
    }
  }
}

/** A minute of which word has been left before is held until the commit, so that it is not made anew without these samples, and the word gone (late.ts). */
const STALE =
  'INSERT INTO stale_rollups (series_id, ts) SELECT DISTINCT id, minute FROM unnest(?::int[], ?::bigint[]) AS given (id, minute) ORDER BY 1, 2' +
  ' ON CONFLICT (series_id, ts) DO UPDATE SET ts = excluded.ts WHERE false';

/** Minutes that may have been rolled up before these samples of them came. */
class Late {
  readonly #before: number;
  readonly #series: number[] = [];
  readonly #minutes: number[] = [];

  constructor(before: number) {
    this.#before = before;
  }
  /** A sample, those of one series in the order of time. */
  see(series: number, ts: number): void {
    if (ts >= this.#before) return;
    const minute = minuteOf(ts);
    if (this.#series.at(-1) === series && this.#minutes.at(-1) === minute) return;
    this.#series.push(series);
    this.#minutes.push(minute);
  }
  get count(): number {
    return this.#series.length;
  }
  get columns(): readonly [string, string] {
    return [`{${this.#series.join(',')}}`, `{${this.#minutes.join(',')}}`];
  }
}

function addLogs(rows: Rows, logs: readonly Log[]): void {
  for (const { timestamp, service, level, message, tags } of logs)
    rows.row(5).int8(Math.trunc(timestamp)).text(service).text(level).text(message).text(JSON.stringify(tags));
}

const bytes = ({ buffer, byteOffset, byteLength }: Uint32Array | Float64Array): Uint8Array => new Uint8Array(buffer, byteOffset, byteLength);
/** A copy, since a typed array wants its bytes aligned. */
const buffer = (blob: unknown): ArrayBuffer => new Uint8Array(blob as Uint8Array).slice().buffer;
