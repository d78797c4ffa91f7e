/**
 * The thread that keeps house: down-sampling and retention, on a connection of its own, so that no commit waits for it. Of all nodes that share the
 * database one does it, as long as it lives.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { Growth } from '../health.ts';
import { everyMs } from '../retention.ts';
import { HOUR_MS, MINUTE_MS } from '../query/rollup.ts';
import type { Kept } from './health.ts';
import { Late } from './late.ts';
import { lockKey } from './migrate.ts';
import { Removal } from './removal.ts';
import { Rollups } from './rollups.ts';
import { Session } from './session.ts';
import { Sweep } from './sweep.ts';
import type { WriterData } from './writer.ts';

const ROUND_MS = 10_000;
const AFTER_FAULT_MS = 5_000;
/** It leaves the server as much time as it takes: most of it to others. */
const SHARE = 1;
const MOST_PAUSE_MS = 200;

const port = parentPort;
if (!port) throw new Error('actors/store/postgres/keeper.ts runs as a worker thread only');
const { urls, schema, node, retention } = workerData as WriterData;
const growth = new Growth(null);
let kept: Kept = { growthBytesPerDay: null, oldestSampleMs: null, rolledMs: null, stalled: null };
const begun = new Map<string, number>();
let since = performance.now();

for (;;) {
  try {
    await keep(await Session.open({ urls, schema, application: `argos/keeps/${node}` }));
  } catch (error) {
    begun.clear();
    tell({ stalled: error instanceof Error ? error.message : String(error) });
  }
  await sleep(AFTER_FAULT_MS);
}

/** Round after round, until something fails. */
async function keep(session: Session): Promise<never> {
  try {
    const rollups = await Rollups.of(session);
    const late = new Late(session, rollups);
    const sweep = new Sweep(session, new Removal(session, late, pause), pause);
    for (let mine = false; ; await sleep(ROUND_MS)) {
      mine ||= (await session.run(`SELECT pg_try_advisory_lock(${lockKey('keeper')}) AS mine`)).rows[0]?.mine === true;
      if (mine) await round(session, rollups, late, sweep);
      const rolled = await rollups.rolled();
      tell({ rolledMs: Number.isNaN(rolled) ? null : rolled, stalled: null });
    }
  } finally {
    session.drop();
  }
}

async function round(session: Session, rollups: Rollups, late: Late, sweep: Sweep): Promise<void> {
  const nowMs = Date.now();
  await rollups.roll(nowMs, pause);
  if (isTime('late', MINUTE_MS, nowMs)) await late.refresh(pause);
  if (retention && isTime('retention', everyMs(retention), nowMs)) {
    await sweep.all(retention, nowMs, await rollups.rolled());
    begun.delete('oldest');
  }
  if (isTime('oldest', HOUR_MS, nowMs)) tell({ oldestSampleMs: await sweep.oldest() });
  if (!isTime('growth', MINUTE_MS, nowMs)) return;
  growth.see(Number((await session.run('SELECT pg_database_size(current_database()) AS size')).rows[0]?.size), performance.now());
  tell({ growthBytesPerDay: growth.perDay });
}

function tell(news: Partial<Kept>): void {
  kept = { ...kept, ...news };
  port?.postMessage(kept);
}

/** Whether it is due, so often; then it is begun. A clock that was set back delays nothing. */
function isTime(what: string, everyMs: number, nowMs: number): boolean {
  if (Math.abs(nowMs - (begun.get(what) ?? Number.POSITIVE_INFINITY)) < everyMs) return false;
  begun.set(what, nowMs);
  return true;
}

async function pause(): Promise<void> {
  await sleep(Math.min(MOST_PAUSE_MS, SHARE * (performance.now() - since)));
  since = performance.now();
}
