// The store: what it has acknowledged is there, whoever dies; what it has refused has harmed nobody.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Worker } from 'node:worker_threads';
import Database from 'better-sqlite3';
import { expect } from 'chai';
import fc from 'fast-check';
import type { Pid } from '../../../lib/process.ts';
import { Registry } from '../../../lib/registry.ts';
import { startSupervisor } from '../../../lib/supervisor.ts';
import type { Log, Metric } from '../../../actors/event.ts';
import type { Names } from '../../../actors/names.ts';
import type { ConfigVersion } from '../../../actors/store/journal.ts';
import { Store, StoreError, storeChild } from '../../../actors/store/store.ts';
import { endOf, jobOf, Root } from '../../support/actors.ts';
import { eventually } from '../../support/eventually.ts';
import { tempFolder } from '../../support/services.ts';

const metric = (more: Partial<Metric> = {}): Metric => ({ name: 'm', service: 's', value: 1, timestamp: 1_000, tags: {}, ...more });
const log = (more: Partial<Log> = {}): Log => ({ level: 'info', message: 'hello', service: 's', timestamp: 1_000, tags: {}, ...more });
const version = (number: number): ConfigVersion => ({ number, atMs: 1, author: 'a', reason: 'r', diff: ['+'], overlay: { a: [1] } });

