/** The thread that reads: queries over telemetry, one after the other, on a connection of its own. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Answer, Order } from '../work.ts';
import { openReader } from './open.ts';

const port = parentPort;
if (!port) throw new Error('actors/store/sqlite/reader.ts runs as a worker thread only');
const db = openReader(String(workerData.file));
void db;
port.on('message', ({ id }: Order) => port.postMessage({ id, value: { items: [] } } satisfies Answer));
port.postMessage({ id: 0 } satisfies Answer);
