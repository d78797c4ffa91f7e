// Crashes: actors of every kind are killed while traffic flows; their supervisors bring them back and their neighbours notice nothing.
// (At random moments, and with all that must be kept: crash-simulation.spec.ts.)
import { expect } from 'chai';
import { exit } from '../../lib/process.ts';
import { eventually } from '../support/eventually.ts';
import { type InsideNode, startInside } from '../support/inside.ts';
import { cli } from '../support/node.ts';
import { mosquitto } from '../support/services.ts';
import { startTraffic } from '../support/traffic.ts';
import { startWebServer, type WebServer } from '../support/web.ts';

describe('crashes', function () {
  this.timeout(120_000);
  let inside: InsideNode;
  let hook: WebServer;
  let url: string;
  let shape: readonly string[];

  const monitor = (name: string, topic: string): object => ({
    name,
    type: 'mqtt',
    config: { broker_url: url, topic, qos: 1, client_id: name },
    retry_policy: { retry_timeout: 20, max_backoff: 100 },
  });
  const counted = (path: string): number[] => hook.seen.filter((one) => one.path === path).map(({ body }) => JSON.parse(body).payload.n);
  /** All that is configured runs, under supervisors, each once. */
  const settled = (): Promise<unknown> => eventually(() => expect([...inside.names()].sort()).to.deep.equal(shape), 15_000);

  before(async () => {
    ({ url } = await mosquitto());
    hook = await startWebServer();
    const action = (name: string): object => ({
      name,
      type: 'http',
      config: { url: `${hook.url}/${name}`, body_template: '${monitor.data}' },
      retry_policy: { retry_timeout: 20, max_backoff: 100, max_retries: 20 },
    });
    const rule = (name: string, from: string, to: string): object => ({
      name,
      mode: 'event',
      condition: { field: `${from}.payload.n`, op: '>=', value: 0 },
      actions: [to],
    });
    inside = await startInside({
      listeners: { http: { port: 0 }, mqtt: { port: 0 } },
      monitors: { single: [monitor('left', 'crash/left'), monitor('right', 'crash/right')] },
      actions: { single: [action('to_left'), action('to_right')] },
      rules: [rule('left_rule', 'left', 'to_left'), rule('right_rule', 'right', 'to_right')],
    });
    await eventually(() => expect(inside.names()).to.include('monitor:right'));
    shape = [...inside.names()].sort();
  });
  after(async () => {
    await inside.stop();
    await hook.close();
  });

  for (const victim of ['monitor:left', 'rule:left_rule', 'action:to_left', 'listener:http', 'listener:mqtt', 'monitor:left supervisor']) {
    it(`brings ${victim} back, and its neighbours' events show no gap`, async () => {
      const before = counted('/to_right').length;
      const traffic = await startTraffic(url, 'crash/right', 5);
      const right = await eventually(() => {
        expect(counted('/to_right').length).to.be.above(before + 5);
        return inside.process('monitor:right');
      });
      const old = inside.process(victim);
      exit(old, 'kill');
      await eventually(() => expect(old.isAlive).to.equal(false));
      if (victim.endsWith('supervisor'))
        await eventually(() => expect(inside.names()).to.not.include(victim)); // it has given up: quarantine takes it
      else await settled();
      const sent = await traffic.stop();
      await eventually(() => expect(counted('/to_right').slice(before)).to.have.members([...Array(sent).keys()]), 15_000);
      expect(inside.process('monitor:right')).to.equal(right);
    });
  }

  it('a resource whose supervisor was lost stands in quarantine, is seen there, and comes back by itself', async () => {
    const status = async () => JSON.parse((await cli(['status', '--json'], { socket: inside.socket })).stdout);
    expect((await status()).quarantine.map(({ resource }: { resource: string }) => resource)).to.deep.equal(['monitor:left']);
    expect((await cli(['tree'], { socket: inside.socket })).stdout).to.match(/monitor:left quarantined/);
    await eventually(async () => expect((await status()).quarantine).to.deep.equal([]), 20_000);
    await settled();
  });

  it('a dead stage takes those that send to it along, and everything comes back', async () => {
    for (const stage of ['outbox', 'store', 'rules', 'admin', 'actions']) {
      const old = inside.process(stage);
      const store = inside.process('store');
      exit(old, 'kill');
      await eventually(() => expect(old.isAlive).to.equal(false));
      await settled();
      expect(inside.process('store') === store, `${stage} and the store`).to.equal(stage !== 'store');
    }
  });
});
