/**
 * Telemetry for others to read: samples series by series, each in the order of time; logs, spans and episodes in the order of time. It is read in small statements,
 * so that it holds nobody up however slowly it is taken; what comes in meanwhile may be in it or not.
 */
import type { ExportQuery } from '../../../proto/store.ts';
import { glob } from '../../glob.ts';
import type { Column, Format, Line } from './format.ts';
import { csv } from './csv.ts';
import type { Engine } from '../query/engine.ts';
import { Refusal } from './errand.ts';
import { type LinePage, type LineQuery, type Lines, linePage } from '../query/lines.ts';
import { LOGS } from '../query/logs.ts';
import { ndjson } from './ndjson.ts';
import { parquet } from './parquet.ts';
import { spanOf } from '../query/plan.ts';
import { type Program, QueryError, type Rows, statement, type Statement } from '../query/program.ts';
import type { Match, TraceQuery } from '../query/query.ts';
import { Selection } from '../query/selection.ts';
import { TRACES } from '../query/traces.ts';

/** What the engine brings. */
export interface Ground {
  readonly engine: Engine;
  read(statement: Statement): Promise<Rows> | Rows;
}

export const COLUMNS: Readonly<Record<ExportQuery['what'], readonly Column[]>> = {
  metrics: [
    { name: 'timestamp', kind: 'time' },
    { name: 'service', kind: 'text' },
    { name: 'name', kind: 'text' },
    { name: 'value', kind: 'number' },
    { name: 'tags', kind: 'json' },
  ],
  logs: [
    { name: 'timestamp', kind: 'time' },
    { name: 'service', kind: 'text' },
    { name: 'level', kind: 'text' },
    { name: 'message', kind: 'text' },
    { name: 'tags', kind: 'json' },
  ],
  traces: [
    { name: 'timestamp', kind: 'time' },
    { name: 'traceId', kind: 'text' },
    { name: 'spanId', kind: 'text' },
    { name: 'parentId', kind: 'text', optional: true },
    { name: 'service', kind: 'text' },
    { name: 'name', kind: 'text' },
    { name: 'durationMs', kind: 'number' },
    { name: 'status', kind: 'text' },
    { name: 'tags', kind: 'json' },
  ],
  episodes: [
    { name: 'started', kind: 'time' },
    { name: 'ended', kind: 'time', optional: true },
    { name: 'rule', kind: 'text' },
    { name: 'instance', kind: 'text' },
    { name: 'severity', kind: 'text' },
    { name: 'details', kind: 'text' },
    { name: 'id', kind: 'text' },
  ],
};
const FORMATS: Readonly<Record<ExportQuery['format'], Format>> = { ndjson, csv, parquet };
/** Read at once. */
const SAMPLES = 5_000;
const LINES = 1_000;
/** The last time that a Date has. */
const LATEST_MS = 8_640_000_000_000_000;

/** @returns how many lines it has, at the end. @throws Refusal `usage`. */
export async function* exported(query: ExportQuery, ground: Ground): AsyncGenerator<Uint8Array, { readonly rows: number }> {
  const counted = { rows: 0 };
  try {
    yield* FORMATS[query.format](COLUMNS[query.what], counting(LINES_OF[query.what](query, ground), counted));
  } catch (error) {
    throw error instanceof QueryError ? new Refusal('usage', error.message, { cause: error }) : error;
  }
  return counted;
}

async function* counting(lines: AsyncIterable<readonly Line[]>, counted: { rows: number }): AsyncGenerator<readonly Line[]> {
  for await (const some of lines) {
    counted.rows += some.length;
    yield some;
  }
}

