/** Backups, restores, checks and exports: what the node and the command line need of the stages for them. Nothing runs before it is asked. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Vault, VaultError } from '../actors/secrets/vault.ts';
import type { Paper } from '../actors/store/archive/dump.ts';
import { oldOf } from '../actors/store/archive/swap.ts';
import { Upkeep } from '../actors/store/archive/upkeep.ts';
import type { Source } from '../proto/api.ts';

export { verify } from '../actors/store/archive/load.ts';

/** Of a node that is down. @param url `postgres://…`; undefined: SQLite in the data directory. @param node `store.node`; undefined: the name of the machine. */
export const offline = (dataDir: string, url: string | undefined, node: string | undefined): Upkeep => new Upkeep({ dataDir, url, node }, false);

/** What stands beside the database, as it lies there: secrets encrypted, and never their key. */
export function papersOf(dataDir: string, sources: readonly Source[]): readonly Paper[] {
  const secrets = join(dataDir, 'secrets.json');
  return [
    ...(existsSync(secrets) ? [{ paper: 'secrets' as const, file: 'secrets.json', text: readFileSync(secrets, 'utf8') }] : []),
    ...sources.map(({ file, text }) => ({ paper: 'config' as const, file, text })),
  ];
}

/** What a restore has kept of what was there. */
export const keptIn = (dataDir: string): readonly string[] =>
  (['argos.db', 'secrets.json', 'config.restored'] as const).map((name) => oldOf(dataDir, name)).filter((path) => existsSync(path));

/** Why the secrets that were restored cannot be opened here; undefined: they can. It makes no key. */
export function keyFault(dataDir: string, key: string | undefined): string | undefined {
  if (!key && !existsSync(join(dataDir, 'secret.key')))
    return `the key of the secrets is not here, and no backup has it: put the secret.key of the node that was backed up into ${dataDir}, or set ARGOS_SECRET_KEY, before you start`;
  try {
    new Vault(dataDir, key);
    return undefined;
  } catch (error) {
    if (error instanceof VaultError) return error.message;
    throw error;
  }
}