describe('Store', () => {
  let root: Root;
  let folder: string;
  let names: Names;
  let store: Store;
  let pid: Pid;

  async function open(): Promise<void> {
    names = new Registry();
    store = new Store(names);
    pid = await root.start(storeChild(store, names, folder));
  }
  const reopen = async (): Promise<void> => {
    await root.stop(pid);
    await open();
  };
  const append = (metrics: readonly Metric[], logs: readonly Log[] = []): Promise<void> => store.append({ protocol: 'spec', metrics, logs });
  const rejection = (promise: Promise<unknown>): Promise<unknown> =>
    promise.then(
      () => 'it was kept',
      (error: unknown) => error,
    );

  beforeEach(async () => {
    root = new Root();
    folder = tempFolder();
    await open();
  });
  afterEach(() => root.end());

  it('keeps its folder to itself', () => {
    expect(statSync(folder).mode & 0o777).to.equal(0o700);
  });

  describe('append', () => {
    it('gives back what it was given, newest first, as the filters ask', async () => {
      const metrics = [1, 2, 3, 4].map((i) =>
        metric({ name: i % 2 ? 'odd' : 'even', service: i < 4 ? 's' : 't', value: i / 3, timestamp: i, tags: { b: '2', a: String(i) } }),
      );
      const logs = [1, 2, 3].map((i) => log({ level: i === 2 ? 'error' : 'info', message: `line ${i}`, timestamp: i, tags: { i: String(i) } }));
      await append(metrics, logs);
      const newest = metrics.toReversed();
      expect(await store.metrics({})).to.deep.equal(newest);
      expect(await store.metrics({ service: 's', name: 'odd' })).to.deep.equal([metrics[2], metrics[0]]);
      expect(await store.metrics({ from: 2, to: 3 })).to.deep.equal([metrics[2], metrics[1]]);
      expect(await store.metrics({ limit: 1 })).to.deep.equal([metrics[3]]);
      expect(await store.logs({})).to.deep.equal(logs.toReversed());
      expect(await store.logs({ level: 'error', service: 's' })).to.deep.equal([logs[1]]);
      expect(await store.counts()).to.deep.equal({ series: 4, points: 4, logs: 3 });
    });

    it('tells any two series apart, and gives back any text and any finite number', async () => {
      const text = fc.string({
        unit: fc.oneof(fc.string({ unit: 'binary', maxLength: 3 }), fc.constantFrom('\0', '\u{1f600}', '"', "'", '\\')),
        minLength: 1,
        maxLength: 6,
      });
      const tags = fc.dictionary(text, text, { maxKeys: 3, noNullPrototype: true });
      const metrics = fc.array(
        fc.record({ name: text, service: text, tags, value: fc.double({ noNaN: true, noDefaultInfinity: true }), timestamp: fc.nat() }),
        { minLength: 1, maxLength: 10 },
      );
      let from = 0;
      await fc.assert(
        fc.asyncProperty(metrics, fc.array(fc.record({ message: text, tags }), { maxLength: 3 }), async (given, lines) => {
          from += 1_000; // each run has an hour of its own
          const metricsNow = given.map((one, i) => ({ ...one, timestamp: from + i, value: one.value + 0 }));
          const logsNow = lines.map((one, i) => log({ ...one, timestamp: from + i }));
          await append(metricsNow, logsNow);
          expect(await store.metrics({ from })).to.deep.equal(metricsNow.toReversed());
          expect(await store.logs({ from })).to.deep.equal(logsNow.toReversed());
        }),
        { numRuns: 60, examples: [[[metric({ service: 'a\0b', name: 'c' }), metric({ service: 'a', name: 'b\0c' })], []]] },
      );
    });

    it('loses no sample of a service whose name is no well-formed text', async () => {
      const torn = ['a\ud800', 'a\ud801'].map((service, i) => metric({ service, timestamp: i }));
      for (let i = 0; i < 2; i++) {
        await append(torn);
        await reopen();
      }
      expect((await store.metrics({})).map(({ service }) => service)).to.deep.equal(Array(4).fill('a\ufffd'));
    });

    it('makes a series once, whatever the order of its tags, over restarts too', async () => {
      await append([metric({ tags: { a: '1', b: '2' } }), metric({ tags: { b: '2', a: '1' }, timestamp: 2 })]);
      await reopen();
      await append([metric({ tags: { b: '2', a: '1' }, timestamp: 3 }), metric({ name: 'other' })]);
      expect(await store.counts()).to.include({ series: 2, points: 4 });
      await Promise.all([append([metric({ name: 'fresh' })]), append([metric({ name: 'fresh' })])]);
      expect(await store.counts()).to.include({ series: 3, points: 6 });
    });

    it('keeps both of two samples of one instant: in one batch, in two, and over a restart', async () => {
      await append([metric({ value: 1 }), metric({ value: 2 })]);
      await append([metric({ value: 3 })]);
      await reopen();
      await append([metric({ value: 4 })]);
      expect((await store.metrics({})).map(({ value }) => value)).to.deep.equal([4, 3, 2, 1]);
    });
  });

  describe('commit', () => {
    it('keeps rule states, jobs, attempts and versions, and gives them back after a restart', async () => {
      const job = jobOf({ id: 'j1' });
      const attempt = { job: 'j1', number: 1, startedMs: 5, durationMs: 7, outcome: 'retry', reason: 'busy' } as const;
      await store.commit([
        { set: 'rule_state', rule: 'r', state: { phase: 'firing' } },
        { set: 'rule_state', rule: 'gone', state: 1 },
        { set: 'forget_rule', rule: 'gone' },
        { set: 'job', job, status: 'queued' },
        { set: 'job', job: jobOf({ id: 'j2' }), status: 'suppressed', reason: 'cooldown' },
        { set: 'attempt', attempt, status: 'retrying', dueMs: 99 },
        { set: 'version', version: version(1) },
      ]);
      await reopen();
      expect([await store.ruleState('r'), await store.ruleState('gone')]).to.deep.equal([{ phase: 'firing' }, undefined]);
      expect(await store.openJobs()).to.deep.equal([{ job, status: 'retrying', reason: 'busy', attempts: 1, dueMs: 99 }]);
      expect(await store.jobs({ status: 'suppressed' }))
        .to.have.length(1)
        .with.nested.include({ '[0].job.id': 'j2', '[0].reason': 'cooldown' });
      expect(await store.attempts('j1')).to.deep.equal([attempt]);
      expect(await store.versions(5)).to.deep.equal([version(1)]);
    });

    it('leaves a job as it is that is there already', async () => {
      await store.commit([
        { set: 'job', job: jobOf(), status: 'queued' },
        { set: 'job_status', id: jobOf().id, status: 'succeeded', reason: '', dueMs: 0 },
      ]);
      await store.commit([{ set: 'job', job: jobOf(), status: 'queued' }]);
      expect(await store.openJobs()).to.deep.equal([]);
    });

    it('happens as a whole or not at all', async () => {
      await store.commit([{ set: 'version', version: version(1) }]);
      const refused = await rejection(
        store.commit([
          { set: 'rule_state', rule: 'r', state: 1 },
          { set: 'job', job: jobOf(), status: 'queued' },
          { set: 'version', version: version(1) },
        ]),
      );
      expect(refused).to.be.an.instanceOf(StoreError);
      expect([await store.ruleState('r'), await store.openJobs()]).to.deep.equal([undefined, []]);
    });

    it('spoils no other of its group when it fails', async () => {
      await store.commit([{ set: 'version', version: version(1) }]);
      const outcomes = await Promise.all([
        append([metric()]),
        ...Array.from({ length: 50 }, (_, i) => store.commit([{ set: 'rule_state', rule: `r${i}`, state: i }])),
        rejection(
          store.commit([
            { set: 'rule_state', rule: 'bad', state: 1 },
            { set: 'version', version: version(1) },
          ]),
        ),
        ...Array.from({ length: 50 }, (_, i) => store.commit([{ set: 'rule_state', rule: `q${i}`, state: i }])),
        append([metric({ name: 'behind' })]),
      ]);
      expect(outcomes.filter((one) => one !== undefined))
        .to.have.length(1)
        .with.nested.property('[0]')
        .that.is.an.instanceOf(StoreError);
      expect(await store.counts()).to.include({ series: 2, points: 2 });
      expect([await store.ruleState('r49'), await store.ruleState('q49'), await store.ruleState('bad')]).to.deep.equal([49, 49, undefined]);
    });
  });

  describe('stopping', () => {
    it('commits what was asked of it before', async () => {
      const asked = Array.from({ length: 20 }, (_, i) => append([metric({ value: i })]));
      await root.stop(pid);
      await Promise.all(asked);
      await open();
      expect(await store.counts()).to.include({ points: 20 });
    });

    it('lets go of the folder, also when it was killed while it started', async () => {
      await root.stop(pid, 'kill');
      names = new Registry();
      const starting = root.start(storeChild(new Store(names), names, folder)).catch(() => {});
      const child = root.self.links.at(-1);
      if (child) root.self.exit(child, 'kill');
      await starting;
      await open();
      await append([metric()]);
    });

    it('is told to whoever asks it meanwhile: nothing of that was kept', async () => {
      await root.stop(pid);
      expect(await rejection(append([metric()])))
        .to.be.an.instanceOf(StoreError)
        .with.property('message', 'the store is not running');
      await open();
      expect(await store.counts()).to.include({ points: 0 });
    });
  });

  it('refuses the database of a newer Argos, and says so', async () => {
    await root.stop(pid);
    const db = new Database(join(folder, 'argos.db'));
    db.pragma('user_version = 99');
    db.close();
    const refused = await rejection(open());
    expect(refused)
      .to.be.an.instanceOf(Error)
      .with.property('message')
      .that.matches(/schema version 99.*newer Argos/);
  });

  it('refuses a folder that another store has, and leaves that one alone', async () => {
    expect(await rejection(root.start(storeChild(new Store(names), new Registry(), folder))))
      .to.be.an.instanceOf(Error)
      .with.property('message')
      .that.matches(/locked|in use/);
    await append([metric()]);
    expect(await store.counts()).to.include({ points: 1 });
  });

  it('starts anew under its supervisor when its thread dies, and whoever waited for an answer is told', async () => {
    await root.stop(pid);
    const threads: Worker[] = [];
    const hear = (worker: Worker): number => threads.push(worker);
    process.on('worker', hear);
    const spec = storeChild(store, names, folder);
    await root.start({ id: 'sup', start: (parent) => startSupervisor(parent, { flags: { intensity: 5, period: 60 }, children: [spec] }) });
    for (let i = 0; i < 3; i++) {
      await append([metric()]);
      const first = names.whereis('store') as Pid;
      const waiting = Array.from({ length: 20 }, () => rejection(append([metric({ name: 'perhaps' })])));
      void threads.at(-1)?.terminate();
      expect(await endOf(first)).to.be.an.instanceOf(Error);
      for (const one of await Promise.all(waiting)) expect(one).to.satisfy((got: unknown) => got instanceof StoreError || got === 'it was kept');
      await eventually(() => expect(names.whereis('store')).to.be.an('object').that.does.not.equal(first));
    }
    process.off('worker', hear);
    expect((await store.metrics({ name: 'm' })).length).to.equal(3);
  });

  it('has all that it acknowledged after kill -9, and the database is whole', async function () {
    this.timeout(60_000);
    await root.stop(pid);
    const acknowledged = new Map<string, number>();
    for (let kill = 0; kill < 3; kill++) {
      const child = spawn(process.execPath, [resolve(import.meta.dirname, '../../support/appender.ts'), folder], { stdio: ['ignore', 'pipe', 'inherit'] });
      let said = '';
      child.stdout.on('data', (chunk: Buffer) => {
        said += chunk.toString();
      });
      await eventually(() => expect(said.split('\n').length).to.be.above(50 * (kill + 1)), 20_000);
      child.kill('SIGKILL');
      await once(child, 'close');
      for (const [, lane = '', i] of said.matchAll(/^(\d) (\d+)\n/gm)) acknowledged.set(lane, Math.max(acknowledged.get(lane) ?? 0, Number(i)));
    }
    await open();
    for (const [lane, last] of acknowledged) {
      const service = `lane-${lane}`;
      for (let i = 0; i <= last; i++) {
        expect((await store.metrics({ service, from: i, to: i })).length, `${service} ${i}`).to.be.at.least(2);
        expect((await store.logs({ service, from: i, to: i })).length).to.be.at.least(1);
        expect(await store.jobs({ id: `${lane}/${i}` })).to.have.length(1);
      }
    }
    await root.stop(pid);
    const db = new Database(join(folder, 'argos.db'));
    expect(db.pragma('integrity_check', { simple: true })).to.equal('ok');
    db.close();
  });
});
