/**
 * A disk whose power fails: what a process has written and synced is recorded by strace, and any prefix of it can be turned into what the
 * platter may hold then. What was synced is there; of what was not, each write may be missing, torn between sectors, or done before another.
 * A file's removal is in the directory, which a journaling file system writes with the next sync of any file: so it is here.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { createInterface } from 'node:readline';

/** `said`: the process has told somebody something on its stdout. */
export type Op =
  | { readonly do: 'write'; readonly file: string; readonly offset: number; readonly bytes: Buffer }
  | { readonly do: 'truncate'; readonly file: string; readonly size: number }
  | { readonly do: 'sync' | 'unlink'; readonly file: string }
  | { readonly do: 'said'; readonly text: string };

const SECTOR = 512;
const CALLS = 'write,pwrite64,pwritev,fsync,fdatasync,ftruncate,unlink,rename';

/** Run a script under strace until it has said so many lines, then kill it. */
export async function record(script: readonly string[], traceFile: string, lines: number): Promise<Op[]> {
  const args = [
    '-f',
    '-y',
    '-xx',
    '-s',
    '70000',
    '-e',
    `trace=${CALLS}`,
    '-o',
    traceFile,
    process.execPath,
    '--disable-warning=ExperimentalWarning',
    ...script,
  ];
  const child = spawn('strace', args, { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  let said = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString().split('\n').length - 1;
    if (said >= lines && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  });
  await once(child, 'close');
  if (said < lines) throw new Error(`the recorded process said only ${said} of ${lines} lines`);
  return parse(traceFile);
}

/** A call that another thread's line interrupts is put together: a write counts from its begin, a sync from its end. */
async function parse(traceFile: string): Promise<Op[]> {
  const ops: Op[] = [];
  const begun = new Map<string, string>();
  for await (const line of createInterface({ input: createReadStream(traceFile) })) {
    const [, thread = '', text = ''] = /^(\d+) +(.*)$/.exec(line) ?? [];
    if (text.endsWith('<unfinished ...>')) {
      begun.set(thread, text);
      const op = opOf(text);
      if (op && op.do !== 'sync') ops.push(op);
    } else if (text.startsWith('<... ')) {
      const op = opOf(begun.get(thread) ?? '');
      if (op?.do === 'sync' && / = 0$/.test(text)) ops.push(op);
    } else if (!/ = -1 /.test(text)) {
      const op = opOf(text);
      if (op) ops.push(op);
    }
  }
  return ops;
}

const unhex = (hex: string): Buffer => Buffer.from(hex.replaceAll('\\x', ''), 'hex');

function opOf(text: string): Op | undefined {
  const [, call = '', fd = '', name = '', rest = ''] = /^(\w+)\((?:(\d+)<([^>]*)>)?,? ?(.*)$/.exec(text) ?? [];
  const file = basename(unhex(name).toString());
  const [, data = ''] = /^"([^"]*)"/.exec(rest) ?? [];
  if (call === 'write' && fd === '1') return { do: 'said', text: unhex(data).toString() };
  if (call === 'unlink') return { do: 'unlink', file: basename(unhex(/^"([^"]*)"/.exec(text.slice(7))?.[1] ?? '').toString()) };
  if (!file.startsWith('argos.db') || file.endsWith('-shm') || file.includes('.lock')) return undefined; // the shared memory is made anew, and the lock holds no data
  if (call === 'fsync' || call === 'fdatasync') return { do: 'sync', file };
  if (call === 'ftruncate') return { do: 'truncate', file, size: Number.parseInt(rest, 10) };
  if (call === 'pwrite64') {
    const [, length, offset] = /", (\d+), (\d+)/.exec(rest) ?? [];
    const bytes = unhex(data);
    if (bytes.length !== Number(length)) throw new Error(`strace has cut a write of ${length} bytes to ${bytes.length}`);
    return { do: 'write', file, offset: Number(offset), bytes };
  }
  throw new Error(`a write to ${file} by ${call}, of which this recording knows nothing`);
}

/** Its bytes grow ahead of it: a log grows by every write. */
interface File {
  readonly bytes: Buffer;
  readonly size: number;
}

class Disk {
  readonly #files = new Map<string, File>();

  apply(op: Op): void {
    if (op.do === 'unlink') this.#files.delete(op.file);
    else if (op.do === 'truncate') this.#files.set(op.file, sized(this.#files.get(op.file), op.size));
    else if (op.do === 'write') {
      const there = this.#files.get(op.file);
      const file = sized(there, Math.max(there?.size ?? 0, op.offset + op.bytes.length));
      op.bytes.copy(file.bytes, op.offset);
      this.#files.set(op.file, file);
    }
  }
  copy(): Disk {
    const disk = new Disk();
    for (const [name, bytes] of this.files) disk.#files.set(name, { bytes: Buffer.from(bytes), size: bytes.length });
    return disk;
  }
  get files(): ReadonlyMap<string, Buffer> {
    return new Map([...this.#files].map(([name, { bytes, size }]) => [name, bytes.subarray(0, size)]));
  }
}

/** What was not there before is zero. */
function sized({ bytes, size: before }: File = { bytes: Buffer.alloc(0), size: 0 }, size: number): File {
  const grown = bytes.length >= size ? bytes : Buffer.concat([bytes.subarray(0, before)], 2 * size);
  return { bytes: size < before ? grown.fill(0, size, before) : grown, size };
}

export interface Cut {
  /** How many operations had been begun. */
  readonly after: number;
  /** What had been said by then. */
  readonly said: string;
  readonly files: ReadonlyMap<string, Buffer>;
}

/** The power fails after each of these numbers of operations (ascending). @param random from 0 to 1: chance decides what was on its way. */
export function* cuts(ops: readonly Op[], points: readonly number[], random: () => number): Generator<Cut> {
  const durable = new Disk();
  let pending: Op[] = [];
  let said = '';
  let at = 0;
  for (const after of points) {
    for (; at < after; at++) {
      const op = ops[at];
      if (!op) return;
      if (op.do === 'said') said += op.text;
      else if (op.do === 'sync') {
        const synced = (one: Op): boolean => one.do === 'unlink' || (one.do !== 'said' && one.file === op.file);
        for (const one of pending) if (synced(one)) durable.apply(one);
        pending = pending.filter((one) => !synced(one));
      } else pending.push(op);
    }
    const disk = durable.copy();
    for (const op of shuffled(pending, random)) {
      if (random() < 0.4) continue;
      if (op.do === 'write' && random() < 0.3) for (const part of torn(op, random)) disk.apply(part);
      else disk.apply(op);
    }
    yield { after, said, files: disk.files };
  }
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map((item) => ({ item, key: random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}

/** Some of its sectors. */
function* torn(op: Extract<Op, { do: 'write' }>, random: () => number): Generator<Op> {
  for (let from = 0; from < op.bytes.length; ) {
    const to = Math.min(op.bytes.length, from + SECTOR - ((op.offset + from) % SECTOR));
    if (random() < 0.5) yield { ...op, offset: op.offset + from, bytes: op.bytes.subarray(from, to) };
    from = to;
  }
}
