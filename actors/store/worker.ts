/**
 * The store's thread: SQLite, one writer. All requests that are waiting go into one transaction, so that while one commits the next
 * gathers: group commit without a timer. Nothing is answered before its commit.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import Database from 'better-sqlite3';
import type { Log } from '../event.ts';
import { type Change, Journal, type JobFilter } from './journal.ts';
import { type Columns, type Series, type TelemetryFilter, TelemetryTables } from './telemetry.ts';

/** What the thread does. Each answers with what the function of its name below answers. */
export type Work =
  | { readonly do: 'append'; readonly series: readonly Series[]; readonly columns: Columns; readonly logs: readonly Log[] }
  | { readonly do: 'commit'; readonly changes: readonly Change[] }
  | { readonly do: 'ruleState'; readonly rule: string }
  | { readonly do: 'openJobs' | 'jobCounts' | 'counts' | 'series' }
  | { readonly do: 'jobs'; readonly filter: JobFilter }
  | { readonly do: 'attempts'; readonly job: string }
  | { readonly do: 'versions'; readonly limit: number }
  | { readonly do: 'metrics' | 'logs'; readonly filter: TelemetryFilter };
export interface Order {
  readonly id: number;
  readonly work: Work;
}
/** `error` is the message of what went wrong; then nothing of the whole group has been written. */
export interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** Older ones can corrupt a WAL when a checkpoint meets a commit of another connection (sqlite.org/wal.html, fixed in 3.51.3). */
const OLDEST_SQLITE = [3, 51, 3] as const;
/** Requests in one transaction at the most, so that the first of them does not wait long. */
const GROUP = 1_000;

const port = parentPort;
if (!port) throw new Error('actors/store/worker.ts runs as a worker thread only');
const db = openOrSay(String(workerData.file));
const journal = new Journal(db);
const telemetry = new TelemetryTables(db);

port.on('message', (first: Order) => {
  const orders = [first];
  for (let next = receiveMessageOnPort(port); next; next = receiveMessageOnPort(port)) {
    orders.push(next.message as Order);
    if (orders.length >= GROUP) break;
  }
  for (const answer of commit(orders)) port.postMessage(answer);
});
port.postMessage({ id: 0 } satisfies Answer);

/** All in one transaction; when that fails each by itself, so that one bad request spoils no other. */
function commit(orders: readonly Order[]): Answer[] {
  try {
    return db.transaction(() => orders.map(({ id, work }) => ({ id, value: perform(work) })))();
  } catch (error) {
    if (orders.length > 1) return orders.flatMap((order) => commit([order]));
    return orders.map(({ id }) => ({ id, error: error instanceof Error ? error.message : String(error) }));
  }
}

function perform(work: Work): unknown {
  switch (work.do) {
    case 'append':
      return telemetry.append(work.series, work.columns, work.logs);
    case 'commit':
      for (const change of work.changes) journal.apply(change);
      return undefined;
    case 'ruleState':
      return journal.ruleState(work.rule);
    case 'openJobs':
      return journal.openJobs();
    case 'jobCounts':
      return journal.jobCounts();
    case 'jobs':
      return journal.jobs(work.filter);
    case 'attempts':
      return journal.attempts(work.job);
    case 'versions':
      return journal.versions(work.limit);
    case 'metrics':
      return telemetry.metrics(work.filter);
    case 'logs':
      return telemetry.logs(work.filter);
    case 'series':
      return telemetry.series();
    case 'counts':
      return telemetry.counts();
  }
}

/** The one fault of opening that its user can mend is said in his words. */
function openOrSay(file: string): Database.Database {
  try {
    return open(file);
  } catch (error) {
    const locked = error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_BUSY');
    throw locked ? new Error(`another node uses ${file}: stop it, or start this one with another --data-dir`) : error;
  }
}

function open(file: string): Database.Database {
  const opened = new Database(file);
  const version = String(opened.prepare('SELECT sqlite_version()').pluck().get());
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  const [a, b, c] = OLDEST_SQLITE;
  if (major < a || (major === a && (minor < b || (minor === b && patch < c))))
    throw new Error(`SQLite ${OLDEST_SQLITE.join('.')} or newer is needed, got ${version}: older ones can corrupt the database`);
  opened.pragma('locking_mode = EXCLUSIVE'); // two nodes on one data directory would each believe to own its jobs
  opened.pragma('journal_mode = WAL');
  opened.pragma('synchronous = FULL');
  migrate(opened);
  return opened;
}

/** Numbered, forward only. */
function migrate(opened: Database.Database): void {
  const folder = join(import.meta.dirname, 'migrations');
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .sort();
  const at = Number(opened.pragma('user_version', { simple: true }));
  if (at > files.length) throw new Error(`the database is of schema version ${at}, and this Argos knows ${files.length}: use a newer Argos`);
  for (const [i, name] of files.entries()) {
    if (i < at) continue;
    opened.transaction(() => {
      opened.exec(readFileSync(join(folder, name), 'utf8'));
      opened.pragma(`user_version = ${i + 1}`);
    })();
  }
}
