// What watching monitors see is kept: their numbers as samples, their last state; and what cannot be kept is counted.
import { expect } from 'chai';
import fc from 'fast-check';
import type { Event, Observation } from '../../../actors/event.ts';
import { Feed } from '../../../actors/feed.ts';
import { numbersIn, Recorder } from '../../../actors/store/recorder.ts';
import type { MonitorState } from '../../../actors/store/reads.ts';
import * as vitals from '../../../actors/vitals.ts';
import { Root } from '../../support/actors.ts';
import { eventually } from '../../support/eventually.ts';
import { TestStore } from '../../support/store.ts';

const saw = (monitor: string, ...observations: readonly Observation[]): Event => ({ monitor, observations });
const lost = async (monitor: string): Promise<number> => {
  const { values } = await vitals.unrecorded.get();
  return values.find(({ labels }) => labels.monitor === monitor)?.value ?? 0;
};

describe('What monitors see', () => {
  let root: Root;
  let under: TestStore;
  let feed: Feed;
  let told: readonly MonitorState[];

  const wire = (): void => {
    feed = new Feed(
      (telemetry, atMs) => under.store.append(telemetry, atMs),
      (event) => under.store.observed(event),
    );
    under.store.stateOf = (monitor) => feed.latest(monitor)?.last;
    under.store.onStates = (states) => {
      told = states;
      feed.restore(states);
    };
  };
  beforeEach(async () => {
    root = new Root();
    under = new TestStore(root);
    wire();
    await under.start();
  });
  afterEach(() => root.end());

  it('is kept as samples of the service monitor:NAME, each number by its path, and only when it was seen', async () => {
    const fields = { up: true, status_code: 200, body: { t: { c: 21.5 }, list: [1], text: 'x' }, response_time: 7 };
    await feed.publish(saw('web', { atMs: 1_000, fields }, { atMs: 2_000, fields: { ...fields, status_code: 500 }, seen: ['status_code'] }));
    await eventually(async () => {
      const kept = (await under.metrics({ service: { is: 'monitor:web' } })).map(({ name, value, timestamp }) => [name, value, timestamp]);
      expect(kept.sort()).to.deep.equal([
        ['body.t.c', 21.5, 1_000],
        ['response_time', 7, 1_000],
        ['status_code', 200, 1_000],
        ['status_code', 500, 2_000],
        ['up', 1, 1_000],
      ]);
    });
  });

  it('is its state in the next life of the node, when nothing newer has been seen in this one', async () => {
    await feed.publish(saw('old', { atMs: 1, fields: { up: false } }, { atMs: 2, fields: { up: true, payload: { t: [1, 'x', null] } } }));
    await feed.publish(saw('gone', { atMs: 1, fields: { up: true } }));
    feed.forget('monitor', 'gone');
    await under.stop(); // what has gathered is written before it goes
    under = new TestStore(root, under.folder);
    wire();
    await feed.publish(saw('new', { atMs: 9, fields: { up: false } }));
    await under.start();
    expect(told).to.deep.equal([{ monitor: 'old', atMs: 2, fields: { up: true, payload: { t: [1, 'x', null] } } }]);
    expect(feed.latest('old')?.last).to.deep.equal({ atMs: 2, fields: { up: true, payload: { t: [1, 'x', null] } } });
    feed.restore([{ monitor: 'new', atMs: 1, fields: { up: true } }]);
    expect(feed.latest('new')?.last.fields).to.deep.equal({ up: false });
  });

  it('is nothing that the rules are to judge again after a crash: it was told once', async () => {
    await feed.publish(saw('web', { atMs: 1_000, fields: { t: 1 } }));
    await eventually(async () => expect(await under.metrics({ service: { is: 'monitor:web' } })).to.have.lengthOf(1));
    const waiting: unknown[] = [];
    for await (const batch of under.store.unjudged()) waiting.push(batch);
    expect(waiting).to.deep.equal([]);
  });

  it('that came from a listener is not kept twice', async () => {
    const seq = await under.store.append({ protocol: 'http', metrics: [{ service: 's', name: 'n', value: 1, timestamp: 1, tags: {} }], logs: [] });
    await feed.publish({ ...saw('push', { atMs: 1, fields: { value: 1, up: true } }), seq });
    await feed.publish(saw('web', { atMs: 1, fields: { t: 1 } }));
    await eventually(async () => expect(await under.metrics({ service: { is: 'monitor:web' } })).to.have.lengthOf(1));
    expect(await under.metrics({ service: { is: 'monitor:push' } })).to.deep.equal([]);
  });

  it('that came from a listener is its state in the next life, and no batch is taken for judged that its state is not of', async () => {
    const push = (value: number, seq: number): Promise<void> => feed.publish({ ...saw('push', { atMs: value, fields: { value } }), seq });
    const seqs: number[] = [];
    let judged = 0;
    under.store.judged = () => judged;
    for (const value of [1, 2])
      seqs.push(await under.store.append({ protocol: 'http', metrics: [{ service: 's', name: 'n', value, timestamp: value, tags: {} }], logs: [] }));
    await push(1, seqs[0] ?? 0);
    judged = seqs[0] ?? 0;
    const waiting = async (): Promise<number> => {
      let count = 0;
      for await (const _ of under.store.unjudged()) count++;
      return count;
    };
    await eventually(async () => expect(await waiting()).to.equal(1));
    await root.stop(under.pid, 'kill'); // nothing is written by the way
    under = new TestStore(root, under.folder);
    wire();
    await under.start();
    expect(told).to.deep.equal([{ monitor: 'push', atMs: 1, fields: { value: 1 } }]);
    expect(await waiting()).to.equal(1);
  });

  it('under more than 200 names is counted, not kept: names that come from outside cannot fill the store', async () => {
    const recorder = new Recorder(() => undefined, new Set());
    const payload = Object.fromEntries(Array.from({ length: 250 }, (_, i) => [`id${i}`, i]));
    const before = await lost('many');
    recorder.add(saw('many', { atMs: 1, fields: { payload } }));
    recorder.add(saw('many', { atMs: 2, fields: { payload: { id3: 1, id249: 1 } } }));
    expect(recorder.take().metrics).to.have.lengthOf(201);
    expect((await lost('many')) - before).to.equal(51);
  });

  it('while the store is stuck is bounded', async () => {
    const recorder = new Recorder(() => undefined, new Set());
    const before = await lost('fast');
    for (let i = 0; i < 50_010; i++) recorder.add(saw('fast', { atMs: i, fields: { t: i } }));
    expect(recorder.take().metrics).to.have.lengthOf(50_000);
    expect((await lost('fast')) - before).to.equal(10);
    recorder.add(saw('fast', { atMs: 1, fields: { t: 1 } }));
    expect(recorder.take().metrics).to.have.lengthOf(1);
  });

  it('holds every number and truth value in it that is no deeper than five objects, and nothing else', () => {
    const leaf = fc.oneof(fc.double(), fc.boolean(), fc.string(), fc.constant(null));
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 6 },
        leaf,
        fc.dictionary(fc.stringMatching(/^[a-z]{1,3}$/), tie('tree'), { maxKeys: 3, noNullPrototype: true }),
        fc.array(leaf),
      ),
    }));
    const naive = (path: readonly string[], value: unknown): [string, number][] => {
      if (Array.isArray(value) || value === null || typeof value === 'string') return [];
      if (typeof value === 'object') return path.length > 4 ? [] : Object.entries(value as object).flatMap(([key, inner]) => naive([...path, key], inner));
      return Number.isFinite(Number(value)) ? [[path.join('.'), Number(value)]] : [];
    };
    fc.assert(
      fc.property(tree, (value) => {
        expect([...numbersIn('x', value)]).to.deep.equal(naive(['x'], value));
      }),
    );
  });
});
