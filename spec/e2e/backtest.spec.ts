// `argos plan` and `argos backtest` beside a running node: what a change will do, and what a rule would have done.
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Backtest, Plan } from '../../proto/reports.ts';
import { eventually } from '../support/eventually.ts';
import { cli, TestNode } from '../support/node.ts';

describe('argos plan and argos backtest', function () {
  this.timeout(60_000);
  const node = new TestNode();
  let device: Server;
  let reading: object = { level: 1, open: false, state: 'well' };
  const config = (more: object = {}): object => ({
    listeners: { http: { port: 0 }, mqtt: { enabled: false } },
    monitors: { single: [{ name: 'tank', type: 'http', config: { url: `http://127.0.0.1:${(device.address() as AddressInfo).port}/`, interval: 100 } }] },
    actions: { single: [{ name: 'note', type: 'log', config: {} }] },
    rules: [
      { name: 'full', condition: 'tank.body.level > 50', actions: ['note'], ...more },
      { name: 'open', condition: 'tank.body.open == true and tank.body.level > 50', actions: ['note'] },
      { name: 'ill', condition: 'tank.body.state == "ill"', actions: ['note'] },
    ],
  });
  const file = (name: string, value: unknown): string => {
    writeFileSync(join(node.folder, name), JSON.stringify(value));
    return join(node.folder, name);
  };
  const startedMs = Date.now();
  before(async () => {
    device = createServer((_, response) => response.setHeader('content-type', 'application/json').end(JSON.stringify(reading))).listen(0, '127.0.0.1');
    await once(device, 'listening');
    node.configure(config());
    await node.start();
  });
  after(async () => {
    await node.end('SIGKILL');
    device.close();
  });
  /** The node has said it so often. */
  const said = (rule: string, what: 'firing' | 'resolved' | 'ended untold', times: number): Promise<unknown> =>
    eventually(async () => {
      const lines = node.log.split('\n').filter((line) => line.includes(`"actor":"rule:${rule}"`) && line.includes(`"message":"${what}"`));
      expect(lines, `${rule} ${what}`).to.have.length(times);
    });

  it('plan: what would change and what becomes of each rule, and nothing is applied', async () => {
    expect((await node.cli('plan')).stdout).to.equal('nothing would change\n');
    const kept = (await node.json(
      'plan',
      file('kept.jsonc', config({ severity: 'critical', condition: { field: 'tank.body.level', op: '>', value: 50 } })),
    )) as Plan;
    expect(kept.rules.find(({ name }) => name === 'full')).to.include({ state: 'kept' });
    expect(kept.resources.find(({ name }) => name === 'full')).to.deep.include({ change: 'replace', differs: ['condition', 'severity'] });
    const other = (await node.json('plan', file('other.jsonc', config({ condition: 'tank.body.level > 60' })))) as Plan;
    expect(other.rules.map(({ state }) => state)).to.have.members(['reevaluated', 'kept', 'kept']);
    const reset = await node.cli('plan', file('reset.jsonc', config({ condition: 'tank.response_time > 60' })));
    expect(reset.stdout)
      .to.match(/~ rule full {2}\(condition\)\n +reset: it read tank\.body\.level and reads tank\.response_time/)
      .and.match(/= \d+ unchanged/);
    expect((await node.cli('plan')).stdout, 'nothing was applied').to.equal('nothing would change\n');
    const wrong = await node.cli('plan', file('wrong.jsonc', config({ actions: ['nota'] })));
    expect(wrong.code).to.equal(78);
    expect(wrong.stderr).to.match(/wrong\.jsonc:\d+:\d+ \/rules\/0\/actions\/0: .*did you mean note\?/);
    const nobody = await cli(['plan', node.configFile], { socket: join(node.folder, 'none.sock') });
    expect(nobody.code).to.equal(0);
    expect(nobody.stdout).to.match(/\+ rule full/);
  });

  it('reload says of each rule whose state does not go on what became of it', async () => {
    node.configure(config({ condition: 'tank.response_time > 60000' }));
    const { stderr, code } = await node.cli('reload');
    expect(code, stderr).to.equal(0);
    expect(stderr).to.match(/~ rule full {2}applied\n {2}rule full reset: it read tank\.body\.level and reads tank\.response_time/);
    node.configure(config());
    expect((await node.cli('reload')).code).to.equal(0);
  });

  it('backtest: the episodes that were, from the running node and from the store itself; another rule has others', async () => {
    for (const round of [1, 2]) {
      reading = { level: 80, open: true, state: 'ill' };
      for (const rule of ['full', 'ill', 'open']) await said(rule, 'firing', round);
      reading = { level: 10 + round, open: false, state: 'well' };
      for (const rule of ['full', 'ill', 'open']) await said(rule, 'resolved', round);
    }
    const ask = (rule: string, ...more: readonly string[]) => ['backtest', rule, '--from', String(startedMs), '--config', node.configFile, '--json', ...more];
    const from = async (...args: readonly string[]): Promise<Backtest> => {
      const { stdout, stderr } = await node.cli(...args);
      if (stdout === '') throw new Error(stderr);
      return JSON.parse(stdout) as Backtest;
    };
    const besides = ({ episodes, lost }: Backtest): readonly string[] => [
      ...episodes.map(({ beside, told: was }) => `${beside} ${was}`),
      ...lost.map(() => 'lost'),
    ];
    await eventually(async () => {
      for (const rule of ['full', 'open']) {
        const found = await from(...ask(rule));
        expect(besides(found), rule).to.deep.equal(['same true', 'same true']); // samples are written within a second
        expect(found.episodes.every(({ ended }) => ended !== null)).to.equal(true);
        expect(found.limits).to.deep.equal([]);
      }
    }, 10_000);
    const never = await from(...ask('full', '--candidate', file('never.jsonc', { name: 'full', condition: 'tank.body.level > 100', actions: ['note'] })));
    expect(besides(never)).to.deep.equal(['lost', 'lost']);
    const more = await from(...ask('full', '--candidate', file('more.jsonc', { condition: 'tank.body.level > 5', actions: ['note'], cooldown: 3_600 })));
    expect(more.episodes).to.have.length(1);
    const text = await from(...ask('ill'));
    expect(text.limits.join()).to.match(/no history of tank\.body\.state/);
    expect(besides(text)).to.deep.equal(['lost', 'lost']);
    expect((await node.cli('backtest', 'ful', '--from', '0', '--config', node.configFile)).code).to.equal(5);
    const shown = await node.cli('backtest', 'full', '--from', String(startedMs), '--config', node.configFile);
    expect(shown.stdout).to.match(/2 episodes: 2 as on record, 0 shifted, 0 new; 0 on record lost/);
    await node.end('SIGTERM');
    expect(besides(await from(...ask('full', '--data-dir', node.dataDir)))).to.deep.equal(['same true', 'same true']);
  });
});
