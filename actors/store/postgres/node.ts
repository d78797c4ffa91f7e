/**
 * The place of this node in the database: its row, and a lock that it holds as long as its connection lasts, so that no two nodes have one name.
 * What an earlier connection of this process has left behind, when the network was cut, is ended first.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Unfit } from './faults.ts';
import { lockKey } from './migrate.ts';
import type { Session } from './session.ts';

/** More than the server takes to see that the machine of the one before is gone (session.ts). */
const LOCK_MS = 15_000;
const LOCK_RETRY_MS = 100;
const LEFT = 'FROM pg_stat_activity WHERE application_name = ? AND usename = current_user AND datname = current_database() AND pid <> pg_backend_pid()';

/** @returns the number of the last group that the node has committed. @throws Unfit when another process has this name. */
export async function takePlace(session: Session, node: string, application: string, patienceMs = LOCK_MS): Promise<number> {
  await session.ask(`SELECT pg_terminate_backend(pid) ${LEFT}`, [application]);
  for (const until = performance.now() + patienceMs; ; await sleep(LOCK_RETRY_MS)) {
    const { rows } = await session.run(`SELECT pg_try_advisory_lock(${lockKey(`node ${node}`)}) AS mine`);
    if (rows[0]?.mine === true) break;
    if (performance.now() > until)
      throw new Unfit(`PostgreSQL at ${session.host}: another node with the name ${node} uses this database: stop it, or give this one a name of its own`);
  }
  await session.ask('INSERT INTO nodes (node) VALUES (?) ON CONFLICT (node) DO NOTHING', [node]);
  const { rows } = await session.ask('SELECT last_group FROM nodes WHERE node = ?', [node]);
  return Number(rows[0]?.last_group);
}
