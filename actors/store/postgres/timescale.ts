/**
 * TimescaleDB, where the server has it: `points` is a hypertable then, compressed after a week. TimescaleDB cannot be installed where Argos is
 * built, so this file has been checked against its documentation (2.11 and later) and by reading, not by running; that it is absent is tested.
 */
import { type Server, Session } from './session.ts';

const DAY_MS = 86_400_000;
const COMPRESS_AFTER_MS = 7 * DAY_MS;

/**
 * Whether its functions are there. An extension that the server has and the database has not is created, in a session of its own: when its
 * library is not preloaded, the server ends that session. Without the right to create it, partitions do.
 */
export async function hasTimescale(session: Session, server: Server): Promise<boolean> {
  const { rows } = await session.ask("SELECT installed_version IS NOT NULL AS here FROM pg_available_extensions WHERE name = 'timescaledb'");
  if (rows.length === 0) return false;
  if (rows[0]?.here === true) return true;
  try {
    const other = await Session.open(server);
    await other.run('CREATE EXTENSION IF NOT EXISTS timescaledb');
    other.drop();
    return true;
  } catch {
    return false;
  }
}

/** Instead of the partitioned table, which is empty: this is part of the first migration. */
export async function makeHypertable(session: Session): Promise<void> {
  await session.run(`
    CREATE TABLE hyper (LIKE points);
    DROP TABLE points;
    ALTER TABLE hyper RENAME TO points;
    ALTER TABLE points ADD PRIMARY KEY (series_id, ts, seq) INCLUDE (value);
    SELECT create_hypertable('points', 'ts', chunk_time_interval => ${DAY_MS}::bigint);
    CREATE FUNCTION argos_now_ms() RETURNS BIGINT LANGUAGE SQL STABLE AS $$ SELECT (extract(epoch FROM now()) * 1000)::bigint $$;
    SELECT set_integer_now_func('points', 'argos_now_ms');
    ALTER TABLE points SET (timescaledb.compress, timescaledb.compress_segmentby = 'series_id', timescaledb.compress_orderby = 'ts, seq');
    SELECT add_compression_policy('points', compress_after => ${COMPRESS_AFTER_MS}::bigint);
  `);
}

export async function isHypertable(session: Session): Promise<boolean> {
  return (await session.run("SELECT relkind <> 'p' AS hyper FROM pg_class WHERE oid = 'points'::regclass")).rows[0]?.hyper === true;
}

/** What is older goes, chunk by chunk. The cut is Argos' own, which knows what has been down-sampled; so there is no policy of TimescaleDB for it. */
export async function dropChunks(session: Session, before: number): Promise<void> {
  await session.run(`SELECT drop_chunks('points', older_than => ${Math.trunc(before)}::bigint)`);
}
