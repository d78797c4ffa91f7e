// The monitor actor, whatever its type: what a lost watch costs, and what outlives it.
import { expect } from 'chai';
import { Type } from 'typebox';
import type { Fields } from '../../../actors/event.ts';
import { type MonitorPort, type MonitorType, WatchLost } from '../../../actors/monitors/monitor.ts';
import { endOf, Root } from '../../support/actors.ts';
import { eventually } from '../../support/eventually.ts';
import { watch } from '../../support/monitor-kit.ts';

describe('monitor', () => {
  const schema = Type.Object({});
  /** A type that watches as the spec says. */
  const type = (body: (port: MonitorPort) => Promise<void>): MonitorType<typeof schema> => ({
    type: 'spec',
    schema,
    fields: [],
    watch: (_config, port) => body(port),
  });
  const forever = ({ signal }: MonitorPort): Promise<void> => new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

  let root: Root;
  beforeEach(() => {
    root = new Root();
  });
  afterEach(() => root.end());

  it('keeps its state from one emission to the next, and says what each brought', async () => {
    const watched = await watch(
      root,
      type(async (port) => {
        await port.emit({ a: 1, up: true });
        await port.emit({ b: 2, up: true });
        return forever(port);
      }),
      {},
    );
    await watched.sees({ b: 2 });
    expect(watched.seen.map(({ fields, seen }) => [fields, seen])).to.deep.equal([
      [{ a: 1, up: true }, ['a', 'up']],
      [{ a: 1, b: 2, up: true }, ['b', 'up']],
    ]);
  });

  it('tells what was seen of a lost watch, and forgets the error with the next emission', async () => {
    const retrying: boolean[] = [];
    const watched = await watch(
      root,
      type(async (port) => {
        retrying.push(port.retrying);
        if (retrying.length === 1) throw new WatchLost('gone', { status_code: null });
        await port.emit({ up: true });
        return forever(port);
      }),
      {},
    );
    await watched.sees({ up: true });
    expect(watched.states).to.deep.equal([
      { status_code: null, up: false, error: 'gone', down: false },
      { status_code: null, up: true },
    ]);
    expect(retrying).to.deep.equal([false, true]);
  });

  it('ends the signal of a watch with the watch, so that nothing of it is held', async () => {
    const signals: AbortSignal[] = [];
    const watched = await watch(
      root,
      type((port) => {
        signals.push(port.signal);
        return signals.length < 4 ? Promise.reject(new Error('lost')) : forever(port);
      }),
      {},
      { max_retries: 9 },
    );
    await eventually(() => expect(signals.map(({ aborted }) => aborted)).to.deep.equal([true, true, true, false]));
    await root.stop(watched.pid);
    expect(signals[3]?.aborted).to.equal(true);
  });

  it('does not try again what is lost for good', async () => {
    const watched = await watch(
      root,
      type(() => Promise.reject(new WatchLost('no more', {}, true))),
      {},
      { max_retries: 1_000 },
    );
    expect(await endOf(watched.pid)).to.be.an.instanceOf(Error);
    await watched.settled();
    expect(watched.states).to.deep.equal([{ up: false, error: 'no more', down: true }]);
  });

  it('takes anything that a watch throws for a loss', async () => {
    for (const thrown of ['text', undefined, 7, new TypeError('bug')]) {
      const watched = await watch(
        root,
        type(() => Promise.reject(thrown)),
        {},
        { max_retries: 0 },
      );
      await endOf(watched.pid);
      await watched.settled();
      expect(watched.states).to.deep.equal([{ up: false, error: thrown instanceof Error ? 'bug' : String(thrown), down: true }]);
    }
  });

  it('goes on from the state of the one before it', async () => {
    const states: Fields[] = [];
    const first = await watch(
      root,
      type(async (port) => {
        await port.emit({ a: 1, up: true });
        return forever(port);
      }),
      {},
    );
    await first.sees({ a: 1 });
    await root.stop(first.pid);
    const second = await watch(root, type(forever), {}, {}, first.feed);
    states.push((await second.status()).state);
    expect(states).to.deep.equal([{ a: 1, up: true }]);
    expect((await second.status()).observedAt).to.be.a('string');
  });
});
