// Live surgery: resources are changed, added and taken out of the running node by its CLI while traffic flows.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { connectAsync } from 'mqtt';
import { eventually } from '../support/eventually.ts';
import { TestNode } from '../support/node.ts';
import { type Mosquitto, startMosquitto } from '../support/services.ts';
import { startTraffic } from '../support/traffic.ts';
import { startWebServer, type WebServer } from '../support/web.ts';

describe('live surgery', function () {
  this.timeout(60_000);
  const node = new TestNode();
  let broker: Mosquitto;
  let hook: WebServer;

  const rule = (more: object = {}): object => ({ name: 'hot', condition: { field: 'air.payload.celsius', op: '>', value: 80 }, actions: ['tell'], ...more });
  const config = (rules: readonly object[], monitors: readonly object[] = []): object => ({
    listeners: { http: { port: 0 }, mqtt: { port: 0 } },
    monitors: {
      single: [
        { name: 'counter', type: 'mqtt', config: { broker_url: broker.url, topic: 'count', qos: 1, client_id: 'counter' } },
        { name: 'air', type: 'mqtt', config: { broker_url: broker.url, topic: 'air', qos: 1, client_id: 'air' } },
        ...monitors,
      ],
    },
    actions: {
      single: [
        { name: 'tell', type: 'http', config: { url: `${hook.url}/tell`, body_template: '{"rule": "${rule.name}", "details": "${rule.details}"}' } },
        { name: 'count', type: 'http', config: { url: `${hook.url}/count`, body_template: '${monitor.data}' }, concurrency: 4 },
      ],
    },
    rules: [{ name: 'every', mode: 'event', condition: { field: 'counter.payload.n', op: '>=', value: 0 }, actions: ['count'] }, ...rules],
  });
  const file = (name: string, content: unknown): string => {
    const path = join(node.folder, name);
    writeFileSync(path, JSON.stringify(content));
    return path;
  };
  const told = (): string[] => hook.seen.filter(({ path }) => path === '/tell').map(({ body }) => JSON.parse(body).details);
  const connections = (client: string): number => broker.log().match(new RegExp(`New client connected from \\S+ as ${client} `, 'g'))?.length ?? 0;

  before(async () => {
    broker = await startMosquitto();
    hook = await startWebServer();
    node.configure(config([rule()]));
    await node.start();
    await eventually(() => expect([connections('counter'), connections('air')]).to.deep.equal([1, 1]));
  });
  after(async () => {
    await node.end('SIGKILL');
    await broker.stop();
    await hook.close();
  });

  it('changes, adds and refuses as told, under one pid, and the others lose no event and no connection', async () => {
    const { pid } = node;
    const traffic = await startTraffic(broker.url, 'count');

    // A rule's threshold: 50 now fires, which it did not before.
    const updated = await node.cli(
      'update',
      'rule',
      'hot',
      '--config',
      file('rule.json', rule({ condition: { field: 'air.payload.celsius', op: '>', value: 40 } })),
      '--json',
    );
    expect(updated.code, updated.stderr).to.equal(0);
    expect(JSON.parse(updated.stdout).resources).to.deep.equal([{ kind: 'rule', name: 'hot', change: 'replace', outcome: 'applied' }]);
    const sensor = await connectAsync(broker.url);
    await sensor.publishAsync('air', JSON.stringify({ celsius: 50 }), { qos: 1 });
    await eventually(() => expect(told()).to.deep.equal(['air.payload.celsius > 40 (50)']));

    // A new monitor, out of a whole configuration in which it is found by name.
    const third = { name: 'third', type: 'mqtt', config: { broker_url: broker.url, topic: 'third', client_id: 'third' } };
    const created = await node.cli('create', 'monitor', 'third', '--config', file('whole.json', config([], [third])));
    expect(created.code, created.stderr).to.equal(0);
    await eventually(() => expect(connections('third')).to.equal(1));
    expect((await node.cli('create', 'monitor', 'third', '--config', file('whole.json', config([], [third])))).code, 'a second one of that name').to.equal(6);

    // An action that a rule names stays, and the refusal says which rule.
    const refused = await node.cli('delete', 'action', 'tell');
    expect(refused.code).to.equal(6);
    expect(refused.stderr).to.include('action tell is used by rule hot');
    expect((await node.cli('delete', 'action', 'nobody')).code).to.equal(5);

    // The edited file: a rule more, the rest as it was. What the CLI has made stays.
    node.configure(config([rule(), { name: 'cold', condition: { field: 'air.payload.celsius', op: '<', value: 0 }, actions: ['tell'] }]));
    const reloaded = await node.cli('reload', '--json');
    expect(reloaded.code, reloaded.stderr).to.equal(0);
    expect(JSON.parse(reloaded.stdout).resources).to.deep.equal([{ kind: 'rule', name: 'cold', change: 'start', outcome: 'applied' }]);
    await sensor.publishAsync('air', JSON.stringify({ celsius: -5 }), { qos: 1 });
    await eventually(() => expect(told().at(-1)).to.equal('air.payload.celsius < 0 (-5)'));
    await sensor.publishAsync('air', JSON.stringify({ celsius: 60 }), { qos: 1 });
    await eventually(() => expect(told().at(-1), 'the threshold that update gave').to.equal('air.payload.celsius > 40 (60)'));
    expect((await node.json('get', 'monitors')).map(({ name, origin }: { name: string; origin: string }) => [name, origin])).to.deep.equal([
      ['counter', 'file'],
      ['air', 'file'],
      ['third', 'cli'],
    ]);
    expect((await node.cli('delete', 'monitor', 'third')).code).to.equal(0);

    const sent = await traffic.stop();
    await sensor.endAsync();
    const counted = (): number[] => hook.seen.filter(({ path }) => path === '/count').map(({ body }) => JSON.parse(body).payload.n);
    await eventually(() => expect(new Set(counted()).size).to.equal(sent), 15_000);
    expect(counted().length, 'each of them once').to.equal(sent);
    expect(sent).to.be.above(100);
    expect([connections('counter'), connections('air'), connections('third')], 'nobody connected anew').to.deep.equal([1, 1, 1]);
    expect((await node.status()).pid)
      .to.equal(pid)
      .and.to.equal(node.pid);
  });

  it('says of a section that cannot be changed while the node runs that it counts from the next start', async () => {
    const rules = [rule(), { name: 'cold', condition: { field: 'air.payload.celsius', op: '<', value: 0 }, actions: ['tell'] }];
    node.configure({ ...config(rules), retention: { logs: '3d' } });
    expect((await node.cli('reload')).stderr).to.include('retention: what was changed there counts from the next start of the node');
    node.configure(config(rules));
    expect((await node.cli('reload')).stderr).to.equal('nothing to change, version 5\n');
  });

  it('rolls a change back as a whole when a replacement does not start', async () => {
    const before = await node.json('get', 'rules');
    const taken = broker.port;
    node.configure({
      ...config([rule(), { name: 'new', condition: { field: 'air.up', op: '==', value: true }, actions: ['tell'] }]),
      listeners: { http: { port: 0 }, mqtt: { port: taken } },
    });
    const { code, stderr } = await node.cli('reload');
    expect(code).to.equal(1);
    expect(stderr)
      .to.include('EADDRINUSE')
      .and.to.include('everything is as it was')
      .and.to.match(/rule new {2}reverted/);
    expect((await node.json('get', 'rules')).map(({ name }: { name: string }) => name)).to.deep.equal(before.map(({ name }: { name: string }) => name));
    expect(await node.port('mqtt'))
      .to.be.above(0)
      .and.not.equal(taken);
  });

  it('keeps what the CLI has made over a restart', async () => {
    node.configure(config([rule()]));
    expect(await node.end('SIGTERM')).to.equal(0);
    await node.start();
    const info = await node.json('describe', 'rule', 'hot');
    expect(info.origin).to.equal('cli');
    expect(info.config.condition.value).to.equal(40);
    expect((await node.json('history')).length).to.be.above(4);
  });
});
