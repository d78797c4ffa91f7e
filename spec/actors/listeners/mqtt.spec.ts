// Listener mqtt over a real store, with mosquitto's own clients and mqtt.js: what is kept, acknowledged, refused, forwarded.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { expect } from 'chai';
import { connectAsync, type MqttClient } from 'mqtt';
import { mqtt } from '../../../actors/listeners/mqtt.ts';
import { configOf, Root } from '../../support/actors.ts';
import { eventually } from '../../support/eventually.ts';
import { balance, TestListener } from '../../support/listener-kit.ts';

const MEBIBYTE = 1_048_576;

describe('listener mqtt', () => {
  let root: Root;
  let under: TestListener<typeof mqtt.schema>;
  let clients: MqttClient[];

  /** The real client of mosquitto. It ends when it has the broker's acknowledgement. */
  function pub(topic: string, message: string | Buffer, ...args: readonly string[]): ChildProcess {
    const child = spawn('mosquitto_pub', ['-h', '127.0.0.1', '-p', String(under.port), '-t', topic, '-s', ...args], { stdio: ['pipe', 'ignore', 'ignore'] });
    child.stdin?.on('error', () => {});
    child.stdin?.end(message);
    return child;
  }
  const sent = async (topic: string, message: string | Buffer, ...args: readonly string[]): Promise<number> =>
    (await once(pub(topic, message, ...args), 'exit'))[0] as number;
  async function client(): Promise<MqttClient> {
    const one = await connectAsync(`mqtt://127.0.0.1:${under.port}`, { reconnectPeriod: 50 });
    one.on('error', () => {});
    clients.push(one);
    return one;
  }
  const metrics = async (): Promise<unknown[]> => (await under.store.metrics()).map(({ service, name, value }) => `${service}/${name}=${value}`).reverse();

  beforeEach(async () => {
    root = new Root();
    clients = [];
    under = new TestListener(root, mqtt);
    await under.store.start();
    await under.start();
  });
  afterEach(async () => {
    for (const one of clients) await one.endAsync(true);
    const books = await under.books();
    await root.end();
    expect(balance(books), JSON.stringify(books)).to.equal(0);
  });

  it('keeps metrics and logs of every quality of service: what the topic says need not be in the payload', async () => {
    for (const qos of ['0', '1', '2']) expect(await sent(`argus/metrics/greenhouse/q${qos}`, '21.5', '-q', qos)).to.equal(0);
    await sent('argus/metrics/greenhouse/object', '{"value": 7, "timestamp": 5, "tags": {"room": "north"}}', '-q', '1');
    await sent('argus/metrics/greenhouse/list', '[{"value": 1}, {"value": 2}]', '-q', '1');
    await eventually(async () => expect(await metrics()).to.have.length(6)); // QoS 0 is not waited for by its client
    expect(await metrics()).to.have.members([
      'greenhouse/q0=21.5',
      'greenhouse/q1=21.5',
      'greenhouse/q2=21.5',
      'greenhouse/object=7',
      'greenhouse/list=1',
      'greenhouse/list=2',
    ]);
    expect(await under.store.metrics({ name: { is: 'object' } })).to.deep.equal([
      { service: 'greenhouse', name: 'object', value: 7, timestamp: 5, tags: { room: 'north' } },
    ]);
    await sent('argus/logs/greenhouse/error', '"door open"', '-q', '1');
    await sent('argus/logs/greenhouse/info', '{"message": "shut", "timestamp": 5}', '-q', '2');
    expect((await under.store.logs()).map(({ service, level, message }) => [service, level, message])).to.deep.equal([
      ['greenhouse', 'error', 'door open'],
      ['greenhouse', 'info', 'shut'],
    ]);
    expect(await under.books()).to.include({ received: 8, stored: 8, shed: 0 });
  });

  it('acknowledges after the commit, and not before, and goes on with others meanwhile', async () => {
    for (const qos of ['1', '2']) {
      let commit: () => void = () => {};
      under.append = async (telemetry) => {
        await new Promise<void>((resolve) => {
          commit = resolve;
        });
        return under.store.store.append(telemetry);
      };
      const { received, stored } = await under.books();
      const held = pub('argus/metrics/s/m', '1', '-q', qos);
      const ended = once(held, 'exit');
      await eventually(async () => expect((await under.books()).received).to.equal(received + 1));
      expect(await sent('plain/topic', 'x', '-q', '1')).to.equal(0);
      expect([held.exitCode, (await under.books()).stored]).to.deep.equal([null, stored]);
      commit();
      expect((await ended)[0]).to.equal(0);
    }
    expect(await metrics()).to.deep.equal(['s/m=1', 's/m=1']);
  });

  it('acknowledges nothing while the store is away; what its client sends again is kept then, and QoS 0 is shed', async () => {
    const one = await client();
    await under.store.stop();
    one.publish('argus/metrics/s/shed', '1', { qos: 0 });
    await eventually(async () => expect((await under.books()).shed).to.equal(1));
    let acknowledged = false;
    const published = one.publishAsync('argus/metrics/s/kept', '2', { qos: 1 }).then(() => {
      acknowledged = true;
    });
    await eventually(async () => expect((await under.books()).shed).to.be.above(2)); // it comes again, and again
    expect(acknowledged).to.equal(false);
    await under.store.start();
    await published;
    expect(await metrics()).to.deep.equal(['s/kept=2']);
  });

  it('forwards plain topics between its clients, retained ones to those who come later', async () => {
    await sent('rooms/north', 'kept', '-r', '-q', '1');
    const sub = spawn('mosquitto_sub', ['-h', '127.0.0.1', '-p', String(under.port), '-t', 'rooms/#', '-C', '3', '-F', '%t %q %r %p', '-q', '1']);
    const ended = once(sub, 'close');
    let heard = '';
    sub.stdout.on('data', (chunk: Buffer) => {
      heard += chunk.toString();
    });
    await eventually(() => expect(heard).to.equal('rooms/north 1 1 kept\n'));
    await sent('rooms/south', '{"not": "telemetry"}', '-q', '1');
    await sent('other', 'x', '-q', '1');
    await sent('rooms/east', 'last', '-q', '0');
    await ended;
    expect(heard.split('\n').slice(1)).to.deep.equal(['rooms/south 1 0 {"not": "telemetry"}', 'rooms/east 0 0 last', '']);
    expect(await under.books()).to.include({ received: 0 });
  });

  it('counts what it refuses, forwards it to nobody, and lets the connection live', async () => {
    const one = await client();
    let closed = 0;
    one.on('close', () => closed++);
    const heard: string[] = [];
    one.on('message', (topic) => heard.push(topic));
    await one.subscribeAsync('argus/#', { qos: 1 });
    const refused = {
      topic: ['argus/metrics/s', 'argus/metrics/s/m/more', 'argus/traces/s/m', 'argus/health/s', 'argus/metrics//m', 'argus/'].map((topic) => [topic, '1']),
      not_json: ['', 'warm', '{"value": 1', '{"__proto__": {"value": 1}}', '\0'].map((payload) => ['argus/metrics/s/m', payload]),
      invalid: ['{}', 'null', '"1"', '{"value": "1"}', '{"value": 1, "name": "other"}', '{"value": 1, "service": "t"}', '1e999'].map((payload) => [
        'argus/metrics/s/m',
        payload,
      ]),
    };
    for (const [topic = '', payload = ''] of Object.values(refused).flat()) await one.publishAsync(topic, payload, { qos: 1, retain: true });
    await one.publishAsync('argus/logs/s/loud', '"x"', { qos: 1 });
    await one.publishAsync('argus/metrics/s/list', '[{"value": 1}, {"value": null}]', { qos: 2 }); // the good one is kept
    await eventually(() => expect(heard).to.deep.equal(['argus/metrics/s/list']));
    expect(closed).to.equal(0);
    expect(await under.books()).to.deep.include({ stored: 1, rejected: { topic: 6, not_json: 5, invalid: 9 } });
    const late: string[] = [];
    const other = await client();
    other.on('message', (topic) => late.push(topic));
    await other.subscribeAsync('argus/#', { qos: 1 });
    await one.publishAsync('argus/metrics/s/last', '1', { qos: 1 });
    await eventually(() => expect(late).to.deep.equal(['argus/metrics/s/last'])); // and nothing refused was retained
  });

  it("takes no message for the broker's own topics", async () => {
    const one = await client();
    const heard: string[] = [];
    one.on('message', (topic, payload) => heard.push(`${topic} ${payload.toString()}`));
    await one.subscribeAsync(['$SYS/argos', 'plain'], { qos: 1 });
    expect(await sent('$SYS/argos', 'forged', '-q', '1')).to.not.equal(0);
    await sent('plain', 'x', '-q', '1');
    await eventually(() => expect(heard).to.deep.equal(['plain x']));
  });

  it('refuses a payload that is too long without harm, and takes as many items as fit into one', async function () {
    this.timeout(60_000);
    const one = await client();
    let closed = 0;
    one.on('close', () => closed++);
    await one.publishAsync('argus/metrics/s/big', Buffer.alloc(10 * MEBIBYTE, '1'), { qos: 1 });
    await one.publishAsync('argus/metrics/s/small', '1', { qos: 1 });
    expect([closed, await metrics()]).to.deep.equal([0, ['s/small=1']]);
    expect(await under.books()).to.deep.include({ rejected: { too_large: 1 } });
    await one.endAsync();
    await root.stop(under.pid);
    await under.start({ max_payload: 16 * MEBIBYTE });
    const many = 400_000;
    await (await client()).publishAsync('argus/metrics/s/m', JSON.stringify(Array(many).fill({ value: 1, timestamp: 1 })), { qos: 1 });
    expect((await under.store.store.counts()).points).to.equal(many + 1);
  });

  it('lets no bytes on a socket harm anybody else', async () => {
    const one = await client();
    let closed = 0;
    one.on('close', () => closed++);
    for (let i = 0; i < 30; i++) {
      const socket = connect(under.port, '127.0.0.1');
      socket.on('error', () => {}); // it may hang up while we write
      socket.end(i % 3 ? randomBytes(2_000) : Buffer.from([0x10, 0xff, 0xff, 0xff, 0x7f, ...randomBytes(50)])); // a CONNECT that announces 256 MB
      await once(socket.resume(), 'close');
      await one.publishAsync('argus/metrics/s/m', String(i), { qos: 1 });
    }
    expect([closed, (await metrics()).length]).to.deep.equal([0, 30]);
    expect(under.pid.isAlive).to.equal(true);
    await eventually(async () => expect((await under.status()).connections).to.equal(1));
  });

  it('frees its port when it stops, also when it is killed, and fails to start on one that is taken', async () => {
    const { port } = under;
    for (const reason of ['shutdown', 'kill']) {
      await client();
      await root.stop(under.pid, reason);
      await eventually(() => under.start({ port }));
      expect(under.port).to.equal(port);
    }
    const other = new TestListener(root, mqtt);
    expect(await other.start({ port }).catch((error: unknown) => error)).to.include({ code: 'EADDRINUSE' });
    expect(await sent('argus/metrics/s/m', '1', '-q', '1')).to.equal(0);
  });

  it('stops at once, also when somebody is connected who has not said so much as CONNECT', async () => {
    const silent = connect(under.port, '127.0.0.1');
    await once(silent, 'connect');
    const closed = once(silent, 'close');
    const since = performance.now();
    await root.stop(under.pid);
    expect(performance.now() - since).to.be.below(2_000); // the broker alone would wait 5 s for the CONNECT
    await closed;
  });

  it('is for this machine only', () => {
    const faults = (host: string) => mqtt.check?.(configOf(mqtt.schema, { host }))?.map(({ path }) => path);
    for (const host of ['0.0.0.0', '::', '192.168.1.1', 'example.com', '']) expect(faults(host)).to.deep.equal(['/host']);
    for (const host of ['127.0.0.1', '::1', 'localhost']) expect(faults(host)).to.deep.equal([]);
  });
});
