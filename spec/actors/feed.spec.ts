// The Feed: whom it wakes, whom it holds back, and when it says that the store has it.
import { setImmediate as turn } from 'node:timers/promises';
import { expect } from 'chai';
import fc from 'fast-check';
import { noreply, ok, startLink } from '../../lib/gen-server.ts';
import type { Pid } from '../../lib/process.ts';
import type { Event, Fields, Log, Metric, Telemetry } from '../../actors/event.ts';
import { Feed, type Pushed } from '../../actors/feed.ts';
import { stored } from '../../actors/vitals.ts';
import { Reader, Root } from '../support/actors.ts';
import { eventually } from '../support/eventually.ts';

const HIGH_WATER = 1_000;
const HISTORY = 100;

const event = (fields: Fields, monitor = 'm', atMs = 0): Event => ({ monitor, observations: [{ atMs, fields }] });
const metric = (name: string): Metric => ({ name, service: 's', value: 1, tags: {}, timestamp: 0 });
const metrics = (...names: readonly string[]): Telemetry => ({ protocol: 'spec', metrics: names.map(metric), logs: [] });

/** Whether a promise is settled once everything that can go on without waiting has. */
async function settles(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  void promise.then(() => {
    settled = true;
  });
  for (let i = 0; i < 10; i++) await turn();
  return settled;
}

