/**
 * The middle of the corridor: takes what monitors and listeners hand on to the store and to the rules that read it, and keeps every
 * monitor's last state. No actor, so it adds neither a hop nor a queue.
 */
import type { Pid } from '../lib/process.ts';
import type { Event, Log, Metric, Observation, Telemetry } from './event.ts';
import { Inbox, type Mark, type Marked } from './inbox.ts';
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
}
export interface Latest {
  readonly last: Observation;
  readonly history: readonly Observation[];
}

interface Reader {
  readonly inbox: Inbox<{ readonly event: Event }>;
  reads: Reads;
}
interface Tap {
  readonly inbox: Inbox<{ readonly items: readonly (Metric | Log)[] }>;
  wants: (item: Metric | Log) => boolean;
}

export class Feed {
  readonly #append: (telemetry: Telemetry) => Promise<unknown>;
  /** By the name of the rule, and by the monitor that is read. */
  readonly #rules = new Map<string, Reader>();
  readonly #readers = new Map<string, Set<Reader>>();
  readonly #latest = new Map<string, { last: Observation; history: Observation[] }>();
  /** By the name of the monitor. */
  readonly #taps = new Map<string, Tap>();

  /** @param append resolves when the store has it, and rejects when it has not. */
  constructor(append: (telemetry: Telemetry) => Promise<unknown>) {
    this.#append = append;
  }

  /**
   * Wake a rule by every event that changes what it reads. What comes while it is away waits for it, until it is forgotten.
   * @param mark up to where its last incarnation had come: it is not sent that again.
   */
  subscribe(rule: string, pid: Pid, reads: Reads, mark?: Mark): void {
    if (!pid.isAlive) return; // killed while it loaded its state: the next one may be here already
    const reader = this.#rules.get(rule) ?? { inbox: new Inbox(`rule:${rule}`), reads };
    this.#unread(reader);
    reader.reads = reads;
    this.#rules.set(rule, reader);
    for (const monitor of reads.keys()) this.#readers.set(monitor, (this.#readers.get(monitor) ?? new Set()).add(reader));
    reader.inbox.open(pid, mark);
  }
  /** The rule has judged all that it was sent up to here, and need not see it again. */
  judged(rule: string, mark: Mark): void {
    this.#rules.get(rule)?.inbox.done(mark);
  }

  /** Hand a monitor the items of listeners that it wants. What comes while it is away waits for it, until it is forgotten. */
  tap(monitor: string, pid: Pid, wants: (item: Metric | Log) => boolean): void {
    const tap = this.#taps.get(monitor) ?? { inbox: new Inbox(`monitor:${monitor}`), wants };
    tap.wants = wants;
    this.#taps.set(monitor, tap);
    tap.inbox.open(pid);
  }
  untap(monitor: string): void {
    this.#taps.delete(monitor);
  }
  /** The monitor has published what it was pushed, up to here. */
  published(monitor: string, mark: Mark): void {
    this.#taps.get(monitor)?.inbox.done(mark);
  }

  /** From a monitor to the rules: one message to each that reads it. Resolves when none of them is above its high water. */
  async publish(event: Event): Promise<void> {
    const { monitor, observations } = event;
    const last = observations.at(-1);
    if (!last) return;
    vitals.observations.inc({ monitor }, observations.length);
    const woken = [...(this.#readers.get(monitor) ?? [])].filter(({ reads }) => observations.some((one) => touches(one, reads.get(monitor))));
    this.#remember(monitor, last, observations);
    for (const { inbox } of woken) inbox.put({ event });
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
    await this.#append(telemetry);
    const items = [...telemetry.metrics, ...telemetry.logs];
    vitals.stored.inc({ protocol: telemetry.protocol }, items.length);
    const pushed: Tap['inbox'][] = [];
    for (const { inbox, wants } of this.#taps.values()) {
      const wanted = items.filter(wants);
      if (wanted.length === 0) continue;
      inbox.put({ items: wanted });
      pushed.push(inbox);
    }
    for (const inbox of pushed) await inbox.room();
  }

  latest(monitor: string): Latest | undefined {
    return this.#latest.get(monitor);
  }

  /** The resource is no more: neither its state nor what waits for it is to outlive it. */
  forget(kind: string, name: string): void {
    if (kind === 'monitor') {
      this.#latest.delete(name);
      this.untap(name);
    } else if (kind === 'rule') {
      const reader = this.#rules.get(name);
      if (reader) this.#unread(reader);
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
