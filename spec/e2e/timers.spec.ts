// A node that is killed in the middle of `for`, of a cooldown, of a window: after the restart what time was to bring comes at the time at which it would have come.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { eventually } from '../support/eventually.ts';
import { TestNode } from '../support/node.ts';

const ONE_EVALUATION_MS = 1_000;

describe('timers of rules', function () {
  this.timeout(60_000);
  const node = new TestNode();
  before(async () => {
    const rule = (name: string, condition: string, more: object = {}): object => ({ name, condition, actions: ['note'], ...more });
    node.configure({
      listeners: { http: { port: 0 }, mqtt: { enabled: false } },
      monitors: { single: ['boiler', 'pump', 'fan'].map((name) => ({ name, type: 'push', config: { name } })) },
      actions: { single: [{ name: 'note', type: 'log', config: {} }] },
      rules: [
        rule('waits', 'boiler.value > 80', { for: 14 }),
        rule('cools', 'pump.value > 80', { cooldown: 15 }),
        rule('looks_back', 'max(fan.value, 15s) < 50'),
        rule('keeps_firing', 'pump.value > 80', { keep_firing_for: 8, on_resolve: ['note'] }),
      ],
    });
    await node.start();
  });
  after(() => node.end('SIGKILL'));

  const send = async (name: string, value: number): Promise<void> => {
    const sent = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ service: 's', name, value }) };
    expect((await fetch(`http://127.0.0.1:${await node.port('http')}/api/metrics`, sent)).status).to.equal(202);
  };
  const told = async (rule: string): Promise<{ readonly state: string; readonly atMs: number }[]> =>
    (await node.json('actions', 'list', '--rule', rule, '--status', 'succeeded'))
      .map(({ job }: { job: { alert: { state: string; atMs: number } } }) => job.alert)
      .toReversed();

  it('go on over kill -9: each is told at its time, to within one evaluation', async () => {
    await send('pump', 90);
    await eventually(async () => expect(await told('cools')).to.have.length(1));
    const begunMs = Date.now();
    for (const [name, value] of [
      ['boiler', 90],
      ['fan', 90],
      ['fan', 10],
      ['pump', 20],
      ['pump', 91],
    ] as const)
      await send(name, value); // the second firing of the pump falls into its cooldown
    const sentMs = Date.now();
    await send('pump', 20);
    await send('pump', 91);
    await eventually(async () => expect((await node.cli('explain', 'rule', 'cools')).stdout).to.match(/not told: cooldown/));
    await sleep(1_000); // into the middle of all of them
    await node.end('SIGKILL');
    await sleep(1_000);
    await node.start();
    expect(Date.now(), 'the machine is too slow for this to be the middle').to.be.below(begunMs + 13_000);
    await eventually(async () => {
      for (const [rule, count] of [
        ['waits', 1],
        ['looks_back', 1],
        ['cools', 2],
      ] as const)
        expect(await told(rule), rule).to.have.length(count);
    }, 20_000);
    const [first, second] = await told('cools');
    expect(second?.atMs).to.be.within((first?.atMs ?? 0) + 15_000, (first?.atMs ?? 0) + 15_000 + ONE_EVALUATION_MS);
    expect((await told('waits'))[0]?.atMs).to.be.within(begunMs + 14_000, sentMs + 14_000 + ONE_EVALUATION_MS);
    expect((await told('looks_back'))[0]?.atMs).to.be.within(begunMs + 15_000, sentMs + 15_000 + ONE_EVALUATION_MS);
  });

  it('and what ends by time ends by it, though the node was away for a part of it', async () => {
    await send('pump', 20);
    const quietMs = Date.now();
    await eventually(async () => expect((await node.cli('explain', 'rule', 'keeps_firing')).stdout).to.match(/recovering[\s\S]*keep_firing_for: \d/));
    await node.end('SIGKILL');
    await node.start();
    await eventually(async () => expect((await told('keeps_firing')).at(-1)?.state).to.equal('resolved'), 15_000);
    expect((await told('keeps_firing')).at(-1)?.atMs).to.be.within(quietMs + 7_000, quietMs + 8_000 + ONE_EVALUATION_MS);
  });
});
