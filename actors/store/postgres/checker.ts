/**
 * The errand of a check: PostgreSQL. The server sees to its pages itself; what can be asked of it is whether an index is invalid, whether it has met
 * checksums that are wrong, and, where the extension amcheck is installed, whether each index is in order.
 */
import type { StoreCheck } from '../../../proto/store.ts';
import { check, type CheckGiven, type Ground, type Integrity } from '../archive/check.ts';
import { carryOut } from '../archive/errand.ts';
import { TABLES } from '../archive/tables.ts';
import { columnsOf } from './catalog.ts';
import { type Given, open, told } from './errands.ts';
import { Away } from './faults.ts';
import type { Session } from './session.ts';

const OURS = "relnamespace = current_schema()::regnamespace AND relkind = 'i'";
const INVALID = `SELECT relname FROM pg_class JOIN pg_index ON indexrelid = pg_class.oid WHERE ${OURS} AND NOT indisvalid`;
const CHECKSUMS = 'SELECT coalesce(checksum_failures, 0) FROM pg_stat_database WHERE datname = current_database()';
const AMCHECK = "SELECT nspname FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace WHERE extname = 'amcheck'";
const BTREES = `SELECT pg_class.oid::text, relname FROM pg_class JOIN pg_am ON pg_am.oid = relam JOIN pg_index ON indexrelid = pg_class.oid WHERE ${OURS} AND indisvalid AND amname = 'btree' ORDER BY relname`;

carryOut(checked, told);

async function checked(given: Given & CheckGiven): Promise<StoreCheck> {
  const session = await open(given, 'check');
  try {
    return await check(groundOf(session), given);
  } finally {
    session.drop();
  }
}

const groundOf = (session: Session): Ground => ({
  engine: 'postgres',
  read: (asked) => session.table(asked),
  async tables() {
    const there: string[] = [];
    for (const table of TABLES) if ((await columnsOf(session, table)).size > 0) there.push(table.name);
    return there;
  },
  integrity: (quick) => integrity(session, quick),
});

async function integrity(session: Session, quick: boolean): Promise<Integrity> {
  const rows = (sql: string): Promise<readonly (readonly unknown[])[]> => session.table({ sql, params: [] });
  const faults = (await rows(INVALID)).map(([name]) => `the index ${String(name)} is invalid: REINDEX it`);
  const [[failures] = [0]] = await rows(CHECKSUMS);
  if (Number(failures) > 0) faults.push(`the server has met ${Number(failures)} pages with a wrong checksum`);
  const [[place] = []] = await rows(AMCHECK);
  if (quick || place === undefined) return { how: 'catalog', faults };
  for (const [index, name] of await rows(BTREES)) {
    try {
      await session.ask(`SELECT ${String(place)}.bt_index_check(?::oid::regclass)`, [String(index)]);
    } catch (error) {
      if (error instanceof Away) throw error;
      faults.push(`the index ${String(name)}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return { how: 'amcheck', faults };
}
