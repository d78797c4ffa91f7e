/** Random trees, random crashes, random calls: `lib/` does what the model of OTP (model.ts) does, and leaves nothing behind. */
import { expect } from 'chai';
import fc from 'fast-check';
import { processes, runQueue } from '../../lib/process.ts';
import { Command, commands } from './commands.ts';
import { Model } from './model.ts';
import { RealTree } from './real-tree.ts';
import { tree } from './trees.ts';

const RUNS = process.env.ARGOS_LONG ? 100_000 : 2_500;

describe('a supervision tree', function () {
  this.timeout(process.env.ARGOS_LONG ? 1_200_000 : 60_000);
  const rejections: unknown[] = [];
  const onRejection = (reason: unknown): void => {
    rejections.push(reason);
  };
  before(() => process.on('unhandledRejection', onRejection));
  after(() => process.off('unhandledRejection', onRejection));

  it('starts, restarts, answers, gives up and stops as the model does, and nothing of it is left', async () => {
    const steps = fc.commands(commands, { maxCommands: 40, size: 'max' });
    const property = fc.asyncProperty(tree, steps, async (spec, many) => {
      const before = [...processes()].length;
      const real = new RealTree();
      const modelled = { model: new Model(), tree: spec };
      try {
        const run = (word: 'start' | 'stop'): Promise<void> =>
          new Command(word === 'stop' ? { do: word, reason: 'shutdown' } : { do: word }).run(modelled, real);
        await run('start');
        await fc.asyncModelRun(() => ({ model: modelled, real }), many);
        await run('stop');
        expect({ alive: real.alive, timers: real.clock.pending, turns: runQueue() }).to.deep.equal({ alive: [], timers: 0, turns: 0 });
      } finally {
        await real.close();
      }
      expect([...processes()].length).to.equal(before);
      expect(rejections).to.deep.equal([]);
    });
    await fc.assert(property, { numRuns: RUNS });
  });
});
