// Custom functions in a node: rules fire by them, a new text of the module is taken at reload, and one that loops is felt by nobody but its own rule.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { type LogLine, tail } from '../../actors/logger.ts';
import * as vitals from '../../actors/vitals.ts';
import { exit } from '../../lib/process.ts';
import { eventually } from '../support/eventually.ts';
import { functionModule } from '../support/functions.ts';
import { type InsideNode, startInside } from '../support/inside.ts';
import { cli, TestNode } from '../support/node.ts';

const module = functionModule();
const metric = (name: string, value: number): object => ({ service: 's', name, value });
async function send(port: number, ...items: readonly object[]): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${port}/api/metrics`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(items),
  });
  expect(answer.status).to.equal(202);
  await answer.arrayBuffer();
}
const common = {
  listeners: { http: { port: 0 }, mqtt: { enabled: false } },
  monitors: { single: [{ name: 'm', type: 'push', config: { name: 'm' } }] },
  actions: { single: [{ name: 'note', type: 'log', config: {} }] },
};

describe('custom functions in a node', function () {
  this.timeout(60_000);

  describe('as a user has them', () => {
    const node = new TestNode();
    const file = join(node.folder, 'mine.mjs');
    before(async () => {
      writeFileSync(file, 'export const warm = (t) => t > 30;');
      node.configure({
        ...common,
        functions: { warm: { module: './mine.mjs' } },
        rules: [{ name: 'hot', condition: 'warm(m.value)', actions: ['note'] }],
      });
      await node.start();
    });
    after(() => node.end('SIGKILL'));
    const said = async (): Promise<string> => (await node.cli('explain', 'rule', 'hot')).stdout;

    it('make a rule fire, are explained, and are seen among the resources and in the tree', async () => {
      await send(await node.port('http'), metric('m', 31));
      await eventually(async () => expect(await said()).to.match(/^rule hot: firing[\s\S]*warm\(m\.value\): true = true/));
      expect(await node.json('get', 'functions'))
        .to.have.nested.property('[0].detail')
        .that.deep.equals({ phase: 'ready', calls: 1, failures: 0, lastFailure: null });
      expect((await node.cli('tree')).stdout).to.match(/function:warm supervisor[\s\S]*function:warm /);
    });

    it('are replaced by a reload when the text of the module is another', async () => {
      writeFileSync(file, 'export const warm = (t) => t > 50;');
      const { resources } = await node.json('reload');
      expect(resources.filter(({ outcome }: { outcome: string }) => outcome === 'applied')).to.deep.equal([
        { kind: 'function', name: 'warm', change: 'replace', outcome: 'applied' },
      ]);
      await send(await node.port('http'), metric('m', 32));
      await eventually(async () => expect(await said()).to.match(/^rule hot: inactive/));
    });

    it('that cannot be loaded leave all as it was: 78, with the place', async () => {
      writeFileSync(file, 'export const cold = 1;');
      const { code, stderr } = await node.cli('reload');
      expect(code).to.equal(78);
      expect(stderr).to.match(/\/functions\/warm\/module: expected a function that the module exports: there is none, got "warm"/);
      expect((await node.cli('validate-config', node.configFile)).code).to.equal(78);
      expect(await said()).to.match(/^rule hot: inactive/);
    });
  });

  describe('that loop, throw, end their thread and fill it', () => {
    let node: InsideNode;
    before(async () => {
      const of = (name: string, budget_ms = 50): object => ({ [name]: { module, budget_ms } });
      node = await startInside({
        ...common,
        functions: { ...of('loop'), ...of('throwing'), ...of('exiting'), ...of('heap', 1_000), ...of('cyclic') },
        rules: [
          { name: 'plain', mode: 'event', condition: 'm.value > 0', actions: ['note'] },
          ...['loop', 'throwing', 'exiting', 'heap', 'cyclic'].map((name) => ({
            name: `by_${name}`,
            mode: 'event',
            condition: `m.value < 0 and ${name}()`,
            actions: ['note'],
          })),
        ],
      });
    });
    after(() => node.stop());

    it('are counted, and another rule fires meanwhile as it did before', async () => {
      const { listeners } = JSON.parse((await cli(['status', '--json'], { socket: node.socket })).stdout) as { listeners: readonly { address: string }[] };
      const port = Number(listeners[0]?.address.split(':').at(-1));
      let fired: () => void = () => {};
      const hear = (line: LogLine): void => {
        if (line.actor === 'rule:plain' && line.message === 'firing') fired();
      };
      tail.on('line', hear);
      /** From what is sent to the verdict, while something else is sent with it; ms. */
      async function latencies(beside: readonly object[], count: number): Promise<readonly number[]> {
        const all: number[] = [];
        for (let i = 0; i < count; i++) {
          const { promise, resolve } = Promise.withResolvers<void>();
          fired = resolve;
          const began = performance.now();
          await Promise.all([send(port, ...beside, metric('m', 1 + i)), promise]);
          all.push(performance.now() - began);
        }
        return all.sort((a, b) => a - b);
      }
      const shown = (all: readonly number[]): string => [0.5, 0.99].map((q) => `${all[Math.floor(q * (all.length - 1))]?.toFixed(1)} ms`).join(' / ');
      await latencies([], 50);
      const before = await latencies([], 300);
      const during = await latencies([metric('m', -1)], 300);
      tail.off('line', hear);
      console.info(`      a plain rule, p50 / p99 from the request to the verdict: ${shown(before)} before, ${shown(during)} while functions loop and crash`);
      const { values } = await vitals.functionCalls.get();
      const ended = (name: string, outcome: string): number =>
        values.find(({ labels }) => JSON.stringify(labels) === JSON.stringify({ function: name, outcome }))?.value ?? 0;
      expect(
        [
          ended('loop', 'budget'),
          ended('throwing', 'threw'),
          ended('exiting', 'ended'),
          ended('heap', 'ended') + ended('heap', 'budget'),
          ended('cyclic', 'value'),
        ].map((one) => one > 0),
      ).to.deep.equal([true, true, true, true, true]);
      expect(before).to.have.lengthOf(300);
      expect(during).to.have.lengthOf(300);
    });

    it('are back when they are killed, in the middle of a call too', async () => {
      for (const name of ['function:loop', 'function:throwing']) {
        const before = node.process(name);
        exit(before, 'kill');
        await eventually(() => expect(node.process(name)).to.not.equal(before));
      }
    });

    it('are in no quarantine, and none of them has fired its rule', async () => {
      const status = JSON.parse((await cli(['status', '--json'], { socket: node.socket })).stdout);
      expect(status.quarantine).to.deep.equal([]);
      for (const name of ['loop', 'exiting'])
        expect(JSON.parse((await cli(['explain', 'rule', `by_${name}`, '--json'], { socket: node.socket })).stdout).changes).to.deep.equal([]);
    });
  });
});
