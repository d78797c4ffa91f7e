// Silences hold back what is told, and nothing else: what they held is told when they are over, and an end is told to whoever was told of the beginning.
import { expect } from 'chai';
import { eventually } from '../support/eventually.ts';
import { TestNode } from '../support/node.ts';

const HOUR_MS = 3_600_000;

describe('silences', function () {
  this.timeout(40_000);
  const node = new TestNode();
  const config = (silences: readonly object[], rules: readonly object[] = []): object => ({
    listeners: { http: { port: 0 }, mqtt: { enabled: false } },
    monitors: { single: ['boiler', 'pump'].map((name) => ({ name, type: 'push', config: { name } })) },
    actions: { single: [{ name: 'note', type: 'log', config: {} }] },
    rules: [
      { name: 'hot', condition: 'boiler.value > 80', labels: { site: 'north' }, actions: ['note'], on_resolve: ['note'] },
      { name: 'pumping', condition: 'pump.value > 0', actions: ['note'], on_resolve: ['note'] },
      ...rules,
    ],
    silences,
  });
  before(async () => {
    node.configure(config([]));
    await node.start();
  });
  after(() => node.end('SIGKILL'));

  const send = async (name: string, value: number): Promise<void> => {
    const body = JSON.stringify({ service: 's', name, value });
    const sent = { method: 'POST', headers: { 'content-type': 'application/json' }, body };
    expect((await fetch(`http://127.0.0.1:${await node.port('http')}/api/metrics`, sent)).status).to.equal(202);
  };
  const told = async (rule: string): Promise<string[]> =>
    (await node.json('actions', 'list', '--rule', rule))
      .map(({ job, status, reason }: { job: { alert: { state: string } }; status: string; reason: string | null }) => `${job.alert.state} ${reason ?? status}`)
      .toReversed();
  const phase = async (rule: string): Promise<string> => (await node.cli('explain', 'rule', rule)).stdout.split('\n').slice(0, 3).join('\n');

  it('hold a firing back until they are ended by hand, and then it is told', async () => {
    const { stdout, code } = await node.cli('silence', 'add', '--name', 'works', '--match', 'labels.site = north', '--for', '2h', '--comment', 'new burner');
    expect([code, stdout]).to.deep.equal([0, stdout]);
    expect(stdout).to.match(/^works silences until 20/);
    await send('boiler', 93);
    await eventually(async () => expect(await phase('hot')).to.match(/firing[\s\S]*not told: silenced/));
    expect(await told('hot')).to.deep.equal([]);
    const [info] = await node.json('silence', 'list');
    expect(info).to.nested.include({ name: 'works', status: 'active', 'detail.comment': 'new burner' });
    expect(Date.parse(info.detail.next) - Date.now()).to.be.within(HOUR_MS, 2 * HOUR_MS);
    expect((await node.cli('silence', 'expire', 'works')).code).to.equal(0);
    await eventually(async () => expect(await told('hot')).to.deep.equal(['firing succeeded']));
    expect(await node.json('silence', 'list')).to.deep.equal([]);
    expect((await node.json('silence', 'list', '--all'))[0]).to.include({ status: 'expired' });
    expect((await node.cli('silence', 'expire', 'works')).code).to.equal(6);
  });

  it('hold no end back: who was told of the firing is told', async () => {
    await node.cli('silence', 'add', '-m', 'rule = hot', '--for', '1h');
    await send('boiler', 20);
    await eventually(async () => expect(await told('hot')).to.deep.equal(['firing succeeded', 'resolved succeeded']));
  });

  it('leave on record what ended before it could be told, and why it was not', async () => {
    await send('boiler', 95);
    await eventually(async () => expect(await phase('hot')).to.match(/not told: silenced/));
    await send('boiler', 20);
    await eventually(async () => expect((await told('hot')).at(-1)).to.equal('firing silenced'));
  });

  it('outlive a kill, and end by themselves', async () => {
    await node.cli('silence', 'add', '--name', 'short', '-m', 'monitor = pump', '--for', '6s');
    await node.end('SIGKILL');
    await node.start();
    await send('pump', 1);
    await eventually(async () => expect(await phase('pumping')).to.match(/firing[\s\S]*not told: silenced/));
    expect(await told('pumping')).to.deep.equal([]);
    await eventually(async () => expect(await told('pumping')).to.deep.equal(['firing succeeded']), 15_000);
  });

  it('of the file hold before a rule of the same reload can tell anything; and as windows of maintenance', async () => {
    const always = { name: 'always', matchers: ['rule =~ "new_.*"'], windows: [{ zone: 'Europe/Berlin' }], comment: 'moving' };
    node.configure(config([always], [{ name: 'new_one', condition: 'pump.value > 0', actions: ['note'] }]));
    expect((await node.cli('reload')).code).to.equal(0);
    await eventually(async () => expect(await phase('new_one')).to.match(/firing[\s\S]*not told: maintenance/));
    expect(await told('new_one')).to.deep.equal([]);
    node.configure(config([], [{ name: 'new_one', condition: 'pump.value > 0', actions: ['note'] }]));
    expect((await node.cli('reload')).code).to.equal(0);
    await eventually(async () => expect(await told('new_one')).to.deep.equal(['firing succeeded']));
  });

  it('are refused with what is wrong', async () => {
    const wrong = await node.cli('silence', 'add', '-m', 'rul = hot', '--for', '1h');
    expect(wrong.code).to.equal(78);
    expect(wrong.stderr).to.match(/a matcher that begins with one of rule, .*did you mean rule\?/);
    for (const words of [
      ['-m', 'rule = hot'],
      ['-m', 'rule = hot', '--for', 'soon'],
      ['--for', '1h'],
    ])
      expect((await node.cli('silence', 'add', ...words)).code).to.equal(2);
    expect((await node.cli('silence', 'expire', 'nobody')).code).to.equal(5);
  });
});
