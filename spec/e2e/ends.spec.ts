// Who was told that something fires is told that it has ended, whatever ends it: also the removal of the rule, or of the monitor. And who has seen to it
// is told no more.
import { expect } from 'chai';
import { eventually } from '../support/eventually.ts';
import { TestNode } from '../support/node.ts';

describe('the end of an alert', function () {
  this.timeout(40_000);
  let node: TestNode;
  const monitor = (name: string): object => ({ name, type: 'push', config: { name } });
  const rule = (name: string, condition: string, more: object = {}): object => ({ name, condition, actions: ['note'], on_resolve: ['note'], ...more });
  const config = (monitors: readonly string[], rules: readonly object[]): object => ({
    listeners: { http: { port: 0 }, mqtt: { enabled: false } },
    monitors: { single: monitors.map(monitor) },
    actions: { single: [{ name: 'note', type: 'log', config: {} }] },
    rules,
  });
  const HOT = rule('hot', 'boiler.value > 80');
  const EACH = rule('each', 'monitor.value > 80', { for_each: 'iot_*' });
  const COOL = rule('cool', 'boiler.value > 80', { cooldown: 600 });
  const ALL = ['boiler', 'iot_1', 'iot_2'];

  beforeEach(async () => {
    node = new TestNode();
    node.configure(config(ALL, [HOT, EACH, COOL]));
    await node.start();
  });
  afterEach(() => node.end('SIGKILL'));

  const send = async (name: string, value: number): Promise<void> => {
    const sent = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ service: 's', name, value }) };
    expect((await fetch(`http://127.0.0.1:${await node.port('http')}/api/metrics`, sent)).status).to.equal(202);
  };
  interface Told {
    readonly job: { readonly alert: { readonly state: string; readonly details: string; readonly monitor: string } };
    readonly status: string;
    readonly reason: string | null;
  }
  const told = async (name: string): Promise<string[]> =>
    ((await node.json('actions', 'list', '--rule', name)) as Told[])
      .map(
        ({ job: { alert }, status, reason }) => `${alert.monitor} ${alert.state}${alert.state === 'resolved' ? ` (${alert.details})` : ''} ${reason ?? status}`,
      )
      .toReversed();

  it('is told when the rule is deleted, and when it is gone from the file, reloaded or started anew', async () => {
    await send('boiler', 93);
    await eventually(async () => expect(await told('hot')).to.deep.equal(['boiler firing succeeded']));
    expect((await node.cli('delete', 'rule', 'hot')).code).to.equal(0);
    await eventually(async () => expect(await told('hot')).to.deep.equal(['boiler firing succeeded', 'boiler resolved (the rule was removed) succeeded']));
    await eventually(async () => expect(await told('cool')).to.deep.equal(['boiler firing succeeded']));
    await send('iot_1', 81);
    await eventually(async () => expect(await told('each')).to.deep.equal(['iot_1 firing succeeded']));
    node.configure(config(ALL, [COOL]));
    expect((await node.cli('reload')).code).to.equal(0);
    await eventually(async () => expect((await told('each')).at(-1)).to.equal('iot_1 resolved (the rule was removed) succeeded'));
    await node.end('SIGKILL');
    node.configure(config(ALL, [rule('other', 'boiler.value > 1000')]));
    await node.start();
    await eventually(async () => expect((await told('cool')).at(-1)).to.equal('boiler resolved (the rule was removed) succeeded'));
  });

  it('is told when the monitor of an alert is removed, while the node runs or while it is down', async () => {
    for (const name of ['iot_1', 'iot_2']) await send(name, 90);
    await eventually(async () => expect(await told('each')).to.have.members(['iot_1 firing succeeded', 'iot_2 firing succeeded']));
    node.configure(config(['boiler', 'iot_2'], [HOT, EACH, COOL]));
    expect((await node.cli('reload')).code).to.equal(0);
    await eventually(async () => expect((await told('each')).at(-1)).to.equal('iot_1 resolved (the monitor iot_1 was removed) succeeded'));
    await node.end('SIGKILL');
    node.configure(config(['boiler'], [HOT, EACH, COOL]));
    await node.start();
    await eventually(async () => expect((await told('each')).at(-1)).to.equal('iot_2 resolved (the monitor iot_2 was removed) succeeded'));
    expect((await node.cli('explain', 'rule', 'each')).stdout).to.match(/no monitor that for_each matches has seen anything yet/);
  });

  it('is told as the rule said when it was told of, when an edit makes another alert of it; what a removed action owes has failed', async () => {
    await send('boiler', 93);
    await eventually(async () => expect(await told('hot')).to.deep.equal(['boiler firing succeeded']));
    node.configure(config(ALL, [{ name: 'hot', condition: 'iot_1.value > 80', actions: ['note'] }, EACH, COOL]));
    expect((await node.cli('reload')).code).to.equal(0);
    await eventually(async () => expect((await told('hot')).at(-1)).to.match(/^boiler resolved \(.*\) succeeded$/));
    const { actions, ...rest } = config(ALL, []) as { actions: object };
    node.configure({
      ...rest,
      actions: { single: [{ name: 'other', type: 'log', config: {} }] },
      rules: [rule('hot', 'iot_1.value > 80', { actions: ['other'], on_resolve: [] })],
    });
    await eventually(async () => expect(await told('cool')).to.deep.equal(['boiler firing succeeded']));
    expect((await node.cli('reload')).code).to.equal(0);
    await eventually(async () => expect((await told('cool')).at(-1)).to.equal('boiler resolved (the rule was removed) its action was removed'));
    expect(actions).to.be.an('object');
  });

  it('of what it depends on is awaited over a restart, in whatever order they are written', async () => {
    const dependent = rule('dependent', 'boiler.value > 80', { depends_on: ['rule.root'] });
    node.configure(config(ALL, [dependent, rule('root', 'iot_1.value > 80')]));
    expect((await node.cli('reload')).code).to.equal(0);
    await send('iot_1', 90);
    await eventually(async () => expect(await told('root')).to.deep.equal(['iot_1 firing succeeded']));
    await send('boiler', 90);
    const held = async (): Promise<void> =>
      expect((await node.cli('explain', 'rule', 'dependent')).stdout).to.match(/firing[\s\S]*not told: inhibited \(rule.root\)/) as never;
    await eventually(held);
    await node.end('SIGKILL');
    await node.start();
    await eventually(held);
    expect(await told('dependent')).to.deep.equal([]);
    await send('iot_1', 1);
    await eventually(async () => expect((await told('dependent')).join()).to.match(/^\S+ firing succeeded$/));
  });

  it('is all that is told of what somebody has acknowledged; that outlives a kill', async () => {
    const nothing = await node.cli('ack', 'hot');
    expect([nothing.code, nothing.stderr]).to.deep.equal([6, 'argos: rule hot has nothing to acknowledge: what fires has been seen to\n']);
    expect((await node.cli('ack', 'nobody')).code).to.equal(5);
    for (const value of [93, 20, 94]) await send('boiler', value); // the second firing falls into the cooldown
    await eventually(async () => expect((await node.cli('explain', 'rule', 'cool')).stdout).to.match(/firing[\s\S]*not told: cooldown/));
    const { stdout, code } = await node.cli('ack', 'cool', '--comment', 'on my way');
    expect([code, stdout]).to.deep.equal([0, stdout]);
    expect(stdout).to.match(/^acknowledged cool#2@\d+\n$/);
    await node.end('SIGKILL');
    await node.start();
    await eventually(
      async () =>
        expect((await node.cli('explain', 'rule', 'cool')).stdout).to.match(/not told: acknowledged \(\S+\)\n {2}acknowledged by \S+ at \S+: on my way/),
      10_000,
    );
    await send('boiler', 20);
    await eventually(async () =>
      expect((await told('cool')).map((one) => one.replace(/\(.*\)/, ''))).to.deep.equal([
        'boiler firing succeeded',
        'boiler resolved  succeeded',
        'boiler firing acknowledged',
      ]),
    );
  });
});
