// A window counts each sample once: also those that are in the store already when it begins, and those that are handed to the rules again after a kill.
import { expect } from 'chai';
import { eventually } from '../support/eventually.ts';
import { TestNode } from '../support/node.ts';
import { startWebServer, type WebServer } from '../support/web.ts';

describe('windows over what is stored', function () {
  this.timeout(40_000);
  const node = new TestNode();
  let web: WebServer;
  let asked = 0;
  before(async () => {
    web = await startWebServer(() => ({ status: 200, headers: { 'content-type': 'application/json' }, body: `{"n": ${++asked}}` }));
    node.configure({
      listeners: { http: { port: 0 }, mqtt: { enabled: false } },
      monitors: {
        single: [
          ...['fan', 'iot_1'].map((name) => ({ name, type: 'push', config: { name } })),
          { name: 'web', type: 'http', config: { url: web.url, interval: 250 } },
        ],
      },
      actions: { single: [{ name: 'note', type: 'log', config: {} }] },
      rules: [
        { name: 'plain', condition: 'count(fan.value, 10m) > 100', actions: ['note'] },
        { name: 'each', for_each: 'iot_*', condition: 'count(monitor.value, 10m) > 100', actions: ['note'] },
        { name: 'watched', condition: 'count(web.body.n, 10m) < 0', actions: ['note'] },
      ],
    });
    await node.start();
  });
  after(async () => {
    await node.end('SIGKILL');
    await web.close();
  });
  const send = async (name: string): Promise<void> => {
    const sent = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ service: 's', name, value: 1 }) };
    expect((await fetch(`http://127.0.0.1:${await node.port('http')}/api/metrics`, sent)).status).to.equal(202);
  };
  const counted = async (rule: string): Promise<number> => Number(/count\([^)]*\): \w+ = (\d+)/.exec((await node.cli('explain', 'rule', rule)).stdout)?.[1]);

  it('of a new alert begin with its first sample, and have it once', async () => {
    await send('iot_1');
    await eventually(async () => expect(await counted('each')).to.equal(1));
    await send('iot_1');
    await eventually(async () => expect(await counted('each')).to.equal(2));
  });

  it('have after kill -9 what they had before, however soon it comes after the last sample', async () => {
    for (let i = 1; i <= 5; i++) await send('fan');
    await eventually(async () => expect(await counted('plain')).to.equal(5));
    await node.end('SIGKILL');
    await node.start();
    await eventually(async () => expect(await counted('plain')).to.equal(5));
    expect(await counted('each')).to.equal(2);
    await send('fan');
    await send('iot_1');
    await eventually(async () => expect([await counted('plain'), await counted('each')]).to.deep.equal([6, 3]));
  });

  it('have no look of a watching monitor twice', async () => {
    await eventually(async () => expect(await counted('watched')).to.be.above(3));
    expect(await counted('watched')).to.be.at.most(asked);
  });
});
