// Health: the store says how it is in figures, and in words what is wrong before it hurts; housekeeping comes on and holds nobody up.
import { expect } from 'chai';
import { faultsOf, Growth, type Health, Recent } from '../../../actors/store/health.ts';
import { policyOf } from '../../../actors/store/retention.ts';
import { HOUR_MS, MINUTE_MS } from '../../../actors/store/query/rollup.ts';
import { retentionSchema } from '../../../actors/store/schema.ts';
import { storeChild } from '../../../actors/store/server.ts';
import { SpareTime } from '../../../actors/store/sqlite/spare-time.ts';
import { check } from '../../../actors/schema.ts';
import { Root } from '../../support/actors.ts';
import { eventually } from '../../support/eventually.ts';
import { BEGIN_MS, House } from '../../support/housekeeping.ts';
import { TestStore } from '../../support/store.ts';

const GB = 1e9;
const well: Health = {
  sizeBytes: GB,
  walBytes: 4e6,
  maxBytes: 10 * GB,
  exhausted: false,
  disk: { freeBytes: 50 * GB, totalBytes: 100 * GB },
  growthBytesPerDay: 5e6,
  oldestSampleMs: 1,
  rolledMs: 1,
  commitMs: { p50: 2, p99: 9 },
  fsyncMs: { p50: 1, p99: 4 },
  waiting: 0,
  stalled: null,
};

describe('the faults of the store', () => {
  it('are none while all is well, and while nothing is known', () => {
    expect(faultsOf(well)).to.deep.equal([]);
    expect(faultsOf({ ...well, disk: null, maxBytes: null, commitMs: null, fsyncMs: null })).to.deep.equal([]);
    expect(faultsOf({ ...well, disk: { freeBytes: 10.1 * GB, totalBytes: 100 * GB }, commitMs: { p50: 900, p99: 1_000 }, sizeBytes: 7.9 * GB })).to.deep.equal(
      [],
    );
  });

  it('name each thing that is wrong, with its figures and what to do', () => {
    const of = (more: Partial<Health>): string => faultsOf({ ...well, ...more }).join('\n');
    expect(of({ disk: { freeBytes: 9.5 * GB, totalBytes: 100 * GB } })).to.match(/^the disk of the store is 90 % full, 9\.5 GB are left: make room/);
    expect(of({ commitMs: { p50: 20, p99: 2_345 } })).to.match(/^commits take 2\.3 s/);
    expect(of({ sizeBytes: 8 * GB })).to.match(/^the store has 8\.0 GB of the 10\.0 GB of store\.max_size: at 100 % the oldest telemetry goes/);
    expect(of({ sizeBytes: 10.1 * GB })).to.match(/: the oldest telemetry goes\. Raise store\.max_size/);
    expect(of({ sizeBytes: 11 * GB, exhausted: true })).to.match(/what is left is not down-sampled yet or may not go/);
    expect(of({ stalled: 'the disk is full' })).to.equal('retention and down-sampling do not come on: the disk is full');
    expect(faultsOf({ ...well, stalled: 'x', sizeBytes: 9 * GB, commitMs: { p50: 1, p99: 5_000 } })).to.have.length(3);
  });
});

