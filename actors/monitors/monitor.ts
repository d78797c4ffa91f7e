/**
 * A monitor: one actor that watches one target, keeps its state and emits Events. A target that is down is a measurement (`up` false).
 * A watch that is lost is begun anew as the retry policy says; when that is exhausted the monitor is down and ends, and its supervisor
 * takes over.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Static, TSchema } from 'typebox';
import type { CallMessage } from '../../lib/call.ts';
import type { ChildSpec } from '../../lib/child-spec.ts';
import { type GenServer, type Init, type Next, noreply, ok, reply, startLink, stop } from '../../lib/gen-server.ts';
import type { Process } from '../../lib/process.ts';
import type { Fields, Log, Metric } from '../event.ts';
import type { Feed, Pushed } from '../feed.ts';
import type { Wanted } from '../taps.ts';
import type { Logger } from '../logger.ts';
import type { Names } from '../names.ts';
import { backoffMs, type RetryPolicy } from '../retry-policy.ts';
import type { Fault } from '../schema.ts';

/** What a monitor type is given to work with. */
export interface MonitorPort {
  /** Hand on what was seen. Resolves when the rules have room for it: wait for it before you take more. */
  emit(fields: Fields): Promise<void>;
  /** Have the items of listeners that are wanted, each as the fields that `see` makes of it. To be called at once, or never. */
  tap(wanted: Wanted, see: (item: Metric | Log) => Fields): void;
  /** True when the last watch was lost. */
  readonly retrying: boolean;
  /** Aborted when the monitor stops. Pass it to every request, socket and timer. */
  readonly signal: AbortSignal;
}

/** Samples in the store that a monitor has seen; each key a pattern, `*` for any run of characters. */
export interface StoredAs {
  readonly service?: string | undefined;
  readonly name?: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
}

/** The one thing to write for a new kind of monitor. */
export interface MonitorType<S extends TSchema> {
  /** The value of `"type"` in the config. */
  readonly type: string;
  readonly schema: S;
  /** The fields that its state has, for the reference page. */
  readonly fields: readonly string[];
  /** The array-valued field that bulk entries expand. */
  readonly bulkField?: string;
  /** Types whose samples listeners store: which these are; undefined: it sees no samples. Left out: what it sees is stored by its own name. */
  stored?(config: Static<S>): StoredAs | undefined;
  /** What the schema cannot say, with paths from the config on. */
  check?(config: Static<S>): readonly Fault[];
  /** Watch until `port.signal` is aborted. Rejects when the watch is lost, with a WatchLost where there is more to say. */
  watch(config: Static<S>, port: MonitorPort): Promise<void>;
}

/** The watch is lost, and this is what was seen of it. */
export class WatchLost extends Error {
  override readonly name = 'WatchLost';
  readonly fields: Fields;
  /** No retry is wanted. */
  readonly final: boolean;
  constructor(message: string, fields: Fields = {}, final = false) {
    super(message);
    this.fields = fields;
    this.final = final;
  }
}

export interface MonitorStatus {
  readonly phase: 'starting' | 'up' | 'retrying' | 'down';
  readonly failures: number;
  readonly state: Fields;
  readonly observedAt: string | null;
}

export interface MonitorSettings {
  readonly retry: RetryPolicy;
  readonly feed: Feed;
  readonly names: Names;
  readonly log: Logger;
}

export const monitorChild = <S extends TSchema>(name: string, type: MonitorType<S>, config: Static<S>, settings: MonitorSettings): ChildSpec => ({
  id: `monitor:${name}`,
  start: (parent) => startLink(parent, new Monitor(name, type, config, settings), { name: `monitor:${name}` }),
});

class Exhausted {
  readonly error: Error;
  constructor(error: Error) {
    this.error = error;
  }
}

class Monitor<S extends TSchema> implements GenServer<undefined, { readonly ask: 'status' }, Pushed> {
  readonly #name: string;
  readonly #type: MonitorType<S>;
  readonly #config: Static<S>;
  readonly #settings: MonitorSettings;
  #phase: MonitorStatus['phase'] = 'starting';
  #failures = 0;
  #state: Fields;
  #observedMs: number | undefined;
  #see: ((item: Metric | Log) => Fields) | undefined;

