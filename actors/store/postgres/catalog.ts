/** Which columns of a table of tables.ts the database has, and of which type: what a backup reads and what a restore writes. */
import type { Cell } from '../query/program.ts';
import type { Table } from '../archive/tables.ts';
import type { Rows } from './rows.ts';
import type { Session } from './session.ts';

/** How a cell goes into COPY, by the column's type. */
const PUT: Readonly<Record<string, (rows: Rows, cell: Exclude<Cell, null>) => unknown>> = {
  integer: (rows, cell) => rows.int4(Math.trunc(Number(cell))),
  bigint: (rows, cell) => rows.int8(Math.trunc(Number(cell))),
  'double precision': (rows, cell) => rows.float8(Number(cell)),
  text: (rows, cell) => rows.text(String(cell)),
  bytea: (rows, cell) => rows.bytes(cell as Uint8Array), // the archive's reader has seen to it
};
export type Put = (rows: Rows, cell: Cell) => void;
/** NULL has no type in COPY. */
const putOf =
  (put: (rows: Rows, cell: Exclude<Cell, null>) => unknown): Put =>
  (rows, cell) =>
    void (cell === null ? rows.float8(null) : put(rows, cell));

const COLUMNS =
  'SELECT attname AS name, format_type(atttypid, NULL) AS type FROM pg_attribute WHERE attrelid = to_regclass(?) AND attnum > 0 AND NOT attisdropped';

/** By name; none: there is no such table. */
export async function columnsOf(session: Session, { name }: Table): Promise<ReadonlyMap<string, Put>> {
  const { rows } = await session.ask(COLUMNS, [name]);
  return new Map(
    rows.map((row) => {
      const put = PUT[String(row.type)];
      if (!put) throw new Error(`${name}.${String(row.name)} is a ${String(row.type)}, of which a backup knows nothing`);
      return [String(row.name), putOf(put)];
    }),
  );
}