async function* samples(query: ExportQuery, { engine, read }: Ground): AsyncGenerator<readonly Line[]> {
  const { fromMs, toMs } = spanOf(whereOf(query));
  const selection = new Selection();
  await run(selection.refresh(), read);
  const chosen = await run(selection.select(whereOf(query)), read);
  for (const one of chosen) {
    for (let [ts, seq] = [fromMs, -1]; ; ) {
      const rows = await read(engine.samples([{ series: one.id, ts, seq }], toMs, 'oldest', SAMPLES));
      yield rows.map((row): Line => [Number(row[1]), one.service, one.name, Number(row[3]), one.tags]);
      const last = rows.at(-1);
      if (!last || rows.length < SAMPLES) break;
      [ts, seq] = [Number(last[1]), Number(last[2])];
    }
  }
}

async function* logs(query: ExportQuery, ground: Ground): AsyncGenerator<readonly Line[]> {
  if (query.name !== undefined) throw new Refusal('usage', 'logs have no name: leave --name out, or export metrics or traces');
  for await (const lines of inTime(LOGS, whereOf(query), ground))
    yield lines.map(([ts, from, tags, level, message]): Line => [Number(ts), String(from), String(level), String(message), String(tags)]);
}

async function* traces(query: ExportQuery, ground: Ground): AsyncGenerator<readonly Line[]> {
  for await (const lines of inTime(TRACES, whereOf(query), ground))
    yield lines.map(([ts, from, tags, name, durationMs, status, parentId, traceId, spanId]): Line => {
      const ids = [String(traceId), String(spanId), parentId === null ? null : String(parentId)];
      return [Number(ts), ...ids, String(from), String(name), Number(durationMs), String(status), String(tags)];
    });
}

/** Those that ran at any time within, in the order of their beginnings. */
async function* episodes({ service, name, fromMs, toMs }: ExportQuery, { read }: Ground): AsyncGenerator<readonly Line[]> {
  if (service !== undefined) throw new Refusal('usage', 'episodes have no service: leave --service out; --name is that of the rule');
  const isRule = glob(name);
  const sql =
    'SELECT started_ms, ended_ms, rule, instance, severity, details, id FROM episodes WHERE started_ms <= ? AND (ended_ms IS NULL OR ended_ms >= ?) ' +
    `AND (started_ms > ? OR (started_ms = ? AND id > ?)) ORDER BY started_ms, id LIMIT ${LINES}`;
  for (let [ms, id] = [-LATEST_MS, '']; ; ) {
    const rows = await read(statement(sql, toMs ?? LATEST_MS, fromMs ?? -LATEST_MS, ms, ms, id));
    yield rows
      .filter(([, , rule]) => isRule(String(rule)))
      .map(([started, ended, ...texts]): Line => [Number(started), ended === null || ended === undefined ? null : Number(ended), ...texts.map(String)]);
    const last = rows.at(-1);
    if (!last || rows.length < LINES) return;
    [ms, id] = [Number(last[0]), String(last.at(-1))];
  }
}

async function* inTime<Q extends LineQuery>(from: Lines<Q>, query: Q, { engine, read }: Ground): AsyncGenerator<LinePage['lines']> {
  for (let at: { readonly cursor?: string } = {}; ; ) {
    const { lines, next } = await run(linePage(from, { ...query, order: 'oldest', limit: LINES, ...at }, engine), read);
    yield lines;
    if (next === undefined) return;
    at = { cursor: next };
  }
}

const LINES_OF: Readonly<Record<ExportQuery['what'], typeof samples>> = { metrics: samples, logs, traces, episodes };

async function run<T>(program: Program<T>, read: Ground['read']): Promise<T> {
  for (let rows: Rows = []; ; ) {
    const { done, value } = program.next(rows);
    if (done) return value;
    rows = value ? await read(value) : [];
  }
}

const matchOf = (text: string): Match => (text.includes('*') ? { like: text } : { is: text });
const whereOf = ({ service, name, fromMs, toMs }: ExportQuery): Pick<TraceQuery, 'service' | 'name' | 'fromMs' | 'toMs'> => ({
  ...(service === undefined ? {} : { service: matchOf(service) }),
  ...(name === undefined ? {} : { name: matchOf(name) }),
  ...(fromMs === undefined ? {} : { fromMs }),
  ...(toMs === undefined ? {} : { toMs }),
});
