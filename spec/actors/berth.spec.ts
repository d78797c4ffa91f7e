// The Berth: one at a time, whoever is killed and whenever.
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import fc from 'fast-check';
import { Berth } from '../../actors/berth.ts';

describe('Berth', () => {
  /** A server that takes so many turns to open and to close, in a world that counts those that are there. */
  const server = (world: { here: number; most: number }, opens: number, closes: number) => async () => {
    for (let i = 0; i < opens; i++) await turn();
    world.most = Math.max(world.most, ++world.here);
    let closed = false;
    const close = async (): Promise<void> => {
      for (let i = 0; i < closes; i++) await turn();
      if (!closed) world.here--;
      closed = true;
    };
    return { close };
  };

  it('has no more than one at a time, and none when all have ended, whenever each of them ends', async () => {
    const life = fc.record({ opens: fc.nat(5), lives: fc.nat(10), closes: fc.nat(5) });
    await fc.assert(
      fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: 6 }), async (lives) => {
        const berth = new Berth();
        const world = { here: 0, most: 0 };
        for (const { opens, lives: turns, closes } of lives) {
          const ended = new AbortController();
          berth.take(ended.signal, server(world, opens, closes)).catch(() => {});
          for (let i = 0; i < turns; i++) await turn(); // then it is killed, opening perhaps, and the next one comes at once
          ended.abort();
        }
        const last = new AbortController();
        await berth.take(last.signal, server(world, 0, 0));
        expect(world).to.deep.equal({ here: 1, most: 1 });
        last.abort();
        await turn();
        expect(world.here).to.equal(0);
      }),
      { numRuns: 200 },
    );
  });

  it('opens nothing for one that has ended before its turn came', async () => {
    const berth = new Berth();
    const [first, second] = [new AbortController(), new AbortController()];
    const world = { here: 0, most: 0 };
    await berth.take(first.signal, server(world, 0, 0));
    let opened = false;
    const waiting = berth.take(second.signal, async () => {
      opened = true;
      return { close: async () => {} };
    });
    second.abort();
    first.abort();
    expect(await waiting.catch((thrown: unknown) => thrown)).to.deep.include({ reason: 'killed' });
    expect(opened).to.equal(false);
  });

  it('is free when an opening has failed, or when one will not end its connections', async () => {
    const berth = new Berth();
    const { signal } = new AbortController();
    expect(await berth.take(signal, () => Promise.reject(new Error('in use'))).catch(String)).to.equal('Error: in use');
    const stubborn = new AbortController();
    await berth.take(stubborn.signal, async () => ({ close: () => new Promise(() => {}) }));
    stubborn.abort();
    const next = berth.take(signal, server({ here: 0, most: 0 }, 0, 0));
    expect(await Promise.race([next.then(() => 'free'), sleep(3_000, 'held up', { ref: false })])).to.equal('free');
  });
});
