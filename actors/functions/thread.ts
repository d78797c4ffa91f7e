/** The thread of a custom function, seen from outside: one call at a time, each within its budget. A thread that has overrun it is ended, and is not used again. */
import { readFileSync } from 'node:fs';
import nodeModule from 'node:module';
import { pathToFileURL } from 'node:url';
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { type Answer, type Greeting, LONGEST_ANSWER, type Order, type Outcome } from './outcome.ts';

/** A module has so long to load. */
export const LOAD_MS = 5_000;
const LIMITS = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 16, stackSizeMb: 4 };
/** Of what a function prints, in characters. */
const LONGEST_PRINTED = 1_000;

interface Definition {
  readonly module: string;
  readonly export: string;
}

const codes = new Map<string, URL>();
/** A thread that takes the types out of its own code is twice as large, and slower to start: it is given JavaScript, and so imports no file of Argos. */
function codeOf(file: URL): URL {
  const there = codes.get(file.href);
  if (there) return there;
  const { stripTypeScriptTypes: strip } = nodeModule; // which Node calls experimental still: without it the thread takes them out
  const code = typeof strip === 'function' ? new URL(`data:text/javascript,${encodeURIComponent(strip(readFileSync(file, 'utf8')))}`) : file;
  codes.set(file.href, code);
  return code;
}

/** Start one, without waiting for it. Its environment is empty, and what it prints goes to `printed`. */
export function spawnWorker(file: URL, workerData: object, port: MessagePort, printed: (text: string) => void): Worker {
  const worker = new Worker(codeOf(file), {
    workerData: { ...workerData, port },
    transferList: [port],
    resourceLimits: LIMITS,
    env: {},
    stdout: true,
    stderr: true,
  });
  for (const stream of [worker.stdout, worker.stderr]) stream.on('data', (chunk: Buffer) => printed(chunk.toString().slice(0, LONGEST_PRINTED)));
  return worker;
}

export class FunctionThread {
  readonly #worker: Worker;
  readonly #port: MessagePort;
  #calls = 0;
  #answered: ((answer: Answer) => void) | undefined;
  #ended: string | undefined;
  #onEnd: () => void = () => {};

  private constructor(worker: Worker, port: MessagePort) {
    this.#worker = worker;
    this.#port = port;
  }

  /**
   * Resolves when the function is there. The thread ends when `signal` fires.
   * @throws Error with what is wrong with the module.
   */
  static async start({ module, export: name }: Definition, signal: AbortSignal, printed: (text: string) => void): Promise<FunctionThread> {
    const { port1, port2 } = new MessageChannel();
    const worker = spawnWorker(new URL('./worker.ts', import.meta.url), { module: pathToFileURL(module).href, name, longest: LONGEST_ANSWER }, port2, printed);
    const thread = new FunctionThread(worker, port1);
    const { promise, resolve } = Promise.withResolvers<Greeting>();
    worker.on('error', (error: unknown) => thread.#end(error instanceof Error ? error.message : String(error)));
    worker.on('exit', () => thread.#end('its thread has ended'));
    port1.once('message', resolve);
    thread.#onEnd = () => resolve({ fault: thread.#ended ?? '' });
    const abort = (): void => void thread.stop();
    signal.addEventListener('abort', abort, { once: true });
    worker.once('exit', () => signal.removeEventListener('abort', abort));
    if (signal.aborted) void thread.stop();
    const timer = setTimeout(() => resolve({ fault: `it has not loaded within ${LOAD_MS} ms` }), LOAD_MS);
    const greeting = await promise;
    clearTimeout(timer);
    if ('fault' in greeting) {
      await thread.stop();
      throw new Error(`${module}: ${greeting.fault}`);
    }
    port1.on('message', (answer: Answer) => thread.#answered?.(answer));
    return thread;
  }

  /** Why it has ended; undefined: it has not. */
  get ended(): string | undefined {
    return this.#ended;
  }

  /** One call; the next one when this has been answered. It never rejects. */
  async call(args: readonly unknown[], budgetMs: number): Promise<Outcome> {
    if (this.#ended !== undefined) return { failure: 'ended', message: this.#ended };
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    const call = ++this.#calls;
    const settle = (answer: Answer): void => {
      if (answer.call === call) resolve(outcomeOf(answer, budgetMs));
    };
    this.#answered = settle;
    this.#onEnd = () => resolve({ failure: 'ended', message: this.#ended ?? '' });
    try {
      this.#port.postMessage({ call, args } satisfies Order);
    } catch (error) {
      return { failure: 'arguments', message: error instanceof Error ? error.message : String(error) };
    }
    const timer = setTimeout(() => {
      const waiting = receiveMessageOnPort(this.#port); // this thread may be late, and the answer there
      if (waiting) return settle(waiting.message as Answer); // worker.ts has sent it
      resolve({ failure: 'budget', message: `it has not answered within ${budgetMs} ms` });
      void this.stop();
    }, budgetMs);
    const outcome = await promise;
    clearTimeout(timer);
    return outcome;
  }

  async stop(): Promise<void> {
    this.#end('it was ended');
    await this.#worker.terminate();
  }

  #end(reason: string): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    this.#port.close();
    this.#onEnd();
  }
}

/** An answer that came too late is none, whenever it was looked at. */
function outcomeOf(answer: Answer, budgetMs: number): Outcome {
  if (answer.ms > budgetMs) return { failure: 'budget', message: `it took ${answer.ms.toFixed(1)} of ${budgetMs} ms` };
  return 'json' in answer ? { value: JSON.parse(answer.json) } : { failure: answer.failure, message: answer.message };
}
