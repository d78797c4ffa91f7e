/** Monitor type `system`: Argos itself, as it stands. One of this type, called `system`, is always there (supervisors/node.ts). */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { Type } from 'typebox';
import { processes } from '../../lib/process.ts';
import type { Fields } from '../event.ts';
import * as vitals from '../vitals.ts';
import type { MonitorType } from './monitor.ts';

const schema = Type.Object(
  { interval: Type.Integer({ minimum: 100, maximum: 86_400_000, default: 5_000, description: 'Milliseconds between two looks.' }) },
  { additionalProperties: false, description: 'Argos itself. One that is called `system` is always there, and looks every five seconds.' },
);

/** The first look comes sooner: rules are not to wait for it. */
const FIRST_MS = 1_000;
/** How often the delay of the event loop is sampled. */
const SAMPLE_MS = 20;

/** Its fields, each with its unit. */
export const SYSTEM_FIELDS = {
  cpu: 'percent of one core, as `top` counts: 100 is one core at work all the time, and the store has another thread',
  memory: 'bytes of memory in use by the process (RSS)',
  heap: "bytes of JavaScript's heap in use",
  event_loop_lag: 'milliseconds that the main thread was late, 99th percentile since the last look',
  events_per_second: 'observations of monitors a second since the last look; what Argos says of itself and its rules does not count',
  restarts: 'processes that a supervisor has started anew, since the start',
  queue: 'executions that the outbox holds: they wait, run, or are to be tried again',
  mailbox: 'messages in the longest mailbox',
  uptime: 'seconds since the start',
  'store.bytes': 'bytes that the store takes up',
  'store.commit_ms': 'milliseconds of a commit, 99th percentile of the last minute',
  'store.waiting': 'requests that wait for the same commit',
  'store.disk_free': 'bytes that are free on the disk of the store',
} as const;

export const system: MonitorType<typeof schema> = {
  type: 'system',
  schema,
  fields: Object.keys(SYSTEM_FIELDS),
  async watch({ interval }, { emit, signal }) {
    const meter = new Meter(await observed());
    try {
      for (let waitMs = Math.min(interval, FIRST_MS); !signal.aborted; waitMs = interval) {
        await sleep(waitMs, undefined, { signal });
        await emit(await meter.look());
      }
    } finally {
      meter.stop();
    }
  },
};

/** Keeps what is told as a difference from the last look. */
class Meter {
  readonly #delay = monitorEventLoopDelay({ resolution: SAMPLE_MS });
  #atMs = performance.now();
  #cpu = process.cpuUsage();
  #observed: number;

  constructor(observed: number) {
    this.#observed = observed;
    this.#delay.enable();
  }
  stop(): void {
    this.#delay.disable();
  }

  async look(): Promise<Fields> {
    const { rss, heapUsed } = process.memoryUsage();
    const [atMs, cpu, seen] = [performance.now(), process.cpuUsage(), await observed()];
    const pastMs = Math.max(1, atMs - this.#atMs);
    const lagMs = this.#delay.count > 0 ? this.#delay.percentile(99) / 1e6 - SAMPLE_MS : 0;
    const busyMs = (cpu.user + cpu.system - this.#cpu.user - this.#cpu.system) / 1_000;
    const fields = {
      cpu: rounded((100 * busyMs) / pastMs),
      memory: rss,
      heap: heapUsed,
      event_loop_lag: rounded(Math.max(0, lagMs)),
      events_per_second: rounded((1_000 * (seen - this.#observed)) / pastMs),
      restarts: await sum(vitals.restarts),
      queue: vitals.outbox.held(),
      mailbox: longestMailbox(),
      uptime: rounded(process.uptime()),
      store: await store(),
    };
    [this.#atMs, this.#cpu, this.#observed] = [atMs, cpu, seen];
    this.#delay.reset();
    return fields;
  }
}

function longestMailbox(): number {
  let longest = 0;
  for (const { queueLength } of processes()) longest = Math.max(longest, queueLength);
  return longest;
}

/** What is not known is left out. */
async function store(): Promise<Fields> {
  const { sizeBytes, commitP99Seconds, waiting, diskFreeBytes } = vitals.store;
  const found = {
    bytes: await sum(sizeBytes),
    commit_ms: rounded(1_000 * (await sum(commitP99Seconds))),
    waiting: await sum(waiting),
    disk_free: await sum(diskFreeBytes),
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => Number.isFinite(value)));
}

interface Values {
  get(): Promise<{ readonly values: readonly { readonly value: number }[] }>;
}
const sum = async (metric: Values): Promise<number> => (await metric.get()).values.reduce((all, { value }) => all + value, 0);
async function observed(): Promise<number> {
  const { values } = await vitals.observations.get();
  return values.reduce((all, { value, labels: { monitor } }) => (isOwn(String(monitor)) ? all : all + value), 0);
}
const isOwn = (monitor: string): boolean => monitor === 'system' || monitor.startsWith('rule:');
const rounded = (value: number): number => Math.round(value * 1_000) / 1_000;
