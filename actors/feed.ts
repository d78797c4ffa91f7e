/**
 * The middle of the corridor: takes what monitors and listeners hand on to the store and to the rules that read it, and keeps every
 * monitor's last state. No actor, so it adds neither a hop nor a queue.
 */
import type { Pid } from '../lib/process.ts';
import type { Event, Fields, Log, Metric, Observation, Telemetry } from './event.ts';
import { Inbox, type Mark, type Marked } from './inbox.ts';
import { UnderWay } from './under-way.ts';
import * as vitals from './vitals.ts';

/** So many observations of a monitor are kept in memory at the least, and twice as many at the most. */
const HISTORY = 100;

/** Which fields of which monitors wake a rule: the first word of each path, or `all`. */
export type Reads = ReadonlyMap<string, ReadonlySet<string> | 'all'>;
/** What a rule is sent. */
export interface Wake extends Marked {
  readonly event: Event;
}
/** What a push monitor is sent: the items of one batch that concern it. */
export interface Pushed extends Marked {
  readonly items: readonly (Metric | Log)[];
  /** When they were received, ms since 1970, and the number of their batch in the store. */
  readonly atMs: number;
  readonly seq: number;
}
export interface Latest {
  readonly last: Observation;
  readonly history: readonly Observation[];
}

/** Monitors that are read by a pattern: those of a rule with `for_each`. */
export interface EachRead {
  readonly matches: (monitor: string) => boolean;
  readonly fields: ReadonlySet<string> | 'all';
}
interface Reader {
  readonly inbox: Inbox<Omit<Wake, 'mark'>>;
  reads: Map<string, ReadonlySet<string> | 'all'>;
  each: EachRead | undefined;
  /** What it has judged in another life of the node, by monitor. */
  judged: Readonly<Record<string, number>>;
}
interface Tap {
  readonly inbox: Inbox<Omit<Pushed, 'mark'>>;
  wants: (item: Metric | Log) => boolean;
}

export class Feed {
  readonly #append: (telemetry: Telemetry, atMs: number) => Promise<number>;
  readonly #observed: (event: Event) => void;
  readonly #underWay = new UnderWay();
  /** By the name of the rule, and by the monitor that is read. */
  readonly #rules = new Map<string, Reader>();
  readonly #readers = new Map<string, Set<Reader>>();
  /** Monitors for which those that read by a pattern have been found. */
  readonly #met = new Set<string>();
  readonly #latest = new Map<string, { last: Observation; history: Observation[] }>();
  /** By the name of the monitor. */
  readonly #taps = new Map<string, Tap>();

  /**
   * @param append resolves with the number of the batch when the store has it, and rejects when it has not.
   * @param observed hears of what monitors saw themselves, which no listener has stored.
   */
  constructor(append: (telemetry: Telemetry, atMs: number) => Promise<number>, observed: (event: Event) => void = () => {}) {
    this.#append = append;
    this.#observed = observed;
  }

  /** What monitors had seen last in another life of the node. What they have seen in this one stands. */
  restore(states: readonly { readonly monitor: string; readonly atMs: number; readonly fields: Fields }[]): void {
    for (const { monitor, atMs, fields } of states) {
      const last = { atMs, fields };
      if (!this.#latest.has(monitor)) this.#latest.set(monitor, { last, history: [last] });
    }
  }

  /**
   * Wake a rule by every event that changes what it reads. What comes while it is away waits for it, until it is forgotten.
   * @param mark up to where its last incarnation had come: it is not sent that again.
   */
  subscribe(rule: string, pid: Pid, reads: Reads, mark?: Mark, each?: EachRead): void {
    if (!pid.isAlive) return; // killed while it loaded its state: the next one may be here already
    const reader: Reader = this.#rules.get(rule) ?? { inbox: new Inbox(`rule:${rule}`, this.#underWay), reads: new Map(), each, judged: mark?.judged ?? {} };
    this.#unread(reader);
    reader.reads = new Map(reads);
    reader.each = each;
    this.#rules.set(rule, reader);
    for (const monitor of reads.keys()) this.#reads(reader, monitor);
    for (const monitor of this.#met) this.#readEach(reader, monitor);
    reader.inbox.open(pid, mark);
  }
  #reads(reader: Reader, monitor: string): void {
    this.#readers.set(monitor, (this.#readers.get(monitor) ?? new Set()).add(reader));
  }
  #readEach(reader: Reader, monitor: string): void {
    const { each, reads } = reader;
    if (!each?.matches(monitor)) return;
    const there = reads.get(monitor) ?? new Set();
    reads.set(monitor, there === 'all' || each.fields === 'all' ? 'all' : new Set([...there, ...each.fields]));
    this.#reads(reader, monitor);
  }
  /** The rule has judged all that it was sent up to here, and need not see it again. */
  judged(rule: string, mark: Mark): void {
    this.#rules.get(rule)?.inbox.done(mark);
  }

