// One interface, two engines: each rule of the store's interface, said once and shown on both.
import { expect } from 'chai';
import fc from 'fast-check';
import type { Log, Metric, Telemetry } from '../../../actors/event.ts';
import type { JobStatus } from '../../../actors/job.ts';
import type { ApiKey, Attempt, Audit, Change, ConfigVersion, Episode } from '../../../actors/store/changes.ts';
import { eventually } from '../../support/eventually.ts';
import { type Store, StoreError } from '../../../actors/store/store.ts';
import { jobOf, Root } from '../../support/actors.ts';
import { ENGINES } from '../../support/engines.ts';
import type { TestStore } from '../../support/store.ts';

const metric = (more: Partial<Metric> = {}): Metric => ({ name: 'm', service: 's', value: 1, timestamp: 1_000, tags: {}, ...more });
const log = (more: Partial<Log> = {}): Log => ({ level: 'info', message: 'hello', service: 's', timestamp: 1_000, tags: {}, ...more });
const version = (number: number): ConfigVersion => ({ number, atMs: 1, author: 'a', reason: 'r', diff: ['+'], overlay: { a: [1] } });
const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'it was kept',
    (error: unknown) => error,
  );

for (const engine of ENGINES) {
  describe(`Store on ${engine.name}`, () => {
    let root: Root;
    let under: TestStore;
    let store: Store;

    const reopen = async (): Promise<void> => {
      under = await under.reopen();
      store = under.store;
    };
    const append = (metrics: readonly Metric[], logs: readonly Log[] = []): Promise<number> => store.append({ protocol: 'spec', metrics, logs });
    const unjudged = async (): Promise<readonly Telemetry[]> => {
      const all: Telemetry[] = [];
      for await (const { telemetry } of store.unjudged()) all.push(telemetry);
      return all;
    };

    beforeEach(async () => {
      root = new Root();
      under = await engine.fresh(root);
      await under.start();
      store = under.store;
    });
    afterEach(() => root.end());

    describe('telemetry', () => {
      it('comes back as it was given, newest first, as the filters ask, over restarts', async () => {
        const metrics = [1, 2, 3, 4].map((i) =>
          metric({ name: i % 2 ? 'odd' : 'even', service: i < 4 ? 's' : 't', value: i / 3, timestamp: i, tags: { b: '2', a: String(i) } }),
        );
        const logs = [1, 2, 3].map((i) => log({ level: i === 2 ? 'error' : 'info', message: `line ${i}`, timestamp: i, tags: { i: String(i) } }));
        await append(metrics, logs);
        for (const again of [false, true]) {
          if (again) await reopen();
          expect(await under.metrics()).to.deep.equal(metrics.toReversed());
          expect(await under.metrics({ service: { is: 's' }, name: { is: 'odd' } })).to.deep.equal([metrics[2], metrics[0]]);
          expect(await under.metrics({ tags: { a: { matches: '[12]' } }, order: 'oldest' })).to.deep.equal([metrics[0], metrics[1]]);
          expect(await under.metrics({ fromMs: 2, toMs: 3 })).to.deep.equal([metrics[2], metrics[1]]);
          expect(await under.metrics({ latest: true, service: { is: 's' } })).to.have.deep.members([metrics[0], metrics[1], metrics[2]]);
          expect(await under.logs()).to.deep.equal(logs.toReversed());
          expect(await under.logs({ levels: ['error'], service: { is: 's' }, text: 'LINE' })).to.deep.equal([logs[1]]);
          expect(await store.counts()).to.deep.equal({ series: 4, points: 4, logs: 3 });
        }
      });

      it('keeps series apart that differ in anything, and makes one once, whatever the order of its tags, also after a restart', async () => {
        const identities = [
          {},
          { name: 'n' },
          { service: 'n' },
          { tags: { a: '' } },
          { tags: { a: '1' } },
          { name: 'ab', service: 'c' },
          { name: 'b', service: 'ca' },
        ];
        const all = identities.map((one, i) => metric({ ...one, timestamp: i }));
        await append(all);
        await append([metric({ tags: { x: '1', y: '2' }, timestamp: 10 }), metric({ tags: { y: '2', x: '1' }, timestamp: 11 })]);
        await reopen();
        await append([metric({ tags: { y: '2', x: '1' }, timestamp: 12 })]);
        await Promise.all([append([metric({ name: 'fresh', timestamp: 13 })]), append([metric({ name: 'fresh', timestamp: 14 })])]);
        expect(await store.counts()).to.include({ series: identities.length + 2, points: identities.length + 5 });
        expect((await under.metrics({ order: 'oldest' })).slice(0, all.length)).to.deep.equal(all);
      });

      it('keeps all samples of one instant in the order in which they came: of one batch, of more, and over a restart', async () => {
        await append([metric({ value: 1 }), metric({ value: 2 })]);
        await Promise.all([append([metric({ value: 3 })]), append([metric({ value: 4 }), metric({ value: 5 })])]);
        await reopen();
        await append([metric({ value: 6 })]);
        expect((await under.metrics()).map(({ value }) => value)).to.deep.equal([6, 5, 4, 3, 2, 1]);
      });

      it('takes samples of any time: of 1970, of next year, of the year 9999', async () => {
        const now = Date.now();
        const times = [0, 86_399_999, 86_400_000, now - 40 * 86_400_000, now, now + 86_400_000, now + 365 * 86_400_000, 253_402_300_799_999];
        await append(times.map((timestamp) => metric({ timestamp })));
        await append(times.map((timestamp) => metric({ timestamp })));
        expect((await under.metrics({ order: 'oldest' })).map(({ timestamp }) => timestamp)).to.deep.equal(times.flatMap((one) => [one, one]));
        expect(await under.metrics({ fromMs: 86_400_000, toMs: now - 1 })).to.have.length(4);
      });

      it('keeps every number but NaN, for which it refuses the batch; -0 is 0', async () => {
        const values = [Number.MAX_VALUE, -Number.MAX_VALUE, Number.MIN_VALUE, 0.1, 2 ** 53, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0];
        await append(values.map((value, timestamp) => metric({ value, timestamp })));
        expect((await under.metrics({ order: 'oldest' })).map(({ value }) => value)).to.deep.equal([...values.slice(0, -1), 0]);
        const refused = await rejection(append([metric({ name: 'late' }), metric({ value: Number.NaN })]));
        expect(refused).to.be.an.instanceOf(StoreError).with.property('code', 'refused');
        await append([metric({ name: 'late' })]);
        expect(await under.metrics({ name: { is: 'late' } })).to.deep.equal([metric({ name: 'late' })]);
      });

      it('gives back any text, NUL and noncharacters too; what is no well-formed text, with U+FFFD in it', async () => {
        const odd = [
          'a\0b',
          '\0',
          '\0\0',
          '\uFDD0',
          '\uFDD0\uFDD1',
          '\uFDD1\0\uFDD2',
          '\u{1F600}',
          "'",
          '"',
          '\\',
          '\\0',
          '%',
          '_',
          '?',
          '$1',
          '\r\n\t',
          '\u2028',
          'x'.repeat(1 << 20),
        ];
        const logs = odd.map((text, timestamp) => log({ message: text, service: text.slice(0, 256), timestamp, tags: { [text]: text } }));
        const metrics = odd.map((text, timestamp) => metric({ name: text, service: text.slice(0, 256), timestamp, tags: { [text]: text } }));
        await append(metrics, logs);
        await reopen();
        expect(await under.metrics({ order: 'oldest' })).to.deep.equal(metrics);
        expect(await under.logs({ order: 'oldest' })).to.deep.equal(logs);
        for (const [i, text] of odd.entries()) {
          expect(await under.metrics({ service: { is: text.slice(0, 256) } })).to.deep.equal([metrics[i]]);
          expect(await under.logs({ service: { is: text.slice(0, 256) } })).to.deep.equal([logs[i]]);
        }
        await append([metric({ service: 'torn \ud800', timestamp: 100 })], [log({ message: 'torn \udfff', timestamp: 100 })]);
        expect(await under.metrics({ fromMs: 100 })).to.deep.equal([metric({ service: 'torn \ufffd', timestamp: 100 })]);
        expect(await under.logs({ fromMs: 100 })).to.deep.equal([log({ message: 'torn \ufffd', timestamp: 100 })]);
      });

      it('comes back as it was given, whatever it is', async () => {
        const text = fc.string({
          unit: fc.oneof(fc.string({ unit: 'binary', maxLength: 3 }), fc.constantFrom('\0', '\uFDD0', '\uFDD1', '\uFDD2')),
          minLength: 1,
          maxLength: 6,
        });
        const key = text.filter((one) => !one.includes('\\')); // V8 13.6 takes {"\n": 1} for {"\\": 1} when it has just parsed one like that
        const tags = fc.dictionary(key, text, { maxKeys: 3, noNullPrototype: true });
        const value = fc.double({ noNaN: true }).map((one) => one + 0);
        let from = 0;
        await fc.assert(
          fc.asyncProperty(
            fc.array(fc.record({ name: text, service: text, tags, value }), { minLength: 1, maxLength: 10 }),
            fc.array(fc.record({ message: text, service: text, tags }), { maxLength: 3 }),
            async (given, lines) => {
              from += 1_000; // each run has a second of its own
              const taken = given.map((one, i) => metric({ ...one, timestamp: from + i }));
              const logged = lines.map((one, i) => log({ ...one, timestamp: from + i }));
              await append(taken, logged);
              expect(await under.metrics({ fromMs: from })).to.deep.equal(taken.toReversed());
              expect(await under.logs({ fromMs: from })).to.deep.equal(logged.toReversed());
            },
          ),
          { numRuns: 25 },
        );
      });

      it('is aggregated as all its samples are, also where a sum is more than a number can hold', async () => {
        const values = [3, 1, 4, 1, 5, 9, 2, 6];
        await append(values.map((value, i) => metric({ value, timestamp: 60_000 * i })));
        const over = async (fn: 'avg' | 'sum' | 'min' | 'max' | 'count' | 'first' | 'last' | 'rate' | 'p50'): Promise<readonly number[]> => {
          const [group] = await store.aggregate({ fn, fromMs: 0, toMs: 479_999, stepMs: 240_000, name: { is: 'm' } });
          return (group?.points ?? []).map(([, one]) => one);
        };
        expect(await over('sum')).to.deep.equal([9, 22]);
        expect(await over('avg')).to.deep.equal([2.25, 5.5]);
        expect(await over('min')).to.deep.equal([1, 2]);
        expect(await over('max')).to.deep.equal([4, 9]);
        expect(await over('count')).to.deep.equal([4, 4]);
        expect(await over('first')).to.deep.equal([3, 5]);
        expect(await over('last')).to.deep.equal([1, 6]);
        expect(await over('rate')).to.deep.equal([(1 + 3 + 1) / 240, (4 + 4 + 2 + 4) / 240]);
        for (const [i, one] of (await over('p50')).entries()) expect(one).to.be.closeTo([1, 5][i] ?? 0, 0.05);
        await append([1, 2].map((timestamp) => metric({ name: 'huge', value: Number.MAX_VALUE, timestamp })));
        const [huge] = await store.aggregate({ fn: 'sum', name: { is: 'huge' } });
        expect(huge?.points.map(([, one]) => one)).to.deep.equal([Number.POSITIVE_INFINITY]);
      });
    });

    describe('unjudged batches', () => {
      it('are there, in order, until they are judged, also after a restart; numbers go on where they were', async () => {
        const batches = [1, 2, 3].map((timestamp) => [metric({ timestamp, name: `m${timestamp}` }), metric({ timestamp, value: -0.5 })]);
        const sent: number[] = [];
        for (const [i, metrics] of batches.entries()) sent.push(await append(metrics, [log({ message: `\0${i}` })]));
        const expected = batches.map((metrics, i) => ({ protocol: 'spec', metrics, logs: [log({ message: `\0${i}` })] }));
        expect(await unjudged()).to.deep.equal(expected);
        store.judged = () => sent[0] ?? 0;
        await store.commit([{ set: 'rule_state', rule: 'r', state: 1 }]); // the mark comes within a second
        await eventually(async () => expect(await unjudged()).to.deep.equal(expected.slice(1)));
        await reopen();
        expect(await unjudged()).to.deep.equal(expected.slice(1));
        expect(await append([metric()])).to.equal((sent.at(-1) ?? 0) + 1);
        store.judged = () => (sent.at(-1) ?? 0) + 1;
        await append([]);
        await eventually(async () => expect(await unjudged()).to.have.length(1));
        await reopen();
        expect(await append([])).to.equal((sent.at(-1) ?? 0) + 3);
      });
    });

    describe('the journal', () => {
      it('gives back what was committed, after a restart too', async () => {
        const episode: Episode = { id: 'e1', rule: 'r', instance: 'm', severity: 'critical', details: 'too \0 hot', startedMs: 5, endedMs: null };
        const audit: Audit = { atMs: 5, author: 'me', action: 'create', subject: 'rule r', outcome: 'done' };
        const key: ApiKey = { id: 'k', name: 'n', hash: Uint8Array.of(0, 255, 1), roles: ['admin'], createdMs: 1.5, expiresMs: null };
        const attempt: Attempt = { job: 'j1', number: 1, startedMs: 5.25, durationMs: 7.5, outcome: 'retry', reason: 'busy \0', class: null };
        const retained = { topic: 'a/b', atMs: 1, qos: 1, payload: Uint8Array.of(0, 1, 255) };
        const job = jobOf({ id: 'j1' });
        const held = jobOf({ id: 'j2', createdMs: 3_000 });
        const changes: Change[] = [
          { set: 'rule_state', rule: 'r', state: { phase: 'firing', text: '\0\ud800' } },
          { set: 'rule_state', rule: 'gone', state: 1 },
          { set: 'forget_rule', rule: 'gone' },
          { set: 'monitor_state', monitor: 'm', atMs: 5, fields: { up: true } },
          { set: 'monitor_state', monitor: 'gone', atMs: 5, fields: {} },
          { set: 'forget_monitor', monitor: 'gone' },
          { set: 'episode', episode },
          { set: 'episode', episode: { ...episode, details: 'another', endedMs: 9 } },
          { set: 'job', job, status: 'queued' },
          { set: 'job', job: held, status: 'suppressed', reason: 'cooldown' },
          { set: 'attempt', attempt, status: 'retrying', dueMs: 99.5 },
          { set: 'version', version: version(1) },
          { set: 'version', version: version(2) },
          { set: 'retained', retained: { ...retained, qos: 0 } },
          { set: 'retained', retained },
          { set: 'retained', retained: { ...retained, topic: 'gone' } },
          { set: 'retained', retained: { ...retained, topic: 'gone', payload: new Uint8Array() } },
          { set: 'audit', audit },
          { set: 'audit', audit: { ...audit, author: 'you' } },
          { set: 'api_key', key },
          { set: 'api_key', key: { ...key, id: 'gone' } },
          { set: 'forget_api_key', id: 'gone' },
        ];
        await store.commit(changes);
        for (const again of [false, true]) {
          if (again) await reopen();
          expect([await store.ruleState('r'), await store.ruleState('gone')]).to.deep.equal([{ phase: 'firing', text: '\0\ud800' }, undefined]);
          expect(await store.monitorStates()).to.deep.equal([{ monitor: 'm', atMs: 5, fields: { up: true } }]);
          expect(await store.episodes(5)).to.deep.equal([{ ...episode, endedMs: 9 }]);
          const open = { job, status: 'retrying', reason: 'busy \0', attempts: 1, dueMs: 99.5, fence: 0, base: 0, priority: 2 };
          expect(await store.openJobs()).to.deep.equal([open]);
          expect(await store.jobs({})).to.deep.equal([
            { job: held, status: 'suppressed', reason: 'cooldown', attempts: 0, dueMs: 3_000, fence: 0, base: 0, priority: 2 },
            open,
          ]);
          expect(await store.jobs({ rule: 'too_hot', action: 'act', status: 'retrying', id: 'j1' })).to.deep.equal([open]);
          expect(await store.jobs({ limit: 1 })).to.have.length(1);
          expect(await store.jobCounts()).to.deep.equal({ open: 1, failed: 0 });
          expect(await store.attempts('j1')).to.deep.equal([attempt]);
          expect(await store.versions(5)).to.deep.equal([version(2), version(1)]);
          expect(await store.audit(1)).to.deep.equal([{ ...audit, author: 'you' }]);
          expect((await store.retained()).map((one) => ({ ...one, payload: [...one.payload] }))).to.deep.equal([{ ...retained, payload: [0, 1, 255] }]);
          expect((await store.apiKeys()).map((one) => ({ ...one, hash: [...one.hash] }))).to.deep.equal([{ ...key, hash: [0, 255, 1] }]);
        }
      });

      it('holds texts of a megabyte', async () => {
        const details = 'a\0é\u{1F600}'.repeat(1 << 17);
        await store.commit([
          { set: 'rule_state', rule: 'r', state: details },
          { set: 'job', job: jobOf({ alert: { details } }), status: 'queued' },
        ]);
        expect(await store.ruleState('r')).to.equal(details);
        expect((await store.openJobs())[0]?.job.alert.details).to.equal(details);
      });

      it('leaves a job as it is that is there already', async () => {
        await store.commit([
          { set: 'job', job: jobOf(), status: 'queued' },
          { set: 'job_status', id: jobOf().id, status: 'succeeded', reason: '', dueMs: 0 },
        ]);
        await store.commit([{ set: 'job', job: jobOf(), status: 'queued' }]);
        expect(await store.openJobs()).to.deep.equal([]);
      });
    });

    describe('commit', () => {
      it('happens as a whole or not at all', async () => {
        await store.commit([{ set: 'version', version: version(1) }]);
        const refused = await rejection(
          store.commit([
            { set: 'rule_state', rule: 'r', state: 1 },
            { set: 'job', job: jobOf(), status: 'queued' },
            { set: 'version', version: version(1) },
          ]),
        );
        expect(refused).to.be.an.instanceOf(StoreError).with.property('code', 'refused');
        expect([await store.ruleState('r'), await store.openJobs()]).to.deep.equal([undefined, []]);
      });

      it('spoils no other of its group when it fails, and changes nothing of the order of the rest', async () => {
        await store.commit([{ set: 'version', version: version(1) }]);
        const set = (rule: string, state: number): Promise<void> => store.commit([{ set: 'rule_state', rule, state }]);
        const bad = (): Promise<unknown> =>
          rejection(
            store.commit([
              { set: 'rule_state', rule: 'bad', state: 1 },
              { set: 'version', version: version(1) },
            ]),
          );
        const first = append([metric()]);
        const settled = [];
        for (let i = 0; i < 50; i++) settled.push(set(`before${i}`, i), set('last', i));
        const refused = [bad()];
        for (let i = 50; i < 100; i++) settled.push(set(`behind${i}`, i), set('last', i), append([metric({ name: `n${i}` })]));
        refused.push(bad(), rejection(append([metric({ value: Number.NaN })])));
        const last = append([metric({ name: 'last' })]);
        await Promise.all([first, last, ...settled]);
        for (const one of await Promise.all(refused)) expect(one).to.be.an.instanceOf(StoreError).with.property('code', 'refused');
        expect(await store.counts()).to.include({ points: 52 });
        expect([await store.ruleState('before49'), await store.ruleState('behind99'), await store.ruleState('last')]).to.deep.equal([49, 99, 99]);
        expect(await store.ruleState('bad')).to.equal(undefined);
      });
    });

    describe('claim', () => {
      const queue = (...dues: readonly number[]): Promise<void> =>
        store.commit(dues.map((createdMs, i): Change => ({ set: 'job', job: jobOf({ id: `j${i}`, createdMs }), status: 'queued' })));
      const ids = async (claimed: ReturnType<Store['claim']>): Promise<readonly string[]> => (await claimed).map(({ job }) => job.id);
      const attempted = (fence: number | undefined, status: JobStatus, number = 1): Promise<void> =>
        store.commit([
          {
            set: 'attempt',
            attempt: { job: 'j0', number, startedMs: 1, durationMs: 1, outcome: 'delivered', reason: null, class: null },
            status,
            dueMs: 5_000,
            ...(fence === undefined ? {} : { fence }),
          },
        ]);

      it('leases what is due, the first due first, to one at a time, until the lease is over', async () => {
        await queue(30, 10, 20, 40, 5_000);
        expect(await ids(store.claim({ owner: 'a', limit: 2, nowMs: 100, leaseMs: 1_000, action: 'act' }))).to.deep.equal(['j1', 'j2']);
        expect(await ids(store.claim({ owner: 'b', limit: 9, nowMs: 100, leaseMs: 1_000, action: 'act' }))).to.deep.equal(['j0', 'j3']);
        expect(await ids(store.claim({ owner: 'b', limit: 9, nowMs: 1_099, leaseMs: 1_000, action: 'act' }))).to.deep.equal([]);
        expect(await ids(store.claim({ owner: 'b', limit: 9, nowMs: 1_100, leaseMs: 1_000, action: 'act' }))).to.deep.equal(['j1', 'j2', 'j0', 'j3']);
        expect(await ids(store.claim({ owner: 'c', limit: 9, nowMs: 5_000, leaseMs: 1_000, action: 'act' }))).to.deep.equal(['j1', 'j2', 'j0', 'j3', 'j4']);
      });

      it('gives each job out once, however many ask at the same time', async () => {
        await queue(...Array.from({ length: 40 }, (_, i) => i));
        const claimed = await Promise.all(
          Array.from({ length: 20 }, (_, i) => ids(store.claim({ owner: `owner ${i}`, limit: 3, nowMs: 100, leaseMs: 1_000, action: 'act' }))),
        );
        expect(claimed.every((one) => one.length <= 3)).to.equal(true);
        expect(claimed.flat().sort()).to.deep.equal(Array.from({ length: 40 }, (_, i) => `j${i}`).sort());
      });

      it('takes nothing from whom the lease has gone over to another: his fence is too low', async () => {
        await queue(1);
        const [late] = await store.claim({ owner: 'a', limit: 1, nowMs: 100, leaseMs: 1_000, action: 'act' });
        const [now] = await store.claim({ owner: 'b', limit: 1, nowMs: 1_100, leaseMs: 1_000, action: 'act' });
        expect(now?.fence).to.be.above(late?.fence ?? Number.NaN);
        await attempted(late?.fence, 'succeeded');
        expect([await store.attempts('j0'), (await store.openJobs()).length]).to.deep.equal([[], 1]);
        await attempted(now?.fence, 'succeeded');
        expect([(await store.attempts('j0')).length, await store.openJobs()]).to.deep.equal([1, []]);
      });

      it('gives a job out again when an attempt has ended its lease', async () => {
        await queue(1);
        const [first] = await store.claim({ owner: 'a', limit: 1, nowMs: 100, leaseMs: 100_000, action: 'act' });
        await attempted(first?.fence, 'retrying');
        expect(await ids(store.claim({ owner: 'b', limit: 1, nowMs: 4_999, leaseMs: 1_000, action: 'act' }))).to.deep.equal([]);
        expect(await ids(store.claim({ owner: 'b', limit: 1, nowMs: 5_000, leaseMs: 1_000, action: 'act' }))).to.deep.equal(['j0']);
        await attempted(undefined, 'succeeded', 2);
        expect((await store.attempts('j0')).map(({ number }) => number)).to.deep.equal([1, 2]);
      });
    });
  });
}
