// An action with `group_by` tells in one request what belongs together, and in another what does not.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { eventually } from '../support/eventually.ts';
import { TestNode } from '../support/node.ts';

describe('an action with group_by', function () {
  this.timeout(40_000);
  const node = new TestNode();
  const got: { readonly path: string; readonly key: string; readonly body: string }[] = [];
  const sink = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      got.push({ path: request.url ?? '', key: String(request.headers['idempotency-key']), body });
      response.end();
    });
  });
  before(async () => {
    await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(sink.address() as AddressInfo).port}`;
    const http = (path: string, more: object): object => ({ name: path, type: 'http', config: { url: `${url}/${path}`, ...more } });
    const lines = { body_template: '{"count": ${alerts.count}, "lines": "${alerts.lines}"}' };
    node.configure({
      listeners: { http: { port: 0 }, mqtt: { enabled: false } },
      monitors: { single: ['iot_1', 'iot_2', 'iot_3', 'pump'].map((name) => ({ name, type: 'push', config: { name } })) },
      actions: {
        single: [
          { ...http('sites', lines), group_by: ['labels.site'], group_wait: 4 },
          { ...http('all', {}), group_by: [], group_wait: 4 },
        ],
      },
      rules: [
        { name: 'each', for_each: 'iot_*', condition: 'monitor.value > 80', labels: { site: 'north' }, actions: ['sites', 'all'], on_resolve: ['sites'] },
        { name: 'pumping', condition: 'pump.value > 80', labels: { site: 'south' }, severity: 'critical', actions: ['sites', 'all'] },
      ],
    });
    await node.start();
  });
  after(async () => {
    await node.end('SIGKILL');
    sink.close();
  });
  const send = async (value: number, ...names: readonly string[]): Promise<void> => {
    const body = JSON.stringify(names.map((name) => ({ service: 's', name, value })));
    const sent = { method: 'POST', headers: { 'content-type': 'application/json' }, body };
    expect((await fetch(`http://127.0.0.1:${await node.port('http')}/api/metrics`, sent)).status).to.equal(202);
  };
  const bodies = (path: string): { count: number; lines: string }[] => got.filter((one) => one.path === path).map(({ body }) => JSON.parse(body));

  it('sends one request a group, with all of its alerts and a key of its own, also after a kill in the middle of the wait', async () => {
    await send(93, 'iot_1', 'iot_2', 'iot_3', 'pump');
    await eventually(async () => expect(await node.json('actions', 'list', '--status', 'queued')).to.have.length(8));
    await node.end('SIGKILL');
    expect(got).to.deep.equal([]);
    await node.start();
    await eventually(() => expect(got).to.have.length(3), 10_000);
    expect(bodies('/sites').map(({ count }) => count)).to.have.members([3, 1]);
    const north = bodies('/sites').find(({ count }) => count === 3);
    expect(north?.lines.split('\n')).to.have.members(Array.from({ length: 3 }, () => 'each is firing (warning): monitor.value > 80 (93)'));
    const [all] = got.filter(({ path }) => path === '/all');
    expect(JSON.parse(all?.body ?? '').alerts.map(({ rule, monitor }: Record<string, unknown>) => `${rule} ${monitor}`)).to.have.members([
      'each iot_1',
      'each iot_2',
      'each iot_3',
      'pumping pump',
    ]);
    expect(new Set(got.map(({ key }) => key)).size).to.equal(3);
    await eventually(async () => expect(await node.json('actions', 'list', '--status', 'succeeded')).to.have.length(8));
  });

  it('tells ends together as well, apart from firings', async () => {
    got.length = 0;
    await send(20, 'iot_1', 'iot_2');
    await eventually(() => expect(bodies('/sites')).to.have.length(1), 10_000);
    expect(bodies('/sites')[0]?.lines).to.match(/^each is resolved .*\neach is resolved/);
  });
});
