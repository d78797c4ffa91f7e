/** The store as the others see it. Every promise resolves after the commit, and rejects with a StoreError when there was none. */
import type { Columns } from './query/columns.ts';
import { type Ask as Asked, CallError, call, cast } from '../../lib/call.ts';
import type { Event, Log, Metric, Observation, Telemetry, Trace } from '../event.ts';
import type { Names } from '../names.ts';
import * as vitals from '../vitals.ts';
import type { ApiKey, Attempt, Audit, Change, ConfigVersion, Episode, Retained } from './changes.ts';
import type { GroupColumns } from './query/aggregate.ts';
import type { LinePage } from './query/lines.ts';
import { cancellable, each, groupsOf, logsOf, metricsOf, tracesOf } from './pages.ts';
import { patienceOf } from './query/plan.ts';
import type { Health } from './health.ts';
import type { AggregateQuery, Group, LogQuery, MetricQuery, Page, TraceQuery, Query } from './query/query.ts';
import type { MonitorState, StoredJob } from './reads.ts';
import type { SamplePage } from './query/samples.ts';
import { Interned, type KnownSeries } from './series.ts';
import type { Answer, Batch, Boot, Fault, JobFilter, Unjudged, Work, Write } from './work.ts';

/** The store is away or has refused: nothing of the request was kept. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: Fault['code'];
  constructor(code: Fault['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** A write waits so long for its commit, a question for its answer; a query brings its own budget. */
const ANSWER_MS = 30_000;
const isSpansAlone = ({ metrics, logs, traces = [] }: Telemetry): boolean => traces.length > 0 && metrics.length + logs.length === 0;

/** So long a fault is believed that is not seen again: who is kept away by it must come back to see that it has passed. */
const TROUBLE_MS = 15_000;

export class Store {
  readonly #names: Names;
  readonly #series = new Interned();
  #lastSeq = 0;
  #trouble: { readonly what: string; readonly atMs: number } | undefined;
  /** Monitors whose states are newer than what is written of them. */
  readonly unwritten = new Set<string>();
  /** Tells up to which batch all is judged. It is written with the monitors' states. */
  judged: () => number = () => 0;
  /** Called when the store has started, with what monitors had seen last. */
  onStates: (states: readonly MonitorState[]) => void = () => {};
  /** What a monitor has seen last; undefined when it is no more. */
  stateOf: (monitor: string) => Observation | undefined = () => undefined;
  /** Called when another node that shares the database has written jobs that are due. */
  onJobs: () => void = () => {};

  constructor(names: Names) {
    this.#names = names;
  }

