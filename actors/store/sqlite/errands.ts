/** What the errands of SQLite share: the data directory to themselves while no node runs, and their errors in words. */
import { existsSync } from 'node:fs';
import Database from 'better-sqlite3';
import { Refusal } from '../archive/errand.ts';
import { faultOf, lockFolder, openReader } from './open.ts';

export interface Given {
  readonly file: string;
  /** This process runs the node: the folder is its own already. */
  readonly online: boolean;
}

/** Keeps every node out until it is closed. @throws Refusal `conflict` while one runs. */
export function hold(file: string): Database.Database {
  try {
    return lockFolder(file);
  } catch (error) {
    if (error instanceof Database.SqliteError) throw error;
    throw new Refusal('conflict', `a node uses ${file}: stop it first (argos stop)`, { cause: error });
  }
}

/** A connection that reads, until it is closed. */
export function open({ file, online }: Given): { readonly db: Database.Database; close(): void } {
  const lock = online ? undefined : hold(file); // before the look: a restore that was interrupted is finished by it
  try {
    if (!existsSync(file)) throw new Refusal('usage', `there is no database ${file}: name its folder with --data-dir`);
    const db = openReader(file);
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
