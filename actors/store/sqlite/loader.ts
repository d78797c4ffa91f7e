/**
 * The errand of a restore: SQLite. The rows go into a new database beside the one that is there, which nobody touches until the new one is whole
 * and on disk; then the two change places (swap.ts).
 */
import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import type { Paper } from '../archive/dump.ts';
import { carryOut } from '../archive/errand.ts';
import { load, type Target, type Verified, verify } from '../archive/load.ts';
import type { Cell } from '../query/program.ts';
import { type RestoreGiven, type Restored, restoredOf, stagePapers } from '../archive/restore.ts';
import { clear, discard, stagedOf, swap } from '../archive/swap.ts';
import { hold, told } from './errands.ts';
import { openReader, openWriter } from './open.ts';

type LoadGiven = RestoreGiven & { readonly file: string };
const CACHE_KIB = 65_536;

carryOut(restored, told);

async function restored({ file, from, discard: isDiscarded }: LoadGiven): Promise<Restored> {
  const folder = dirname(file);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const lock = hold(file);
  try {
    const verified = await verify(from);
    clear(folder);
    const papers = await loaded(stagedOf(folder, 'argos.db'), from, verified);
    stagePapers(folder, papers);
    settle(file);
    swap(folder);
    if (isDiscarded) discard(folder);
    return restoredOf(verified, papers);
  } catch (error) {
    clear(folder);
    throw error;
  } finally {
    lock.close();
  }
}

/** Into a new database: without a journal, since a half one is of no use. */
async function loaded(file: string, from: string, verified: Verified): Promise<readonly Paper[]> {
  const db = openWriter(file);
  try {
    db.pragma('journal_mode = OFF');
    db.pragma('synchronous = OFF');
    db.pragma(`cache_size = ${-CACHE_KIB}`);
    db.exec('BEGIN');
    const papers = await load(from, verified, targetOf(db));
    db.exec('COMMIT');
    return papers;
  } finally {
    db.close();
  }
}

/**
 * What is in the write-ahead log of the old database goes into it, so that one file is all of it. One that cannot be read stays as it is: SQLite would
 * throw its log away.
 */
function settle(file: string): void {
  if (!existsSync(file)) return;
  try {
    const reader = openReader(file);
    reader.pragma('schema_version');
    const old = new Database(file);
    old.pragma('wal_checkpoint(TRUNCATE)');
    reader.close();
    old.close();
  } catch {}
}

function targetOf(db: Database.Database): Target {
  const statements = new Map<string, Database.Statement>();
  const insert = (table: string, columns: readonly string[]): Database.Statement => {
    const there =
      statements.get(table) ??
      db.prepare(`INSERT INTO ${table} (${columns.map((name) => `"${name}"`).join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`);
    statements.set(table, there);
    return there;
  };
  const mark = (...row: readonly unknown[]): unknown => insert('marks', ['name', 'value']).run(...row);
  let lastSeq = 0;
  /** What the database has in another form: there is one node, and it judges what all have left. */
  const own: Readonly<Record<string, (row: readonly Cell[]) => void>> = {
    nodes([node, judged = null]) {
      if (node !== null) return;
      mark('judged', judged);
      lastSeq = Number(judged);
    },
    marks([name, value = null]) {
      mark(name, value);
      if (name === 'rolled') mark('rolling', value); // no window is open: what is late is what comes before this
    },
    unjudged([node, seq, ...batch]) {
      lastSeq = node === null ? Number(seq) : lastSeq + 1;
      insert('unjudged', ['seq', 'at_ms', 'protocol', 'series', 'ts', 'value', 'texts']).run(lastSeq, ...batch);
    },
  };
  return {
    add(table, rows) {
      const ownWay = own[table.name];
      if (ownWay) return rows.forEach(ownWay);
      const statement = insert(
        table.name,
        table.columns.map(({ name }) => name),
      );
      for (const row of rows) statement.run(...row);
    },
  };
}
