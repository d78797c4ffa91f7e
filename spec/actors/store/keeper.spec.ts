// House is kept of PostgreSQL: rollups are what their samples come to, whenever these came; retention takes what is older, and nothing else.
import { expect } from 'chai';
import fc from 'fast-check';
import { dayOf, partitionOf } from '../../../actors/store/postgres/days.ts';
import { Sweep } from '../../../actors/store/postgres/sweep.ts';
import type { Partial } from '../../../actors/store/query/partial.ts';
import { type Policy, policyOf } from '../../../actors/store/retention.ts';
import { FIRST_MS, HOUR_MS, hourOf, MINUTE_MS, minuteOf, partialOf, type RollupRow, stretch } from '../../../actors/store/query/rollup.ts';
import { retentionSchema } from '../../../actors/store/schema.ts';
import { check } from '../../../actors/schema.ts';
import { Root } from '../../support/actors.ts';
import { freshSchema } from '../../support/engines.ts';
import { eventually } from '../../support/eventually.ts';
import { BEGIN_MS, type Sample } from '../../support/housekeeping.ts';
import { PostgresHouse } from '../../support/houses.ts';
import { postgres, tempFolder } from '../../support/services.ts';
import { TestStore } from '../../support/store.ts';

const DAY_MS = 24 * HOUR_MS;
const NUM_RUNS = process.env.ARGOS_LONG ? 200 : 8;
const SERVICES = ['s1', 's2', 's3'];

/** By series, step and begin, what it comes to. */
async function rollupsIn(house: PostgresHouse): Promise<ReadonlyMap<string, Partial>> {
  const rows = await house.rows('SELECT * FROM rollups ORDER BY series_id, step, ts');
  return new Map(rows.map((row) => [`${String(row.series_id)} ${String(row.step)} ${String(row.ts)}`, partialOf(row as unknown as RollupRow)]));
}

const rolledIn = async (house: PostgresHouse): Promise<number> => Number((await house.rows("SELECT value FROM marks WHERE name = 'rolled'"))[0]?.value);

function rollupsOf(samples: readonly Sample[], before: number): ReadonlyMap<string, Partial> {
  const all = new Map<string, Partial>();
  for (const { series, ts, value } of samples.toSorted((a, b) => a.ts - b.ts))
    for (const [step, begin] of [[MINUTE_MS, minuteOf(ts)] as const, [HOUR_MS, hourOf(ts)] as const]) {
      if (begin + step > before) continue;
      const key = `${series} ${step} ${begin}`;
      const there = all.get(key) ?? stretch();
      all.set(key, there);
      there.add(value, ts);
    }
  return all;
}
const shown = (rollups: ReadonlyMap<string, Partial>): unknown =>
  [...rollups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, { sketch, sum, increase, ...one }]) => [key, { ...one, sketch: sketch && Buffer.from(sketch.encode()).toString('hex') }]);

function policy(written: object): Policy {
  const checked = check(retentionSchema, written);
  if (!('value' in checked)) throw new Error(JSON.stringify(checked.faults));
  return policyOf(checked.value);
}

