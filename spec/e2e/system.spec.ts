// A node watches itself: rules read `system` without declaring it, and it comes back whatever becomes of it.
import { expect } from 'chai';
import { exit } from '../../lib/process.ts';
import { eventually } from '../support/eventually.ts';
import { type InsideNode, startInside } from '../support/inside.ts';
import { cli } from '../support/node.ts';

const CONFIG = {
  listeners: { http: { enabled: false }, mqtt: { enabled: false } },
  monitors: { single: [{ name: 'self', type: 'system', config: { interval: 100 } }] },
  actions: { single: [{ name: 'note', type: 'log', config: {} }] },
  rules: [
    { name: 'large', condition: 'system.memory > 1000 and system.uptime > 0', actions: ['note'] },
    { name: 'huge', condition: 'system.memory > 1e15', actions: ['note'] },
    { name: 'own', condition: 'count(self.heap, 1m) > 3 and self.store.bytes > 0', actions: ['note'] },
  ],
};

describe('a node that watches itself', function () {
  this.timeout(30_000);
  let node: InsideNode;
  before(async () => {
    node = await startInside(CONFIG);
  });
  after(() => node.stop());
  const said = async (...words: readonly string[]): Promise<string> => (await cli(words, { socket: node.socket })).stdout;

  it('judges what is true of it, and shows the figures', async () => {
    await eventually(
      async () => expect(await said('explain', 'rule', 'large')).to.match(/^rule large: firing[\s\S]*system\.memory > 1000: true = \d{7,}/),
      10_000,
    );
    expect(await said('explain', 'rule', 'huge')).to.match(/^rule huge: inactive[\s\S]*system\.memory > 1000000000000000: false/);
  });

  it('may be watched under another name, with its history', async () => {
    await eventually(async () => expect(await said('explain', 'rule', 'own')).to.match(/^rule own: firing/), 15_000);
    expect(JSON.parse(await said('get', 'monitor', 'self', '--json')))
      .to.have.nested.property('detail.state.cpu')
      .that.is.a('number');
  });

  it('has it in the tree among the monitors, and has it again when it, or its supervisor, is killed', async () => {
    for (const name of ['monitor:system', 'monitor:system supervisor', 'monitors']) {
      const before = node.process(name);
      exit(before, 'kill');
      await eventually(() => {
        expect(node.process('monitor:system').isAlive).to.equal(true);
        expect(node.process(name)).to.not.equal(before);
      });
    }
    await eventually(async () => expect(await said('tree')).to.match(/monitors[\s\S]*monitor:system (running|waiting)/));
  });
});
