/**
 * The thread that writes: SQLite, one connection. All requests that are waiting go into one transaction, so that while one commits the next
 * gathers: group commit without a timer. Nothing is answered before its commit.
 */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type Database from 'better-sqlite3';
import { type Statement, statementsOf } from '../changes.ts';
import { claim, type Read, readOf } from '../reads.ts';
import type { Answer, Ask, Order, Write } from '../work.ts';
import { faultOf, lockFolder, openWriter } from './open.ts';
import { Telemetry } from './telemetry.ts';

/** Requests in one transaction at the most, so that the first of them does not wait long. */
const GROUP = 1_000;

const port = parentPort;
if (!port) throw new Error('actors/store/sqlite/writer.ts runs as a worker thread only');
const { file, durability } = workerData as { readonly file: string; readonly durability: 'power' | 'process' };
const lock = lockFolder(file);
port.on('close', () => lock.close());
const db = openWriter(file);
const telemetry = new Telemetry(db, () => {});
const prepared = new Map<string, Database.Statement>();

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
    sync(durability === 'power' || orders.some(({ work }) => work.do === 'commit' || work.do === 'claim') ? 'FULL' : 'NORMAL');
    return db.transaction(() => orders.map(perform))();
  } catch (error) {
    if (orders.length > 1) return orders.flatMap((order) => commit([order]));
    return orders.map(({ id }) => ({ id, error: faultOf(error, file) }));
  }
}

function perform({ id, work, judged }: Order): Answer {
  if (judged !== undefined) telemetry.judged(judged);
  return { id, value: answer(work as Write | Ask) }; // the store sends queries to those that read
}

function answer(work: Write | Ask): unknown {
  switch (work.do) {
    case 'append':
      return telemetry.append(work.batch);
    case 'commit':
      for (const change of work.changes) for (const { sql, params } of statementsOf(change)) statement(sql).run(...params);
      return undefined;
    case 'claim':
      return ask(claim(work, ''));
    case 'boot':
      return telemetry.boot();
    case 'unjudged':
      return telemetry.unjudged(work.after, work.limit);
    default:
      return ask(readOf(work));
  }
}

/** FULL: on disk when it is answered. NORMAL: a power cut may take the last of it, a killed process may not. */
let level = '';
function sync(wanted: 'FULL' | 'NORMAL'): void {
  if (wanted !== level) db.pragma(`synchronous = ${wanted}`);
  level = wanted;
}

const ask = <T>({ sql, params, as }: Read<T>): T => as(statement(sql).all(...params) as Record<string, unknown>[]);

function statement(sql: Statement['sql']): Database.Statement {
  const there = prepared.get(sql) ?? db.prepare(sql);
  prepared.set(sql, there);
  return there;
}
