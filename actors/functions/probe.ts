/**
 * What a module exports, for a configuration that names it. It is loaded in a thread of its own and waited for on the spot, as a file is read on the spot: a
 * configuration is checked as a whole or not at all. Each text of a module is looked at once.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { spawnWorker } from './thread.ts';

/** A module that takes longer to load is refused. Everything stands still meanwhile. */
const LOAD_MS = 2_000;
const MOST_KEPT = 100;

/** `exports`: the kind of each, as `typeof` has it. `revision`: of the text. */
export type Looked = { readonly exports: Readonly<Record<string, string>>; readonly revision: string } | { readonly fault: string };
type Found = { readonly exports: Readonly<Record<string, string>> } | { readonly fault: string };

const kept = new Map<string, Found>();

/** @param path of the module, absolute. */
export function exportsOf(path: string): Looked {
  let text: Buffer;
  try {
    text = readFileSync(path);
  } catch (error) {
    return { fault: error instanceof Error ? error.message : String(error) };
  }
  const revision = createHash('sha256').update(text).digest('hex').slice(0, 16);
  const key = `${path} ${revision}`;
  const found = kept.get(key) ?? look(path);
  if (kept.size >= MOST_KEPT) kept.clear();
  if ('exports' in found) kept.set(key, found);
  return 'exports' in found ? { ...found, revision } : found;
}

function look(path: string): Found {
  const { port1, port2 } = new MessageChannel();
  const done = new Int32Array(new SharedArrayBuffer(4));
  const worker = spawnWorker(new URL('./look.ts', import.meta.url), { module: pathToFileURL(path).href, done }, port2, () => {});
  worker.on('error', () => {}); // told as a fault below
  Atomics.wait(done, 0, 0, LOAD_MS);
  const answer = receiveMessageOnPort(port1);
  port1.close();
  void worker.terminate();
  return answer ? (answer.message as Found) : { fault: `it has not loaded within ${LOAD_MS} ms` }; // look.ts has sent it
}