  /** Hand a monitor the items of listeners that it wants. What comes while it is away waits for it, until it is forgotten. */
  tap(monitor: string, pid: Pid, wants: (item: Metric | Log) => boolean): void {
    const tap: Tap = this.#taps.get(monitor) ?? { inbox: new Inbox(`monitor:${monitor}`, this.#underWay), wants };
    tap.wants = wants;
    this.#taps.set(monitor, tap);
    tap.inbox.open(pid);
  }
  untap(monitor: string): void {
    this.#taps.get(monitor)?.inbox.close();
    this.#taps.delete(monitor);
  }
  /** The monitor has published what it was pushed, up to here. */
  published(monitor: string, mark: Mark): void {
    this.#taps.get(monitor)?.inbox.done(mark);
  }

  /** From a monitor to the rules: one message to each that reads it. Resolves when none of them is above its high water. */
  async publish(event: Event): Promise<void> {
    const { monitor, observations, seq } = event;
    const last = observations.at(-1);
    if (!last) return;
    vitals.observations.inc({ monitor }, observations.length);
    if (!this.#met.has(monitor)) for (const reader of this.#rules.values()) this.#readEach(reader, monitor);
    this.#met.add(monitor);
    const cares = ({ reads, judged }: Reader): boolean =>
      (seq === undefined || seq > (judged[monitor] ?? 0)) && observations.some((one) => touches(one, reads.get(monitor)));
    const woken = [...(this.#readers.get(monitor) ?? [])].filter(cares);
    this.#remember(monitor, last, observations);
    if (seq === undefined && !monitor.startsWith('rule:')) this.#observed(event); // what rules say of themselves is kept as their state
    for (const { inbox } of woken) inbox.put({ event }, seq);
    for (const { inbox } of woken) await inbox.room();
  }

  #remember(monitor: string, last: Observation, observations: readonly Observation[]): void {
    const history = this.#latest.get(monitor)?.history ?? [];
    history.push(...observations.slice(-2 * HISTORY));
    if (history.length > 2 * HISTORY) history.splice(0, history.length - HISTORY);
    this.#latest.set(monitor, { last, history });
  }

  /** From a listener to the store and the push monitors. Resolves when the store has it all: acknowledge after that. */
  async ingest(telemetry: Telemetry): Promise<void> {
    const atMs = Date.now();
    const seq = await this.#append(telemetry, atMs);
    vitals.stored.inc({ protocol: telemetry.protocol }, telemetry.metrics.length + telemetry.logs.length + (telemetry.traces?.length ?? 0));
    await this.#push(telemetry, seq, atMs);
  }

  /** What was stored in another life of the node, and not judged: to the push monitors, in order, before anything new. */
  async replay(telemetry: Telemetry, seq: number, atMs: number): Promise<void> {
    if (seq > this.#underWay.last) await this.#push(telemetry, seq, atMs);
  }

  /** All stored batches up to this one are judged. */
  get judgedUpTo(): number {
    return this.#underWay.mark;
  }
  /** Of what a rule has judged, that which is further than all have come. */
  ahead(seen: ReadonlyMap<string, number>): Record<string, number> {
    const { mark } = this.#underWay;
    return Object.fromEntries([...seen].filter(([, seq]) => seq > mark));
  }

  async #push({ metrics, logs }: Telemetry, seq: number, atMs: number): Promise<void> {
    const items = [...metrics, ...logs];
    const pushed: Tap['inbox'][] = [];
    this.#underWay.open(seq);
    for (const { inbox, wants } of this.#taps.values()) {
      const wanted = items.filter(wants);
      if (wanted.length === 0) continue;
      inbox.put({ items: wanted, seq, atMs }, seq);
      pushed.push(inbox);
    }
    this.#underWay.done(seq);
    for (const inbox of pushed) await inbox.room();
  }

  latest(monitor: string): Latest | undefined {
    return this.#latest.get(monitor);
  }

  /** The resource is no more: neither its state nor what waits for it is to outlive it. */
  forget(kind: string, name: string): void {
    if (kind === 'monitor') {
      this.#latest.delete(name);
      this.#met.delete(name);
      this.untap(name);
    } else if (kind === 'rule') {
      const reader = this.#rules.get(name);
      if (reader) this.#unread(reader);
      reader?.inbox.close();
      this.#rules.delete(name);
    }
  }

  #unread(reader: Reader): void {
    for (const monitor of reader.reads.keys()) {
      const readers = this.#readers.get(monitor);
      readers?.delete(reader);
      if (readers?.size === 0) this.#readers.delete(monitor);
    }
  }
}

/** Whether an observation brought any of the fields; of a monitor that is not read, none. */
export function touches({ fields, seen }: Observation, read: ReadonlySet<string> | 'all' | undefined): boolean {
  if (read === 'all') return true;
  for (const field of read ?? []) if (seen ? seen.includes(field) : Object.hasOwn(fields, field)) return true;
  return false;
}
