/** The store on SQLite as the node has it: an actor and its two threads, asked through Store; and how much memory and CPU they take. */
import type { Query } from '../actors/store/query/query.ts';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import type Database from 'better-sqlite3';
import { Registry } from '../lib/registry.ts';
import type { Names } from '../actors/names.ts';
import { asking, type QueryAnswer } from '../actors/store/query/answers.ts';
import type { Rows } from '../actors/store/query/program.ts';
import { Selection } from '../actors/store/query/selection.ts';
import { storeChild } from '../actors/store/server.ts';
import { engine } from '../actors/store/sqlite/engine.ts';
import { Housekeeping } from '../actors/store/sqlite/housekeeping.ts';
import { openReader, openWriter } from '../actors/store/sqlite/open.ts';
import { Store } from '../actors/store/store.ts';
import { Root } from '../spec/support/actors.ts';
import { tempFolder } from '../spec/support/services.ts';
import { BATCH, batches, type Contestant, deviceOf, LANES, nameOf, seriesOf, timeOf, sampleOf } from './history.ts';
import { memoryMbOf } from './support.ts';

const LOOK_MS = 200;
const MB = 1_048_576;

export class ArgosSqlite implements Contestant {
  readonly name = 'Argos';
  readonly #folder = tempFolder();
  readonly #names: Names = new Registry();
  readonly #store = new Store(this.#names);
  readonly #memory = new Memory();
  #root = new Root();
  #appended = 0;
  /** How long each batch took until it was acknowledged, ms. */
  readonly batchMs: number[] = [];
  /** CPU of the thread that writes while it was filled, µs a sample. */
  writerMicros = Number.NaN;

  get store(): Store {
    return this.#store;
  }
  get memory(): Memory {
    return this.#memory;
  }
  get file(): string {
    return join(this.#folder, 'argos.db');
  }

  async start(): Promise<void> {
    this.#root = new Root();
    this.#store.judged = () => this.#appended; // they are as soon as they are stored
    this.#memory.begin();
    await this.#root.start(storeChild(this.#store, this.#names, { dataDir: this.#folder }));
  }
  async stop(): Promise<void> {
    this.#memory.end();
    await this.#root.end();
  }

  async fill(total: number): Promise<{ readonly perSecond: number; readonly cpuMicros: number }> {
    const next = batches(total);
    const [since, cpu, writer] = [performance.now(), process.cpuUsage(), await this.#memory.writer?.cpuUsage()];
    await Promise.all(Array.from({ length: LANES }, () => this.#lane(next)));
    const perSecond = total / ((performance.now() - since) / 1_000);
    const [all, one] = [process.cpuUsage(cpu), await this.#memory.writer?.cpuUsage(writer)];
    this.writerMicros = ((one?.user ?? 0) + (one?.system ?? 0)) / total;
    return { perSecond, cpuMicros: (all.user + all.system) / total };
  }

  /** The same metrics again and again, with other times and values: what they cost to be made is not what is measured. */
  async #lane(from: Iterable<number>): Promise<void> {
    const metrics = Array.from({ length: BATCH }, (_, i) => ({
      name: nameOf(seriesOf(i)),
      service: 'bench',
      tags: { device: deviceOf(seriesOf(i)) },
      timestamp: 0,
      value: 0,
    }));
    for (const first of from) {
      for (const [i, metric] of metrics.entries()) {
        metric.timestamp = timeOf(first + i);
        metric.value = sampleOf(first + i);
      }
      const begun = performance.now();
      this.#appended = await this.#store.append({ protocol: 'bench', metrics, logs: [] });
      this.batchMs.push(performance.now() - begun);
    }
  }

  /** While the store is stopped. */
  async bytes(): Promise<number> {
    const db = openWriter(this.file);
    db.pragma('wal_checkpoint(TRUNCATE)');
    db.close();
    return statSync(this.file).size;
  }
  avgOfOne(series: number, fromMs: number, toMs: number): Promise<number> {
    return this.#avg({ name: { is: nameOf(series) }, fromMs, toMs });
  }
  avgOfAll(fromMs: number, toMs: number): Promise<number> {
    return this.#avg({ fromMs, toMs });
  }
  async #avg(where: { readonly name?: { readonly is: string }; readonly fromMs: number; readonly toMs: number }): Promise<number> {
    const [group] = await this.#store.aggregate({ fn: 'avg', ...where });
    return group?.points[0]?.[1] ?? Number.NaN;
  }

  /** While the store is stopped: all samples are made minutes and hours of, as housekeeping does when they are that old. @returns CPU ms */
  downSample(nowMs: number): number {
    const db = openWriter(this.file);
    const housekeeping = new Housekeeping(db, {}, () => nowMs);
    const cpu = process.cpuUsage();
    while (housekeeping.step());
    const { user, system } = process.cpuUsage(cpu);
    db.close();
    return (user + system) / 1_000;
  }
}

/** A query on the thread that asks, as the one that reads runs it: what it takes without the way there and back. */
export function within(file: string): { ask(query: Query): QueryAnswer; close(): void } {
  const db = openReader(file);
  db.pragma('cache_size = -16384');
  const prepared = new Map<string, Database.Statement>();
  const selection = new Selection();
  const read = (sql: string, params: readonly unknown[]): Rows => {
    const there = prepared.get(sql) ?? db.prepare(sql).raw();
    prepared.set(sql, there);
    return there.all(...params) as Rows;
  };
  return {
    ask(query) {
      const { program } = asking(query, engine, selection);
      for (let rows: Rows = []; ; ) {
        const { done, value } = program.next(rows);
        if (done) return value;
        rows = value ? read(value.sql, value.params) : [];
      }
    },
    close: () => void db.close(),
  };
}

/** The most that the store's threads have taken, looked at every 200 ms, in MB. */
class Memory {
  /** V8's heap and what it holds outside of it. */
  readonly heaps = { writer: 0, reader: 0 };
  /** How much the process has grown since before the store was started, without the heap of the main thread: threads, SQLite's caches, buffers on their way. */
  grown = 0;
  #workers: Worker[] = [];
  #look: NodeJS.Timeout | undefined;
  #before = 0;

  get writer(): Worker | undefined {
    return this.#workers[0];
  }
  begin(): void {
    this.#workers = [];
    globalThis.gc?.();
    this.#before ||= this.#others();
    process.on('worker', this.#hear);
    this.#look = setInterval(() => void this.#see(), LOOK_MS);
  }
  end(): void {
    process.off('worker', this.#hear);
    clearInterval(this.#look);
  }

  readonly #hear = (worker: Worker): number => this.#workers.push(worker);

  async #see(): Promise<void> {
    this.grown = Math.max(this.grown, this.#others() - this.#before);
    const [writer, reader] = this.#workers;
    this.heaps.writer = Math.max(this.heaps.writer, await heapOf(writer));
    this.heaps.reader = Math.max(this.heaps.reader, await heapOf(reader));
  }
  #others(): number {
    const { heapTotal, external } = process.memoryUsage();
    return memoryMbOf(process.pid) - (heapTotal + external) / MB;
  }
}

async function heapOf(worker: Worker | undefined): Promise<number> {
  const heap = await worker?.getHeapStatistics().catch(() => undefined);
  return heap ? (heap.total_heap_size + heap.external_memory + heap.malloced_memory) / MB : 0;
}
