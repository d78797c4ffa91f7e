// Quarantine: a monitor that crashes on every start is parked, visibly, and the rest of the node goes on.
import { expect } from 'chai';
import { eventually } from '../support/eventually.ts';
import { TestNode } from '../support/node.ts';
import { startWebServer, type WebServer } from '../support/web.ts';

describe('quarantine', function () {
  this.timeout(60_000);
  const node = new TestNode();
  let device: WebServer;

  const config = (broken: string): object => ({
    listeners: { http: { port: 0 }, mqtt: { port: 0 } },
    monitors: {
      single: [
        { name: 'broken', type: 'http', config: { url: broken }, retry_policy: { max_retries: 0 } },
        { name: 'well', type: 'http', config: { url: device.url, interval: 20 } },
      ],
    },
    actions: { single: [{ name: 'say', type: 'log', config: {} }] },
    rules: [{ name: 'down', condition: { field: 'broken.down', op: '==', value: true }, actions: ['say'] }],
  });

  before(async () => {
    device = await startWebServer();
    node.configure(config('http://127.0.0.1:1/'));
    await node.start();
  });
  after(async () => {
    await node.end('SIGKILL');
    await device.close();
  });

  it('parks a monitor that crashes on every start: status says why and when it is tried again, and is degraded', async () => {
    const status = await eventually(async () => {
      const now = await node.status();
      expect(now.quarantine).to.have.length(1);
      return now;
    });
    expect(status.health).to.equal('degraded');
    expect(status.quarantine[0]).to.include({ resource: 'monitor:broken' });
    expect(status.quarantine[0]?.reason).to.match(/crashed too often.*ECONNREFUSED/);
    expect(Date.parse(status.quarantine[0]?.nextProbe ?? '')).to.be.above(Date.now());
    const { code, stdout } = await node.cli('status');
    expect(code).to.equal(8);
    expect(stdout).to.match(/quarantined monitor:broken: it crashed too often/);
    expect((await node.cli('tree')).stdout).to.match(/monitor:broken quarantined .*restarts 6/);
  });

  it('lets the rest go on, and rules hear that it is down', async () => {
    const before = device.seen.length;
    await eventually(() => expect(device.seen.length).to.be.above(before + 10));
    expect((await node.json('get', 'monitor', 'well')).detail.phase).to.equal('up');
    expect((await node.status()).firing).to.deep.equal(['down']);
  });

  it('is over at once when the operator mends it', async () => {
    node.configure(config(device.url));
    expect((await node.cli('reload')).code).to.equal(0);
    const { quarantine, health } = await node.status();
    expect([quarantine, health]).to.deep.equal([[], 'ok']);
    await eventually(async () => expect((await node.json('get', 'monitor', 'broken')).detail.phase).to.equal('up'));
  });
});
