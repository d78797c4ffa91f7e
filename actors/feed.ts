/**
 * The middle of the corridor: takes what monitors and listeners hand on to the store and to the rules that read it, and keeps every
 * monitor's last state. No actor, so it adds neither a hop nor a queue.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { cast } from '../lib/call.ts';
import type { Pid } from '../lib/process.ts';
import type { Event, Log, Metric, Observation, Telemetry } from './event.ts';
import * as vitals from './vitals.ts';

/** A process with more than this in its mailbox holds back whoever sends to it. */
const HIGH_WATER = 1_000;
/** So many observations of a monitor are kept in memory at the least, and twice as many at the most. */
const HISTORY = 100;

/** Which fields of which monitors wake a rule: the first word of each path, or `all`. */
export type Reads = ReadonlyMap<string, ReadonlySet<string> | 'all'>;
/** What a rule is sent. */
export interface Wake {
  readonly event: Event;
}
/** What a push monitor is sent: the items of one batch that concern it. */
export interface Pushed {
  readonly items: readonly (Metric | Log)[];
}
export interface Latest {
  readonly last: Observation;
  readonly history: readonly Observation[];
}

interface Tap {
  readonly wants: (item: Metric | Log) => boolean;
  readonly pid: Pid;
}

export class Feed {
  readonly #append: (telemetry: Telemetry) => Promise<unknown>;
  readonly #readers = new Map<string, Map<Pid, ReadonlySet<string> | 'all'>>();
  readonly #latest = new Map<string, { last: Observation; history: Observation[] }>();
  readonly #taps = new Set<Tap>();

  /** @param append resolves when the store has it, and rejects when it has not. */
  constructor(append: (telemetry: Telemetry) => Promise<unknown>) {
    this.#append = append;
  }

  /** Wake `rule` by every event that changes what it reads, until it exits. */
  subscribe(rule: Pid, reads: Reads): void {
    for (const [monitor, fields] of reads) {
      const readers = this.#readers.get(monitor) ?? new Map<Pid, ReadonlySet<string> | 'all'>();
      this.#readers.set(monitor, readers.set(rule, fields));
      rule.onExit(() => {
        readers.delete(rule);
        if (readers.size === 0 && this.#readers.get(monitor) === readers) this.#readers.delete(monitor);
      });
    }
  }

  /** Hand a process the items of listeners that it wants, until it exits. */
  tap(pid: Pid, wants: (item: Metric | Log) => boolean): void {
    const tap = { pid, wants };
    this.#taps.add(tap);
    pid.onExit(() => this.#taps.delete(tap));
  }

  /** From a monitor to the rules: one message to each that reads it. Resolves when none of them is above its high water. */
  async publish(event: Event): Promise<void> {
    const { monitor, observations } = event;
    const last = observations.at(-1);
    if (!last) return;
    vitals.observations.inc({ monitor }, observations.length);
    const readers = this.#readers.get(monitor);
    const woken = readers ? [...readers].filter(([, fields]) => observations.some((one) => touches(one, fields))).map(([pid]) => pid) : [];
    this.#remember(monitor, last, observations);
    for (const rule of woken) cast<Wake>(rule, { event });
    for (const rule of woken) await belowHighWater(rule);
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
    for (const { pid, wants } of this.#taps) {
      const wanted = items.filter(wants);
      if (wanted.length === 0) continue;
      cast<Pushed>(pid, { items: wanted });
      await belowHighWater(pid);
    }
  }

  latest(monitor: string): Latest | undefined {
    return this.#latest.get(monitor);
  }

  /** The monitor is no more: its state is not to outlive it. */
  forget(monitor: string): void {
    this.#latest.delete(monitor);
  }
}

/** Whether an observation brought any of the fields. */
export function touches({ fields, seen }: Observation, read: ReadonlySet<string> | 'all'): boolean {
  if (read === 'all') return true;
  for (const field of read) if (seen ? seen.includes(field) : Object.hasOwn(fields, field)) return true;
  return false;
}

async function belowHighWater(pid: Pid): Promise<void> {
  while (pid.isAlive && pid.queueLength > HIGH_WATER) await sleep(1);
}