  constructor(name: string, type: MonitorType<S>, config: Static<S>, settings: MonitorSettings) {
    this.#name = name;
    this.#type = type;
    this.#config = config;
    this.#settings = settings;
    const latest = settings.feed.latest(name)?.last;
    this.#state = latest?.fields ?? {}; // an incarnation goes on where the last one was
    this.#observedMs = latest?.atMs;
  }

  init(self: Process): Init<undefined> {
    this.#settings.names.register(self, `monitor:${this.#name}`, undefined);
    this.#watch(self).catch((error: unknown) => self.deliver(new Exhausted(asError(error))));
    if (!this.#see) this.#settings.feed.untap(this.#name); // its predecessor may have been of another type
    return ok(undefined);
  }

  handleCall(_request: { readonly ask: 'status' }, _from: CallMessage): Next<undefined> {
    const status: MonitorStatus = {
      phase: this.#phase,
      failures: this.#failures,
      state: this.#state,
      observedAt: this.#observedMs === undefined ? null : new Date(this.#observedMs).toISOString(),
    };
    return reply(status, undefined);
  }

  /** From a listener: the items that this monitor tapped, one observation each, all in one Event. */
  async handleCast({ items, mark, atMs, seq }: Pushed): Promise<Next<undefined>> {
    this.#phase = 'up';
    const observations = items.map((item) => {
      const seen = this.#see?.(item);
      this.#state = { ...seen, up: true };
      return { atMs, fields: this.#state };
    });
    this.#observedMs = Date.now();
    const published = this.#settings.feed.publish({ monitor: this.#name, observations, seq });
    this.#settings.feed.published(this.#name, mark); // the rules have it in that same step; they may only be behind
    await published;
    return noreply(undefined);
  }

  handleInfo(message: unknown): Next<undefined> {
    return message instanceof Exhausted ? stop(message.error, undefined) : noreply(undefined);
  }

  async #watch(self: Process): Promise<void> {
    const { retry, log } = this.#settings;
    const { signal } = self;
    while (!signal.aborted) {
      const watch = new AbortController();
      try {
        await this.#type.watch(this.#config, this.#port(self, AbortSignal.any([signal, watch.signal])));
      } catch (thrown) {
        if (signal.aborted) return;
        const error = asError(thrown);
        const exhausted = ++this.#failures > retry.max_retries || (error instanceof WatchLost && error.final);
        this.#phase = exhausted ? 'down' : 'retrying';
        log.warn(exhausted ? 'down: the retries are exhausted' : 'the watch is lost', { error: error.message, failures: this.#failures });
        await this.#emit({ ...(error instanceof WatchLost ? error.fields : {}), up: false, error: error.message, down: exhausted });
        if (exhausted) throw new Error(`gave up after ${this.#failures - 1} retries: ${error.message}`);
        await sleep(backoffMs(retry, this.#failures, Math.random()), undefined, { signal }).catch(() => {}); // aborted: the loop sees it
      } finally {
        watch.abort(); // what a watch has hung on its signal is let go with it
      }
    }
  }

  #port(self: Process, signal: AbortSignal): MonitorPort {
    return {
      emit: (fields) => {
        this.#phase = 'up';
        this.#failures = 0;
        return this.#emit(fields);
      },
      tap: (wanted, see) => {
        this.#see = see;
        this.#settings.feed.tap(this.#name, self, wanted);
      },
      retrying: this.#failures > 0,
      signal,
    };
  }

  async #emit(fields: Fields): Promise<void> {
    const { error: _error, down: _down, ...kept } = this.#state;
    this.#state = { ...kept, ...fields };
    this.#observedMs = Date.now();
    await this.#settings.feed.publish({ monitor: this.#name, observations: [{ atMs: this.#observedMs, fields: this.#state, seen: Object.keys(fields) }] });
  }
}

const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)));
