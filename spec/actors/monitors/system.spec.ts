// Monitor type `system`: what Argos says of itself is measured, in the unit that is told.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { spawn } from '../../../lib/process.ts';
import { SYSTEM_FIELDS, system } from '../../../actors/monitors/system.ts';
import * as vitals from '../../../actors/vitals.ts';
import { Root } from '../../support/actors.ts';
import { keepsTheContract, watch, type Watched } from '../../support/monitor-kit.ts';

interface Seen {
  readonly cpu: number;
  readonly memory: number;
  readonly heap: number;
  readonly event_loop_lag: number;
  readonly events_per_second: number;
  readonly restarts: number;
  readonly queue: number;
  readonly mailbox: number;
  readonly uptime: number;
  readonly store: Readonly<Record<string, number>>;
}

describe('monitor type system', () => {
  describe('keeps the contract', () => {
    keepsTheContract({ type: system, present: async () => ({ config: { interval: 100 }, held: ({ pid }) => Number(pid.isAlive) }) });
  });

  let root: Root;
  beforeEach(() => {
    root = new Root();
  });
  afterEach(() => root.end());

  /** What it sees at the look after `count` others. */
  async function look(watched: Watched, count = 0): Promise<Seen> {
    while (watched.seen.length <= count) await sleep(10);
    return watched.states[count] as unknown as Seen; // the fields are checked below
  }

  it('sees the fields that it names, and no others; those that are not known are left out', async () => {
    const watched = await watch(root, system, { interval: 100 });
    const seen = await look(watched);
    const names = Object.entries(seen).flatMap(([key, value]) => (key === 'store' ? Object.keys(Object(value)).map((inner) => `store.${inner}`) : [key]));
    expect(Object.keys(SYSTEM_FIELDS)).to.include.members(names);
    expect(Object.keys(SYSTEM_FIELDS).filter((name) => !names.includes(name) && !name.startsWith('store.'))).to.deep.equal([]);
  });

  it('has memory and heap in bytes, uptime in seconds, and what was counted elsewhere', async () => {
    const gauge = vitals.store.sizeBytes;
    gauge.set(12_345);
    vitals.store.commitP99Seconds.set(0.25);
    vitals.outbox.held = () => 3;
    const sleeper = spawn(() => new Promise<never>(() => {}), { name: 'sleeper' });
    sleeper.suspend();
    for (let i = 0; i < 40_000; i++) sleeper.post(i);
    const watched = await watch(root, system, { interval: 100 });
    const before = await look(watched);
    vitals.restarts.inc({ child: 'spec' });
    const after = await look(watched, watched.seen.length);
    sleeper.die('normal');
    const { rss, heapUsed } = process.memoryUsage();
    expect(after.memory / rss).to.be.within(0.5, 2);
    expect(after.heap / heapUsed).to.be.within(0.2, 5);
    expect(after.uptime).to.be.within(0.01, process.uptime());
    expect([after.store.bytes, after.store.commit_ms, after.queue, after.mailbox]).to.deep.equal([12_345, 250, 3, 40_000]);
    expect(after.restarts - before.restarts).to.equal(1);
    gauge.set(Number.NaN);
    const { store } = await look(watched, watched.seen.length);
    expect(store).to.not.have.property('bytes');
    vitals.outbox.held = () => 0;
  });

  it('has the cpu in percent of a core, the lag of the event loop in milliseconds, and events a second without its own', async () => {
    const watched = await watch(root, system, { interval: 300 });
    await look(watched);
    await sleep(60); // the loop has been looked at before it stands still
    const end = performance.now() + 280;
    while (performance.now() < end); // a core is at work
    await watched.feed.publish({ monitor: 'boiler', observations: Array.from({ length: 600 }, () => ({ atMs: 1, fields: { x: 1 } })) });
    await watched.feed.publish({ monitor: 'rule:hot', observations: Array.from({ length: 60_000 }, () => ({ atMs: 1, fields: { x: 1 } })) });
    const busy = await look(watched, watched.seen.length);
    expect(busy.cpu).to.be.within(20, 400);
    expect(busy.event_loop_lag).to.be.within(100, 3_000);
    expect(busy.events_per_second).to.be.within(100, 2_100);
    const quiet = await look(watched, watched.seen.length);
    expect(quiet.event_loop_lag).to.be.below(busy.event_loop_lag); // each look has its own
  });
});
