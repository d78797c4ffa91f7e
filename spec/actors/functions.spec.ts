// Custom functions: whatever one does, its call is answered within its budget, and it is counted; nobody else hears of it.
import { expect } from 'chai';
import { Registry } from '../../lib/registry.ts';
import { type Ask, call } from '../../lib/call.ts';
import { callFunction, functionChild, type FunctionStatus } from '../../actors/functions/function.ts';
import { exportsOf } from '../../actors/functions/probe.ts';
import { logger, recentLines } from '../../actors/logger.ts';
import type { Names } from '../../actors/names.ts';
import * as vitals from '../../actors/vitals.ts';
import { Root } from '../support/actors.ts';
import { eventually } from '../support/eventually.ts';
import { functionModule } from '../support/functions.ts';

const module = functionModule();

describe('a custom function', () => {
  let root: Root;
  let names: Names;
  beforeEach(() => {
    root = new Root();
    names = new Registry();
  });
  afterEach(() => root.end());

  const start = (name: string, budget_ms = 2_000, more: object = {}) =>
    root.start(functionChild({ name, module, export: name, budget_ms, revision: '', ...more }, names, logger(`function:${name}`)));
  const ask = (name: string, ...args: readonly unknown[]): Promise<unknown> => callFunction(names, name, args);
  const status = async (name: string): Promise<FunctionStatus> => {
    const pid = names.whereis(`function:${name}`);
    if (!pid) throw new Error(`${name} is not running`);
    return call(pid, { ask: 'status' } as Ask<FunctionStatus>);
  };
  /** How often it has ended like this. */
  async function counted(name: string, outcome: string): Promise<number> {
    const { values } = await vitals.functionCalls.get();
    return values.find(({ labels }) => JSON.stringify(labels) === JSON.stringify({ function: name, outcome }))?.value ?? 0;
  }
  const ready = (name: string): Promise<unknown> => eventually(async () => expect((await status(name)).phase).to.equal('ready'), 10_000);

  it('answers JSON values, in the order of the calls', async () => {
    await start('dew_point');
    await start('echo');
    expect(await ask('dew_point', 20, 50)).to.equal(10);
    const args = [1, null, 'ü', [true], { a: { b: [] } }];
    expect(await ask('echo', ...args)).to.deep.equal(args);
    expect(await Promise.all([1, 2, 3].map((n) => ask('echo', n)))).to.deep.equal([[1], [2], [3]]);
    expect(await status('echo')).to.deep.equal({ phase: 'ready', calls: 4, failures: 0, lastFailure: null });
  });

  for (const [name, outcome] of [
    ['throwing', 'threw'],
    ['odd', 'threw'],
    ['deep', 'threw'],
    ['promised', 'value'],
    ['never', 'value'],
    ['cyclic', 'value'],
    ['big', 'value'],
    ['map', 'value'],
    ['nan', 'value'],
    ['bigint', 'value'],
    ['nothing', 'unknown'],
  ] as const)
    it(`that is ${name} has no answer, is counted as ${outcome}, and goes on`, async () => {
      await start(name);
      const before = await counted(name, outcome);
      expect([await ask(name), await ask(name)]).to.deep.equal([undefined, undefined]);
      expect((await counted(name, outcome)) - before).to.equal(2);
      expect((await status(name)).phase).to.equal('ready');
    });

  for (const [name, outcome, budget] of [
    ['loop', 'budget', 100],
    ['endless', 'budget', 100],
    ['exiting', 'ended', 5_000],
    ['heap', 'ended', 10_000],
  ] as const)
    it(`that is ${name} is ended, counted as ${outcome}, rests, and is back`, async function () {
      this.timeout(20_000);
      await start(name, budget);
      const before = { failed: await counted(name, outcome), resting: await counted(name, 'resting') };
      expect(await Promise.all([ask(name), ask(name)])).to.deep.equal([undefined, undefined]); // the second has waited for the first
      expect(await ask(name)).to.equal(undefined);
      expect({ failed: await counted(name, outcome), resting: await counted(name, 'resting') }).to.deep.equal({
        failed: before.failed + 1,
        resting: before.resting + 2,
      });
      expect((await status(name)).phase).to.equal('resting');
      await ready(name);
    });

  it('that was ended begins anew, and rests longer each time until it has answered', async () => {
    await start('sometimes', 100);
    const rests: number[] = [];
    for (let i = 0; i < 3; i++) {
      expect(await ask('sometimes', 1)).to.equal(undefined);
      const began = performance.now();
      await ready('sometimes');
      rests.push(performance.now() - began);
    }
    expect(rests[2]).to.be.above(390); // 100, 200, 400
    expect(await ask('sometimes', 0)).to.equal(0);
    expect(await status('sometimes')).to.deep.include({ failures: 3, lastFailure: 'budget: it has not answered within 100 ms' });
  });

  it('has answered in time when its answer was there in time, however late the node looks', async () => {
    await start('busy', 100);
    const [answer, late] = [ask('busy', 30), ask('busy', 30)];
    const isLate = (): void => {
      for (const end = performance.now() + 250; performance.now() < end; );
    };
    setTimeout(() => setImmediate(isLate), 5); // the first is under way; behind this come timers, and then messages
    expect([await answer, await late]).to.deep.equal([30, 30]);
    expect((await status('busy')).failures).to.equal(0);
  });

  it('that keeps more and more outside the heap is ended before that is much', async () => {
    await start('outside');
    const answers: unknown[] = [];
    for (let i = 0; i < 5; i++) answers.push(await ask('outside'));
    expect(answers.filter((one) => one === undefined)).to.not.deep.equal([]);
    expect(answers.slice(0, 2)).to.deep.equal([1, 2]);
    await ready('outside');
    expect(await ask('outside')).to.equal(1);
  });

  it('sees nothing of the environment, and what it prints goes to no log but for debugging', async () => {
    await start('environment');
    await start('printing');
    expect(await ask('environment')).to.deep.equal([]);
    expect(await ask('printing')).to.equal(1);
  });

  it('that fails when nobody waits is noticed at the next call, and is back', async () => {
    await start('later');
    expect(await ask('later')).to.equal(1);
    await eventually(async () => expect(await ask('later')).to.equal(undefined));
    await ready('later');
    expect(await ask('later')).to.equal(1);
  });

  it('is logged at most once a minute', async () => {
    await start('throwing');
    for (let i = 0; i < 50; i++) await ask('throwing');
    const lines = recentLines(1_000).filter(({ actor, message }) => actor === 'function:throwing' && message === 'a call has no answer');
    expect(lines.length).to.be.within(1, 3); // each actor that was started here may have said it once
    expect(lines.at(-1)).to.include({ outcome: 'threw', error: 'out of tune' });
  });

  it('is not called by more than can wait: the others have no answer at once', async () => {
    await start('echo');
    const answers = await Promise.all(Array.from({ length: 1_500 }, (_, n) => ask('echo', n)));
    expect(answers.filter((one) => one !== undefined).length).to.be.within(1_000, 1_100);
  });

  it('that is not running has no answer', async () => {
    const before = await counted('nobody', 'absent');
    expect(await ask('nobody')).to.equal(undefined);
    expect((await counted('nobody', 'absent')) - before).to.equal(1);
  });

  it('may be sent nothing that is not plain, and goes on', async () => {
    await start('echo');
    expect(await ask('echo', () => {})).to.equal(undefined);
    expect(await ask('echo', 1)).to.deep.equal([1]);
  });

  it('is gone when its process is, in the middle of a call too', async () => {
    const pid = await start('loop', 10_000);
    const answer = ask('loop');
    await root.stop(pid);
    expect(await answer).to.equal(undefined);
    expect(names.whereis('function:loop')).to.equal(undefined);
  });

  for (const [what, text, fault] of [
    ['is missing', undefined, /Cannot find module/],
    ['does not parse', 'export const = 1', /Unexpected token/],
    ['throws', 'throw new Error("at load")', /at load/],
    ['has no such export', 'export const other = 1', /no export echo/],
    ['has an export that is no function', 'export const echo = 1', /the export echo is no function/],
    ['ends', 'process.exit(0)', /has ended/],
  ] as const)
    it(`does not start when its module ${what}`, async () => {
      const path = text === undefined ? '/nowhere/functions.mjs' : functionModule(text);
      let failed: unknown;
      await start('echo', 50, { module: path }).catch((error: unknown) => {
        failed = error;
      });
      expect(String(failed)).to.match(fault);
    });

  it('is looked at before it is declared: what its module exports, and nothing is called', () => {
    const looked = exportsOf(module);
    expect('exports' in looked && [looked.exports.loop, looked.exports.constant, looked.exports.default, looked.revision.length]).to.deep.equal([
      'function',
      'number',
      'function',
      16,
    ]);
    expect(exportsOf('/nowhere.mjs')).to.have.property('fault').that.includes('ENOENT');
    expect(exportsOf(functionModule('throw new Error("at load")'))).to.deep.equal({ fault: 'at load' });
    const began = performance.now();
    expect(exportsOf(functionModule('for (;;);'))).to.deep.equal({ fault: 'it has not loaded within 2000 ms' });
    expect(performance.now() - began).to.be.within(1_900, 10_000);
  });
});
