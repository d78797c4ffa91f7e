/** The store: an actor that owns the thread with the database. A thread's death is its exit reason. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { type Ask, CallError, call } from '../../lib/call.ts';
import type { ChildSpec } from '../../lib/child-spec.ts';
import { type GenServer, noreply, ok, startLink, stop } from '../../lib/gen-server.ts';
import type { Process } from '../../lib/process.ts';
import type { Names } from '../names.ts';
import type { Log, Metric, Telemetry } from '../event.ts';
import * as vitals from '../vitals.ts';
import type { Attempt, Change, ConfigVersion, JobFilter, StoredJob } from './journal.ts';
import type { Columns, Series, TelemetryFilter } from './telemetry.ts';
import type { Answer, Order, Work } from './worker.ts';

/** The store is away or has refused: nothing of the request was kept. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
}

type KnownSeries = Series & { stored: boolean };
/** The lengths tell where one text ends: a text may hold any character. */
const keyOf = ({ service, name, tags }: Pick<Series, 'service' | 'name' | 'tags'>): string => `${service.length},${name.length},${service}${name}${tags}`;
const sortedJson = (tags: Readonly<Record<string, string>>): string => {
  const keys = Object.keys(tags);
  return keys.length === 0 ? '{}' : JSON.stringify(Object.fromEntries(keys.sort().map((key) => [key, tags[key]])));
};

/** The store as the others see it. Every promise resolves after the commit, and rejects with a StoreError when there was none. */
export class Store {
  readonly #names: Names;
  readonly #series = new Map<string, KnownSeries>();
  #lastId = 0;

  constructor(names: Names) {
    this.#names = names;
  }

  async append({ metrics, logs }: Telemetry): Promise<void> {
    const fresh = new Set<KnownSeries>();
    const columns: Columns = { series: new Uint32Array(metrics.length), ts: new Float64Array(metrics.length), value: new Float64Array(metrics.length) };
    for (const [i, metric] of metrics.entries()) {
      const series = this.#intern(metric);
      if (!series.stored) fresh.add(series);
      columns.series[i] = series.id;
      columns.ts[i] = metric.timestamp;
      columns.value[i] = metric.value;
    }
    await this.#do({ do: 'append', series: [...fresh].map(({ id, service, name, tags }) => ({ id, service, name, tags })), columns, logs });
    for (const series of fresh) series.stored = true;
  }

  commit(changes: readonly Change[]): Promise<void> {
    return this.#do({ do: 'commit', changes });
  }
  ruleState(rule: string): Promise<unknown> {
    return this.#do({ do: 'ruleState', rule });
  }
  openJobs(): Promise<readonly StoredJob[]> {
    return this.#do({ do: 'openJobs' });
  }
  jobCounts(): Promise<{ readonly open: number; readonly failed: number }> {
    return this.#do({ do: 'jobCounts' });
  }
  jobs(filter: JobFilter): Promise<readonly StoredJob[]> {
    return this.#do({ do: 'jobs', filter });
  }
  attempts(job: string): Promise<readonly Attempt[]> {
    return this.#do({ do: 'attempts', job });
  }
  versions(limit: number): Promise<readonly ConfigVersion[]> {
    return this.#do({ do: 'versions', limit });
  }
  metrics(filter: TelemetryFilter & { readonly name?: string }): Promise<readonly Metric[]> {
    return this.#do({ do: 'metrics', filter });
  }
  logs(filter: TelemetryFilter & { readonly level?: string }): Promise<readonly Log[]> {
    return this.#do({ do: 'logs', filter });
  }
  counts(): Promise<{ readonly series: number; readonly points: number; readonly logs: number }> {
    return this.#do({ do: 'counts' });
  }

  /** Called by the actor when its thread is up: the ids that are taken. */
  known(series: readonly Series[]): void {
    this.#series.clear();
    for (const one of series) {
      this.#series.set(keyOf(one), { ...one, stored: true });
      this.#lastId = Math.max(this.#lastId, one.id);
    }
  }

  /** A series is sent along with every batch that has it, until one of them is committed. */
  #intern({ service, name, tags }: Metric): KnownSeries {
    const one = { service: service.toWellFormed(), name: name.toWellFormed(), tags: sortedJson(tags) }; // as the database will keep them
    const key = keyOf(one);
    const there = this.#series.get(key);
    if (there) return there;
    const fresh = { ...one, id: ++this.#lastId, stored: false };
    this.#series.set(key, fresh);
    return fresh;
  }

