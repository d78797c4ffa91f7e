// Action type http against real HTTP servers: what is sent, whatever the data holds, and what an answer means.
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import fc from 'fast-check';
import { http } from '../../../actors/actions/http.ts';
import { check } from '../../../actors/schema.ts';
import { prepare } from '../../support/action-kit.ts';
import { configOf, jobOf, Root } from '../../support/actors.ts';
import { eventually } from '../../support/eventually.ts';
import { freePort } from '../../support/services.ts';

interface Seen {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly raw: readonly string[];
  readonly body: string;
}

describe('action type http', () => {
  let root: Root;
  let server: Server;
  let url: string;
  let seen: Seen[];
  let answer: (response: ServerResponse, request: IncomingMessage) => unknown;
  const about = (data: unknown, id = 'id') => jobOf({ id, alert: { monitors: { boiler: { data } }, event: { data } } });
  const last = (): Seen => seen.at(-1) as Seen;

  before((done) => {
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      request.on('end', () => {
        seen.push({ method: request.method, url: request.url, headers: request.headers, raw: request.rawHeaders, body });
        answer(response, request);
      });
    }).listen(0, '127.0.0.1', () => {
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
      done();
    });
  });
  after(() => {
    server.close();
    server.closeAllConnections();
  });
  beforeEach(() => {
    root = new Root();
    seen = [];
    answer = (response) => response.end();
  });
  afterEach(() => root.end());

  it("sends the alert as JSON, and the execution's id as Idempotency-Key", async () => {
    const { deliver } = await prepare(root, http, { url, headers: { 'Idempotency-Key': 'mine', Authorization: 'Bearer t' } });
    const job = jobOf();
    expect(await deliver(job)).to.deep.equal({ kind: 'delivered', detail: 'status 200' });
    await deliver(job);
    expect(last()).to.include({ method: 'POST', url: '/hook' });
    expect(JSON.parse(last().body)).to.deep.equal({ id: job.id, ...job.alert });
    for (const { headers } of seen) expect(headers).to.include({ 'idempotency-key': job.id, 'content-type': 'application/json', authorization: 'Bearer t' });
  });

  it('sends a body that is well-formed JSON with the very values, whatever the data holds', async () => {
    const body_template = '{"value": ${monitor.data.data}, "text": "<${monitor.data.data}>", "rule": "${rule.name}"}';
    const { deliver } = await prepare(root, http, { url, body_template });
    const nasty = fc.oneof(
      fc.jsonValue(),
      fc.string({ unit: 'binary' }),
      fc.constantFrom('"}', '\\', '\\"', '${rule.name}', '\r\n\0\u2028', '\ud800', '{"__proto__": 1}'),
    );
    await fc.assert(
      fc.asyncProperty(nasty, async (data) => {
        expect((await deliver(about(data))).kind).to.equal('delivered');
        const value: unknown = JSON.parse(JSON.stringify(data));
        expect(JSON.parse(last().body)).to.deep.equal({ value, text: `<${typeof value === 'string' ? value : JSON.stringify(value)}>`, rule: 'too_hot' });
      }),
      { numRuns: 150 },
    );
  });

  it('sends text as it is when the body is no JSON, and none with GET', async () => {
    await (await prepare(root, http, { url, method: 'PUT', headers: { 'Content-Type': 'text/plain' }, body_template: '${monitor.data.data}!' })).deliver(
      about('"a"'),
    );
    expect(last()).to.include({ method: 'PUT', body: '"a"!' });
    expect(last().headers['content-type']).to.equal('text/plain');
    await (await prepare(root, http, { url, method: 'GET' })).deliver(jobOf());
    expect(last()).to.include({ method: 'GET', body: '' });
    expect(last().headers).to.not.have.any.keys('content-type', 'content-length');
  });

  it('lets no data add a header, a path or a parameter', async () => {
    const { deliver } = await prepare(root, http, {
      url: `${url}/\${monitor.data.data}?q=\${monitor.data.data}`,
      headers: { 'X-Data': '<${monitor.data.data}>' },
    });
    for (const data of ['a\r\nX-Evil: 1\r\n\r\nGET / HTTP/1.1', '../../b?c=d&q=e#f', 'x\0y\x7fz', 'ü€😀', '\ud800', ' ', { a: ['\n'] }]) {
      expect((await deliver(about(data))).kind, JSON.stringify(data)).to.equal('delivered');
      const { headers, url: asked = '' } = last();
      expect(headers).to.not.have.property('x-evil');
      const { pathname, searchParams } = new URL(asked, url);
      const text = (typeof data === 'string' ? data : JSON.stringify(data)).toWellFormed();
      expect([decodeURIComponent(pathname.slice('/hook/'.length)), [...searchParams]]).to.deep.equal([text, [['q', text]]]);
      expect(Buffer.from(String(headers['x-data']), 'latin1').toString('utf8')).to.equal(`<${text.replace(/[\0-\x1f\x7f]+/g, ' ')}>`);
    }
  });

  it('discards what a template asks of the data and the data does not have', async () => {
    const { deliver } = await prepare(root, http, { url, body_template: '{"a": ${monitor.data.nothing}}' });
    expect(await deliver(about(1)))
      .to.include({ kind: 'discard' })
      .and.to.have.property('reason')
      .that.includes('monitor.data.nothing');
    expect(seen).to.deep.equal([]);
  });

  it('discards what would lead out of the path that is written out', async () => {
    const { deliver } = await prepare(root, http, { url: `${url}/\${monitor.data.data}/off?q=\${monitor.data.data}` });
    for (const data of ['.', '..']) expect((await deliver(about(data))).kind).to.equal('discard');
    for (const data of ['...', '..a', 'a..', '%2e%2e', '../..']) expect((await deliver(about(data))).kind).to.equal('delivered');
    expect(seen.map((one) => new URL(one.url ?? '', url).pathname)).to.deep.equal(
      ['...', '..a', 'a..', '%252e%252e', '..%2F..'].map((one) => `/hook/${one}/off`),
    );
  });

  it('has delivered with 2xx, tries again with 408, 425, 429 and 5xx, and discards with all else', async () => {
    const { deliver } = await prepare(root, http, { url });
    const kinds = { delivered: [200, 201, 202, 204, 299], retry: [408, 425, 429, 500, 502, 503, 599], discard: [301, 302, 307, 400, 401, 404, 410, 422] };
    for (const [kind, statuses] of Object.entries(kinds)) {
      for (const status of statuses) {
        answer = (response) => response.writeHead(status, { location: '/elsewhere' }).end();
        expect(await deliver(jobOf()), String(status)).to.include({ kind });
      }
    }
    expect(seen.map((one) => one.url).filter((path) => path !== '/hook')).to.deep.equal([]); // no redirect was followed
  });

  it('hands on how long the receiver asks to wait, in seconds or as a date', async () => {
    const { deliver } = await prepare(root, http, { url });
    answer = (response) => response.writeHead(429, { 'retry-after': '7' }).end();
    expect(await deliver(jobOf())).to.deep.equal({ kind: 'retry', reason: 'receiver answered 429', class: 'rate', afterMs: 7_000 });
    answer = (response) => response.writeHead(503, { 'retry-after': new Date(Date.now() + 60_000).toUTCString() }).end();
    expect(await deliver(jobOf()))
      .to.have.property('afterMs')
      .that.is.within(58_000, 60_000);
    answer = (response) => response.writeHead(503, { 'retry-after': 'soon' }).end();
    expect(await deliver(jobOf())).to.deep.equal({ kind: 'retry', reason: 'receiver answered 503', class: 'server' });
  });

  it('follows a redirect on the same host when it is told to, with method, body and key, and to no other', async () => {
    const { deliver } = await prepare(root, http, { url, follow_redirect: true });
    answer = (response, request) => (request.url === '/hook' ? response.writeHead(307, { location: '/there' }).end() : response.end());
    expect((await deliver(about(1, 'key'))).kind).to.equal('delivered');
    expect(last()).to.include({ method: 'POST', url: '/there' });
    expect([last().headers['idempotency-key'], JSON.parse(last().body)]).to.deep.equal(['key', { id: 'key', ...about(1).alert }]);
    seen = [];
    for (const location of [url.replace('127.0.0.1', 'localhost').replace('/hook', '/there'), 'http://169.254.169.254/', 'http://[']) {
      answer = (response, request) => (request.url === '/hook' ? response.writeHead(307, { location }).end() : response.end());
      expect((await deliver(jobOf())).kind, location).to.equal('discard');
    }
    expect(seen.map((one) => one.url)).to.deep.equal(['/hook', '/hook', '/hook']);
  });

  it('gives up an attempt that takes too long, and its connection with it, before and after the first byte', async () => {
    const { deliver } = await prepare(root, http, { url, timeout: 60 });
    for (const begin of [() => {}, (response: ServerResponse) => response.writeHead(200).write('a')]) {
      const closed = new Promise((resolve) => {
        answer = (response, request) => {
          begin(response);
          request.socket.once('close', resolve);
        };
      });
      expect(await deliver(jobOf())).to.deep.equal({ kind: 'retry', reason: 'the attempt took too long', class: 'timeout' });
      await closed;
    }
  });

  it('reads no more of an answer than it needs', async () => {
    const { deliver } = await prepare(root, http, { url });
    let sent = 0;
    const closed = new Promise((resolve) => {
      answer = (response) => {
        response.on('close', resolve);
        const more = (): void => {
          while (!response.destroyed && response.write(Buffer.alloc(65_536))) sent += 65_536;
        };
        response.on('drain', more);
        more();
      };
    });
    expect((await deliver(jobOf())).kind).to.equal('delivered');
    await closed;
    expect(sent).to.be.below(32_000_000);
  });

  it('tries again when nobody is there, or the connection breaks', async () => {
    const nobody = await prepare(root, http, { url: `http://127.0.0.1:${await freePort()}/` });
    expect(await nobody.deliver(jobOf()))
      .to.include({ kind: 'retry' })
      .and.to.have.property('reason')
      .that.includes('ECONNREFUSED');
    answer = (_response, request) => request.socket.destroy();
    const { deliver } = await prepare(root, http, { url });
    expect(await deliver(jobOf())).to.include({ kind: 'retry' });
  });

  it('frees what it holds when it stops', async () => {
    const { pid, deliver, names } = await prepare(root, http, { url });
    const connections = (): Promise<number> => new Promise((resolve) => server.getConnections((_error, count) => resolve(count)));
    await deliver(jobOf()); // its connection is kept for the next one
    const closed = new Promise((resolve) => {
      answer = (_response, request) => request.socket.once('close', resolve);
    });
    const cut = deliver(jobOf()).catch((error: unknown) => error);
    await eventually(() => expect(seen).to.have.length(2));
    expect(names.whereis('action:it')).to.equal(pid);
    await root.stop(pid, 'kill'); // an orderly stop would wait for this one
    expect(await cut).to.be.an.instanceOf(Error);
    await closed;
    await eventually(async () => expect(await connections()).to.equal(0));
    expect(names.whereis('action:it')).to.equal(undefined);
  });

  it('refuses a host that comes from data, a reference that leads nowhere, and an unknown key', () => {
    const faults = (written: object) => http.check?.(configOf(http.schema, written))?.map(({ path }) => path);
    expect(faults({ url: 'http://${monitor.data.host}/' })).to.deep.equal(['/url']);
    expect(faults({ url: 'file:///etc/passwd' })).to.deep.equal(['/url']);
    expect(faults({ url, headers: { X: '${rul.name}' }, body_template: '${rule.nam}' })).to.deep.equal(['/body_template', '/headers/X']);
    expect(check(http.schema, { url, methode: 'GET' }).faults[0]).to.include({ path: '/methode', nearest: 'method' });
  });
});
