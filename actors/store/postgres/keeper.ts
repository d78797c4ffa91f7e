/**
 * The thread that keeps house: down-sampling and retention, on a connection of its own, so that no commit waits for it. Of all nodes that share the
 * database one does it, as long as it lives.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { Growth } from '../health.ts';
import { everyMs } from '../retention.ts';
import { MINUTE_MS } from '../rollup.ts';
import { lockKey } from './migrate.ts';
import { Rollups } from './rollups.ts';
import { Session } from './session.ts';
import { Sweep } from './sweep.ts';
import type { WriterData } from './writer.ts';

/** What the thread tells after each round: why it does not come on; null: it does. */
export interface Kept {
  readonly stalled: string | null;
  readonly growthBytesPerDay: number | null;
}

const ROUND_MS = 10_000;
const AFTER_FAULT_MS = 5_000;
/** It leaves the server as much time as it takes: most of it to others. */
const SHARE = 1;
const MOST_PAUSE_MS = 200;

const port = parentPort;
if (!port) throw new Error('actors/store/postgres/keeper.ts runs as a worker thread only');
const { urls, schema, node, retention } = workerData as WriterData;
const growth = new Growth(null);
let keptMs = Number.NEGATIVE_INFINITY;
let seenMs = Number.NEGATIVE_INFINITY;

for (;;) {
  let stalled: string | null = null;
  try {
    await keep(await Session.open({ urls, schema, application: `argos/keeps/${node}` }));
  } catch (error) {
    stalled = error instanceof Error ? error.message : String(error);
  }
  port.postMessage({ stalled, growthBytesPerDay: growth.perDay } satisfies Kept);
  await sleep(AFTER_FAULT_MS);
}

/** Round after round, until something fails. */
async function keep(session: Session): Promise<void> {
  try {
    const rollups = await Rollups.of(session);
    const sweep = new Sweep(session, pause);
    for (;;) {
      if (await isMine(session)) await round(session, rollups, sweep);
      port?.postMessage({ stalled: null, growthBytesPerDay: growth.perDay } satisfies Kept);
      await sleep(ROUND_MS);
    }
  } finally {
    session.drop();
  }
}

async function isMine(session: Session): Promise<boolean> {
  return (await session.run(`SELECT pg_try_advisory_lock(${lockKey('keeper')}) AS mine`)).rows[0]?.mine === true;
}

async function round(session: Session, rollups: Rollups, sweep: Sweep): Promise<void> {
  const nowMs = Date.now();
  await rollups.roll(nowMs, pause);
  await rollups.refresh(pause);
  if (retention && nowMs - keptMs >= everyMs(retention)) {
    await sweep.all(retention, nowMs, await rollups.rolled());
    keptMs = nowMs;
  }
  if (nowMs - seenMs < MINUTE_MS) return;
  seenMs = nowMs;
  growth.see(Number((await session.run('SELECT pg_database_size(current_database()) AS size')).rows[0]?.size), performance.now());
}

let since = performance.now();
async function pause(): Promise<void> {
  await sleep(Math.min(MOST_PAUSE_MS, SHARE * (performance.now() - since)));
  since = performance.now();
}
