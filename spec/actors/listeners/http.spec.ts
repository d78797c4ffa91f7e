// Listener http over a real store: every answer that it gives, and what stands behind an acknowledgement.
import { execFile, execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { http } from '../../../actors/listeners/http.ts';
import { configOf, Root } from '../../support/actors.ts';
import { eventually } from '../../support/eventually.ts';
import { balance, TestListener } from '../../support/listener-kit.ts';

const MEBIBYTE = 1_048_576;
const metric = (more: object = {}): object => ({ name: 'temperature', value: 21.5, service: 'greenhouse', timestamp: 1_000, tags: { room: 'north' }, ...more });
const log = (more: object = {}): object => ({ level: 'error', message: 'door open', service: 'greenhouse', timestamp: 1_000, tags: {}, ...more });

interface Reply {
  readonly status: number;
  readonly body: {
    readonly accepted?: number;
    readonly rejected?: number;
    readonly error?: string;
    readonly errors?: readonly { readonly index: number; readonly error: string }[];
    readonly [key: string]: unknown;
  };
  readonly headers: Headers;
}

describe('listener http', () => {
  let root: Root;
  let under: TestListener<typeof http.schema>;

  async function ask(path: string, init: RequestInit = {}): Promise<Reply> {
    const response = await fetch(`http://127.0.0.1:${under.port}${path}`, init);
    return { status: response.status, body: (await response.json()) as Reply['body'], headers: response.headers };
  }
  const post = (path: string, body: unknown, type = 'application/json'): Promise<Reply> =>
    ask(path, { method: 'POST', headers: { 'content-type': type }, body: typeof body === 'string' ? body : JSON.stringify(body) });

  beforeEach(async () => {
    root = new Root();
    under = new TestListener(root, http);
    await under.store.start();
    await under.start();
  });
  afterEach(async () => {
    const books = await under.books();
    await root.end();
    expect(balance(books), JSON.stringify(books)).to.equal(0);
  });

  it('takes a metric or a list of them, and gives them back', async () => {
    expect(await post('/api/metrics', metric())).to.deep.include({ status: 202, body: { accepted: 1, rejected: 0 } });
    expect(await post('/api/metrics', [metric({ name: 'a', timestamp: 2_000 }), metric({ name: 'b', timestamp: '1970-01-01T00:00:03Z' })])).to.deep.include({
      status: 202,
      body: { accepted: 2, rejected: 0 },
    });
    expect((await ask('/api/metrics')).body).to.deep.equal({
      metrics: [metric({ name: 'b', timestamp: 3_000 }), metric({ name: 'a', timestamp: 2_000 }), metric()],
    });
    expect((await ask('/api/metrics?service=greenhouse&name=b&from=2000&to=1970-01-01T00:00:03Z&limit=1')).body).to.deep.equal({
      metrics: [metric({ name: 'b', timestamp: 3_000 })],
    });
    expect(await under.books()).to.include({ received: 3, stored: 3, shed: 0 });
  });

  it('takes a log or a list of them, and gives them back', async () => {
    expect((await post('/api/logs', log())).status).to.equal(202);
    expect((await post('/api/logs', [log({ level: 'info', timestamp: 2_000 })])).status).to.equal(202);
    expect(await post('/api/logs/bulk', [log({ level: 'fatal', timestamp: 3_000 })])).to.deep.include({ status: 202, body: { accepted: 1, rejected: 0 } });
    expect((await ask('/api/logs')).body).to.deep.equal({ logs: [log({ level: 'fatal', timestamp: 3_000 }), log({ level: 'info', timestamp: 2_000 }), log()] });
    expect((await ask('/api/logs?level=error')).body).to.deep.equal({ logs: [log()] });
    expect((await post('/api/logs/bulk', log())).status).to.equal(400);
  });

  it('is what a plain client can talk to', async () => {
    const { stdout } = await promisify(execFile)('curl', ['-sS', '-i', '--json', JSON.stringify(metric()), `http://127.0.0.1:${under.port}/api/metrics`]);
    expect(stdout)
      .to.match(/^HTTP\/1\.1 202 Accepted\r\n/)
      .and.include('{"accepted":1,"rejected":0}');
  });

  it('answers 400 with the index of each bad item and what is wrong with it, and keeps the good ones', async () => {
    const bad = [
      null,
      7,
      {},
      metric({ value: '21' }),
      metric({ name: '' }),
      metric({ service: undefined }),
      metric({ timestamp: 'yesterday' }),
      metric({ tags: { a: 1 } }),
      metric({ unit: 'C' }),
      metric({ name: 'x'.repeat(257) }),
    ];
    const { status, body } = await post('/api/metrics', [metric(), ...bad, metric()]);
    expect(status).to.equal(400);
    expect(body).to.include({ accepted: 2, rejected: bad.length });
    expect(body.errors?.map(({ index }) => index)).to.deep.equal(bad.map((_, i) => i + 1));
    const wants = [/an object/, /an object/, /value/, /value/, /name/, /service/, /timestamp/, /tags/, /the keys/, /name/];
    for (const [i, { error }] of (body.errors ?? []).entries())
      expect(error, `${i}`)
        .to.match(wants[i] ?? /$^/)
        .and.include('got');
    expect((await post('/api/logs', log({ level: 'loud' }))).body.errors).to.deep.equal([
      { index: 0, error: 'expected level: one of debug, info, warn, error, fatal, got "loud"' },
    ]);
    expect(await under.books()).to.deep.include({ received: 13, stored: 2, rejected: { invalid: 11 } });
  });

  it('answers 400 to what is no JSON, or no number, or has a prototype in it', async () => {
    const texts = [
      '',
      '{',
      'nothing',
      '[1,',
      '{"__proto__": {"a": 1}}',
      JSON.stringify(metric()).replace('{', '{"constructor": {"prototype": 1},'),
      '\0',
      '[['.repeat(50_000),
    ];
    for (const text of texts) expect((await post('/api/metrics', text)).status, text.slice(0, 40)).to.equal(400);
    expect((await post('/api/metrics', JSON.stringify(metric()).replace('21.5', '1e999'))).status).to.equal(400);
    expect(await under.books()).to.include({ stored: 0, received: texts.length + 1 });
  });

  it('answers 404 to what is not there, 413 to a body that is too long, 415 to one that is not JSON', async () => {
    expect(await ask('/api/nothing?q=1')).to.deep.include({ status: 404, body: { error: 'there is no GET /api/nothing' } });
    expect((await post('/api/metrics', `"${'a'.repeat(MEBIBYTE)}"`)).status).to.equal(413);
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/xml'])
      expect((await post('/api/metrics', metric(), type)).status).to.equal(415);
    expect(await under.books()).to.deep.include({ stored: 0, rejected: { too_large: 1, media_type: 3 } });
  });

  it('answers 400 to a query that it does not understand, and says why', async () => {
    for (const query of ['servise=a', 'from=soon', 'to=', 'limit=0', 'limit=10001', 'limit=ten', 'service=a&service=b', 'limit=1&limit=2', '__proto__=1']) {
      const { status, body } = await ask(`/api/metrics?${query}`);
      expect(status, query).to.equal(400);
      expect(body.error, query).to.match(/^expected .*, got /);
    }
    expect(await under.books()).to.include({ received: 0 }); // a question is no item
  });

  it('answers after the commit, and not before', async () => {
    let commit: () => void = () => {};
    under.append = async (telemetry) => {
      await new Promise<void>((resolve) => {
        commit = resolve;
      });
      return under.store.store.append(telemetry);
    };
    let answered = false;
    const asked = post('/api/metrics', metric()).then((reply) => {
      answered = true;
      return reply;
    });
    await eventually(async () => expect((await under.books()).received).to.equal(1));
    expect((await ask('/health/live')).status).to.equal(200); // it goes on with others
    expect([answered, (await under.books()).stored]).to.deep.equal([false, 0]);
    commit();
    expect((await asked).status).to.equal(202);
  });

  it('answers 503 with Retry-After while the store is away, counts what it shed, and recovers', async () => {
    await under.store.stop();
    for (const reply of [
      await post('/api/metrics', [metric(), metric()]),
      await post('/api/logs', log()),
      await post('/api/metrics', [metric(), 7]),
      await ask('/api/metrics'),
    ]) {
      expect(reply.status).to.equal(503);
      expect(reply.headers.get('retry-after')).to.match(/^\d+$/);
    }
    expect(await under.books()).to.deep.include({ stored: 0, shed: 4, rejected: { invalid: 1 } });
    await under.store.start();
    expect((await post('/api/metrics', metric())).status).to.equal(202);
  });

  it('takes as many items as fit into a body', async function () {
    this.timeout(60_000);
    await root.stop(under.pid);
    await under.start({ max_body: 32 * MEBIBYTE });
    const many = 200_000;
    const { status, body } = await post('/api/metrics', Array(many).fill({ name: 'm', value: 1, service: 's', timestamp: 1 }));
    expect([status, body]).to.deep.equal([202, { accepted: many, rejected: 0 }]);
    expect((await under.store.store.counts()).points).to.equal(many);
  });

  it('says that it lives, and whether the node is ready, with what is wrong', async () => {
    for (const path of ['/health/live', '/health/http']) expect(await ask(path)).to.deep.include({ status: 200, body: { status: 'ok' } });
    expect(await ask('/health/ready')).to.deep.include({ status: 200, body: { status: 'ok', faults: [] } });
    under.ready = { ready: false, faults: ['store is not running'] };
    expect(await ask('/health/ready')).to.deep.include({ status: 503, body: { status: 'unavailable', faults: ['store is not running'] } });
    expect((await ask('/health/live')).status).to.equal(200);
  });

  it('shows its numbers as Prometheus reads them', async () => {
    await post('/api/metrics', [metric(), 7]);
    const response = await fetch(`http://127.0.0.1:${under.port}/metrics`);
    const text = await response.text();
    expect(response.headers.get('content-type')).to.match(/^text\/plain; version=(0\.0\.4|1\.0\.0)/);
    for (const name of ['received', 'stored', 'rejected']) expect(text).to.match(new RegExp(`^argos_items_${name}_total\\{protocol="http".*\\} [1-9]`, 'm'));
    for (const line of text.split('\n').filter(Boolean)) expect(line).to.match(/^(# (HELP|TYPE) \w+ .+|\w+(\{(\w+="([^"\\\n]|\\.)*",?)*\})? [-+\w.]+)$/);
    try {
      execFileSync('promtool', ['check', 'metrics'], { input: text, stdio: ['pipe', 'pipe', 'pipe'] });
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return; // it is not installed here
      throw error;
    }
  });

  it('lets no bytes on a socket harm anybody else', async () => {
    for (let i = 0; i < 20; i++) {
      const socket = connect(under.port, '127.0.0.1');
      socket.on('error', () => {}); // it may hang up while we write
      socket.write(i % 2 ? randomBytes(5_000) : `POST /api/metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n${i}`);
      if (i % 2) await once(socket.resume(), 'close');
      else socket.destroy();
    }
    expect((await post('/api/metrics', metric())).status).to.equal(202);
    expect(under.pid.isAlive).to.equal(true);
    await eventually(async () => expect((await under.status()).connections).to.be.at.most(1));
  });

  it('frees its port when it stops, also when it is killed, and fails to start on one that is taken', async () => {
    const { port } = under;
    for (const reason of ['shutdown', 'kill']) {
      await root.stop(under.pid, reason);
      await eventually(() => under.start({ port }));
      expect(under.port).to.equal(port);
    }
    const other = new TestListener(root, http);
    expect(await other.start({ port }).catch((error: unknown) => error)).to.include({ code: 'EADDRINUSE' });
    expect((await ask('/health/live')).status).to.equal(200);
  });

  it('closes its connections when it stops, also when it is killed: one that is kept alive, and one in the middle of a request', async () => {
    for (const reason of ['shutdown', 'kill']) {
      const [kept, halfway] = [connect(under.port, '127.0.0.1'), connect(under.port, '127.0.0.1')];
      const closed = Promise.all([kept, halfway].map((socket) => once(socket.on('error', () => {}).resume(), 'close'))); // a reset is an end, too
      halfway.write('POST /api/metrics HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n[');
      kept.write('GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n');
      await once(kept, 'data');
      await eventually(async () => expect((await under.status()).connections).to.equal(2));
      await root.stop(under.pid, reason);
      await closed;
      await under.start();
    }
  });

  it('is for this machine only', () => {
    const faults = (host: string) => http.check?.(configOf(http.schema, { host }))?.map(({ path }) => path);
    for (const host of ['0.0.0.0', '::', '192.168.1.1', 'example.com', '']) expect(faults(host)).to.deep.equal(['/host']);
    for (const host of ['127.0.0.1', '::1', 'localhost']) expect(faults(host)).to.deep.equal([]);
  });
});
