// House is kept of PostgreSQL: rollups are what their samples come to, whenever these came; retention takes what is older, and nothing else.
import { expect } from 'chai';
import fc from 'fast-check';
import { migrate } from '../../../actors/store/postgres/migrate.ts';
import { Rollups } from '../../../actors/store/postgres/rollups.ts';
import { Session } from '../../../actors/store/postgres/session.ts';
import { Sweep } from '../../../actors/store/postgres/sweep.ts';
import { Telemetry } from '../../../actors/store/postgres/telemetry.ts';
import type { Partial } from '../../../actors/store/partial.ts';
import { type Policy, policyOf } from '../../../actors/store/retention.ts';
import { HOUR_MS, hourOf, MINUTE_MS, minuteOf, partialOf, type RollupRow, stretch } from '../../../actors/store/rollup.ts';
import { retentionSchema } from '../../../actors/store/schema.ts';
import { check } from '../../../actors/schema.ts';
import { Root } from '../../support/actors.ts';
import { freshSchema } from '../../support/engines.ts';
import { eventually } from '../../support/eventually.ts';
import { postgres, tempFolder } from '../../support/services.ts';
import { TestStore } from '../../support/store.ts';

const DAY_MS = 24 * HOUR_MS;
const BEGIN_MS = Date.UTC(2026, 10, 22);
const NUM_RUNS = process.env.ARGOS_LONG ? 200 : 8;
const goOn = async (): Promise<void> => {};

interface Sample {
  readonly series: number;
  readonly ts: number;
  readonly value: number;
}

/** A database with a clock of its own, written to as by a node. */
class House {
  readonly session: Session;
  nowMs = BEGIN_MS;
  readonly #telemetry: Telemetry;
  #seq = 0;

