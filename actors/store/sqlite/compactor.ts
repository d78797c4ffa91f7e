/**
 * The errand of compacting: SQLite, while no node runs, since the database is written anew as a whole and nothing could be committed meanwhile. It is
 * one transaction: killed half way, all is as it was.
 */
import { statSync } from 'node:fs';
import type { Compacted } from '../../../proto/store.ts';
import { carryOut } from '../archive/errand.ts';
import { holdThere, told } from './errands.ts';
import { openWriter } from './open.ts';

carryOut(compacted, told);

async function compacted({ file }: { readonly file: string }): Promise<Compacted> {
  const lock = holdThere(file);
  const size = (): number => ['', '-wal'].reduce((sum, beside) => sum + (statSync(`${file}${beside}`, { throwIfNoEntry: false })?.size ?? 0), 0);
  const beforeBytes = size();
  const db = openWriter(file);
  try {
    db.exec('VACUUM; ANALYZE; PRAGMA wal_checkpoint(TRUNCATE)');
  } finally {
    db.close();
    lock.close();
  }
  return { beforeBytes, afterBytes: size() };
}
