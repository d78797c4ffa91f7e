/**
 * What has been restored takes the place of what was there, in one step. Everything is written beside its place first (`NAME.restoring`); then a
 * file says that it holds, and from there on whoever comes next finishes it, should this process be killed. What was there is kept as
 * `NAME.before-restore`. Files only; whoever calls this has the data directory to himself.
 */
import { closeSync, existsSync, fsyncSync, openSync, readdirSync, renameSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Names in the data directory. What SQLite keeps beside a database goes with it. */
const NAMES = ['argos.db', 'secrets.json', 'config.restored'] as const;
export type Name = (typeof NAMES)[number];
const BESIDE = ['-wal', '-shm'];
const TODO = 'restore.todo';

const ifThere = { recursive: true, force: true };
export const stagedOf = (folder: string, name: Name): string => join(folder, `${name}.restoring`);
export const oldOf = (folder: string, name: Name): string => join(folder, `${name}.before-restore`);

/** What an earlier attempt has left. */
export function clear(folder: string): void {
  for (const name of NAMES) for (const beside of ['', '-journal', ...BESIDE]) rmSync(`${stagedOf(folder, name)}${beside}`, ifThere);
}

/** From here on it holds. All that is staged is on disk. */
export function swap(folder: string): void {
  for (const name of NAMES) if (existsSync(stagedOf(folder, name))) within(stagedOf(folder, name)).forEach(sync);
  sync(folder);
  discard(folder); // what the last one has kept
  writeFileSync(join(folder, TODO), '', { flush: true });
  sync(folder);
  finish(folder);
}

/** Finish a swap that was interrupted. Called by whoever opens the data directory, before anything else. */
export function finish(folder: string): void {
  if (!existsSync(join(folder, TODO))) return;
  for (const name of NAMES) if (existsSync(stagedOf(folder, name))) exchange(folder, name);
  sync(folder);
  unlinkSync(join(folder, TODO));
  sync(folder);
}

/** Each step is one that is either done or not, and what is done is not done again. */
function exchange(folder: string, name: Name): void {
  const [place, old] = [join(folder, name), oldOf(folder, name)];
  if (existsSync(place)) {
    for (const beside of ['', ...BESIDE]) rmSync(`${old}${beside}`, ifThere);
    renameSync(place, old);
  }
  for (const beside of BESIDE) if (existsSync(`${place}${beside}`)) renameSync(`${place}${beside}`, `${old}${beside}`);
  renameSync(stagedOf(folder, name), place);
}

/** What was there before, gone for good. */
export function discard(folder: string): void {
  for (const name of NAMES) for (const beside of ['', ...BESIDE]) rmSync(`${oldOf(folder, name)}${beside}`, ifThere);
}

/** The path and, where it is a folder, the files in it. */
const within = (path: string): readonly string[] => (statSync(path).isDirectory() ? [...readdirSync(path).map((name) => join(path, name)), path] : [path]);

/** It is on disk: a file's content, a folder's names. */
function sync(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
