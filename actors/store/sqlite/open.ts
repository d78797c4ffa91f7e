/** Opens the database: the right SQLite, the right settings, the newest schema. What is wrong is said in words of the one who can mend it. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { finish as finishRestore } from '../archive/swap.ts';
import type { Fault } from '../work.ts';

/** Older ones can corrupt a WAL when a checkpoint meets a commit of another connection (sqlite.org/wal.html, fixed in 3.51.3). */
const OLDEST_SQLITE = [3, 51, 3] as const;
/** Pages that a commit may leave in the WAL before they are checkpointed; SQLite's own default. */
const CHECKPOINT_PAGES = 1_000;
const LOCK_MS = 2_000;
const MIGRATIONS = join(import.meta.dirname, 'migrations');
const migrations = readdirSync(MIGRATIONS)
  .filter((name) => name.endsWith('.sql'))
  .sort();

/** Another process has the folder. */
export class Taken extends Error {
  override readonly name = 'Taken';
}

/** The one connection that writes. @throws an Error that says what is wrong with the file, and what to do. */
export const openWriter = (file: string): Database.Database => inWords(file, open);
/** The folder to this node alone, until it is closed. @throws as `openWriter`, and when another node has it. */
export const takeFolder = (file: string): Database.Database => inWords(file, lockFolder);

function inWords(file: string, opened: (file: string) => Database.Database): Database.Database {
  try {
    return opened(file);
  } catch (error) {
    const { code, message } = faultOf(error, file);
    throw code === 'refused' ? error : new Error(message, { cause: error });
  }
}

function open(file: string): Database.Database {
  const db = connect(file);
  try {
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
    db.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    migrate(db, file);
    findWritable(db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** A disk that cannot be written is found out now, and not by the first batch. SQLite opens what it may only read, and begins a transaction there that only reads. */
function findWritable(db: Database.Database): void {
  const version = Number(db.pragma('user_version', { simple: true }));
  db.exec(`BEGIN IMMEDIATE; PRAGMA user_version = ${version}; ROLLBACK`);
}

/** One that reads, beside the one that writes. */
export function openReader(file: string): Database.Database {
  const db = new Database(file, { readonly: true, fileMustExist: true });
  db.pragma('query_only = ON');
  return db;
}

function connect(file: string): Database.Database {
  const db = new Database(file);
  const version = String(db.prepare('SELECT sqlite_version()').pluck().get());
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  const [a, b, c] = OLDEST_SQLITE;
  if (major < a || (major === a && (minor < b || (minor === b && patch < c))))
    throw new Error(`SQLite ${OLDEST_SQLITE.join('.')} or newer is needed, got ${version}: older ones can corrupt the database`);
  return db;
}

/**
 * Two nodes on one data directory would each believe to own its jobs. The lock is a database of its own, held by an open transaction: the
 * system lets it go with the process, whatever ends it, and the readers of the data are not in its way.
 */
export function lockFolder(file: string): Database.Database {
  const lock = new Database(`${file}.lock`, { timeout: LOCK_MS }); // a thread that has just been killed lets go in a moment
  try {
    lock.exec('BEGIN EXCLUSIVE');
    finishRestore(dirname(file)); // one that was killed half way
    return lock;
  } catch (error) {
    lock.close();
    throw codeOf(error).startsWith('SQLITE_BUSY') ? new Taken(`another node uses ${file}: stop it, or start this one with another --data-dir`) : error;
  }
}

/** Numbered, forward only. */
function migrate(db: Database.Database, file: string): void {
  const at = versionOf(db, file);
  for (const [i, name] of migrations.entries()) {
    if (i < at) continue;
    db.transaction(() => {
      db.exec(readFileSync(join(MIGRATIONS, name), 'utf8'));
      db.pragma(`user_version = ${i + 1}`);
    })();
  }
}

/** How many of the migrations it has; 0: it is empty. @throws an Error when it has more than are known here. */
export function versionOf(db: Database.Database, file: string): number {
  const at = Number(db.pragma('user_version', { simple: true }));
  if (at <= migrations.length) return at;
  throw new Error(
    `${file} is of schema version ${at}, and this Argos knows versions up to ${migrations.length}: use a newer Argos, or restore a backup of an older one`,
  );
}

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '');

/** What went wrong, as the others are told it. */
export function faultOf(error: unknown, file: string): Fault {
  const code = codeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  if (code.startsWith('SQLITE_FULL')) return { code: 'full', message: `the disk with ${file} is full: make room` };
  if (code.startsWith('SQLITE_READONLY') || code.startsWith('SQLITE_CANTOPEN')) return { code: 'readonly', message: `${file} cannot be written: ${message}` };
  if (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB')
    return { code: 'corrupt', message: `${file} is damaged (${message}): look with argos store check, and restore a backup (argos restore)` };
  return { code: code.startsWith('SQLITE_IOERR') ? 'away' : 'refused', message };
}
