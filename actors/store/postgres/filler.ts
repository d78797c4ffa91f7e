/** Rows of an archive into the tables, by COPY, within the transaction of a restore. What the database has in another form than the archive gets it here. */
import type { Target } from '../archive/load.ts';
import type { Cell } from '../query/program.ts';
import { FIRST_MS, minuteOf } from '../query/rollup.ts';
import { TABLES, type Table } from '../archive/tables.ts';
import { columnsOf, type Put } from './catalog.ts';
import { AHEAD_DAYS, BACK_DAYS, DAY_MS, dayOf, partitionOf, STORAGE } from './days.ts';
import { list } from './rollups.ts';
import { Rows } from './rows.ts';
import { hashOf } from './series.ts';
import type { Session } from './session.ts';

type Cells = readonly Cell[];
/** By table and column. */
type Puts = ReadonlyMap<string, ReadonlyMap<string, Put>>;
const IDENTITIES: readonly string[] = ['series', 'logs', 'audit'];
const STALE = 'INSERT INTO stale_rollups (series_id, ts) SELECT DISTINCT * FROM unnest(?::int[], ?::bigint[]) AS given ON CONFLICT DO NOTHING';

export class Filler implements Target {
  readonly #session: Session;
  readonly #node: string;
  readonly #puts: Puts;
  /** Days that have a partition, or need none; undefined: `points` has none of ours. */
  readonly #days: Set<number> | undefined;
  /** Up to where the samples of a series are gone. */
  readonly #gone = new Map<number, number>();

  private constructor(session: Session, node: string, puts: Puts, days: Set<number> | undefined) {
    this.#session = session;
    this.#node = node;
    this.#puts = puts;
    this.#days = days;
  }

  /** @param node what the node is called that was backed up. */
  static async of(session: Session, node: string): Promise<Filler> {
    const puts = new Map<string, ReadonlyMap<string, Put>>();
    for (const table of TABLES) puts.set(table.name, await columnsOf(session, table));
    const { rows } = await session.run("SELECT relkind = 'p' AS ours FROM pg_class WHERE oid = 'points'::regclass");
    return new Filler(session, node, puts, rows[0]?.ours === true ? new Set() : undefined);
  }

  async add(table: Table, rows: readonly Cells[]): Promise<void> {
    const { name } = table;
    const columns = table.columns.map((column) => column.name);
    if (name === 'removed') for (const [id, before] of rows) this.#gone.set(Number(id), Number(before));
    if (name === 'late_points') await this.#late(rows);
    else if (name === 'points')
      await this.#points(rows.filter(([id, ts]) => !(Number(ts) < (this.#gone.get(Number(id)) ?? FIRST_MS)))); // what was about to go is in its row
    else if (name === 'series')
      await this.#copy(
        name,
        [...columns, 'hash'],
        rows.map((row) => [...row, hash(columns, row)]),
      );
    else if (columns[0] === 'node')
      await this.#copy(
        name,
        columns,
        rows.map(([node, ...rest]) => [node ?? this.#node, ...rest]),
      );
    else await this.#copy(name, columns, rows);
  }

  /** Numbers that the database gives out go on after those that are there. */
  async end(): Promise<void> {
    for (const name of IDENTITIES) {
      const { rows } = await this.#session.run(`SELECT coalesce(max(id), 0) + 1 AS next FROM ${name}`);
      await this.#session.run(`ALTER TABLE ${name} ALTER COLUMN id RESTART WITH ${Number(rows[0]?.next)}`);
    }
  }

  /** They lie among the others, and wait to be added to what is left. */
  async #late(rows: readonly Cells[]): Promise<void> {
    await this.#points(rows.map(([id = 0, series = 0, ts = 0, value = 0]) => [series, ts, id, value]));
    await this.#session.ask(STALE, [list(rows.map(([, id]) => Number(id))), list(rows.map(([, , ts]) => minuteOf(Number(ts))))]);
  }

  async #points(rows: readonly Cells[]): Promise<void> {
    await this.#cover(rows);
    await this.#copy('points', ['series_id', 'ts', 'seq', 'value'], rows);
  }

  /** Partitions as days.ts makes them; here nothing is in the way, and nothing has to move. */
  async #cover(rows: readonly Cells[]): Promise<void> {
    const today = dayOf(Date.now());
    for (const row of rows) {
      const day = dayOf(Number(row[1]));
      if (!this.#days || this.#days.has(day)) continue;
      this.#days.add(day);
      if (day < today - BACK_DAYS || day > today + AHEAD_DAYS) continue;
      const range = `FROM (${day * DAY_MS}) TO (${(day + 1) * DAY_MS})`;
      await this.#session.run(`CREATE TABLE IF NOT EXISTS ${partitionOf(day)} PARTITION OF points FOR VALUES ${range} WITH (${STORAGE})`);
    }
  }

  async #copy(table: string, columns: readonly string[], cells: readonly Cells[]): Promise<void> {
    const puts = columns.map((column) => {
      const put = this.#puts.get(table)?.get(column);
      if (!put) throw new Error(`the database has no ${table}.${column}`);
      return put;
    });
    const rows = new Rows();
    for (const row of cells) {
      rows.row(puts.length);
      for (const [i, put] of puts.entries()) put(rows, row[i] ?? null);
    }
    await this.#session.copy(`${table} (${columns.map((column) => `"${column}"`).join(', ')})`, rows.finish());
  }
}

function hash(columns: readonly string[], row: Cells): Uint8Array {
  const of = (name: string): string => String(row[columns.indexOf(name)]);
  return Buffer.from(hashOf({ service: of('service'), name: of('name'), tags: of('tags') }), 'hex');
}
