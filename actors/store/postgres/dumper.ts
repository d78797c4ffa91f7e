/**
 * The errand of a backup: PostgreSQL, in one transaction that reads, all of one moment. As long as it lasts the server's vacuum cannot take what has
 * been deleted since, and no partition is made or dropped; commits go on.
 */
import pg from 'pg';
import { archive, type Backup, type Source } from '../archive/dump.ts';
import { carryOut } from '../archive/errand.ts';
import type { Rows } from '../query/program.ts';
import type { Column, Table } from '../archive/tables.ts';
import { columnsOf } from './catalog.ts';
import { type Given, open, told } from './errands.ts';
import type { Session } from './session.ts';

/** Rows that are fetched at once: of tables whose rows are small, and of others, which hold texts and batches. */
const MANY = 5_000;
const FEW = 50;
const SMALL: readonly string[] = ['points', 'rollups', 'stale_rollups', 'late_points', 'removed', 'series'];

const LATE = 'gone JOIN points ON points.series_id = gone.series_id AND ts < raw_before';

carryOut(dumped, told);

async function* dumped(given: Given & { readonly backup: Backup }): AsyncGenerator<Uint8Array, unknown> {
  const { node, backup } = given;
  const session = await open(given, 'backup');
  try {
    await session.run('SET idle_in_transaction_session_timeout = 0'); // who takes the archive may be slow
    await session.run('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const { rows } = await session.run(`SELECT EXISTS (SELECT 1 FROM ${LATE}) AS late`);
    return yield* archive(backup, sourceOf(session, node, rows[0]?.late === true));
  } finally {
    session.drop();
  }
}

/** What the database has in another form than the archive. */
const ownOf = (node: string, isLate: boolean): Readonly<Record<string, string>> => {
  const mine = `NULLIF(node, ${pg.escapeLiteral(node)}) AS node`;
  return {
    nodes: `SELECT ${mine}, judged FROM nodes`,
    unjudged: `SELECT ${mine}, seq, at_ms, protocol, series, ts, value, texts FROM unjudged`,
    marks: "SELECT name, value FROM marks WHERE name = 'rolled'",
    removed: 'SELECT * FROM gone',
    // What lies before all that is gone waits to be added to what is left.
    late_points: `SELECT row_number() OVER (ORDER BY points.series_id, ts, seq) AS id, points.series_id, ts, value FROM ${LATE}`,
    ...(isLate && { points: 'SELECT points.* FROM points LEFT JOIN gone USING (series_id) WHERE ts >= raw_before OR raw_before IS NULL' }),
  };
};

function sourceOf(session: Session, node: string, isLate: boolean): Source {
  const own = ownOf(node, isLate);
  return {
    engine: 'postgres',
    async columns(table) {
      if (table.name in own) return table.columns;
      const there = await columnsOf(session, table);
      return table.columns.filter(({ name }) => there.has(name));
    },
    async *rows({ name, key, columns: all }: Table, columns: readonly Column[]): AsyncGenerator<Rows> {
      const names = columns.map((column) => `"${column.name}"`).join(', ');
      const order = key.map((one) => (all.find((column) => column.name === one)?.absent === null ? `${one} NULLS FIRST` : one)).join(', ');
      await session.run(`DECLARE dump_${name} NO SCROLL CURSOR FOR SELECT ${names} FROM (${own[name] ?? `SELECT * FROM ${name}`}) AS dumped ORDER BY ${order}`);
      const most = SMALL.includes(name) ? MANY : FEW;
      const fetch = (): Promise<Rows> => session.table({ sql: `FETCH ${most} FROM dump_${name}`, params: [] });
      for (let next = fetch(), rows = await next; rows.length > 0; rows = await next) {
        next = fetch(); // while these are written
        yield rows;
      }
      await session.run(`CLOSE dump_${name}`);
    },
  };
}
