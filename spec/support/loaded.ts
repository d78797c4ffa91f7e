/**
 * A store in a process of its own, under load, to be killed: several append, commit and claim, and a reader judges what is stored, through the
 * node's own feed. Each acknowledgement is written to stdout, without a buffer, before anything follows from it; ledger.ts keeps the books.
 */
import { writeSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { type GenServer, type Init, type Next, noreply, ok, startLink } from '../../lib/gen-server.ts';
import type { Process } from '../../lib/process.ts';
import { Registry } from '../../lib/registry.ts';
import { Feed, type Pushed } from '../../actors/feed.ts';
import type { Telemetry } from '../../actors/event.ts';
import { storeChild, type StoreOptions } from '../../actors/store/server.ts';
import { Store } from '../../actors/store/store.ts';
import { jobOf, Root } from './actors.ts';
import { chance } from './chance.ts';

export interface Loaded {
  readonly options: StoreOptions;
  readonly seed: number;
  /** How many have lived before it, on the same data. */
  readonly life: number;
  /** ms since 1970 of the first sample. */
  readonly beginMs: number;
  /** Those that append, that commit, and that claim. None: what is left is judged, and it stops in order. */
  readonly lanes: number;
}

const { options, seed, life, beginMs, lanes } = JSON.parse(process.argv[2] ?? '') as Loaded;
const random = chance(seed * 1_000 + life);
const below = (n: number): number => Math.floor(random() * n);
/** What nobody has read yet may leave no room. */
function written(line: Uint8Array): number {
  try {
    return writeSync(1, line);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') return 0;
    throw error;
  }
}
const say = (...words: readonly (string | number)[]): void => {
  const line = Buffer.from(`${words.join(' ')}\n`);
  for (let at = 0; at < line.length; ) at += written(line.subarray(at));
};

/** Leases of this life are over in the next. */
const LEASE_MS = 1_000_000;
const nowMs = (life + 1) * LEASE_MS;

/** Judges as a push monitor does: what it is sent is done with some turns later. */
class Judge implements GenServer<undefined, never, Pushed> {
  init(self: Process): Init<undefined> {
    feed.tap('judge', self, { wants: () => true });
    return ok(undefined);
  }
  async handleCast({ seq, mark }: Pushed): Promise<Next<undefined>> {
    for (let left = below(4); left > 0; left--) await turn();
    say('judged', seq);
    feed.published('judge', mark);
    return noreply(undefined);
  }
}

/** A batch that says of itself how much it is: each value is its points × 1,000 + its logs. Samples come in twos of one instant. */
function batch(service: string, number: number): Telemetry {
  const points = random() < 0.1 ? 0 : 1 + below(random() < 0.1 ? 300 : 30);
  const logs = points === 0 || random() < 0.5 ? 1 + below(3) : 0;
  const value = points * 1_000 + logs;
  const at = beginMs + number * 1_000;
  return {
    protocol: 'spec',
    metrics: Array.from({ length: points }, (_, i) => ({ name: `m${i % 3}`, service, value, timestamp: at + Math.floor(i / 6), tags: {} })),
    logs: Array.from({ length: logs }, (_, i) => ({ level: 'info', message: String(value), service, timestamp: at + i, tags: {} })),
  };
}

async function appends(lane: number): Promise<void> {
  const service = `${life}.${lane}`;
  for (let number = 0; ; number++) await feed.ingest(batch(service, number));
}

/** A rule's state and the jobs that it owes: each job says how many there are. */
async function commits(lane: number): Promise<void> {
  const rule = `${life}.${lane}`;
  for (let number = 0; ; number++) {
    const owed = below(4);
    const jobs = Array.from({ length: owed }, (_, i) => jobOf({ id: `${rule}/${number}/${i}/${owed}`, alert: { rule } }));
    await store.commit([{ set: 'rule_state', rule, state: { number, owed } }, ...jobs.map((job) => ({ set: 'job', job, status: 'queued' }) as const)]);
    say('committed', rule, number);
  }
}

/** Every tenth job is let lie until the lease is over, as by one that has died. */
async function claims(lane: number): Promise<void> {
  for (;;) {
    const leased = await store.claim({ owner: `${life}.${lane}`, limit: 1 + below(5), nowMs: nowMs, leaseMs: LEASE_MS, action: 'act' });
    for (const { job, fence } of leased) say('leased', job.id, fence);
    for (const { job, fence, attempts } of leased) {
      if (random() < 0.1) continue;
      const number = attempts + 1;
      const status = number < 3 && random() < 0.3 ? 'retrying' : 'succeeded';
      const outcome = status === 'retrying' ? 'retry' : 'delivered';
      await store.commit([
        { set: 'attempt', attempt: { job: job.id, number, startedMs: nowMs, durationMs: 1, outcome, reason: null, class: null }, status, dueMs: nowMs, fence },
      ]);
      say('attempted', job.id, number, status);
    }
  }
}

const names = new Registry<undefined>();
const store = new Store(names);
const feed = new Feed(async (telemetry, atMs) => {
  const seq = await store.append(telemetry, atMs);
  const { service = '', timestamp = 0 } = telemetry.metrics[0] ?? telemetry.logs[0] ?? {};
  say('appended', service, (timestamp - beginMs) / 1_000, seq);
  return seq;
});
store.judged = () => feed.judgedUpTo;

const root = new Root();
await root.start(storeChild(store, names, options));
await root.start({ id: 'judge', start: (parent) => startLink(parent, new Judge(), { name: 'judge' }) });
let left = 0;
for await (const { telemetry, seq, atMs } of store.unjudged()) {
  await feed.replay(telemetry, seq, atMs);
  left = seq;
}
say('started');
if (lanes === 0) {
  while (feed.judgedUpTo < left) await turn();
  await root.end();
} else await Promise.all([appends, commits, claims].flatMap((work) => Array.from({ length: lanes }, (_, lane) => work(lane))));
