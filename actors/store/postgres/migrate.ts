/** The schema of the database, up to date: numbered steps, forward only, under a lock, so that two nodes that start at once do not both take one. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { Unfit } from './faults.ts';
import type { Server, Session } from './session.ts';
import { hasTimescale, makeHypertable } from './timescale.ts';

const FOLDER = join(import.meta.dirname, 'migrations');
const files = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.sql'))
  .sort();

/** A number for what this is about, in the schema of this session: the key of an advisory lock. An SQL expression. */
export const lockKey = (about: string): string => `hashtextextended(current_schema() || ${pg.escapeLiteral(`/argos/${about}`)}, 0)`;

/** @throws Unfit when the database is of a newer Argos, or has no place for tables. */
export async function migrate(session: Session, server: Server): Promise<void> {
  await session.run('BEGIN');
  try {
    await session.run("SET LOCAL lock_timeout = '60s'; SELECT pg_advisory_xact_lock(hashtextextended('argos', 0))");
    await enterSchema(session, server);
    const at = await versionOf(session);
    if (at === 0) await session.run('CREATE TABLE argos_schema (version INTEGER NOT NULL); INSERT INTO argos_schema VALUES (0)');
    for (const [i, name] of files.entries()) {
      if (i < at) continue;
      await session.run(readFileSync(join(FOLDER, name), 'utf8'));
      if (i === 0 && (await hasTimescale(session, server))) await makeHypertable(session);
      await session.run(`UPDATE argos_schema SET version = ${i + 1}`);
    }
    await session.run('COMMIT');
  } catch (error) {
    await session.run('ROLLBACK').catch(() => {});
    throw error;
  }
}

async function enterSchema(session: Session, { schema }: Server): Promise<void> {
  if (schema !== undefined && (await session.ask('SELECT to_regnamespace(quote_ident(?)) IS NULL AS missing', [schema])).rows[0]?.missing === true)
    await session.run(`CREATE SCHEMA ${pg.escapeIdentifier(schema)}`);
  const { rows } = await session.run('SELECT current_schema() AS here');
  if (rows[0]?.here === null) throw new Unfit(`PostgreSQL at ${session.host}: the search_path names no schema that is there and may be used`);
}

/** How many of the migrations it has; 0: it has no tables. @throws Unfit when it has more than are known here. */
export async function versionOf(session: Session): Promise<number> {
  const { rows } = await session.run("SELECT to_regclass(quote_ident(current_schema()) || '.argos_schema') IS NOT NULL AS there");
  if (rows[0]?.there !== true) return 0;
  const at = Number((await session.run('SELECT version FROM argos_schema')).rows[0]?.version);
  if (at <= files.length) return at;
  throw new Unfit(
    `PostgreSQL at ${session.host}: the database is of schema version ${at}, and this Argos knows versions up to ${files.length}: use a newer Argos, or restore a backup of an older one`,
  );
}