describe('the figures of the store', () => {
  it('of commits are those of the last minute', () => {
    const recent = new Recent();
    expect(recent.quantiles(0)).to.equal(null);
    for (let i = 0; i < 100; i++) recent.add(i < 98 ? 10 : 500, 1_000 + i * 100);
    const { p50 = 0, p99 = 0 } = recent.quantiles(20_000) ?? {};
    expect(p50).to.be.closeTo(10, 0.2);
    expect(p99).to.be.closeTo(500, 10);
    recent.add(1, 65_000);
    expect(recent.quantiles(65_000)?.p99).to.be.closeTo(500, 10);
    recent.add(1, 75_000);
    expect(recent.quantiles(75_000)?.p99).to.be.closeTo(1, 0.1);
    expect(recent.quantiles(200_000)).to.equal(null);
  });

  it('of growth follow the last hours slowly, and are not said before something is known', () => {
    const growth = new Growth(null);
    for (let minute = 0; minute < 10; minute++) growth.see(minute * 1_000, minute * MINUTE_MS);
    expect(growth.perDay).to.equal(null);
    for (let minute = 10; minute <= 600; minute++) growth.see(minute * 1_000, minute * MINUTE_MS);
    expect(growth.perDay).to.be.closeTo(1_440_000, 1);
    growth.see(600_000 + 50_000, 601 * MINUTE_MS); // a jump of fifty minutes' worth
    expect(growth.perDay).to.be.within(1_440_000, 1_440_000 * 1.2);
    for (let minute = 602; minute < 3_000; minute++) growth.see(650_000, minute * MINUTE_MS);
    expect(growth.perDay).to.be.within(0, 10_000);
    expect(new Growth(1_234).perDay).to.equal(1_234); // over a restart
  });

  it('of growth outlive the node', () => {
    const house = new House();
    house.series('a');
    for (let minute = 0; minute < 20; minute++) {
      house.append(Array.from({ length: 600 }, (_, i) => ({ series: 1, ts: house.nowMs + i, value: i })));
      house.nowMs += MINUTE_MS;
      house.keep();
    }
    const { growthBytesPerDay } = house.keeping.health();
    expect(growthBytesPerDay).to.be.above(1_000_000);
    house.restart();
    expect(house.keeping.health().growthBytesPerDay).to.equal(growthBytesPerDay);
    house.db.close();
  });

  it('of the oldest sample are those of what retention has left', () => {
    const house = new House({ retention: policyOf({ ...defaults(), metrics: '1h' }) });
    house.series('a', 'b');
    house.append([3 * HOUR_MS, 50 * MINUTE_MS, 5 * MINUTE_MS].map((age, i) => ({ series: 1 + (i % 2), ts: BEGIN_MS - age, value: 1 })));
    expect(house.keeping.health()).to.include({ oldestSampleMs: null, rolledMs: null });
    house.keep();
    expect(house.keeping.health()).to.include({ oldestSampleMs: BEGIN_MS - 50 * MINUTE_MS, rolledMs: BEGIN_MS - 2 * MINUTE_MS });
    house.db.close();
  });
});

describe('Store.health', () => {
  let root: Root;
  beforeEach(() => {
    root = new Root();
  });
  afterEach(() => root.end());

  it('answers with what the thread has seen, and costs little', async () => {
    const under = new TestStore(root);
    await under.start();
    expect(await under.store.health()).to.include({ maxBytes: null, exhausted: false, commitMs: null, stalled: null });
    const metrics = Array.from({ length: 500 }, (_, i) => ({ name: 'm', service: 's', value: i, timestamp: Date.now() - i, tags: {} }));
    for (let i = 0; i < 5; i++) await under.store.append({ protocol: 'spec', metrics, logs: [] });
    const health = await under.store.health();
    expect(health.commitMs?.p99).to.be.above(0);
    expect(health.fsyncMs?.p99)
      .to.be.above(0)
      .and.at.most((health.commitMs?.p99 ?? 0) * 1.05);
    expect(health.sizeBytes).to.be.above(health.walBytes);
    expect(health.walBytes).to.be.above(4_096);
    expect(health.disk?.freeBytes)
      .to.be.above(0)
      .and.below(health.disk?.totalBytes ?? 0);
    expect(faultsOf({ ...health, disk: null, commitMs: null })).to.deep.equal([]);
    const begun = performance.now();
    for (let i = 0; i < 100; i++) await under.store.health();
    expect((performance.now() - begun) / 100).to.be.below(5);
  });

  it('shows the thread at its housekeeping: it rolls up and lets go by itself, between the requests', async () => {
    const under = new TestStore(root);
    const retention = policyOf({ ...defaults(), metrics: '1h' });
    const start = () => root.start(storeChild(under.store, under.names, { dataDir: under.folder, retention }));
    const first = await start();
    const nowMs = Date.now();
    const metrics = Array.from({ length: 2_000 }, (_, i) => ({ name: `m${i % 10}`, service: 's', value: i, timestamp: nowMs - i * 5_000, tags: {} }));
    await under.store.append({ protocol: 'spec', metrics, logs: [] });
    await root.stop(first); // it looks at its start, and then every three minutes
    await start();
    await eventually(async () => {
      const { items } = await under.store.metrics({ limit: 5_000 });
      expect(items.length).to.be.within(700, 740); // an hour of them
      const { rolledMs, oldestSampleMs } = await under.store.health();
      expect(rolledMs).to.be.within(nowMs - 4 * MINUTE_MS, Date.now());
      expect(oldestSampleMs).to.be.within(nowMs - HOUR_MS - 2 * MINUTE_MS, nowMs);
    }, 10_000);
  });
});

