/** The thread that reads: queries over telemetry, some at the same time. Each statement sees what is committed when it runs. */
import type { Query } from '../query/query.ts';
import { setImmediate as others } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { type Asking, asking, type QueryAnswer, transferredOf } from '../query/answers.ts';
import type { Rows } from '../query/program.ts';
import { Selection } from '../query/selection.ts';
import { queryFault } from '../turns.ts';
import type { Answer, Order } from '../work.ts';
import { engine, patientEngine } from './engine.ts';
import { faultOf, stateOf } from './faults.ts';
import { Pool } from './pool.ts';
import type { WriterData } from './writer.ts';

/** So many at once; more wait, so that the memory that they take stays within bounds. */
const MOST_AT_ONCE = 16;
/** What a sum comes to is more than a double can hold. */
const OUT_OF_RANGE = '22003';

const port = parentPort;
if (!port) throw new Error('actors/store/postgres/reader.ts runs as a worker thread only');
const { urls, schema, node } = workerData as WriterData;
const pool = new Pool({ urls, schema, application: `argos/reads/${node}` });
const selection = new Selection();
const waiting: (() => void)[] = [];
let running = 0;

port.on('message', async ({ id, work }: Order) => {
  const query = work as Query; // the store sends nothing else to those that read
  if (running >= MOST_AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve));
  running++;
  try {
    const value = await answered(query);
    port.postMessage({ id, value } satisfies Answer, transferredOf(value));
  } catch (error) {
    port.postMessage({ id, error: queryFault(error, faultOf) } satisfies Answer);
  }
  running--;
  waiting.shift()?.();
});
port.postMessage({ id: 0 } satisfies Answer);

/** Without a word to the server: when it is away, the queries that come are told. */
async function answered(query: Query): Promise<QueryAnswer> {
  try {
    return await run(asking(query, engine, selection));
  } catch (error) {
    if (stateOf(error) === OUT_OF_RANGE) return run(asking(query, patientEngine, selection));
    throw error;
  }
}

async function run({ program, watch }: Asking): Promise<QueryAnswer> {
  for (let rows: Rows = []; ; ) {
    watch.check();
    const { done, value } = program.next(rows);
    if (done) return value;
    if (value) rows = await pool.read(value, watch);
    else await others();
  }
}
