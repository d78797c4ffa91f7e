/** The store's actor: it owns the threads with the database. The end of the one that writes is its own; one that reads is started anew. */
import { mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { CallMessage } from '../../lib/call.ts';
import type { ChildSpec } from '../../lib/child-spec.ts';
import { type GenServer, type Init, type Next, noreply, ok, startLink, stop } from '../../lib/gen-server.ts';
import type { Process } from '../../lib/process.ts';
import type { Event } from '../event.ts';
import type { Names } from '../names.ts';
import * as vitals from '../vitals.ts';
import type { Health } from './health.ts';
import type { MonitorState } from './reads.ts';
import { Recorder } from './recorder.ts';
import type { Policy } from './retention.ts';
import type { Store } from './store.ts';
import { Thread } from './thread.ts';
import { type Boot, isQuery, type Work } from './work.ts';

export interface StoreOptions {
  /** Made if need be. */
  readonly dataDir: string;
  /** `power`: what is acknowledged survives a power cut · `process`: telemetry survives the end of the process, all else a power cut too. */
  readonly durability?: 'power' | 'process';
  /** `postgres://…`: tried in order. Left out: SQLite in the data directory. */
  readonly url?: string | readonly string[] | undefined;
  /** PostgreSQL: the schema with the tables, made if need be. Left out: the first of the server's search_path. */
  readonly schema?: string | undefined;
  /** PostgreSQL: what this node is called among those that share the database, over restarts. Default: the name of the machine. */
  readonly node?: string | undefined;
  /** How long what is kept. Left out: for ever. */
  readonly retention?: Policy | undefined;
  /** The oldest telemetry goes when the database is larger. Left out: no bound. SQLite. */
  readonly maxBytes?: number | undefined;
}

export const storeChild = (store: Store, names: Names, options: StoreOptions): ChildSpec => ({
  id: 'store',
  shutdown: 30_000,
  start: (parent) => startLink(parent, new StoreServer(store, names, options), { name: 'store' }),
});

interface Threads {
  readonly writer: Thread;
  reader: Thread;
}
class WriterEnded {
  readonly reason: Error;
  constructor(reason: Error) {
    this.reason = reason;
  }
}
class ReaderEnded {}
const RECORD = Symbol('write what monitors have seen');
const LOOK = Symbol('look how the store is');

/** A reader's memory: by these V8 clears away rows that were read before they come to much; who needs more ends, and is started anew. */
const READER_LIMITS = { maxYoungGenerationSizeMb: 16, maxOldGenerationSizeMb: 320 };
/** A reader that died is started anew after so long; until then queries are answered with `away`. */
const READER_RETRY_MS = 1_000;
/** What monitors see is gathered for so long, and written at once. */
const GATHER_MS = 1_000;
/** How often the figures of /metrics are brought up to date. */
const LOOK_MS = 10_000;

/** Where an engine's threads are, and what they are given. */
function engineOf({ dataDir, durability = 'power', url, schema, node = hostname(), retention, maxBytes }: StoreOptions): {
  readonly folder: string;
  readonly data: object;
} {
  if (url === undefined) return { folder: './sqlite', data: { file: join(dataDir, 'argos.db'), durability, limits: { retention, maxBytes } } };
  return { folder: './postgres', data: { urls: [url].flat(), schema, node, durability, retention } };
}

class StoreServer implements GenServer<Threads, Work, Event> {
  readonly #store: Store;
  readonly #names: Names;
  readonly #options: StoreOptions;
  #self!: Process;
  readonly #recorder: Recorder;
  #judged = 0;
  #gathering = false;
  #looking = false;

  constructor(store: Store, names: Names, options: StoreOptions) {
    this.#store = store;
    this.#names = names;
    this.#options = options;
    this.#recorder = new Recorder((monitor) => store.stateOf(monitor), store.unwritten);
  }

  async init(self: Process): Promise<Init<Threads>> {
    this.#self = self;
    self.trapExit = true;
    mkdirSync(this.#options.dataDir, { recursive: true, mode: 0o700 });
    const writer = await this.#start('writer');
    void writer.ended.then((reason) => self.deliver(new WriterEnded(reason)));
    const threads = { writer, reader: await this.#startReader() };
    this.#store.booted(await writer.ask<Boot>({ do: 'boot' }));
    this.#store.onStates(await writer.ask<readonly MonitorState[]>({ do: 'monitorStates' }));
    this.#names.register(self, 'store', undefined);
    self.deliver(LOOK);
    return ok(threads);
  }

  handleCall(work: Work, from: CallMessage, threads: Threads): Next<Threads> {
    const answer = (answered: object): void => from.reply(answered);
    if (isQuery(work)) threads.reader.post(work, undefined, answer);
    else threads.writer.post(work, undefined, answer);
    if (work.do === 'append' || work.do === 'commit') this.#gather();
    return noreply(threads);
  }

  handleCast(event: Event, threads: Threads): Next<Threads> {
    this.#recorder.add(event);
    this.#gather();
    return noreply(threads);
  }

  async handleInfo(message: unknown, threads: Threads): Promise<Next<Threads>> {
    if (message instanceof WriterEnded) return stop(message.reason, threads);
    if (message instanceof ReaderEnded) threads.reader = await this.#startReader();
    if (message === RECORD) this.#record(threads);
    if (message === LOOK) {
      if (this.#looking) this.#store.troubled('the store does not answer');
      this.#looking = true;
      threads.writer.post({ do: 'health' }, undefined, ({ value }) => {
        this.#looking = false;
        if (value !== undefined) show(value as Health); // work.ts pairs them
      });
      this.#self.sendAfter(LOOK_MS, LOOK);
    }
    return noreply(threads);
  }

  async terminate(_reason: unknown, { writer, reader }: Threads): Promise<void> {
    this.#record({ writer, reader });
    // What was accepted before is committed before this is; and after a stop in order nothing is left to be judged again.
    await new Promise((resolve) => writer.post({ do: 'commit', changes: [] }, this.#store.judged(), resolve));
    await Promise.all([writer.stop(), reader.stop()]);
  }

  #record({ writer }: Threads): void {
    this.#gathering = false;
    const judged = this.#store.judged(); // before the states are taken: they are not behind it
    const { metrics, changes } = this.#recorder.take();
    if (changes.length > 0 || judged > this.#judged)
      writer.post({ do: 'commit', changes }, judged, ({ error }) => {
        if (!error) this.#judged = Math.max(this.#judged, judged);
        else this.#recorder.again(changes);
        if (error) this.#gather();
      });
    if (judged < this.#store.lastSeq) this.#gather(); // the rules are still at it
    if (metrics.length === 0) return;
    const { batch, stored } = this.#store.batchOf({ protocol: 'monitor', metrics, logs: [] }, 0, Date.now());
    writer.post({ do: 'append', batch }, undefined, ({ error }) => {
      if (!error) stored();
      else for (const { service } of metrics) vitals.unrecorded.inc({ monitor: service.slice('monitor:'.length) });
    });
  }

  /** It is written within a second. */
  #gather(): void {
    if (this.#gathering || !this.#self.isAlive) return;
    this.#gathering = true;
    this.#self.sendAfter(GATHER_MS, RECORD);
  }

  async #startReader(): Promise<Thread> {
    const reader = await this.#start('reader');
    void reader.ended.then(() => this.#self.sendAfter(READER_RETRY_MS, new ReaderEnded()));
    return reader;
  }

  /** A thread that goes with this actor, also when that is killed: it holds the lock. */
  #start(which: 'writer' | 'reader'): Promise<Thread> {
    const { folder, data } = engineOf(this.#options);
    return Thread.start(
      new URL(`${folder}/${which}.ts`, import.meta.url),
      data,
      this.#self.signal,
      () => this.#store.onJobs(),
      which === 'reader' ? READER_LIMITS : {},
    );
  }
}

function show({ sizeBytes, walBytes, disk, growthBytesPerDay, oldestSampleMs, commitMs, fsyncMs, waiting }: Health): void {
  const { store } = vitals;
  store.sizeBytes.set(sizeBytes);
  store.walBytes.set(walBytes);
  store.waiting.set(waiting);
  store.diskFreeBytes.set(disk?.freeBytes ?? Number.NaN); // NaN is what Prometheus takes for unknown: a 0 would set off alarms
  store.growthBytesPerDay.set(growthBytesPerDay ?? Number.NaN);
  store.oldestSampleSeconds.set((oldestSampleMs ?? Number.NaN) / 1_000);
  store.commitP99Seconds.set((commitMs?.p99 ?? 0) / 1_000);
  store.fsyncP99Seconds.set((fsyncMs?.p99 ?? 0) / 1_000);
}
