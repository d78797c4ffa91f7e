// PostgreSQL under the store: what two nodes share, what its schema and its partitions are, whom it refuses.
import { readdirSync } from 'node:fs';
import { expect } from 'chai';
import type { Metric } from '../../../actors/event.ts';
import { dayOf, Days, DAY_MS, partitionOf } from '../../../actors/store/postgres/days.ts';
import { faultOf } from '../../../actors/store/postgres/faults.ts';
import { migrate } from '../../../actors/store/postgres/migrate.ts';
import { takePlace } from '../../../actors/store/postgres/node.ts';
import { Session } from '../../../actors/store/postgres/session.ts';
import { numberedOf } from '../../../actors/store/postgres/texts.ts';
import { hasTimescale } from '../../../actors/store/postgres/timescale.ts';
import { StoreError } from '../../../actors/store/store.ts';
import { jobOf, Root } from '../../support/actors.ts';
import { freshSchema } from '../../support/engines.ts';
import { eventually } from '../../support/eventually.ts';
import { postgres, tempFolder } from '../../support/services.ts';
import { TestStore } from '../../support/store.ts';

const STEPS = readdirSync(new URL('../../../actors/store/postgres/migrations', import.meta.url)).length;
const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'it was done',
    (error: unknown) => error,
  );
const metric = (more: Partial<Metric> = {}): Metric => ({ name: 'm', service: 's', value: 1, timestamp: 1_000, tags: {}, ...more });