  bootSeq = 0; // that of the last batch that was there when the store was opened
  /** The number of the last batch. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** Resolves with the number of the batch; 0: of nothing but spans, which nobody judges. */
  async append(telemetry: Telemetry, atMs = Date.now()): Promise<number> {
    const { batch, stored } = this.batchOf(telemetry, isSpansAlone(telemetry) ? 0 : ++this.#lastSeq, atMs);
    await this.#write({ do: 'append', batch });
    stored();
    return batch.seq;
  }

  /** Telemetry as it crosses to the store's threads. Call `stored` when it is committed: its series are known there from then on. */
  batchOf({ protocol, metrics, logs, traces = [] }: Telemetry, seq: number, atMs: number): { readonly batch: Batch; readonly stored: () => void } {
    const fresh = new Set<KnownSeries>();
    const columns: Columns = { series: new Uint32Array(metrics.length), ts: new Float64Array(metrics.length), value: new Float64Array(metrics.length) };
    for (const [i, metric] of metrics.entries()) {
      const series = this.#series.of(metric);
      if (!series.stored) fresh.add(series);
      columns.series[i] = series.id;
      columns.ts[i] = metric.timestamp;
      columns.value[i] = metric.value;
    }
    const series = [...fresh].map(({ id, service, name, tags }) => ({ id, service, name, tags }));
    const stored = (): void => {
      for (const one of fresh) one.stored = true;
    };
    const texts = { logs: JSON.stringify(logs), ...(traces.length > 0 && { traces: JSON.stringify(traces) }) };
    return { batch: { seq, atMs, protocol, series, columns, ...texts }, stored };
  }

  /** What a monitor has seen is kept within a second, if it can be. */
  observed(event: Event): void {
    if (event.seq !== undefined) {
      this.unwritten.add(event.monitor);
      return;
    }
    const server = this.#names.whereis('store');
    if (server) cast(server, event);
  }

  commit(changes: readonly Change[]): Promise<void> {
    return this.#write({ do: 'commit', changes });
  }
  /** Lease due jobs, of these actions only, to `owner`: nobody else gets them until `leaseMs` are over. */
  claim(claim: Omit<Extract<Write, { do: 'claim' }>, 'do'>): Promise<readonly StoredJob[]> {
    return this.#write({ do: 'claim', ...claim });
  }

  ruleState(rule: string): Promise<unknown> {
    return this.#do({ do: 'ruleState', rule });
  }
  /** The rules of which there is a state. */
  rules(): Promise<readonly string[]> {
    return this.#do({ do: 'rules' });
  }
  ruleInstances(rule: string): Promise<readonly { readonly instance: string; readonly state: unknown }[]> {
    return this.#do({ do: 'ruleInstances', rule });
  }
  monitorStates(): Promise<readonly MonitorState[]> {
    return this.#do({ do: 'monitorStates' });
  }
  /** Jobs that are not at their end, the first due first. */
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
  /** These three: newest first. */
  versions(limit: number): Promise<readonly ConfigVersion[]> {
    return this.#do({ do: 'versions', limit });
  }
  episodes(limit: number): Promise<readonly Episode[]> {
    return this.#do({ do: 'episodes', limit });
  }
  audit(limit: number): Promise<readonly Audit[]> {
    return this.#do({ do: 'audit', limit });
  }
  retained(): Promise<readonly Retained[]> {
    return this.#do({ do: 'retained' });
  }
  apiKeys(): Promise<readonly ApiKey[]> {
    return this.#do({ do: 'apiKeys' });
  }
  counts(): Promise<{ readonly series: number; readonly points: number; readonly logs: number }> {
    return this.#do({ do: 'counts' });
  }

  /** How the store is; `faultsOf` says in words what is wrong. Cheap enough for every ten seconds. */
  health(): Promise<Health> {
    return this.#do({ do: 'health' });
  }

  /** What was acknowledged and not judged when the node died, oldest first. */
  async *unjudged(): AsyncGenerator<{ readonly seq: number; readonly atMs: number; readonly telemetry: Telemetry }> {
    for (let after = 0, batches: readonly Unjudged[] = []; ; ) {
      batches = await this.#do<readonly Unjudged[]>({ do: 'unjudged', after, limit: 100 });
      if (batches.length === 0) return;
      for (const { seq, atMs, protocol, columns, logs } of batches) {
        yield { seq, atMs, telemetry: { protocol, metrics: this.#series.metrics(columns), logs } };
        after = seq;
      }
    }
  }

  /**
   * A page of samples, or with `latest` of last samples.
   *
   * @param signal gives the query up, as with all of these.
   * @throws StoreError `refused`, `timeout`, `too_much`, `cancelled`, as all of these.
   */
  async metrics(query: MetricQuery, signal?: AbortSignal): Promise<Page<Metric>> {
    return metricsOf(await this.#query<SamplePage>({ do: 'metrics', query }, signal));
  }
  /** In the order of their labels. */
  async aggregate(query: AggregateQuery, signal?: AbortSignal): Promise<readonly Group[]> {
    return groupsOf(await this.#query<readonly GroupColumns[]>({ do: 'aggregate', query }, signal));
  }
  async logs(query: LogQuery, signal?: AbortSignal): Promise<Page<Log>> {
    return logsOf(await this.#query<LinePage>({ do: 'logs', query }, signal));
  }
  async traces(query: TraceQuery, signal?: AbortSignal): Promise<Page<Trace>> {
    return tracesOf(await this.#query<LinePage>({ do: 'traces', query }, signal));
  }
  /** Page after page, as they are asked for; the budget is for each. */
  eachMetric(query: MetricQuery, signal?: AbortSignal): AsyncGenerator<Metric> {
    return each((cursor) => this.metrics({ ...query, ...cursor }, signal));
  }
  eachLog(query: LogQuery, signal?: AbortSignal): AsyncGenerator<Log> {
    return each((cursor) => this.logs({ ...query, ...cursor }, signal));
  }
  eachTrace(query: TraceQuery, signal?: AbortSignal): AsyncGenerator<Trace> {
    return each((cursor) => this.traces({ ...query, ...cursor }, signal));
  }

  /** Why nothing can be stored, as it was seen in the last seconds; undefined: it can. */
  get trouble(): string | undefined {
    const { what, atMs = 0 } = this.#trouble ?? {};
    return performance.now() - atMs < TROUBLE_MS ? what : undefined;
  }
  troubled(what: string): void {
    this.#trouble = { what, atMs: performance.now() };
  }

  /** Called by the actor when its threads are up: what is there already. */
  booted({ series, lastSeq }: Boot): void {
    this.#series.known(series);
    this.bootSeq = lastSeq;
    this.#lastSeq = Math.max(this.#lastSeq, lastSeq);
  }

  async #write<T>(work: Write): Promise<T> {
    const done = vitals.commitSeconds.startTimer();
    try {
      const value = await this.#do<T>(work);
      this.#trouble = undefined;
      return value;
    } catch (error) {
      if (error instanceof StoreError && error.code !== 'refused') this.troubled(error.message);
      throw error;
    } finally {
      done();
    }
  }

  #query<T>(work: Query, signal: AbortSignal | undefined): Promise<T> {
    const timeoutMs = ANSWER_MS + patienceOf(work.query);
    if (!signal) return this.#do(work, timeoutMs);
    return cancellable(
      signal,
      (cancel) => this.#do<T>({ ...work, cancel }, timeoutMs),
      () => new StoreError('cancelled', 'the query was cancelled', { cause: signal.reason }),
    );
  }

  async #do<T>(work: Work, timeoutMs = ANSWER_MS): Promise<T> {
    const server = this.#names.whereis('store');
    if (!server) throw new StoreError('away', 'the store is not running');
    const { value, error } = await call(server, work as Work & Asked<Answer>, timeoutMs).catch((cause: unknown) => {
      throw cause instanceof CallError ? new StoreError('away', cause.message, { cause }) : cause;
    });
    if (error) throw new StoreError(error.code, error.message);
    return value as T; // each kind of work is answered as work.ts says
  }
}
