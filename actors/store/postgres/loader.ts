/**
 * The errand of a restore: PostgreSQL, all in one transaction. What was there cannot be kept beside it: a database that is not empty is refused
 * unless it may go, and is as it was until the commit.
 */
import { mkdirSync } from 'node:fs';
import pg from 'pg';
import { carryOut, Refusal } from '../archive/errand.ts';
import { load, verify } from '../archive/load.ts';
import { type RestoreGiven, type Restored, restoredOf, stagePapers } from '../archive/restore.ts';
import { clear, discard, finish, swap } from '../archive/swap.ts';
import { TABLES } from '../archive/tables.ts';
import { columnsOf } from './catalog.ts';
import { type Given, told } from './errands.ts';
import { Filler } from './filler.ts';
import { lockKey, migrate } from './migrate.ts';
import { Session } from './session.ts';

carryOut(restored, told);

async function restored({ urls, schema, node, dataDir, from, discard: isDiscarded }: Given & RestoreGiven): Promise<Restored> {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  finish(dataDir);
  const verified = await verify(from);
  clear(dataDir);
  const server = { urls, schema, application: `argos/restore/${node}` };
  const session = await Session.open(server);
  try {
    await migrate(session, server);
    await session.run('SET idle_in_transaction_session_timeout = 0');
    await session.run('BEGIN');
    await alone(session);
    await empty(session, isDiscarded);
    const filler = await Filler.of(session, node);
    const papers = await load(from, verified, filler);
    await filler.end();
    stagePapers(dataDir, papers);
    await session.run('COMMIT');
    swap(dataDir);
    if (isDiscarded) discard(dataDir);
    await session.run('ANALYZE');
    return restoredOf(verified, papers);
  } catch (error) {
    clear(dataDir);
    throw error;
  } finally {
    session.drop();
  }
}

/** Keeps out every node that has ever used this database. @throws Refusal `conflict` while one runs. */
async function alone(session: Session): Promise<void> {
  await session.run('LOCK TABLE nodes IN ACCESS EXCLUSIVE MODE');
  for (const { node } of (await session.run('SELECT node FROM nodes ORDER BY node')).rows) {
    const { rows } = await session.run(`SELECT pg_try_advisory_xact_lock(${lockKey(`node ${String(node)}`)}) AS mine`);
    if (rows[0]?.mine !== true) throw new Refusal('conflict', `the node ${String(node)} uses this database (PostgreSQL at ${session.host}): stop it`);
  }
}

async function empty(session: Session, isDiscarded: boolean): Promise<void> {
  const there: string[] = [];
  for (const table of TABLES) if ((await columnsOf(session, table)).size > 0) there.push(pg.escapeIdentifier(table.name));
  for (const name of there) {
    const { rows } = await session.run(`SELECT EXISTS (SELECT 1 FROM ${name}) AS full`);
    if (rows[0]?.full === true && !isDiscarded)
      throw new Refusal(
        'conflict',
        `the database (PostgreSQL at ${session.host}) is not empty, and cannot be kept beside: back it up, then restore with --discard-old`,
      );
  }
  await session.run(`TRUNCATE ${there.join(', ')}`);
}
