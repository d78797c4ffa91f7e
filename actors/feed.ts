/**
 * The middle of the corridor: takes what monitors and listeners hand on to the store and to the rules that read it, and keeps every
 * monitor's last state. No actor, so it adds neither a hop nor a queue.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pid } from '../lib/process.ts';
import type { Event, Fields, Telemetry } from './event.ts';
import { Inbox, type Letter, type Mark, Post } from './inbox.ts';
import { type EachRead, type Latest, NOBODY, type Read, read, readEach, type Reader, type Reads, remember, type Source, touches, type Wake } from './source.ts';
import { type Pushed, Taps, type Wanted } from './taps.ts';
import { UnderWay } from './under-way.ts';
import * as vitals from './vitals.ts';

export { type EachRead, type Latest, type Pushed, type Read, type Reads, touches, type Wake };

export class Feed {
  readonly #append: (telemetry: Telemetry, atMs: number) => Promise<number>;
  readonly #observed: (event: Event) => void;
  readonly caughtUp: Promise<void>;
  readonly #underWay = new UnderWay();
  readonly #post = new Post();
  /** By the name of the rule; of these, those that read by a pattern. */
  readonly #rules = new Map<string, Reader>();
  readonly #patterns = new Set<Reader>();
  /** By the name of the monitor. */
  readonly #sources = new Map<string, Source>();
  readonly #taps = new Taps(this.#post, this.#underWay);

  /**
   * @param append resolves with the number of the batch when the store has it, and rejects when it has not.
   * @param observed hears of what monitors have seen.
   * @param caughtUp resolves when what another life of the node has left has been seen again: before that the monitors' states are those of a while ago.
   */
  constructor(append: (telemetry: Telemetry, atMs: number) => Promise<number>, observed: (event: Event) => void = () => {}, caughtUp: Promise<void> = READY) {
    this.#append = append;
    this.#observed = observed;
    this.caughtUp = caughtUp;
  }

  /** What monitors had seen last in another life of the node. What they have seen in this one stands. */
  restore(states: readonly { readonly monitor: string; readonly atMs: number; readonly fields: Fields }[]): void {
    for (const { monitor, atMs, fields } of states) {
      const last = { atMs, fields };
      this.#source(monitor).latest ??= { last, history: [last] };
    }
  }

  /**
   * Wake a rule by every event that changes what it reads. What comes while it is away waits for it, until it is forgotten.
   * @param mark up to where its last incarnation had come: it is not sent that again.
   * @returns how it says that it has judged all that it was sent up to there, as `judged` is told.
   */
  subscribe(rule: string, pid: Pid, reads: Reads, mark?: Mark, each?: EachRead): ((mark: Mark) => void) | undefined {
    if (!pid.isAlive) return undefined; // killed while it loaded its state: the next one may be here already
    const there = this.#rules.get(rule);
    if (there) this.#unread(there);
    const reader = there ?? { inbox: new Inbox(`rule:${rule}`, this.#post, this.#underWay), reads, each, judged: mark?.judged ?? NOTHING };
    reader.reads = reads;
    reader.each = each;
    this.#rules.set(rule, reader);
    for (const [monitor, fields] of reads) read(this.#source(monitor), reader, fields);
    if (each) {
      this.#patterns.add(reader);
      for (const [monitor, source] of this.#sources) if (source.met) readEach(source, reader, monitor);
    }
    reader.inbox.open(pid, mark);
    return (upTo) => reader.inbox.done(upTo);
  }
  #source(monitor: string): Source {
    const there = this.#sources.get(monitor);
    if (there) return there;
    const source: Source = { readers: NOBODY, met: false, latest: undefined };
    this.#sources.set(monitor, source);
    return source;
  }
  /** The rule has judged all that it was sent up to here, and need not see it again. */
  judged(rule: string, mark: Mark): void {
    this.#rules.get(rule)?.inbox.done(mark);
  }

  /** Hand a monitor the items of listeners that it wants. What comes while it is away waits for it, until it is forgotten. */
  tap(monitor: string, pid: Pid, wanted: Wanted): void {
    this.#taps.open(monitor, pid, wanted);
  }
  untap(monitor: string): void {
    this.#taps.close(monitor);
  }
  /** The monitor has published what it was pushed, up to here. */
  published(monitor: string, mark: Mark): void {
    this.#taps.done(monitor, mark);
  }

  /** From a monitor to the rules: one message to each that reads it. Resolves when none of them is above its high water. */
  publish(event: Event): Promise<void> {
    const { monitor, observations, seq } = event;
    const last = observations.at(-1);
    if (!last) return READY;
    vitals.observations.inc({ monitor }, observations.length);
    const source = this.#source(monitor);
    if (!source.met) for (const reader of this.#patterns) readEach(source, reader, monitor);
    source.met = true;
    remember(source, last, observations);
    if (!monitor.startsWith('rule:')) this.#observed(event); // what rules say of themselves is kept as their state
    let letter: Letter<Omit<Wake, 'mark'>> | undefined;
    let behind: Reader['inbox'][] | undefined;
    for (const [{ inbox, judged }, fields] of source.readers) {
      if (seq !== undefined && seq <= (judged[monitor] ?? 0)) continue;
      if (!observations.some((one) => touches(one, fields))) continue;
      letter ??= this.#post.letter({ event }, seq);
      inbox.put(letter);
      if (inbox.isBehind) behind = [...(behind ?? []), inbox];
    }
    return behind ? room(behind) : READY;
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

  /** The last stored batch that has been handed on. */
  get lastSeq(): number {
    return this.#underWay.last;
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
    this.#underWay.open(seq);
    const pushed = this.#taps.push(logs.length === 0 ? metrics : [...metrics, ...logs], atMs, seq);
    this.#underWay.done(seq);
    await room(pushed);
  }

  /** Resolves when the monitors have published all that they were pushed until now, or after a while: one may be in quarantine. */
  async drained(): Promise<void> {
    const untilMs = Date.now() + DRAIN_MS;
    while (!this.#taps.isEmpty && Date.now() < untilMs) await sleep(1);
  }

  latest(monitor: string): Latest | undefined {
    return this.#sources.get(monitor)?.latest;
  }

  /** The resource is no more: neither its state nor what waits for it is to outlive it. */
  forget(kind: string, name: string): void {
    if (kind === 'monitor') {
      const source = this.#sources.get(name);
      if (source) {
        source.latest = undefined;
        source.met = false;
        this.#tidy(name, source);
      }
      this.untap(name);
    } else if (kind === 'rule') {
      const reader = this.#rules.get(name);
      if (reader) this.#unread(reader);
      reader?.inbox.close();
      this.#rules.delete(name);
    }
  }

  #unread(reader: Reader): void {
    const monitors = this.#patterns.delete(reader) ? this.#sources.keys() : reader.reads.keys();
    for (const monitor of monitors) {
      const source = this.#sources.get(monitor);
      if (source?.readers.delete(reader)) this.#tidy(monitor, source);
    }
  }
  #tidy(monitor: string, { readers, met, latest }: Source): void {
    if (readers.size === 0 && !met && !latest) this.#sources.delete(monitor);
  }
}

const READY = Promise.resolve();
const DRAIN_MS = 5_000;
const NOTHING = {};
async function room(inboxes: readonly { room(): Promise<void> }[]): Promise<void> {
  for (const inbox of inboxes) await inbox.room();
}
