// PostgreSQL goes away under the store, or the way to it does: what was acknowledged is there once, and the store is back by itself.
import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { expect } from 'chai';
import pg from 'pg';
import type { Metric } from '../../../actors/event.ts';
import { StoreError } from '../../../actors/store/store.ts';
import { Root } from '../../support/actors.ts';
import { freshSchema } from '../../support/engines.ts';
import { eventually } from '../../support/eventually.ts';
import { TcpProxy, type Way } from '../../support/proxy.ts';
import { type Postgres, postgres, startPostgres, startStandby, tempFolder } from '../../support/services.ts';
import { TestStore } from '../../support/store.ts';

const LONG = process.env.ARGOS_LONG === '1';
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('Store on PostgreSQL', () => {
  let root: Root;
  let proxy: TcpProxy | undefined;
  let under: TestStore;
  let threads: Worker[];
  const hear = (worker: Worker): number => threads.push(worker);

  const behind = async (server: Postgres): Promise<TcpProxy> => {
    proxy = await TcpProxy.before(server.port);
    under = new TestStore(root, tempFolder(), { url: server.url.replace(String(server.port), String(proxy.port)), schema: freshSchema(), node: 'cut' });
    await under.start();
    await append('first', 0);
    return proxy;
  };
  const append = (name: string, timestamp: number): Promise<number> => under.store.append({ protocol: 'spec', metrics: [metric(name, timestamp)], logs: [] });
  const metric = (name: string, timestamp: number): Metric => ({ name, service: 's', value: 1, timestamp, tags: {} });
  const times = async (name: string): Promise<readonly number[]> =>
    (await under.metrics({ name: { is: name }, order: 'oldest', limit: 100_000 })).map(({ timestamp }) => timestamp);
  const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i);
  /** COMMIT on its way to the server, as the simple protocol has it. */
  const isCommit = (piece: Buffer, way: Way): boolean => way === 'there' && piece.includes('COMMIT\0');

  beforeEach(() => {
    root = new Root();
    threads = [];
    process.on('worker', hear);
  });
  afterEach(async () => {
    process.off('worker', hear);
    proxy?.restore();
    await root.end();
    proxy?.close();
    proxy = undefined;
  });

  it('keeps what comes in while the network is cut, and writes it, once, when it is back', async () => {
    const net = await behind(await postgres());
    net.cut();
    const sent = upTo(50).map((i) => append('m', i));
    const commit = under.store.commit([{ set: 'rule_state', rule: 'r', state: 'during' }]);
    await pause(300);
    net.restore();
    await Promise.all([...sent, commit]);
    expect(await times('m')).to.deep.equal(upTo(50));
    expect(await under.store.ruleState('r')).to.equal('during');
    expect(threads).to.have.length(2); // none has died
  });

  for (const [moment, kept] of [
    ['cut before', 'did not come through, and does it then'],
    ['cut after', 'came through, and does not do it twice'],
  ] as const) {
    it(`finds out that a commit ${kept}`, async () => {
      const net = await behind(await postgres());
      let cuts = 0;
      net.onPiece = (piece, way) => (isCommit(piece, way) && cuts++ === 0 ? moment : 'pass');
      const sent = upTo(20).map((i) => append('m', i));
      await eventually(() => expect(cuts).to.equal(1));
      await pause(50);
      net.restore();
      await Promise.all(sent);
      expect(await times('m')).to.deep.equal(upTo(20));
      expect((await under.store.counts()).points).to.equal(21);
    });
  }

  it('ends what it has left behind on the server, which has not heard that the connection is gone', async () => {
    const server = await postgres();
    const net = await behind(server);
    let left = 0;
    net.onPiece = (piece, way) => (isCommit(piece, way) && left++ === 0 ? 'abandon' : 'pass');
    const since = performance.now();
    await Promise.all(upTo(20).map((i) => append('m', i)));
    expect(performance.now() - since).to.be.below(5_000); // the server itself would take 11 s and more
    expect(left).to.be.above(1);
    expect(await times('m')).to.deep.equal(upTo(20));
  });

  it('loses and doubles nothing when the network is cut at random moments under load', async function () {
    this.timeout(60_000);
    const net = await behind(await postgres());
    const lanes = upTo(4).map(async (lane) => {
      for (let i = 0; i < (LONG ? 600 : 80); i++) {
        await append(`lane ${lane}`, i);
        await under.store.commit([{ set: 'rule_state', rule: `lane ${lane}`, state: i }]);
      }
    });
    let over = false;
    const done = Promise.all(lanes).finally(() => {
      over = true;
    });
    let cuts = 0;
    for (; !over; cuts++) {
      await pause(100 + Math.random() * 300);
      net.cut();
      await pause(Math.random() * 30);
      net.restore();
    }
    await done;
    expect(cuts).to.be.above(3);
    for (const lane of upTo(4)) expect(await times(`lane ${lane}`)).to.deep.equal(upTo(LONG ? 600 : 80));
    expect(threads).to.have.length(2);
  });

  it('is back by itself after the server was stopped at once, with all that was acknowledged', async function () {
    this.timeout(60_000);
    const server = await startPostgres([]); // with fsync, as it comes
    await behind(server);
    let acknowledged = 0;
    let stopped = false;
    const lane = (async () => {
      while (!stopped) {
        await append('m', acknowledged);
        acknowledged++;
      }
    })();
    await eventually(() => expect(acknowledged).to.be.above(20));
    const before = acknowledged;
    await server.stop('immediate');
    expect(await under.store.metrics({}).catch((error: unknown) => error))
      .to.be.an.instanceOf(StoreError)
      .with.property('code', 'away');
    await server.start();
    await eventually(() => expect(acknowledged).to.be.above(before + 20), 20_000);
    stopped = true;
    await lane;
    expect(await times('m')).to.deep.equal(upTo(acknowledged));
    expect(threads).to.have.length(2);
  });

  it('is back when its connection is ended on the server while nothing is asked of it', async () => {
    const server = await postgres();
    await behind(server);
    const other = new TestStore(root, tempFolder(), { ...under.more, url: server.url, node: 'other' });
    await other.start();
    let told = 0;
    under.store.onJobs = () => told++;
    proxy?.cut();
    proxy?.restore();
    // It listens again without having been asked for anything.
    await eventually(async () => {
      await other.store.commit([{ set: 'job_status', id: 'none', status: 'queued', reason: '', dueMs: 0 }]);
      expect(told).to.be.above(0);
    });
  });

  it('comes up when the server does', async function () {
    this.timeout(60_000);
    const server = await startPostgres();
    await server.stop('fast');
    under = new TestStore(root, tempFolder(), { url: server.url, node: 'early' });
    const starting = under.start();
    await pause(300);
    await server.start();
    await starting;
    await append('m', 0);
    expect(await times('m')).to.deep.equal([0]);
  });

  if (LONG) {
    it('goes over to a standby that was promoted, with all that was acknowledged, and not before', async function () {
      this.timeout(90_000);
      const primary = await startPostgres(['fsync=off', 'synchronous_standby_names=*']);
      const first = new pg.Client(primary.url);
      await first.connect();
      await first.query('SET synchronous_commit = local');
      const standby = await startStandby(primary);
      await first.end();
      under = new TestStore(root, tempFolder(), { url: [primary.url, standby.url], node: 'over' });
      await under.start();
      let acknowledged = 0;
      let stopped = false;
      const lane = (async () => {
        while (!stopped) {
          await append('m', acknowledged);
          acknowledged++;
        }
      })();
      await eventually(() => expect(acknowledged).to.be.above(20), 20_000);
      await primary.stop('immediate');
      const before = acknowledged;
      await pause(1_500);
      expect(acknowledged).to.be.at.most(before + 1); // nothing is written to a standby
      const second = new pg.Client(standby.url);
      await second.connect();
      await second.query('SELECT pg_promote()');
      await second.end();
      await eventually(() => expect(acknowledged).to.be.above(before + 20), 20_000);
      stopped = true;
      await lane;
      expect(await times('m')).to.deep.equal(upTo(acknowledged));
      expect(threads.length).to.be.at.most(3); // the keeper is the third
    });

    it('says `away` after 25 s, and then has written nothing of it', async function () {
      this.timeout(90_000);
      const net = await behind(await postgres());
      net.cut();
      const since = performance.now();
      const refused = await append('late', 0).catch((error: unknown) => error);
      expect(refused).to.be.an.instanceOf(StoreError).with.property('code', 'away');
      expect(performance.now() - since).to.be.within(25_000, 28_000);
      net.restore();
      await append('then', 0);
      expect([await times('late'), await times('then')]).to.deep.equal([[], [0]]);
    });

    it('takes a connection that has fallen silent for lost, and goes on with another', async function () {
      this.timeout(90_000);
      const net = await behind(await postgres());
      net.silence();
      const sent = append('m', 0);
      await pause(16_000); // longer than a group may take
      net.cut();
      net.restore();
      await sent;
      expect(await times('m')).to.deep.equal([0]);
    });
  }

  it('ends when its node does, and lets the next one have its name', async () => {
    await behind(await postgres());
    const [writer] = threads;
    const ended = writer && once(writer, 'exit');
    await under.stop();
    await ended;
    await under.start();
    expect(await times('first')).to.deep.equal([0]);
  });
});
