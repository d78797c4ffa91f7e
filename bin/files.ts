/** Long answers into a file or to stdout: a file is there as a whole, or not at all. */
import { once } from 'node:events';
import { closeSync, fsyncSync, lstatSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { constants } from 'node:os';
import { basename, dirname } from 'node:path';
import { CommandError, EXIT } from './client.ts';

/** `-` on the command line, where it stands for stdin or stdout: no file is called that. */
export const STDIO = '\0';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

type Chunks = AsyncIterable<Uint8Array | string>;
interface Target {
  readonly mode: number;
  /** What is there may be replaced. */
  readonly force: boolean;
  /** Called before the file takes its place. @throws when it must not. */
  readonly check?: (part: string) => Promise<void>;
}

/** Asked before anything is made for it. @throws CommandError when the file cannot take its place. */
export function checkTarget(file: string, force: boolean): void {
  if (file === STDIO) return;
  const there = lstatSync(file, { throwIfNoEntry: false });
  if (there && !there.isFile()) throw new CommandError(`${file} is there and is no file: name another, or - for stdout`, EXIT.usage);
  if (there && !force) throw new CommandError(`${file} is there: name another file, or replace it with --force`, EXIT.conflict);
  const folder = dirname(file);
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw new CommandError(`there is no folder ${folder} for ${basename(file)}: make it, or name another`, EXIT.notFound);
}

/**
 * Written beside, synced, checked, and renamed; what fails or is interrupted leaves nothing behind.
 *
 * @returns its bytes. @throws CommandError; what the chunks and `check` throw.
 */
export async function toFile(file: string, chunks: Chunks, { mode, force, check }: Target): Promise<number> {
  checkTarget(file, force);
  const part = `${file}.part`;
  const cut = (signal: NodeJS.Signals): never => {
    rmSync(part, { force: true });
    process.exit(128 + constants.signals[signal]);
  };
  for (const signal of SIGNALS) process.once(signal, cut);
  let bytes = 0;
  try {
    rmSync(part, { force: true });
    const handle = await open(part, 'wx', mode);
    try {
      for await (const chunk of chunks) {
        await handle.writeFile(chunk);
        bytes += chunk.length;
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    await check?.(part);
    checkTarget(file, force); // somebody may have been faster
    renameSync(part, file);
    syncFolder(dirname(file));
    return bytes;
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  } finally {
    for (const signal of SIGNALS) process.removeListener(signal, cut);
  }
}

/** No faster than it is taken. */
export async function toStdout(chunks: Chunks): Promise<void> {
  const cut = (): never => process.exit(EXIT.failed);
  process.stdout.removeAllListeners('error').once('error', cut); // half of it is not what was asked for
  for await (const chunk of chunks) if (!process.stdout.write(chunk)) await once(process.stdout, 'drain');
}

/** The name is on disk, too. */
function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
