/** A listener over a Feed and a real store, wired as in a node, and the books that it keeps. */
import type { TSchema } from 'typebox';
import { type Ask, call } from '../../lib/call.ts';
import type { Pid } from '../../lib/process.ts';
import type { Berth } from '../../actors/berth.ts';
import type { Telemetry } from '../../actors/event.ts';
import { Feed } from '../../actors/feed.ts';
import { type ListenerStatus, type ListenerType, listenerChild } from '../../actors/listeners/listener.ts';
import { archiveOf } from '../../actors/store/archive.ts';
import { logger } from '../../actors/logger.ts';
import * as vitals from '../../actors/vitals.ts';
import { configOf, type Root } from './actors.ts';
import { TestStore } from './store.ts';

export interface Books {
  readonly received: number;
  readonly stored: number;
  readonly rejected: Readonly<Record<string, number>>;
  readonly shed: number;
}

export class TestListener<S extends TSchema> {
  readonly type: ListenerType<S>;
  readonly root: Root;
  readonly store: TestStore;
  /** What comes between the Feed and the store. */
  append: (telemetry: Telemetry) => Promise<number> = (telemetry) => this.store.store.append(telemetry);
  readonly feed = new Feed((telemetry) => this.append(telemetry));
  ready: { readonly ready: boolean; readonly faults: readonly string[] } = { ready: true, faults: [] };
  pid!: Pid;
  port = 0;
  readonly #berths = new Map<string, Berth>();
  #before: Books | undefined;

  constructor(root: Root, type: ListenerType<S>) {
    this.root = root;
    this.type = type;
    this.store = new TestStore(root);
  }

  async start(more: object = {}): Promise<void> {
    const settings = {
      names: this.store.names,
      log: logger('spec'),
      archive: archiveOf(this.store.store),
      berths: this.#berths,
      ingest: (telemetry: Telemetry) => this.feed.ingest(telemetry),
      health: async () => this.ready,
    };
    this.pid = await this.root.start(listenerChild(this.type, configOf(this.type.schema, { port: 0, ...more }), settings));
    this.port = Number((await this.status()).address.split(':').at(-1));
    this.#before = await this.#books();
  }
  status(): Promise<ListenerStatus> {
    return call(this.pid, { ask: 'status' } as Ask<ListenerStatus>);
  }

  /** What it has counted since it was started. */
  async books(): Promise<Books> {
    const [now, before] = [await this.#books(), this.#before];
    const rejected = Object.entries(now.rejected).map(([reason, count]) => [reason, count - (before?.rejected[reason] ?? 0)] as const);
    return {
      received: now.received - (before?.received ?? 0),
      stored: now.stored - (before?.stored ?? 0),
      rejected: Object.fromEntries(rejected.filter(([, count]) => count > 0)),
      shed: now.shed - (before?.shed ?? 0),
    };
  }

  async #books(): Promise<Books> {
    const counts = async (counter: Counts): Promise<Counted> => (await counter.get()).values.filter(({ labels }) => labels.protocol === this.type.type);
    const sum = async (counter: Counts): Promise<number> => (await counts(counter)).reduce((all, { value }) => all + value, 0);
    const rejected = Object.fromEntries((await counts(vitals.rejected)).map(({ labels, value }) => [String(labels.reason), value]));
    return { received: await sum(vitals.received), stored: await sum(vitals.stored), rejected, shed: await sum(vitals.shed) };
  }
}

type Counted = readonly { readonly value: number; readonly labels: { readonly protocol?: unknown; readonly reason?: unknown } }[];
interface Counts {
  get(): Promise<{ readonly values: Counted }>;
}

/** received = stored + rejected + shed. */
export const balance = ({ received, stored, rejected, shed }: Books): number =>
  received - stored - shed - Object.values(rejected).reduce((all, one) => all + one, 0);