  private constructor(session: Session) {
    this.session = session;
    this.#telemetry = new Telemetry('spec', () => this.nowMs);
  }
  static async open(): Promise<House> {
    const server = { urls: [(await postgres()).url], schema: freshSchema(), application: 'spec' };
    const session = await Session.open(server);
    await migrate(session, server);
    const house = new House(session);
    await house.#telemetry.begin(session);
    return house;
  }
  /** Series n is `m` of the service `s<n>`. */
  async append(samples: readonly Sample[]): Promise<void> {
    const ids = [...new Set(samples.map(({ series }) => series))].sort();
    const batch = {
      seq: ++this.#seq,
      atMs: this.nowMs,
      protocol: 'spec',
      series: ids.map((id) => ({ id, service: `s${id}`, name: 'm', tags: '{}' })),
      columns: {
        series: Uint32Array.from(samples, ({ series }) => series),
        ts: Float64Array.from(samples, ({ ts }) => ts),
        value: Float64Array.from(samples, ({ value }) => value),
      },
      logs: '[]',
    };
    await this.#telemetry.prepare(this.session, [batch]);
    await Promise.all([this.session.run('BEGIN'), ...this.#telemetry.append(this.session, [batch]), this.session.run('COMMIT')]);
  }
  async rows(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
    return (await this.session.run(sql)).rows;
  }
  /** Service, step and begin, to what it comes to. */
  async rollups(): Promise<ReadonlyMap<string, Partial>> {
    const rows = await this.rows('SELECT service, rollups.* FROM rollups JOIN series ON id = series_id ORDER BY service, step, ts');
    return new Map(rows.map((row) => [`${String(row.service)} ${String(row.step)} ${String(row.ts)}`, partialOf(row as unknown as RollupRow)]));
  }
}

function rollupsOf(samples: readonly Sample[], before: number): ReadonlyMap<string, Partial> {
  const all = new Map<string, Partial>();
  for (const { series, ts, value } of samples.toSorted((a, b) => a.ts - b.ts))
    for (const [step, begin] of [[MINUTE_MS, minuteOf(ts)] as const, [HOUR_MS, hourOf(ts)] as const]) {
      if (begin + step > before) continue;
      const key = `s${series} ${step} ${begin}`;
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
  let house: House;
  beforeEach(async () => {
    house = await House.open();
  });
  afterEach(() => house.session.drop());

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
        house.session.drop();
        house = await House.open();
        const all: Sample[] = [];
        let rollups = await Rollups.of(house.session);
        for (const { passMs, samples, keep } of steps) {
          house.nowMs += passMs;
          const given = samples.map(({ agoMs, ...one }) => ({ ...one, ts: house.nowMs - agoMs }));
          // One of an instant: of two, SQL has no first.
          const fresh = given.filter((one, i) => ![...all, ...given.slice(0, i)].some(({ series, ts }) => series === one.series && ts === one.ts));
          all.push(...fresh);
          await house.append(fresh);
          if (!keep) continue;
          rollups = await Rollups.of(house.session);
          await rollups.roll(house.nowMs, goOn);
          await rollups.refresh(goOn);
          expect(shown(await house.rollups())).to.deep.equal(shown(rollupsOf(all, await rollups.rolled())));
        }
        house.nowMs += 2 * HOUR_MS;
        await rollups.roll(house.nowMs, goOn);
        await rollups.refresh(goOn);
        const [got, wanted] = [await house.rollups(), rollupsOf(all, await rollups.rolled())];
        expect(shown(got)).to.deep.equal(shown(wanted));
        for (const [key, one] of got)
          expect([one.sum, one.increase, one.steps]).to.deep.equal([wanted.get(key)?.sum, wanted.get(key)?.increase, wanted.get(key)?.steps]);
      }),
      { numRuns: NUM_RUNS },
    );
  });

  it('makes a minute anew for a sample that comes while it is being made', async () => {
    const rollups = await Rollups.of(house.session);
    house.nowMs = BEGIN_MS + HOUR_MS;
    await house.append([{ series: 1, ts: BEGIN_MS, value: 1 }]);
    await rollups.roll(house.nowMs, goOn);
    await rollups.refresh(goOn);
    await house.append([{ series: 1, ts: BEGIN_MS + 1, value: 2 }]);
    await rollups.refresh(async () => {});
    expect((await house.rollups()).get(`s1 ${MINUTE_MS} ${BEGIN_MS}`)?.count).to.equal(2);
    expect(await house.rows('SELECT * FROM stale_rollups')).to.deep.equal([]);
  });

  it('takes samples by the day when nobody keeps them any more, of others what is theirs, and of rollups what they were made of first', async () => {
    const kept = policy({ metrics: '3d', metrics_1m: '5d', metrics_1h: '8d', services: { s2: { metrics: '1d' } } });
    const rollups = await Rollups.of(house.session);
    house.nowMs = BEGIN_MS;
    const times = Array.from({ length: 40 }, (_, i) => BEGIN_MS - i * 6 * HOUR_MS - 1);
    await house.append([1, 2].flatMap((series) => times.map((ts) => ({ series, ts, value: 1 }))));
    await rollups.roll(house.nowMs, goOn);
    await rollups.refresh(goOn);
    await new Sweep(house.session, goOn).all(kept, house.nowMs, await rollups.rolled());
    const left = async (sql: string): Promise<readonly number[]> => (await house.rows(`${sql} ORDER BY ts DESC`)).map(({ ts }) => Number(ts));
    const of = (series: number): string => `SELECT ts FROM points WHERE series_id = (SELECT id FROM series WHERE service = 's${series}')`;
    expect(await left(of(1))).to.deep.equal(times.filter((ts) => ts >= BEGIN_MS - 3 * DAY_MS));
    expect(await left(of(2))).to.deep.equal(times.filter((ts) => ts >= BEGIN_MS - DAY_MS));
    for (const [step, days] of [[MINUTE_MS, 5] as const, [HOUR_MS, 8] as const])
      expect(await left(`SELECT DISTINCT ts FROM rollups WHERE step = ${step}`)).to.deep.equal(
        times.map((ts) => Math.floor(ts / step) * step).filter((ts) => ts >= BEGIN_MS - days * DAY_MS && ts + step < BEGIN_MS),
      );
    expect(await house.rows("SELECT count(*) AS n FROM pg_inherits WHERE inhparent = 'points'::regclass")).to.deep.equal([{ n: 3 + 2 }]); // and tomorrow's, and the default one
    // What has been taken is not made anew from what comes late.
    const before = shown(await house.rollups());
    await house.append([{ series: 2, ts: BEGIN_MS - 2 * DAY_MS + 1, value: 5 }]);
    await rollups.refresh(goOn);
    expect(shown(await house.rollups())).to.deep.equal(before);
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
    await new Sweep(house.session, goOn).all(policy({ services: { b: { logs: '30d' } } }), now, now);
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