describe('spare time', () => {
  /** As the thread that writes has it: requests that wait, and how much housekeeping there is; by a clock that goes only while something is done. */
  class Duty {
    nowMs = 0;
    steps = 0;
    keptMs = 0;
    workedMs = 0;
    left = Number.POSITIVE_INFINITY;
    pressing = false;
    #timers: { readonly atMs: number; readonly then: () => void }[] = [];
    readonly spare = new SpareTime(
      {
        step: () => {
          this.steps++;
          this.nowMs += 2;
          this.keptMs += 2;
          return --this.left > 0;
        },
        urgent: () => this.pressing,
        serve: () => false,
      },
      { now: () => this.nowMs, later: (ms, then) => void this.#timers.push({ atMs: this.nowMs + ms, then }) },
    );
    work(ms: number): void {
      this.nowMs += ms;
      this.workedMs += ms;
      this.spare.worked(ms);
    }
    /** Nothing comes in, and what is due has its turn. */
    rest(ms: number): void {
      for (const until = this.nowMs + ms; ; ) {
        const [next] = this.#timers.sort((a, b) => a.atMs - b.atMs);
        if (!next || next.atMs > until) {
          this.nowMs = Math.max(this.nowMs, until);
          return;
        }
        this.#timers.shift();
        this.nowMs = Math.max(this.nowMs, next.atMs);
        next.then();
      }
    }
  }

  it('has nearly ten steps a second while something always waits, and not more', () => {
    const duty = new Duty();
    while (duty.nowMs < 10_000) duty.work(5);
    expect(duty.steps).to.be.within(90, 100);
  });

  it('has as much time as the requests when it is urgent, and no more', () => {
    const duty = new Duty();
    duty.pressing = true;
    while (duty.nowMs < 10_000) duty.work(10);
    expect(duty.keptMs).to.equal(duty.workedMs);
    duty.left = 3; // it is not urgent work that is lacking then
    duty.work(10);
    expect(duty.keptMs).to.equal(duty.workedMs - 10 + 6);
  });

  it('is not begun while requests follow one another closely, and has all the time when they cease', () => {
    const duty = new Duty();
    while (duty.nowMs < 10_000) {
      duty.work(1);
      const before = duty.steps;
      duty.rest(9);
      expect(duty.steps).to.equal(before);
    }
    duty.work(1);
    const before = duty.steps;
    duty.rest(9);
    expect(duty.steps).to.equal(before);
    duty.rest(1_000);
    expect(duty.steps - before).to.be.within(490, 501);
  });

  it('is looked for again after a while when all was done', () => {
    const duty = new Duty();
    duty.left = 1;
    duty.rest(600);
    expect(duty.steps).to.equal(1);
    duty.left = 10;
    duty.rest(500);
    expect(duty.left).to.equal(0);
  });
});

function defaults(): Parameters<typeof policyOf>[0] {
  const checked = check(retentionSchema, {});
  if (!('value' in checked)) throw new Error('the schema has no defaults');
  return checked.value;
}
