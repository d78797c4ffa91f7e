// Monitor type mqtt against the real mosquitto and its own clients: what it takes, acknowledges, and how it comes back.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { Aedes, type AedesOptions } from 'aedes';
import { expect } from 'chai';
import type { Event } from '../../../actors/event.ts';
import { Feed } from '../../../actors/feed.ts';
import { mqtt } from '../../../actors/monitors/mqtt.ts';
import { endOf, Root } from '../../support/actors.ts';
import { eventually } from '../../support/eventually.ts';
import { keepsTheContract, watch } from '../../support/monitor-kit.ts';
import { freePort, type Mosquitto, mosquitto, startMosquitto } from '../../support/services.ts';
import { startSilent } from '../../support/silent.ts';

const MOST_PAYLOAD = 1_048_576;

describe('monitor type mqtt', () => {
  let root: Root;
  let broker: Mosquitto;
  let topic: string;
  let topics = 0;
  const config = (more: object = {}): object => ({ broker_url: broker.url, topic, ...more });
  const lines = (pattern: RegExp, from = broker): number =>
    from
      .log()
      .split('\n')
      .filter((line) => pattern.test(line)).length;

  /** The real client; resolves when it has ended, with QoS 1 and 2 after the broker's acknowledgement. */
  async function publish(message: string | Buffer, args: readonly string[] = [], to = broker): Promise<void> {
    const client = spawn('mosquitto_pub', ['-h', '127.0.0.1', '-p', String(to.port), '-t', topic, '-s', ...args]);
    client.stdin.end(message);
    const [code] = (await once(client, 'exit')) as [number];
    expect(code).to.equal(0);
  }
  /** A broker that does what mosquitto cannot be told to. */
  async function withAedes(options: AedesOptions, body: (url: string) => Promise<void>): Promise<void> {
    const aedes = await Aedes.createBroker(options);
    const server: Server = createServer((socket) => aedes.handle(socket)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      await body(`mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`);
    } finally {
      await root.end();
      await new Promise<void>((resolve) => aedes.close(resolve));
      server.close();
    }
  }

  before(async () => {
    broker = await mosquitto();
  });
  beforeEach(() => {
    root = new Root();
    topic = `spec/${++topics}`;
  });
  afterEach(() => root.end());

  describe('keeps the contract of monitors:', () => {
    keepsTheContract({
      type: mqtt,
      present: async () => {
        const id = `kit_${topics}`;
        return { config: config({ client_id: id }), held: () => lines(new RegExp(`as ${id} `)) - lines(new RegExp(`Client ${id} (disconnected|closed)`)) };
      },
      absent: async () => config({ broker_url: `mqtt://127.0.0.1:${await freePort()}` }),
    });
  });

  it('sees topic, payload, QoS and retain of a message: JSON as its value, all else as a text', async () => {
    await publish('"kept"', ['-r', '-q', '1']);
    const watched = await watch(root, mqtt, config({ qos: 2 }));
    expect(await watched.sees({ payload: 'kept' })).to.deep.equal({ up: true, topic, payload: 'kept', qos: 1, retain: true });
    await publish('{"t": 21.5}', ['-q', '2']);
    expect(await watched.sees({ payload: { t: 21.5 } })).to.include({ qos: 2, retain: false });
    for (const text of ['plain', '{"__proto__": {"up": false}}', '{"cut']) {
      await publish(text);
      expect(await watched.sees({ payload: text })).to.include({ qos: 0, up: true });
    }
    await publish(Buffer.from([0xff, 0x00, 0xfe]));
    await watched.sees({ payload: '\ufffd\u0000\ufffd' });
  });

  it('subscribes to every topic of a list, with wildcards', async () => {
    const watched = await watch(root, mqtt, config({ topic: [`${topic}/+/a`, `${topic}/deep/#`] }));
    await watched.sees({ up: true });
    for (const end of ['/1/a', '/2/b', '/deep/x/y']) await publish(`"${end}"`, ['-t', `${topic}${end}`]);
    await watched.sees({ payload: '/deep/x/y' });
    expect(watched.states.slice(1).map((one) => one.topic)).to.deep.equal([`${topic}/1/a`, `${topic}/deep/x/y`]);
  });

  it('acknowledges a QoS 1 message when the rules have taken it, and not before', async () => {
    let release: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    class HeldFeed extends Feed {
      override async publish(event: Event): Promise<void> {
        await super.publish(event);
        if (event.observations.some(({ fields }) => fields.payload === 'hold')) await held;
      }
    }
    const watched = await watch(root, mqtt, config({ qos: 1, client_id: 'acker' }), {}, new HeldFeed(async () => 1));
    await watched.sees({ up: true });
    await publish('"first"', ['-q', '1']);
    await eventually(() => expect(lines(/Received PUBACK from acker/)).to.equal(1));
    await publish('"hold"', ['-q', '1']);
    await publish('"behind"', ['-q', '1']);
    await watched.sees({ payload: 'hold' });
    await eventually(() => expect(lines(/Sending PUBLISH to acker/)).to.equal(3));
    expect(lines(/Received PUBACK from acker/)).to.equal(1);
    expect(watched.states.map(({ payload }) => payload)).to.not.include('behind');
    release();
    await watched.sees({ payload: 'behind' });
    await eventually(() => expect(lines(/Received PUBACK from acker/)).to.equal(3));
  });

  it('comes back when the broker was restarted on the same port, under the same client_id', async () => {
    const first = await startMosquitto();
    const watched = await watch(root, mqtt, { broker_url: first.url, topic, client_id: 'stays' }, { max_retries: 1_000 });
    await watched.sees({ up: true });
    await first.stop();
    expect((await watched.sees({ up: false })).error)
      .to.be.a('string')
      .with.length.above(0);
    const second = await startMosquitto(first.port);
    await eventually(() => expect(watched.states.at(-1)).to.include({ up: true }));
    await publish('"again"', [], second);
    await watched.sees({ payload: 'again', up: true });
    expect([lines(/New client connected from \S+ as stays /, first), lines(/New client connected from \S+ as stays /, second)]).to.deep.equal([1, 1]);
    await root.end();
    await second.stop();
  });

  it('is never seen twice under one name when it has no client_id', async () => {
    for (let i = 0; i < 2; i++) await (await watch(root, mqtt, config())).sees({ up: true });
    await eventually(() => {
      const [one, other] = [...broker.log().matchAll(/New client connected from \S+ as (mqttjs_\S+)/g)].slice(-2).map(([, id]) => id);
      expect(one).to.be.a('string').that.does.not.equal(other);
    });
    expect(lines(/already connected/)).to.equal(0);
  });

  it('gets what was published while it was away when its session is kept', async () => {
    const kept = config({ qos: 1, client_id: `kept_${topic}`, clean_session: false });
    const first = await watch(root, mqtt, kept);
    await first.sees({ up: true });
    await root.stop(first.pid);
    await publish('"missed"', ['-q', '1']);
    const second = await watch(root, mqtt, kept);
    await second.sees({ payload: 'missed' });
  });

  it('refuses to keep a session without a client_id', () => {
    const check = (more: object): unknown => mqtt.check?.({ ...(config(more) as Parameters<NonNullable<typeof mqtt.check>>[0]) });
    expect(check({ clean_session: false }))
      .to.have.length(1)
      .with.nested.property('[0].path', '/client_id');
    expect(check({ clean_session: false, client_id: 'c' })).to.deep.equal([]);
  });

  it('asks the first broker of a list that answers', async () => {
    const watched = await watch(root, mqtt, config({ broker_url: [`mqtt://127.0.0.1:${await freePort()}`, broker.url] }), { max_retries: 0 });
    await watched.sees({ up: true });
    await publish('"here"');
    await watched.sees({ payload: 'here' });
    expect(watched.states.filter(({ up }) => up === false)).to.deep.equal([]);
  });

  it('gives up a broker that takes the connection and says nothing', async () => {
    const silent = await startSilent();
    const watched = await watch(root, mqtt, config({ broker_url: `mqtt://127.0.0.1:${silent.port}`, timeout: 50 }));
    expect(await endOf(watched.pid)).to.be.an.instanceOf(Error);
    expect(watched.states).to.have.length(4);
    silent.close();
  });

  it('counts it as a failure when the broker knows it not, takes no subscription, or goes before it has', async () => {
    const refusals: AedesOptions[] = [
      { authenticate: (_client, _username, _password, done) => done(Object.assign(new Error('no'), { returnCode: 5 }), false) },
      { authorizeSubscribe: (_client, _subscription, done) => done(null, null) },
      { authorizeSubscribe: (client) => void client?.conn.destroy() },
    ];
    for (const refusal of refusals) {
      await root.end();
      root = new Root();
      await withAedes(refusal, async (url) => {
        const watched = await watch(root, mqtt, config({ broker_url: url, client_id: 'c', clean_session: false }), { max_retries: 1 });
        expect(await endOf(watched.pid)).to.be.an.instanceOf(Error);
        expect(watched.states.map(({ up }) => up)).to.deep.equal([false, false]);
      });
    }
  });

  it('refuses a payload of more than a mebibyte without harm: the message after it is seen', async () => {
    const watched = await watch(root, mqtt, config({ qos: 1 }));
    await watched.sees({ up: true });
    await publish('"before"', ['-q', '1']);
    await publish(Buffer.alloc(MOST_PAYLOAD + 1, 'a'), ['-q', '1']);
    await publish('"after"', ['-q', '1']);
    await watched.sees({ payload: 'after' });
    const [, , refused] = watched.seen;
    expect(refused?.seen).to.not.include('payload');
    expect(refused?.fields).to.include({ up: true, payload: 'before', error: `the payload is longer than ${MOST_PAYLOAD} bytes` });
    expect(watched.states.at(-1)).to.not.have.property('error');
  });
});
