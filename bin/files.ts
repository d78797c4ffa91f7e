/** Long answers into a file or to stdout: a file is there as a whole, or not at all. */
import { once } from 'node:events';
import { closeSync, fsyncSync, lstatSync, openSync, renameSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CommandError, EXIT } from './client.ts';

/** `-` on the command line, where it stands for stdin or stdout: no file is called that. */
export const STDIO = '\0';

type Chunks = AsyncIterable<Uint8Array | string>;

/** Written beside, synced, and renamed. @returns its bytes. @throws CommandError; what the chunks throw. */
export async function toFile(file: string, chunks: Chunks, mode: number): Promise<number> {
  if (lstatSync(file, { throwIfNoEntry: false })?.isFile() === false)
    throw new CommandError(`${file} is there and is no file: name another, or - for stdout`, EXIT.usage);
  const part = `${file}.part`;
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
    renameSync(part, file);
    syncFolder(dirname(file));
    return bytes;
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
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
