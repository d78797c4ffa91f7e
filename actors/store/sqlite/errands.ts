/** What the errands of SQLite share: the data directory to themselves while no node runs, and their errors in words. */
import { existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type Database from 'better-sqlite3';
import { Refusal } from '../archive/errand.ts';
import { faultOf, lockFolder, openReader, Taken, versionOf } from './open.ts';

export interface Given {
  readonly file: string;
  /** This process runs the node: the folder is its own already. */
  readonly online: boolean;
}

/** Keeps every node out until it is closed. The folder is there. @throws Refusal `conflict` while one runs. */
export function hold(file: string): Database.Database {
  try {
    return lockFolder(file);
  } catch (error) {
    throw error instanceof Taken ? new Refusal('conflict', `a node uses ${file}: stop it first (argos stop)`, { cause: error }) : error;
  }
}

/** The same where there is a database. @throws Refusal `not_found` when there is none. */
export function holdThere(file: string): Database.Database {
  const folder = dirname(file);
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw new Refusal('not_found', `there is no data directory ${folder}: name it with --data-dir`);
  const lock = hold(file); // before the look: a restore that was interrupted is finished by it
  if (existsSync(file)) return lock;
  lock.close();
  throw new Refusal('not_found', `there is no database ${file}: name its folder with --data-dir`);
}

/** A connection that reads, until it is closed. @throws Refusal; an Error when the database is of a newer Argos. */
export function open({ file, online }: Given): { readonly db: Database.Database; close(): void } {
  const lock = online ? undefined : holdThere(file);
  try {
    const db = openReader(file);
    if (versionOf(db, file) === 0) throw new Refusal('failed', `${file} is no database of Argos: name the folder of one with --data-dir`);
    const close = (): void => {
      db.close();
      lock?.close();
    };
    return { db, close };
  } catch (error) {
    lock?.close();
    throw error;
  }
}

export const told = (error: unknown, { file }: Pick<Given, 'file'>): string => faultOf(error, file).message;