  async #do<T>(work: Work): Promise<T> {
    const server = this.#names.whereis('store');
    if (!server) throw new StoreError('the store is not running');
    const done = vitals.commitSeconds.startTimer();
    try {
      const answer = await call(server, work as Work & Ask<Answer>, 30_000);
      if (answer.error !== undefined) throw new StoreError(answer.error);
      return answer.value as T; // worker.ts answers each work with its own type
    } catch (error) {
      throw error instanceof CallError ? new StoreError(error.message, { cause: error }) : error;
    } finally {
      done();
    }
  }
}

/** The child spec of the store. `dataDir` is made if need be. */
export const storeChild = (store: Store, names: Names, dataDir: string): ChildSpec => ({
  id: 'store',
  shutdown: 30_000,
  start: (parent) => startLink(parent, new StoreServer(store, names, dataDir), { name: 'store' }),
});

interface Thread {
  readonly worker: Worker;
  readonly waiting: Map<number, { reply(answer: Answer): void }>;
  last: number;
  ended: boolean;
}
class ThreadEnded {
  readonly error: Error;
  constructor(error: Error) {
    this.error = error;
  }
}

class StoreServer implements GenServer<Thread, Work> {
  readonly #store: Store;
  readonly #names: Names;
  readonly #dataDir: string;

  constructor(store: Store, names: Names, dataDir: string) {
    this.#store = store;
    this.#names = names;
    this.#dataDir = dataDir;
  }

  async init(self: Process): Promise<ReturnType<typeof ok<Thread>>> {
    self.trapExit = true;
    mkdirSync(this.#dataDir, { recursive: true, mode: 0o700 });
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: { file: join(this.#dataDir, 'argos.db') } });
    self.signal.addEventListener('abort', () => void worker.terminate()); // also when this actor is killed: the thread holds the lock
    const thread: Thread = { worker, waiting: new Map(), last: 0, ended: false };
    await new Promise<void>((resolve, reject) => {
      worker.once('error', reject);
      worker.once('message', () => {
        worker.off('error', reject);
        resolve();
      });
    });
    worker.on('message', (answer: Answer) => {
      thread.waiting.get(answer.id)?.reply(answer);
      thread.waiting.delete(answer.id);
    });
    worker.on('error', (error: Error) => self.deliver(new ThreadEnded(error)));
    worker.on('exit', (code) => {
      const error = new Error(`the store's thread ended with code ${code}`);
      thread.ended = true;
      for (const [id, from] of thread.waiting) from.reply({ id, error: error.message }); // it will answer no more
      self.deliver(new ThreadEnded(error));
    });
    this.#store.known((await ask<Series[]>(thread, { do: 'series' })) ?? []);
    this.#names.register(self, 'store', undefined);
    return ok(thread);
  }

  handleCall(work: Work, from: { reply(answer: Answer): void }, thread: Thread) {
    post(thread, work, from);
    return noreply(thread);
  }

  handleInfo(message: unknown, thread: Thread) {
    return message instanceof ThreadEnded ? stop(message.error, thread) : noreply(thread);
  }

  async terminate(_reason: unknown, thread: Thread): Promise<void> {
    if (thread.waiting.size > 0 && !thread.ended) await ask(thread, { do: 'versions', limit: 0 }).catch(() => {}); // what was accepted before is committed before this is answered
    await thread.worker.terminate();
  }
}

function post(thread: Thread, work: Work, from: { reply(answer: Answer): void }): void {
  const id = ++thread.last;
  thread.waiting.set(id, from);
  const order: Order = { id, work };
  thread.worker.postMessage(
    order,
    work.do === 'append' ? [work.columns.series.buffer as ArrayBuffer, work.columns.ts.buffer as ArrayBuffer, work.columns.value.buffer as ArrayBuffer] : [],
  );
}

const ask = <T>(thread: Thread, work: Work): Promise<T | undefined> =>
  new Promise((resolve, reject) =>
    post(thread, work, { reply: ({ value, error }) => (error === undefined ? resolve(value as T) : reject(new StoreError(error))) }),
  );