describe('PostgreSQL under the store', () => {
  let root: Root;
  let url: string;
  let schema: string;
  let sessions: Session[];

  const node = (name: string, more = {}): TestStore => new TestStore(root, tempFolder(), { url, schema, node: name, ...more });
  const started = async (name: string, more = {}): Promise<TestStore> => {
    const one = node(name, more);
    await one.start();
    return one;
  };
  const session = async (): Promise<Session> => {
    const one = await Session.open({ urls: [url], schema, application: 'spec' });
    sessions.push(one);
    return one;
  };
  const append = ({ store }: TestStore, ...metrics: readonly Metric[]): Promise<number> => store.append({ protocol: 'spec', metrics, logs: [] });

  beforeEach(async () => {
    root = new Root();
    sessions = [];
    ({ url } = await postgres());
    schema = freshSchema();
  });
  afterEach(async () => {
    for (const one of sessions) one.drop();
    await root.end();
  });

  describe('two nodes on one database', () => {
    it('may start at once: each step of the schema is taken once', async () => {
      const all = await Promise.all([session(), session(), session()]);
      await Promise.all(all.map((one) => migrate(one, { urls: [url], schema, application: 'spec' })));
      expect((await (await session()).run('SELECT version FROM argos_schema')).rows).to.deep.equal([{ version: STEPS }]);
    });

    it('mean the same series by it, though each has numbers of its own', async () => {
      const [a, b] = [await started('a'), await started('b')];
      const names = ['x', 'y', 'z'];
      await Promise.all(names.map((name, timestamp) => append(a, metric({ name, timestamp }))));
      await Promise.all(names.toReversed().map((name, i) => append(b, metric({ name, timestamp: 10 + i, tags: {} }))));
      await Promise.all([a, b].map((one) => append(one, metric({ name: 'at once', timestamp: 20 }))));
      for (const { store } of [await a.reopen(), b]) {
        expect(await store.counts()).to.include({ series: 4, points: 8 });
        const { items } = await store.metrics({ name: { is: 'x' }, order: 'oldest' });
        expect(items.map(({ timestamp }) => timestamp)).to.deep.equal([0, 12]);
      }
    });

    it('have each its own batches to judge', async () => {
      const [a, b] = [await started('a'), await started('b')];
      await append(a, metric({ name: 'of a' }));
      const last = await append(b, metric({ name: 'of b' }), metric({ name: 'also of b' }));
      b.store.judged = () => last;
      await append(b);
      await append(a, metric({ name: 'of b' }), metric({ name: 'new' })); // the second has a number of its own here, and another one there
      const seen = async ({ store }: TestStore): Promise<unknown> => {
        const all: unknown[] = [];
        for await (const { telemetry } of store.unjudged()) all.push(telemetry.metrics);
        return all;
      };
      const expected = [[metric({ name: 'of a' })], [metric({ name: 'of b' }), metric({ name: 'new' })]];
      await eventually(async () => expect(await seen(b)).to.deep.equal([[]]));
      expect(await seen(a)).to.deep.equal(expected);
      expect(await seen(await a.reopen())).to.deep.equal(expected);
      expect(await seen(b)).to.deep.equal([[]]);
    });

    it('get each job once, and a node is told of jobs that another has written', async () => {
      const [a, b] = [await started('a'), await started('b')];
      const told: string[] = [];
      a.store.onJobs = () => told.push('a');
      b.store.onJobs = () => told.push('b');
      const ids = Array.from({ length: 60 }, (_, i) => `j${i}`);
      await a.store.commit(ids.map((id) => ({ set: 'job', job: jobOf({ id }), status: 'queued' })));
      await eventually(() => expect(told).to.deep.equal(['b']));
      const claims = Array.from({ length: 15 }, (_, i) =>
        (i % 2 ? a : b).store.claim({ owner: `${i % 2}`, limit: 5, nowMs: 5_000, leaseMs: 60_000, action: 'act' }),
      );
      const claimed = (await Promise.all(claims)).flat().map(({ job }) => job.id);
      expect(claimed.length).to.equal(new Set(claimed).size);
      const rest = await a.store.claim({ owner: '0', limit: 100, nowMs: 5_000, leaseMs: 60_000, action: 'act' }); // who was skipped while another looked at it is there for the next one
      expect([...claimed, ...rest.map(({ job }) => job.id)].sort()).to.deep.equal(ids.sort());
    });

    it('cannot have one name: the second is refused, and the first goes on', async () => {
      const first = await started('same');
      const refused = await rejection(takePlace(await session(), 'same', 'spec', 200));
      expect(refused)
        .to.be.an('error')
        .with.property('message')
        .that.matches(/another node with the name same uses this database.*a name of its own/);
      await append(first, metric());
    });
  });

  describe('its schema', () => {
    it('is refused when it is that of a newer Argos, with what to do, and without the password', async () => {
      await (await started('a')).stop();
      await (await session()).run('UPDATE argos_schema SET version = 99');
      const refused = await rejection(node('a', { url: url.replace('argos@', 'argos:geheim@') }).start());
      expect(refused)
        .to.be.an('error')
        .with.property('message')
        .that.matches(/schema version 99.*newer Argos/)
        .and.does.not.include('geheim');
    });

    it('may be the first of the search_path that the URL gives', async () => {
      await (await session()).run(`CREATE SCHEMA ${schema}`);
      const one = await started('a', { schema: undefined, url: `${url}?options=-csearch_path%3D${schema}` });
      await append(one, metric());
      expect((await (await session()).run(`SELECT count(*) AS n FROM ${schema}.points`)).rows).to.deep.equal([{ n: 1 }]);
    });
  });

  describe('its servers', () => {
    it('are tried in order', async () => {
      const one = await started('a', { url: ['postgres://argos@127.0.0.1:1/postgres', url] });
      await append(one, metric());
      expect(await one.metrics()).to.have.length(1);
    });

    it('are named when none can be used, with what each says and without a password', async () => {
      const urls = [url.replace('argos@', 'argos:geheim@').replace(/postgres$/, 'nothing'), url.replace('argos@', 'nobody:geheim@')];
      const refused = await rejection(node('a', { url: urls }).start());
      expect(refused)
        .to.be.an('error')
        .with.property('message')
        .that.matches(/database "nothing" does not exist.*role "nobody" does not exist/)
        .and.does.not.include('geheim');
      const unfit = await rejection(node('a', { url: 'postgres://u:geheim@h:99999/x' }).start());
      expect(unfit)
        .to.be.an('error')
        .with.property('message')
        .that.matches(/store\.url: expected postgres:/)
        .and.does.not.include('geheim');
    });

    it('may be read-only for a time: what is written then is refused as that', async () => {
      const one = await started('a');
      const admin = await session();
      await append(one, metric());
      await admin.run(`CREATE FUNCTION ${schema}.no() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN RAISE SQLSTATE '25006' USING MESSAGE = 'no writes'; END $$`);
      await admin.run(`CREATE TRIGGER no BEFORE INSERT ON ${schema}.rule_states EXECUTE FUNCTION ${schema}.no()`);
      const refused = await rejection(one.store.commit([{ set: 'rule_state', rule: 'r', state: 1 }]));
      expect(refused).to.be.an.instanceOf(StoreError).with.property('code', 'readonly');
      await admin.run(`DROP TRIGGER no ON ${schema}.rule_states`);
      await one.store.commit([{ set: 'rule_state', rule: 'r', state: 1 }]);
    });
  });

  describe('its partitions', () => {
    const now = Date.UTC(2026, 0, 15, 12);
    const where = async (on: Session): Promise<readonly unknown[]> =>
      (await on.run('SELECT tableoid::regclass::text AS lies FROM points ORDER BY ts')).rows.map(({ lies }) => String(lies).split('.').at(-1));
    const insert = (on: Session, ...times: readonly number[]): Promise<unknown> =>
      on.run(times.map((ts, seq) => `INSERT INTO points (series_id, ts, seq, value) VALUES (1, ${ts}, ${seq}, 1)`).join(';'));

    it('are one a day, and that of tomorrow is there today; far days share one', async () => {
      await (await started('a')).stop();
      const on = await session();
      const days = await Days.of(on);
      const times = [now - 800 * DAY_MS, now - 399 * DAY_MS, now - DAY_MS, now, now + DAY_MS, now + 800 * DAY_MS];
      await days?.cover(new Set(times.map(dayOf)), now);
      await insert(on, ...times);
      expect(await where(on)).to.deep.equal(['points_default', 'points_20241212', 'points_20260114', 'points_20260115', 'points_20260116', 'points_default']);
    });

    it('that cannot be made now hold up nobody for long: samples lie in the default one until it can', async () => {
      await (await started('a')).stop();
      const [on, reader] = [await session(), await session()];
      const days = await Days.of(on);
      await reader.run('BEGIN; SELECT count(*) FROM points');
      await days?.cover(new Set([dayOf(now)]), now);
      await insert(on, now, now + 1, now - 500 * DAY_MS);
      expect(await where(on)).to.deep.equal(['points_default', 'points_default', 'points_default']);
      await reader.run('COMMIT');
      await days?.cover(new Set([dayOf(now)]), now + 59_999);
      expect(await where(on))
        .to.include('points_default')
        .and.not.include(partitionOf(dayOf(now)));
      await days?.cover(new Set([dayOf(now)]), now + 60_000);
      expect(await where(on)).to.deep.equal(['points_default', 'points_20260115', 'points_20260115']);
    });

    it('are ours where the server has no TimescaleDB', async () => {
      await started('a');
      const on = await session();
      expect(await hasTimescale(on, { urls: [url], schema, application: 'spec' })).to.equal(false);
      expect(await Days.of(on)).to.be.an.instanceOf(Days);
    });
  });

  describe('a query', () => {
    const active = async (on: Session): Promise<number> =>
      Number((await on.run("SELECT count(*) AS n FROM pg_stat_activity WHERE state = 'active' AND application_name = 'argos/reads/blocked'")).rows[0]?.n);

    it('is given up on the server too when nobody waits for it any more, or when its time is over', async () => {
      const one = await started('blocked');
      await append(one, metric());
      const [lock, on] = [await session(), await session()];
      await lock.run('BEGIN; LOCK TABLE points IN ACCESS EXCLUSIVE MODE');
      const abort = new AbortController();
      const cancelled = rejection(one.store.metrics({}, abort.signal));
      await eventually(async () => expect(await active(on)).to.equal(1));
      abort.abort();
      expect(await cancelled)
        .to.be.an.instanceOf(StoreError)
        .with.property('code', 'cancelled');
      await eventually(async () => expect(await active(on)).to.equal(0));
      expect(await rejection(one.store.metrics({ budgetMs: 100 })))
        .to.be.an.instanceOf(StoreError)
        .with.property('code', 'timeout');
      await eventually(async () => expect(await active(on)).to.equal(0));
      await lock.run('COMMIT');
      expect(await one.metrics()).to.have.length(1);
    });

    it('holds up no commit, and a light one does not wait for heavy ones', async () => {
      const one = await started('blocked');
      await append(one, metric());
      await one.store.append({ protocol: 'spec', metrics: [], logs: [{ level: 'info', message: 'm', service: 's', timestamp: 1, tags: {} }] });
      const lock = await session();
      await lock.run('BEGIN; LOCK TABLE points_default IN ACCESS EXCLUSIVE MODE');
      const heavy = [1, 2, 3].map(() => one.metrics());
      await one.store.commit([{ set: 'rule_state', rule: 'r', state: 1 }]);
      expect(await one.logs()).to.have.length(1);
      await lock.run('COMMIT');
      for (const answer of await Promise.all(heavy)) expect(answer).to.have.length(1);
    });

    it('has all that a connection that was lost has not answered from another', async () => {
      const one = await started('blocked');
      await append(one, metric());
      const [lock, on] = [await session(), await session()];
      await lock.run('BEGIN; LOCK TABLE points IN ACCESS EXCLUSIVE MODE');
      const answer = one.metrics();
      await eventually(async () => expect(await active(on)).to.equal(1));
      await on.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'argos/reads/blocked'");
      await lock.run('COMMIT');
      expect(await answer).to.have.length(1);
    });
  });

  it('takes statements with `?` as its own, and leaves those in literals and names alone', () => {
    expect(numberedOf(`SELECT '?', "a?", 'it''s ?', ? FROM t WHERE a = ? AND b = '' OR c = ?`)).to.equal(
      `SELECT '?', "a?", 'it''s ?', $1 FROM t WHERE a = $2 AND b = '' OR c = $3`,
    );
  });

  it('tells faults apart by what can be done about them', async () => {
    const on = await session();
    const fault = async (state: string): Promise<string> =>
      faultOf(await rejection(on.run(`DO $$ BEGIN RAISE SQLSTATE '${state}' USING MESSAGE = 'x'; END $$`))).code;
    const wanted = {
      '53100': 'full',
      '25006': 'readonly',
      '42501': 'readonly',
      XX001: 'corrupt',
      '57014': 'timeout',
      '58030': 'away',
      '23505': 'refused',
      '22003': 'refused',
    };
    for (const [state, code] of Object.entries(wanted)) expect([state, await fault(state)]).to.deep.equal([state, code]);
  });
});
