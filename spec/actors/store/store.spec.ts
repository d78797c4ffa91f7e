// The store: it gives back what it was given; a commit happens as a whole or not at all, and harms no other.
import { statSync } from 'node:fs';
import { expect } from 'chai';
import fc from 'fast-check';
import type { Log, Metric } from '../../../actors/event.ts';
import type { ConfigVersion } from '../../../actors/store/changes.ts';
import { type Store, StoreError } from '../../../actors/store/store.ts';
import { jobOf, Root } from '../../support/actors.ts';
import { TestStore } from '../../support/store.ts';

const metric = (more: Partial<Metric> = {}): Metric => ({ name: 'm', service: 's', value: 1, timestamp: 1_000, tags: {}, ...more });
const log = (more: Partial<Log> = {}): Log => ({ level: 'info', message: 'hello', service: 's', timestamp: 1_000, tags: {}, ...more });
const version = (number: number): ConfigVersion => ({ number, atMs: 1, author: 'a', reason: 'r', diff: ['+'], overlay: { a: [1] } });

describe('Store', () => {
  let root: Root;
  let under: TestStore;
  let store: Store;

  const reopen = async (): Promise<void> => {
    under = await under.reopen();
    store = under.store;
  };
  const append = (metrics: readonly Metric[], logs: readonly Log[] = []): Promise<number> => store.append({ protocol: 'spec', metrics, logs });
  const rejection = (promise: Promise<unknown>): Promise<unknown> =>
    promise.then(
      () => 'it was kept',
      (error: unknown) => error,
    );

  beforeEach(async () => {
    root = new Root();
    under = new TestStore(root);
    await under.start();
    store = under.store;
  });
  afterEach(() => root.end());

  it('keeps its folder to itself', () => {
    expect(statSync(under.folder).mode & 0o777).to.equal(0o700);
  });

  describe('append', () => {
    it('gives back what it was given, newest first, as the filters ask', async () => {
      const metrics = [1, 2, 3, 4].map((i) =>
        metric({ name: i % 2 ? 'odd' : 'even', service: i < 4 ? 's' : 't', value: i / 3, timestamp: i, tags: { b: '2', a: String(i) } }),
      );
      const logs = [1, 2, 3].map((i) => log({ level: i === 2 ? 'error' : 'info', message: `line ${i}`, timestamp: i, tags: { i: String(i) } }));
      await append(metrics, logs);
      expect(await under.metrics()).to.deep.equal(metrics.toReversed());
      expect(await under.metrics({ service: { is: 's' }, name: { is: 'odd' } })).to.deep.equal([metrics[2], metrics[0]]);
      expect(await under.metrics({ fromMs: 2, toMs: 3 })).to.deep.equal([metrics[2], metrics[1]]);
      expect(await under.metrics({ limit: 1 })).to.deep.equal([metrics[3]]);
      expect(await under.logs()).to.deep.equal(logs.toReversed());
      expect(await under.logs({ levels: ['error'], service: { is: 's' } })).to.deep.equal([logs[1]]);
      expect(await store.counts()).to.deep.equal({ series: 4, points: 4, logs: 3 });
    });

    it('tells any two series apart, and gives back any text and any finite number', async () => {
      const character = fc.oneof(fc.string({ unit: 'binary', maxLength: 3 }), fc.constantFrom('\0', '\u{1f600}', '"', "'", '\\'));
      const text = fc.string({ unit: character, minLength: 1, maxLength: 6 });
      const key = text.filter((one) => !one.includes('\\')); // V8 13.6 takes {"\n": 1} for {"\\": 1} when it has just parsed one like that
      const tags = fc.dictionary(key, text, { maxKeys: 3, noNullPrototype: true });
      const value = fc.double({ noNaN: true, noDefaultInfinity: true }).map((one) => one + 0); // SQLite knows no negative zero
      const metrics = fc.array(fc.record({ name: text, service: text, tags, value }), { minLength: 1, maxLength: 10 });
      const alike = [
        { service: 'a\0b', name: 'c', tags: {}, value: 1 },
        { service: 'a', name: 'b\0c', tags: {}, value: 2 },
      ];
      let from = 0;
      await fc.assert(
        fc.asyncProperty(metrics, fc.array(fc.record({ message: text, tags }), { maxLength: 3 }), async (given, lines) => {
          from += 1_000; // each run has a second of its own
          const taken = given.map((one, i) => metric({ ...one, timestamp: from + i }));
          const logged = lines.map((one, i) => log({ ...one, timestamp: from + i }));
          await append(taken, logged);
          expect(await under.metrics({ fromMs: from })).to.deep.equal(taken.toReversed());
          expect(await under.logs({ fromMs: from })).to.deep.equal(logged.toReversed());
        }),
        { numRuns: 60, examples: [[alike, []]] },
      );
    });

    it('loses no sample of a service whose name is no well-formed text', async () => {
      const torn = ['a\ud800', 'a\ud801'].map((service, i) => metric({ service, timestamp: i }));
      for (let i = 0; i < 2; i++) {
        await append(torn);
        await reopen();
      }
      expect((await under.metrics()).map(({ service }) => service)).to.deep.equal(Array(4).fill('a\ufffd'));
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
      expect((await under.metrics()).map(({ value }) => value)).to.deep.equal([4, 3, 2, 1]);
    });

    it('makes a series with the next batch that has it when the first one was refused', async () => {
      const refused = await rejection(append([metric({ name: 'late' }), metric({ value: Number.NaN })])); // NaN is NULL in SQLite
      expect(refused).to.be.an.instanceOf(StoreError);
      await append([metric({ name: 'late' })]);
      expect(await under.metrics()).to.deep.equal([metric({ name: 'late' })]);
    });
  });

  describe('commit', () => {
    it('keeps rule states, jobs, attempts and versions, and gives them back after a restart', async () => {
      const job = jobOf({ id: 'j1' });
      const held = jobOf({ id: 'j2', createdMs: 3_000 });
      const attempt = { job: 'j1', number: 1, startedMs: 5, durationMs: 7, outcome: 'retry', reason: 'busy', class: null } as const;
      await store.commit([
        { set: 'rule_state', rule: 'r', state: { phase: 'firing' } },
        { set: 'rule_state', rule: 'gone', state: 1 },
        { set: 'forget_rule', rule: 'gone' },
        { set: 'job', job, status: 'queued' },
        { set: 'job', job: held, status: 'suppressed', reason: 'cooldown' },
        { set: 'attempt', attempt, status: 'retrying', dueMs: 99 },
        { set: 'version', version: version(1) },
      ]);
      await reopen();
      expect([await store.ruleState('r'), await store.ruleState('gone')]).to.deep.equal([{ phase: 'firing' }, undefined]);
      const open = { job, status: 'retrying', reason: 'busy', attempts: 1, dueMs: 99, fence: 0, base: 0, priority: 2 };
      expect(await store.openJobs()).to.deep.equal([open]);
      expect(await store.jobs({})).to.deep.equal([
        { job: held, status: 'suppressed', reason: 'cooldown', attempts: 0, dueMs: 3_000, fence: 0, base: 0, priority: 2 },
        open,
      ]);
      expect(await store.jobs({ rule: 'too_hot', action: 'act', status: 'retrying', id: 'j1' })).to.deep.equal([open]);
      expect(await store.jobs({ status: 'failed' })).to.deep.equal([]);
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
      const many = (name: string): Promise<void>[] =>
        Array.from({ length: 50 }, (_, i) => store.commit([{ set: 'rule_state', rule: `${name}${i}`, state: i }]));
      const bad = store.commit([
        { set: 'rule_state', rule: 'bad', state: 1 },
        { set: 'version', version: version(1) },
      ]);
      const outcomes = await Promise.all([append([metric()]), ...many('before'), rejection(bad), ...many('behind'), append([metric({ name: 'last' })])]);
      const [refused, ...more] = outcomes.filter((one) => one !== undefined && typeof one !== 'number');
      expect(refused).to.be.an.instanceOf(StoreError);
      expect(more).to.deep.equal([]);
      expect((await under.metrics()).map(({ name }) => name)).to.have.members(['m', 'last']);
      expect([await store.ruleState('before49'), await store.ruleState('behind49'), await store.ruleState('bad')]).to.deep.equal([49, 49, undefined]);
    });
  });
});
