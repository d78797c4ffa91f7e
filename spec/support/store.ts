/** A real store in a temporary folder, that a spec can stop, kill and start again. */
import type { Pid } from '../../lib/process.ts';
import { Registry } from '../../lib/registry.ts';
import type { Names } from '../../actors/names.ts';
import type { Log, Metric } from '../../actors/event.ts';
import type { LogQuery, MetricQuery } from '../../actors/store/query/query.ts';
import { type StoreOptions, storeChild } from '../../actors/store/server.ts';
import { Store } from '../../actors/store/store.ts';
import type { Root } from './actors.ts';
import { tempFolder } from './services.ts';

export class TestStore {
  readonly root: Root;
  readonly folder: string;
  readonly more: Partial<StoreOptions>;
  readonly names: Names = new Registry();
  /** The store as its users have it: they keep it while its actor comes and goes. */
  readonly store = new Store(this.names);
  #pid: Pid | undefined;

  /** @param more what the store is told beside its folder: another engine. */
  constructor(root: Root, folder = tempFolder(), more: Partial<StoreOptions> = {}) {
    this.root = root;
    this.folder = folder;
    this.more = more;
  }

  get pid(): Pid {
    if (!this.#pid) throw new Error('the store has not been started');
    return this.#pid;
  }
  async start(): Promise<void> {
    this.#pid = await this.root.start(storeChild(this.store, this.names, { dataDir: this.folder, ...this.more }));
  }
  async stop(): Promise<void> {
    await this.root.stop(this.pid);
  }
  async metrics(query: MetricQuery = {}): Promise<readonly Metric[]> {
    return (await this.store.metrics(query)).items;
  }
  async logs(query: LogQuery = {}): Promise<readonly Log[]> {
    return (await this.store.logs(query)).items;
  }
  /** As after a restart of the whole node: nothing is remembered that the folder does not hold. */
  async reopen(): Promise<TestStore> {
    await this.stop();
    const again = new TestStore(this.root, this.folder, this.more);
    await again.start();
    return again;
  }
}
