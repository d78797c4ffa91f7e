/**
 * The thread that reads: queries over telemetry, on a connection of its own. Each statement sees what is committed when it runs, and is over
 * soon: none holds back a checkpoint.
 */
import type { Query } from '../query/query.ts';
import { parentPort, workerData } from 'node:worker_threads';
import type Database from 'better-sqlite3';
import { asking, type QueryAnswer, transferredOf } from '../query/answers.ts';
import type { Rows, Statement } from '../query/program.ts';
import { Selection } from '../query/selection.ts';
import { queryFault, Turns } from '../turns.ts';
import type { Answer, Order } from '../work.ts';
import { engine } from './engine.ts';
import { faultOf, openReader } from './open.ts';

/** SQLite's own cache of pages; beyond it the system's serves. */
const CACHE_KIB = 16_384;

const port = parentPort;
if (!port) throw new Error('actors/store/sqlite/reader.ts runs as a worker thread only');
const file = String(workerData.file);
const db = openReader(file);
db.pragma(`cache_size = ${-CACHE_KIB}`);
const prepared = new Map<string, Database.Statement>();
const selection = new Selection();
const turns = new Turns(read);

port.on('message', ({ id, work }: Order) => {
  const failed = (error: unknown): void => port.postMessage({ id, error: queryFault(error, (one) => faultOf(one, file)) } satisfies Answer);
  const answered = (value: QueryAnswer): void => port.postMessage({ id, value } satisfies Answer, transferredOf(value));
  try {
    const query = work as Query; // the store sends nothing else to those that read
    turns.start(asking(query, engine, selection), (outcome) => ('value' in outcome ? answered(outcome.value) : failed(outcome.error)));
  } catch (error) {
    failed(error);
  }
});
port.postMessage({ id: 0 } satisfies Answer);

function read({ sql, params }: Statement): Rows {
  const there = prepared.get(sql) ?? db.prepare(sql).raw();
  prepared.set(sql, there);
  return there.all(...params) as Rows;
}