describe('Feed', () => {
  let root: Root;
  let feed: Feed;
  beforeEach(() => {
    root = new Root();
    feed = new Feed(async () => 1);
  });
  afterEach(() => root.end());

  /** A push monitor's tap, that keeps what it gets. */
  async function tap(wants: (item: Metric | Log) => boolean): Promise<{ readonly pid: Pid; readonly pushed: Pick<Pushed, 'items'>[] }> {
    const pushed: Pick<Pushed, 'items'>[] = [];
    const pid = await root.start({
      id: 'tap',
      start: (parent) =>
        startLink(parent, {
          init: () => ok(0),
          handleCast: ({ items }: Pushed, state: number) => {
            pushed.push({ items });
            return noreply(state);
          },
        }),
    });
    feed.tap(`tap ${pid.id}`, pid, { wants });
    return { pid, pushed };
  }

  const name = fc.constantFrom('up', 'payload', 'status_code', 'constructor', '__proto__');
  const monitor = fc.constantFrom('m', 'n', 'toString');
  const observation = fc.record({
    atMs: fc.nat(),
    fields: fc.array(fc.tuple(name, fc.jsonValue())).map(Object.fromEntries) as fc.Arbitrary<Fields>,
    seen: fc.option(fc.array(name), { nil: undefined }),
  });
  const events = fc.array(fc.record({ monitor, observations: fc.array(observation, { maxLength: 3 }) }), { maxLength: 10 });
  const reads = fc.dictionary(monitor, fc.oneof(fc.constant('all' as const), fc.uniqueArray(name)));

  it('wakes a rule once for every event that brings what it reads, and for no other, in their order', async () => {
    await fc.assert(
      fc.asyncProperty(reads, events, async (read, all) => {
        const published: Event[] = all.map(({ monitor: from, observations }) => ({
          monitor: from,
          observations: observations.map(({ seen, ...rest }) => (seen ? { ...rest, seen } : rest)),
        }));
        const reader = await Reader.start(root, feed, read);
        for (const one of published) await feed.publish(one);
        await reader.settled();
        const due = published.filter(({ monitor: from, observations }) => {
          const wanted = Object.hasOwn(read, from) ? read[from] : undefined;
          return observations.some(({ fields, seen = Object.keys(fields) }) => wanted === 'all' || wanted?.some((field) => seen.includes(field)));
        });
        expect(reader.events).to.deep.equal(due);
        await root.stop(reader.pid);
      }),
      { numRuns: 100 },
    );
  });

  it('wakes each of the rules that read the same field', async () => {
    const readers = [
      await Reader.start(root, feed, { m: ['up'] }),
      await Reader.start(root, feed, { m: ['up'] }),
      await Reader.start(root, feed, { m: ['up'] }),
    ];
    await feed.publish(event({ up: true }));
    for (const reader of readers) await reader.settled();
    expect(readers.map((reader) => reader.events.length)).to.deep.equal([1, 1, 1]);
  });

  it('holds the publisher back while a rule that it wakes has more than its high water before it, and no longer', async () => {
    const reader = await Reader.start(root, feed, { m: ['up'] });
    reader.pid.suspend();
    for (let i = 0; i < HIGH_WATER; i++) expect(await settles(feed.publish(event({ up: i })))).to.equal(true);
    const held = feed.publish(event({ up: true }));
    expect(await settles(held)).to.equal(false);
    reader.pid.resume();
    await held;
    await reader.settled();
    expect(reader.events).to.have.length(HIGH_WATER + 1);
  });

  it('holds nobody back for a rule that the event does not concern, or that has ended', async () => {
    const reader = await Reader.start(root, feed, { m: ['up'] });
    reader.pid.suspend();
    for (let i = 0; i < HIGH_WATER; i++) void feed.publish(event({ up: i }));
    const held = feed.publish(event({ up: true }));
    expect(await settles(feed.publish(event({ other: 1 })))).to.equal(true);
    expect(await settles(held)).to.equal(false);
    await root.stop(reader.pid);
    await held;
    expect(await settles(feed.publish(event({ up: true })))).to.equal(true);
  });

  it('keeps the last state of every monitor, with a bounded history, until it is told to forget', async () => {
    for (let i = 0; i < 5 * HISTORY; i++) {
      await feed.publish(event({ i }, 'm', i));
      const { last, history } = feed.latest('m') ?? { history: [] };
      expect(last).to.deep.equal({ atMs: i, fields: { i } });
      expect(history.at(-1)).to.equal(last);
      expect(history.length).to.be.within(Math.min(i + 1, HISTORY), 2 * HISTORY);
    }
    expect(feed.latest('n')).to.equal(undefined);
    feed.forget('monitor', 'm');
    expect(feed.latest('m')).to.equal(undefined);
  });

  it('keeps what comes for a rule that is away, until it is told to forget it', async () => {
    const first = await Reader.start(root, feed, { m: ['up'] });
    await root.stop(first.pid);
    for (const up of [1, 2]) await feed.publish(event({ up }));
    const next = await Reader.start(root, feed, { m: ['up'] }, first.name);
    await next.settled();
    expect(next.events).to.deep.equal([event({ up: 1 }), event({ up: 2 })]);
    await root.stop(next.pid);
    await feed.publish(event({ up: 3 }));
    feed.forget('rule', first.name);
    await feed.publish(event({ up: 4 }));
    const last = await Reader.start(root, feed, { m: ['up'] }, first.name);
    await feed.publish(event({ up: 5 }));
    await last.settled();
    expect(last.events).to.deep.equal([event({ up: 5 })]);
  });

  it('takes a batch of any size', async () => {
    const many = 300_000;
    const { pushed } = await tap(() => true);
    await feed.ingest({ protocol: 'spec', metrics: Array.from({ length: many }, () => metric('m')), logs: [] });
    await eventually(() => expect(pushed[0]?.items.length).to.equal(many));
    await feed.publish({ monitor: 'm', observations: Array.from({ length: many }, (_, i) => ({ atMs: i, fields: { i } })) });
    expect(feed.latest('m')?.last.fields).to.deep.equal({ i: many - 1 });
    expect(feed.latest('m')?.history.length).to.be.within(HISTORY, 2 * HISTORY);
  });

  describe('ingest', () => {
    it('resolves when the store has it, and taps and counts nothing before', async () => {
      let commit: (seq: number) => void = () => {};
      const appended: Telemetry[] = [];
      feed = new Feed((telemetry) => {
        appended.push(telemetry);
        return new Promise<number>((resolve) => {
          commit = resolve;
        });
      });
      const count = async (): Promise<number> => (await stored.get()).values.find(({ labels }) => labels.protocol === 'spec')?.value ?? 0;
      const before = await count();
      const { pushed } = await tap(() => true);
      const batch = metrics('a', 'b');
      const done = feed.ingest(batch);
      expect(await settles(done)).to.equal(false);
      expect([appended, pushed, await count()]).to.deep.equal([[batch], [], before]);
      commit(1);
      await done;
      await eventually(() => expect(pushed).to.deep.equal([{ items: batch.metrics }]));
      expect(await count()).to.equal(before + 2);
    });

    it('rejects with what the store says, and taps nothing', async () => {
      feed = new Feed(() => Promise.reject(new Error('away')));
      const { pid, pushed } = await tap(() => true);
      const error = await feed.ingest(metrics('a')).catch((thrown: unknown) => thrown);
      expect(error).to.be.an.instanceOf(Error).with.property('message', 'away');
      await turn();
      expect([pid.queueLength, pushed]).to.deep.equal([0, []]);
    });

    it('hands each tap what it wants in one message, and none where it wants nothing', async () => {
      const [a, b, none] = [await tap((item) => 'value' in item && item.name === 'a'), await tap((item) => 'level' in item), await tap(() => false)];
      const log: Log = { level: 'info', message: 'x', service: 's', tags: {}, timestamp: 0 };
      await feed.ingest({ ...metrics('a', 'b', 'a'), logs: [log] });
      await eventually(() => expect([a.pushed, b.pushed]).to.deep.equal([[{ items: [metric('a'), metric('a')] }], [{ items: [log] }]]));
      expect(none.pushed).to.deep.equal([]);
    });

    it('holds the listener back while a tap has more than its high water before it, until it has ended', async () => {
      const { pid } = await tap(() => true);
      pid.suspend();
      for (let i = 0; i < HIGH_WATER; i++) await feed.ingest(metrics('a'));
      const held = feed.ingest(metrics('a'));
      expect(await settles(held)).to.equal(false);
      await root.stop(pid);
      await held;
      expect(await settles(feed.ingest(metrics('a')))).to.equal(true);
    });
  });
});
