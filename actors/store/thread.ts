/** A worker thread that is sent work and answers each piece once. When it ends, what waits is answered with `away`. */
import { type ResourceLimits, Worker } from 'node:worker_threads';
import type { Answer, Fault, Notice, Order, Work } from './work.ts';

interface Waiting {
  readonly answer: (answer: Pick<Answer, 'value' | 'error'>) => void;
}

export class Thread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;
  #ended = false;
  /** Resolves with the reason when the thread has ended. */
  readonly ended: Promise<Error>;

  private constructor(worker: Worker, noticed: () => void) {
    this.#worker = worker;
    worker.on('message', (answer: Answer | Notice) => {
      if ('notice' in answer) return noticed();
      const waiting = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      return waiting?.answer(answer);
    });
    this.ended = new Promise((resolve) => {
      worker.once('error', resolve);
      worker.once('exit', (code) => {
        const reason = new Error(`the store's thread ended with code ${code}`);
        this.#ended = true;
        for (const { answer } of this.#waiting.values()) answer({ error: { code: 'away', message: reason.message } });
        this.#waiting.clear();
        resolve(reason);
      });
    });
  }

  /** Resolves when the thread is up; it ends when `signal` fires. `noticed` is called when it says something unasked. @throws what kept it from starting. */
  static async start(file: URL, workerData: unknown, signal: AbortSignal, noticed = (): void => {}, resourceLimits: ResourceLimits = {}): Promise<Thread> {
    const worker = new Worker(file, { workerData, resourceLimits });
    signal.addEventListener('abort', () => void worker.terminate());
    await new Promise<void>((resolve, reject) => {
      worker.once('error', reject);
      worker.once('exit', () => reject(new Error("the store's thread was ended while it started")));
      worker.once('message', () => {
        worker.removeAllListeners('error').removeAllListeners('exit');
        resolve();
      });
    });
    return new Thread(worker, noticed);
  }

  /** How much has been sent that is not answered. */
  get waiting(): number {
    return this.#waiting.size;
  }

  post(work: Work, judged: number | undefined, answer: Waiting['answer']): void {
    if (this.#ended) {
      answer({ error: { code: 'away', message: "the store's thread has ended" } });
      return;
    }
    const order: Order = { id: ++this.#last, work, judged };
    this.#waiting.set(order.id, { answer });
    this.#worker.postMessage(order, transferred(work));
  }

  /** @throws ThreadFault. */
  ask<T>(work: Work): Promise<T> {
    return new Promise((resolve, reject) => this.post(work, undefined, ({ value, error }) => (error ? reject(new ThreadFault(error)) : resolve(value as T))));
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }
}

export class ThreadFault extends Error {
  override readonly name = 'ThreadFault';
  readonly code: Fault['code'];
  constructor({ code, message }: Fault) {
    super(message);
    this.code = code;
  }
}

const transferred = (work: Work): ArrayBuffer[] => {
  if (work.do !== 'append') return [];
  const { series, ts, value } = work.batch.columns;
  return [series.buffer, ts.buffer, value.buffer];
};
