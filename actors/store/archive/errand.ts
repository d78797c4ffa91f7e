/**
 * An errand: a thread of its own for one piece of work that takes long (a backup, an export, a check). What it makes comes as a stream of bytes,
 * no faster than it is taken; what it has found out comes at the end; then the thread is gone. Both sides of it.
 */
import { on } from 'node:events';
import { parentPort, Worker, workerData } from 'node:worker_threads';

/**
 * It cannot be done, in words for who asked. `conflict`: somebody is in the way · `not_found`: there is nothing there · `usage`: it was
 * asked wrongly · `failed`: all else.
 */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: 'conflict' | 'not_found' | 'usage' | 'failed';
  constructor(code: Refusal['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

type Said = { readonly chunk: Uint8Array } | { readonly done: unknown } | { readonly refused: { readonly code: Refusal['code']; readonly message: string } };

/** Rows are garbage as soon as they are written: a large nursery would only be filled with them. */
const MEMORY = { maxYoungGenerationSizeMb: 16, maxOldGenerationSizeMb: 512 };
/** So many chunks are on their way at the most. */
const AHEAD = 8;

/**
 * Run a thread. Ends with what the thread answers.
 *
 * @param signal ends the thread, wherever it is; so does who stops reading.
 * @throws Refusal, also when the thread ends without an answer.
 */
export async function* errand<T>(file: URL, given: object, signal?: AbortSignal): AsyncGenerator<Uint8Array, T> {
  signal?.throwIfAborted();
  const worker = new Worker(file, { workerData: given, resourceLimits: MEMORY });
  const stop = (): void => void worker.terminate();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    for await (const [said] of on(worker, 'message', { close: ['exit'] }) as AsyncIterable<[Said]>) {
      if ('refused' in said) throw new Refusal(said.refused.code, said.refused.message);
      if ('done' in said) return said.done as T; // each thread answers what its caller expects of it
      yield said.chunk;
      worker.postMessage('taken');
    }
    throw new Refusal('failed', signal?.aborted ? 'it was given up' : 'the thread ended before it was done');
  } finally {
    signal?.removeEventListener('abort', stop);
    await worker.terminate();
  }
}

/** The same where nothing but the answer is of interest. */
export async function answerOf<T>(running: AsyncGenerator<Uint8Array, T>): Promise<T> {
  for (;;) {
    const { done, value } = await running.next();
    if (done) return value;
  }
}

/**
 * The thread's own side. `work` yields bytes and returns the answer, or has only that.
 *
 * @param told what an error is in words.
 */
export function carryOut<Given, T>(work: (given: Given) => AsyncGenerator<Uint8Array, T> | Promise<T>, told: (error: unknown, given: Given) => string): void {
  const port = parentPort;
  if (!port) throw new Error('this runs as a worker thread only');
  const given = workerData as Given; // whoever starts the thread knows what it wants
  let ahead = 0;
  let wake = (): void => {};
  port.on('message', () => {
    ahead--;
    wake();
  });
  const run = async (): Promise<Said> => {
    const chunks = work(given);
    if (chunks instanceof Promise) return { done: await chunks };
    for (;;) {
      const { done, value } = await chunks.next();
      if (done) return { done: value };
      port.postMessage({ chunk: value } satisfies Said);
      if (++ahead < AHEAD) continue;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  void Promise.resolve()
    .then(run) // first the module that has called this is evaluated to its end
    .catch((error: unknown): Said => ({ refused: error instanceof Refusal ? error : { code: 'failed', message: told(error, given) } }))
    .then((said) => {
      port.postMessage('refused' in said ? { refused: { code: said.refused.code, message: said.refused.message } } : said);
      port.close();
    });
}
