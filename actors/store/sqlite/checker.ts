/** The errand of a check: SQLite. It reads for as long as it takes, on a connection of its own. */
import type Database from 'better-sqlite3';
import type { StoreCheck } from '../../../proto/store.ts';
import { check, type CheckGiven, type Ground } from '../archive/check.ts';
import { carryOut } from '../archive/errand.ts';
import type { Rows } from '../query/program.ts';
import { type Given, open, told } from './errands.ts';

/** Faults that are told; there is no use in more. */
const MOST = 100;

carryOut(checked, told);

async function checked(given: Given & CheckGiven): Promise<StoreCheck> {
  const { db, close } = open(given);
  try {
    return await check(groundOf(db), given);
  } finally {
    close();
  }
}

const groundOf = (db: Database.Database): Ground => ({
  engine: 'sqlite',
  read: ({ sql, params }) =>
    db
      .prepare(sql)
      .raw()
      .all(...params) as Rows,
  tables: () => db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all() as string[],
  integrity(quick) {
    const how = quick ? 'quick_check' : 'integrity_check';
    try {
      const lines = db.prepare(`PRAGMA ${how}(${MOST})`).pluck().all().map(String);
      return { how, faults: lines.filter((line) => line !== 'ok') };
    } catch (error) {
      return { how, faults: [error instanceof Error ? error.message : String(error)] };
    }
  },
});
