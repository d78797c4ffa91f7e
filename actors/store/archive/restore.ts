/** What a restore is the same in, whatever the engine: what it is told and answers, and what stands beside the database. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Manifest, Paper } from './dump.ts';
import type { Verified } from './load.ts';
import { stagedOf } from './swap.ts';

export interface RestoreGiven {
  readonly dataDir: string;
  /** The archive. */
  readonly from: string;
  /** Do not keep what was there. */
  readonly discard: boolean;
}
export interface Restored {
  readonly manifest: Manifest;
  readonly rows: number;
  readonly sha256: string;
  /** The texts of the configuration, by name, in the folder `config.restored`. */
  readonly config: readonly string[];
  /** There are secrets in it. */
  readonly secrets: boolean;
}

/** Write what stood beside the database beside its place. */
export function stagePapers(folder: string, papers: readonly Paper[]): void {
  for (const { paper, file, text } of papers) {
    if (paper === 'secrets') writeFileSync(stagedOf(folder, 'secrets.json'), text, { mode: 0o600 });
    else {
      mkdirSync(stagedOf(folder, 'config.restored'), { recursive: true, mode: 0o700 });
      writeFileSync(join(stagedOf(folder, 'config.restored'), nameOf(file)), text, { mode: 0o600 });
    }
  }
}

export const restoredOf = ({ manifest, rows, sha256 }: Verified, papers: readonly Paper[]): Restored => ({
  manifest,
  rows,
  sha256,
  config: papers.filter(({ paper }) => paper === 'config').map(({ file }) => nameOf(file)),
  secrets: papers.some(({ paper }) => paper === 'secrets'),
});

/** As `argos start --config FOLDER` finds it: never a path, whatever the archive says. */
function nameOf(file: string): string {
  const name = basename(file);
  return /^[^.].*\.jsonc?$/.test(name) ? name : `${name.replace(/^\.+/, '')}.jsonc`;
}
