// Bad input: a wrong configuration changes nothing and names every fault; what comes from outside, however malformed, harms nobody.
import { execFileSync } from 'node:child_process';
import { connect } from 'node:net';
import { join } from 'node:path';
import { readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import fc from 'fast-check';
import { connectAsync } from 'mqtt';
import { eventually } from '../support/eventually.ts';
import { cli, TestNode } from '../support/node.ts';

describe('bad input', function () {
  this.timeout(60_000);
  const node = new TestNode();
  let http: number;
  let mqtt: number;
  const good = {
    listeners: { http: { port: 0 }, mqtt: { port: 0 } },
    monitors: { single: [{ name: 'air', type: 'push', config: { name: 'temperature' } }] },
    actions: { single: [{ name: 'say', type: 'log', config: {} }] },
    rules: [{ name: 'hot', condition: { field: 'air.value', op: '>', value: 30 }, actions: ['say'] }],
  };

  before(async () => {
    node.configure(good);
    await node.start();
    http = await node.port('http');
    mqtt = await node.port('mqtt');
  });
  after(() => node.end('SIGKILL'));

  const wrong = `{
  "monitors": {
    "single": [
      { "name": "air", "type": "push", "config": { "nam": "temperature" } },
      { "name": "far", "type": "htttp", "config": {} }
    ]
  },
  "actions": { "single": [{ "name": "say", "type": "log", "config": { "message": "\${rul.name}" } }] },
  "rules": [{ "name": "hot", "condition": { "field": "aire.value", "op": ">", "value": 30 }, "actions": ["sey"], "cooldown": "soon" }]
}`;

  it('a wrong configuration changes nothing, and every fault is named at its place', async () => {
    const before = await node.json('get', 'rules');
    node.configure(wrong);
    const { code, stderr } = await node.cli('reload');
    expect(code).to.equal(78);
    for (const said of [
      /:4:52 \/monitors\/single\/0\/config\/nam: expected one of the keys .*did you mean name\?/,
      /:5:32 \/monitors\/single\/1\/type: expected a type of monitor: .*did you mean http\?/,
      /:8:\d+ \/actions\/single\/0\/config\/message: expected a reference to rule\.….*did you mean rule\?/,
      /:9:\d+ \/rules\/0\/cooldown: expected number, got "soon"/,
    ])
      expect(stderr).to.match(said);
    expect(stderr).to.include('nothing was changed');
    expect(await node.json('get', 'rules')).to.deep.equal(before);
    const offline = await cli(['validate-config', node.configFile]);
    expect(offline.code).to.equal(78);
    expect(offline.stderr).to.include('/monitors/single/0/config/nam');
    const { code: started } = await cli([
      'start',
      '--config',
      node.configFile,
      '--data-dir',
      join(node.folder, 'other'),
      '--socket',
      join(node.folder, 'other', 'run', 's'),
    ]);
    expect(started, 'a node does not start on it').to.equal(78);
    node.configure(good);
    expect((await node.cli('reload')).code).to.equal(0);
  });

  it('a wrong resource is refused with its place in the file that was given', async () => {
    const file = join(node.folder, 'rule.jsonc');
    writeFileSync(file, '{\n  "condition": { "and": [] },\n  "actions": ["say", "sing"]\n}');
    const { code, stderr } = await node.cli('update', 'rule', 'hot', '--config', file);
    expect(code).to.equal(78);
    expect(stderr)
      .to.match(/rule\.jsonc:2:25 \/condition\/and: expected at least 1 operand, got 0/)
      .and.to.match(/rule\.jsonc:3:22 \/actions\/1: expected the name of an action that is declared, got "sing"/);
    expect((await node.cli('create', 'monitor', 'x', '--config', join(node.folder, 'nowhere'))).code).to.equal(2);
    expect((await node.cli('update', 'rule')).code).to.equal(2);
    expect((await node.cli('frobnicate')).code).to.equal(2);
  });

  const post = (path: string, body: string, type = 'application/json'): string =>
    execFileSync(
      'curl',
      ['-s', '-o', '/dev/null', '-w', '%{http_code}', '-H', `content-type: ${type}`, '--data-binary', '@-', `http://127.0.0.1:${http}${path}`],
      { input: body },
    ).toString();

  it('HTTP answers malformed items in its own words, and takes the next good one', () => {
    expect(post('/api/metrics', '{"name": "x"')).to.equal('400');
    expect(post('/api/metrics', '{"name": "x", "value": "1", "service": "s"}')).to.equal('400');
    expect(post('/api/metrics', '{"__proto__": {"polluted": true}, "name": "x", "value": 1, "service": "s"}')).to.equal('400');
    expect(post('/api/metrics', `"${'x'.repeat(10_000_000)}"`)).to.equal('413');
    expect(post('/api/metrics', '<x/>', 'text/xml')).to.equal('415');
    expect(post('/api/nothing', '{}')).to.equal('404');
    expect(post('/api/logs/bulk', '{}')).to.equal('400');
    expect(post('/api/metrics', '{"name": "x", "value": 1, "service": "s"}')).to.equal('202');
  });

  it('MQTT counts what it rejects, keeps the connection, and takes the next good one', async () => {
    const client = await connectAsync(`mqtt://127.0.0.1:${mqtt}`, { reconnectPeriod: 0 });
    const before = (await node.status()).items;
    const bad: [string, string][] = [
      ['argus/metrics/s/x', '{"value": '],
      ['argus/metrics/s/x', '{"value": "1"}'],
      ['argus/metrics/s/x', '{"__proto__": {"value": 1}}'],
      ['argus/metrics/s', '1'],
      ['argus/unknown/s/x', '1'],
      ['argus/metrics/s/x', `"${'x'.repeat(10_000_000)}"`],
    ];
    for (const [topic, payload] of bad) await client.publishAsync(topic, payload, { qos: 1 });
    await client.publishAsync('argus/metrics/s/x', '1', { qos: 1 });
    expect(client.connected).to.equal(true);
    await client.endAsync();
    const { items } = await node.status();
    expect([items.rejected - before.rejected, items.stored - before.stored]).to.deep.equal([bad.length, 1]);
    expect(items.received).to.equal(items.stored + items.rejected + items.shed);
  });

  it('random bytes on any of its sockets close that connection at most', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('http', 'mqtt'), fc.uint8Array({ minLength: 1, maxLength: 4_096 }), async (protocol, bytes) => {
        await new Promise<void>((resolve) => {
          const socket = connect(protocol === 'http' ? http : mqtt, '127.0.0.1', () => socket.end(bytes));
          socket.on('data', () => {});
          socket.on('error', () => {});
          socket.on('close', () => resolve());
          socket.setTimeout(500, () => socket.destroy());
        });
      }),
      { numRuns: 60 },
    );
    expect((await node.status()).pid).to.equal(node.pid);
    expect(post('/api/metrics', '{"name": "temperature", "value": 41, "service": "s"}')).to.equal('202');
    await eventually(async () => expect((await node.json('describe', 'rule', 'hot')).detail.phase).to.equal('firing'));
  });

  it('a secret is kept encrypted, comes into the configuration by name, and is never shown', async () => {
    const secret = 'hunter2-and-more';
    expect((await cli(['secret', 'set', 'token'], { socket: node.socket, input: `${secret}\n` })).code).to.equal(0);
    node.configure({
      ...good,
      actions: {
        single: [...good.actions.single, { name: 'call', type: 'http', config: { url: 'http://127.0.0.1:9/', body_template: 'key=${secrets.token}' } }],
      },
    });
    expect((await node.cli('reload')).code).to.equal(0);
    const shown = (await node.cli('describe', 'action', 'call')).stdout;
    expect(shown).to.include('key=(secret)').and.to.not.include(secret);
    expect(await node.json('secret', 'list')).to.deep.equal(['token']);
    expect(readFileSync(join(node.dataDir, 'secrets.json'), 'utf8')).to.not.include(secret);
    await node.end('SIGKILL');
    await node.start();
    expect((await node.json('get', 'actions')).map(({ name }: { name: string }) => name)).to.deep.equal(['say', 'call']);
    expect(node.log).to.not.include(secret);
  });
});
