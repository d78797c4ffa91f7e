// `argos explain rule NAME` says of every part of a condition what it is now, what is unknown and why, what runs, and what changed last.
import { expect } from 'chai';
import { eventually } from '../support/eventually.ts';
import { TestNode } from '../support/node.ts';

describe('argos explain', function () {
  this.timeout(30_000);
  const node = new TestNode();
  before(async () => {
    node.configure({
      listeners: { http: { port: 0 }, mqtt: { enabled: false } },
      monitors: {
        single: [
          { name: 'boiler', type: 'push', config: { name: 'boiler' } },
          { name: 'pump', type: 'push', config: { name: 'pump' } },
        ],
      },
      actions: { single: [{ name: 'note', type: 'log', config: {} }] },
      rules: [
        { name: 'hot', condition: 'boiler.value > 80 and not pump.value > 0', for: 60, actions: ['note'] },
        { name: 'average', condition: 'avg(boiler.value, 10m) > 90', clear_when: 'boiler.value < 50', actions: ['note'] },
        { name: 'each', for_each: '*p', condition: 'monitor.value > 1', actions: ['note'] },
      ],
    });
    await node.start();
  });
  after(() => node.end('SIGKILL'));

  const send = async (name: string, value: number): Promise<void> => {
    const body = JSON.stringify({ service: 's', name, value });
    const { status } = await fetch(`http://127.0.0.1:${await node.port('http')}/api/metrics`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    expect(status).to.equal(202);
  };
  const said = async (...words: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await node.cli('explain', 'rule', ...words);
    expect(code, stderr).to.equal(0);
    return stdout;
  };

  it('names what is unknown, and why, and then what holds and how far `for` is', async () => {
    await send('boiler', 93);
    await eventually(async () =>
      expect(await said('hot'))
        .to.match(/^rule hot: inactive/)
        .and.to.match(/boiler\.value > 80: true = 93/)
        .and.to.match(/pump\.value > 0: unknown \(no state of pump yet\)/),
    );
    await send('pump', 0);
    await eventually(async () =>
      expect(await said('hot'))
        .to.match(/^rule hot: pending since/)
        .and.to.match(/for: \d+\.\d of 60 s/)
        .and.to.match(/inactive → pending {2}boiler\.value > 80 \(93\)/),
    );
  });

  it('shows windows, and what would end it', async () => {
    await eventually(async () => expect(await said('average')).to.match(/^rule average: firing since[\s\S]*clear_when\n {2}boiler\.value < 50: false = 93/));
  });

  it('has each alert of a rule with for_each, all or one of them; and says when there is none', async () => {
    await send('pump', 5);
    await eventually(async () => expect(await said('each')).to.match(/^rule each, pump: firing/));
    expect(JSON.parse(await said('each', '--instance', 'pump', '--json'))).to.include({ phase: 'firing' });
    expect(await node.cli('explain', 'rule', 'each', '--instance', 'boiler')).to.include({ code: 5 });
    expect(await node.cli('explain', 'rule', 'nobody')).to.include({ code: 5 });
  });
});