describe('House-keeping of PostgreSQL', () => {
  let house: PostgresHouse;
  before(async () => {
    house = await PostgresHouse.open();
  });
  beforeEach(() => house.clear(SERVICES));
  after(() => house.drop());

  it('rolls up every sample, whenever it comes, and as often as it begins anew', async () => {
    // What is done, step by step: some time passes; samples come, of now or of a while ago; house is kept.
    const sample = fc.record({
      series: fc.integer({ min: 1, max: 3 }),
      agoMs: fc.oneof(fc.nat(90_000), fc.nat(3 * HOUR_MS)),
      value: fc.integer({ min: -50, max: 50 }),
    });
    const step = fc.record({ passMs: fc.nat(40 * MINUTE_MS), samples: fc.array(sample, { maxLength: 30 }), keep: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
        await house.clear(SERVICES);
        const all: Sample[] = [];
        for (const { passMs, samples, keep } of steps) {
          house.nowMs += passMs;
          const given = samples.map(({ agoMs, ...one }) => ({ ...one, ts: house.nowMs - agoMs }));
          all.push(...given);
          await house.append(given);
          if (!keep) continue;
          await house.keep();
          expect(shown(await rollupsIn(house))).to.deep.equal(shown(rollupsOf(all, await rolledIn(house))));
        }
        house.nowMs += 2 * HOUR_MS;
        await house.keep();
        const [got, wanted] = [await rollupsIn(house), rollupsOf(all, await rolledIn(house))];
        expect(shown(got)).to.deep.equal(shown(wanted));
        for (const [key, one] of got)
          expect([one.sum, one.increase, one.steps]).to.deep.equal([wanted.get(key)?.sum, wanted.get(key)?.increase, wanted.get(key)?.steps]);
      }),
      { numRuns: NUM_RUNS },
    );
  });

  it('takes samples by the day when nobody keeps them any more, of others what is theirs, and of rollups what they were made of first', async () => {
    const kept = policy({ metrics: '3d', metrics_1m: '5d', metrics_1h: '8d', services: { s2: { metrics: '1d' } } });
    await house.clear(SERVICES, kept);
    house.nowMs = BEGIN_MS;
    const times = Array.from({ length: 40 }, (_, i) => BEGIN_MS - i * 6 * HOUR_MS - 1);
    await house.append([1, 2].flatMap((series) => times.map((ts) => ({ series, ts, value: 1 }))));
    await house.keep();
    const left = async (sql: string): Promise<readonly number[]> => (await house.rows(`${sql} ORDER BY ts DESC`)).map(({ ts }) => Number(ts));
    const of = (series: number): string => `SELECT ts FROM points WHERE series_id = ${series}`;
    expect(await left(of(1))).to.deep.equal(times.filter((ts) => ts >= BEGIN_MS - 3 * DAY_MS));
    expect(await left(of(2))).to.deep.equal(times.filter((ts) => ts >= BEGIN_MS - DAY_MS));
    for (const [step, days] of [[MINUTE_MS, 5] as const, [HOUR_MS, 8] as const])
      expect(await left(`SELECT DISTINCT ts FROM rollups WHERE step = ${step}`)).to.deep.equal(
        times.map((ts) => Math.floor(ts / step) * step).filter((ts) => ts >= BEGIN_MS - days * DAY_MS && ts + step < BEGIN_MS),
      );
    const days = Array.from({ length: 5 }, (_, i) => partitionOf(dayOf(BEGIN_MS) + i - 3)); // and tomorrow's
    for (const { name } of await house.rows("SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'points'::regclass"))
      expect(['points_default', ...days]).to.include(String(name).split('.').at(-1));
    expect(await house.rows('SELECT * FROM gone ORDER BY series_id')).to.deep.equal(
      [3 * DAY_MS, DAY_MS, 3 * DAY_MS].map((ms, i) => ({
        series_id: i + 1,
        raw_before: BEGIN_MS - ms,
        minutes_before: i === 2 ? FIRST_MS : BEGIN_MS - 5 * DAY_MS, // the third has none
      })),
    );
  });

  it('takes logs and what of the journal has ended', async () => {
    const run = (sql: string): Promise<unknown> => house.session.run(sql);
    const now = BEGIN_MS;
    for (const [service, days] of [
      ['a', 1],
      ['a', 15],
      ['b', 15],
      ['b', 31],
    ] as const)
      await run(`INSERT INTO logs (ts, service, level, message, tags) VALUES (${now - days * DAY_MS}, '${service}', 'info', '${service}${days}', '{}')`);
    for (const [id, status, days] of [
      ['old', 'succeeded', 91],
      ['open', 'queued', 91],
      ['young', 'failed', 1],
      ['tried', 'failed', 91],
    ] as const)
      await run(
        `INSERT INTO jobs (id, rule, action, status, due_ms, created_ms, job) VALUES ('${id}', 'r', 'a', '${status}', ${now - days * DAY_MS}, ${now - 100 * DAY_MS}, '')`,
      );
    for (const [id, days] of [
      ['old', 91],
      ['tried', 1],
    ] as const)
      await run(`INSERT INTO attempts VALUES ('${id}', 1, ${now - days * DAY_MS}, 5, 'retry', NULL)`);
    for (const [id, end] of [
      ['gone', now - 400 * DAY_MS],
      ['still', 'NULL'],
    ] as const)
      await run(`INSERT INTO episodes VALUES ('${id}', 'r', 's', 'd', 1, ${end})`);
    for (const days of [1, 400]) await run(`INSERT INTO audit (at_ms, author, action, subject, outcome) VALUES (${now - days * DAY_MS}, 'a', 'b', 'c', 'd')`);
    await run(`INSERT INTO config_versions SELECT n, 1, 'a', 'r', '[]', '{}' FROM generate_series(1, 120) AS n`);
    const { removal } = await house.keepers();
    await new Sweep(house.session, removal, async () => {}).all(policy({ services: { b: { logs: '30d' } } }), now, now);
    const column = async (sql: string): Promise<unknown> => (await house.rows(sql)).map((row) => Object.values(row)[0]);
    expect(await column('SELECT message FROM logs ORDER BY 1')).to.deep.equal(['a1', 'b15']);
    expect(await column('SELECT id FROM jobs ORDER BY 1')).to.deep.equal(['open', 'tried', 'young']);
    expect(await column('SELECT job_id FROM attempts')).to.deep.equal(['tried']);
    expect(await column('SELECT id FROM episodes')).to.deep.equal(['still']);
    expect(await column('SELECT count(*) FROM audit')).to.deep.equal([1]);
    expect(await column('SELECT min(number) FROM config_versions')).to.deep.equal([21]);
  });

  it('is done by itself, by one node of those that share the database, and told', async function () {
    this.timeout(40_000);
    const root = new Root();
    const more = { url: (await postgres()).url, schema: freshSchema(), retention: policy({}) };
    const nodes = [new TestStore(root, tempFolder(), { ...more, node: 'a' }), new TestStore(root, tempFolder(), { ...more, node: 'b' })];
    try {
      const [a, b] = nodes as [TestStore, TestStore];
      await a.start();
      const now = Date.now();
      await a.store.append({
        protocol: 'spec',
        metrics: [1, 40].map((days) => ({ name: 'm', service: 's', value: 1, timestamp: now - days * DAY_MS, tags: {} })),
        logs: [],
      });
      await a.stop();
      for (const one of nodes) await one.start();
      await eventually(async () => expect(await a.metrics()).to.have.length(1), 20_000);
      await eventually(async () => {
        for (const { store } of [a, b]) expect(await store.health()).to.deep.include({ rolledMs: minuteOf(Date.now()) - 2 * MINUTE_MS, stalled: null });
      }, 20_000);
      expect((await a.store.health()).commitMs?.p50).to.be.above(0);
    } finally {
      await root.end();
    }
  });
});
