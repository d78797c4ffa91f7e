/**
 * The thread that writes: SQLite, one connection. All requests that are waiting go into one transaction, so that while one commits the next
 * gathers: group commit without a timer. Nothing is answered before its commit.
 */
import type { Statement } from '../query/program.ts';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type Database from 'better-sqlite3';
import { statementsOf } from '../changes.ts';
import { type Health, Recent } from '../health.ts';
import { claim, type Read, readOf } from '../reads.ts';
import type { Answer, Ask, Order, Write } from '../work.ts';
import { Housekeeping, type Limits } from './housekeeping.ts';
import { faultOf, openWriter, takeFolder } from './open.ts';
import { SpareTime } from './spare-time.ts';
import { Telemetry } from './telemetry.ts';

/** Requests in one transaction at the most, so that the first of them does not wait long. */
const GROUP = 1_000;

const port = parentPort;
if (!port) throw new Error('actors/store/sqlite/writer.ts runs as a worker thread only');
const { file, durability, limits } = workerData as { readonly file: string; readonly durability: 'power' | 'process'; readonly limits: Limits };
const lock = takeFolder(file);
port.on('close', () => lock.close());
const db = openWriter(file);
const housekeeping = new Housekeeping(db, limits);
const telemetry = new Telemetry(db, housekeeping.late);
const prepared = new Map<string, Database.Statement>();
const [commits, fsyncs] = [new Recent(), new Recent()];
let waiting = 0;
const spareTime = new SpareTime({
  step: () => {
    sync('NORMAL'); // what a power cut takes of it is done again
    return housekeeping.step();
  },
  urgent: () => housekeeping.urgent,
  serve: () => {
    const next = take();
    if (next) serve(next);
    return next !== undefined;
  },
});
const take = (): Order | undefined => receiveMessageOnPort(port)?.message as Order | undefined;
const post = (answer: Answer): void => port.postMessage(answer);

port.on('message', serve);
post({ id: 0 });

function serve(first: Order): void {
  const begun = performance.now();
  const orders = [first];
  for (let next = take(); next; next = take()) {
    orders.push(next);
    if (orders.length >= GROUP) break;
  }
  waiting = orders.length - 1;
  for (const answer of commit(orders)) post(answer);
  spareTime.worked(performance.now() - begun);
}

/** All in one transaction; when that fails each by itself, so that one bad request spoils no other. */
function commit(orders: readonly Order[]): Answer[] {
  const begun = performance.now();
  let done = begun;
  try {
    sync(durability === 'power' || orders.some(({ work }) => work.do === 'commit' || work.do === 'claim') ? 'FULL' : 'NORMAL');
    const answers = db.transaction(() => {
      const all = orders.map(perform);
      done = performance.now();
      return all;
    })();
    if (orders.some(({ work }) => isWrite(work))) {
      const end = performance.now();
      commits.add(end - begun, end);
      if (level === 'FULL') fsyncs.add(end - done, end);
    }
    return answers;
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
    case 'health':
      return health();
    default:
      return ask(readOf(work));
  }
}

function health(): Health {
  const now = performance.now();
  return { ...housekeeping.health(), commitMs: commits.quantiles(now), fsyncMs: fsyncs.quantiles(now), waiting };
}

const isWrite = ({ do: what }: Order['work']): boolean => what === 'append' || what === 'commit' || what === 'claim';

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
