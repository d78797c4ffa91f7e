// Monitor type http against real HTTP servers: what it sees, what it refuses, whom it asks next.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { http } from '../../../actors/monitors/http.ts';
import { check } from '../../../actors/schema.ts';
import { Root } from '../../support/actors.ts';
import { eventually } from '../../support/eventually.ts';
import { keepsTheContract, watch } from '../../support/monitor-kit.ts';
import { freePort } from '../../support/services.ts';

const MOST_BODY = 1_048_576;

describe('monitor type http', () => {
  let root: Root;
  let server: Server;
  let url: string;
  let answer: (request: IncomingMessage, response: ServerResponse) => unknown;
  const fast = (more: object = {}): object => ({ url, interval: 10, ...more });
  const json =
    (text: string, status = 200) =>
    (_request: IncomingMessage, response: ServerResponse): void =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(text);

  before((done) => {
    server = createServer((request, response) => answer(request, response)).listen(0, '127.0.0.1', () => {
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      done();
    });
  });
  after(() => {
    server.close();
    server.closeAllConnections();
  });
  beforeEach(() => {
    root = new Root();
    answer = json('{}');
  });
  afterEach(() => root.end());

  describe('keeps the contract of monitors:', () => {
    keepsTheContract({
      type: http,
      present: async () => {
        let [held, asked] = [0, 0];
        answer = (_request, response) => {
          if (asked++ === 0) return response.end();
          held++;
          return response.on('close', () => held--); // this one is never answered
        };
        return { config: fast(), held: () => held };
      },
      absent: async () => ({ url: `http://127.0.0.1:${await freePort()}/`, interval: 10 }),
    });
  });

  it('sees status, time, headers, and a JSON body as its value', async () => {
    answer = json('{"status": "ok", "load": [1, 2]}', 201);
    const fields = await (await watch(root, http, fast())).sees({ up: true });
    expect(fields).to.deep.include({ status_code: 201, body: { status: 'ok', load: [1, 2] } });
    expect(fields.headers).to.include({ 'content-type': 'application/json' });
    expect(fields.response_time).to.be.a('number').within(0, 5_000);
    expect(fields).to.not.have.any.keys('error', 'down');
  });

  it('sees a body that is not JSON as a text, and one with a prototype in it too', async () => {
    for (const text of ['not json', '{"__proto__": {"up": false}}', '{"constructor": {"prototype": {"up": false}}}', '']) {
      answer = json(text);
      expect(await (await watch(root, http, fast())).sees({ body: text })).to.include({ up: true });
    }
    expect(({} as { up?: boolean }).up).to.equal(undefined);
  });

  it('calls a target up below 500 and down from 500 on; that is a measurement and no failure', async () => {
    let status = 404;
    answer = (_request, response) => void response.writeHead(status).end();
    const watched = await watch(root, http, fast(), { max_retries: 0 });
    await watched.sees({ status_code: 404, up: true });
    status = 503;
    await watched.sees({ status_code: 503, up: false });
    status = 200;
    await watched.sees({ status_code: 200, up: true });
    expect(watched.pid.isAlive).to.equal(true);
  });

  it('sees one that does not answer in time as down, without a status, and lets go of the request', async () => {
    let cut = 0;
    answer = (_request, response) => response.on('close', () => cut++);
    const watched = await watch(root, http, fast({ timeout: 30 }), { max_retries: 1_000 });
    const { error } = await watched.sees({ up: false, status_code: null, response_time: null });
    expect(error).to.match(/timeout/i);
    await eventually(() => expect(cut).to.be.above(1));
  });

  it('forgets the error when the target answers again', async () => {
    answer = (request) => request.socket.destroy();
    const watched = await watch(root, http, fast(), { max_retries: 1_000 });
    await watched.sees({ up: false });
    answer = json('{}');
    expect(await watched.sees({ up: true })).to.not.have.any.keys('error', 'down');
    expect(await watched.status()).to.include({ phase: 'up', failures: 0 });
  });

  it('counts failures anew after every answer', async () => {
    let asked = 0;
    answer = (request, response) => (++asked % 2 === 0 ? response.end() : request.socket.destroy());
    const watched = await watch(root, http, fast(), { max_retries: 1, retry_timeout: 1 });
    await eventually(() => expect(asked).to.be.above(8));
    expect(watched.pid.isAlive).to.equal(true);
  });

  it('waits between failures as its retry policy says', async () => {
    answer = (request) => request.socket.destroy();
    const watched = await watch(root, http, fast(), { max_retries: 3, backoff_strategy: 'linear', retry_timeout: 40 });
    await watched.sees({ down: true });
    const { seen } = watched;
    const gaps = seen.slice(1).map(({ atMs }, i) => atMs - (seen[i]?.atMs ?? 0));
    for (const [i, gap] of gaps.entries()) expect(gap).to.be.at.least(40 * (i + 1) - 2);
    expect(gaps).to.have.length(3);
  });

  it('asks the first of a list that answers', async () => {
    answer = json('"second"');
    const config = fast({ url: [`http://127.0.0.1:${await freePort()}/`, url] });
    const watched = await watch(root, http, config, { max_retries: 0 });
    await eventually(() => expect(watched.seen.length).to.be.above(2));
    for (const fields of watched.states) expect(fields).to.include({ body: 'second', up: true });
  });

  it('sends method, headers and a body, a value as JSON', async () => {
    const asked: unknown[] = [];
    answer = (request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      request.on('end', () => {
        asked.push([request.method, request.headers['content-type'], request.headers['x-key'], body]);
        response.end();
      });
    };
    await (await watch(root, http, fast({ method: 'PUT', headers: { 'X-Key': 'k' }, request_body: { on: true } }))).sees({ up: true });
    await (await watch(root, http, fast({ method: 'POST', request_body: 'plain' }))).sees({ up: true });
    expect(asked).to.deep.include(['PUT', 'application/json', 'k', '{"on":true}']);
    expect(asked.find((one) => Array.isArray(one) && one[0] === 'POST')).to.deep.equal(['POST', undefined, undefined, 'plain']);
  });

  it('follows a redirect unless it is told not to', async () => {
    answer = (request, response) => void (request.url === '/' ? response.writeHead(302, { location: '/there' }).end() : response.end('"there"'));
    await (await watch(root, http, fast())).sees({ status_code: 200, body: 'there' });
    await (await watch(root, http, fast({ follow_redirect: false }))).sees({ status_code: 302, up: true });
  });

  it('never asks twice at a time', async () => {
    let [now, most, asked] = [0, 0, 0];
    answer = (_request, response) => {
      most = Math.max(most, ++now);
      asked++;
      setTimeout(() => {
        now--;
        response.end();
      }, 30);
    };
    await watch(root, http, fast());
    await eventually(() => expect(asked).to.be.above(4));
    expect(most).to.equal(1);
  });

  it('refuses a body of more than a mebibyte, says so, and takes the next answer', async () => {
    const bodies = [Buffer.alloc(MOST_BODY + 1, 'a'), Buffer.alloc(8 * MOST_BODY, 'a')];
    for (const body of bodies) {
      for (const encoding of ['identity', 'gzip']) {
        let asked = 0;
        answer = (_request, response) => {
          if (asked++ > 0) response.end('"small"');
          else response.writeHead(200, { 'content-encoding': encoding }).end(encoding === 'gzip' ? gzipSync(body) : body);
        };
        const watched = await watch(root, http, fast());
        expect((await watched.sees({ up: false })).error).to.include(`longer than ${MOST_BODY} bytes`);
        await watched.sees({ up: true, body: 'small' });
        await root.stop(watched.pid);
      }
    }
    answer = (_request, response) => void response.end(Buffer.alloc(MOST_BODY, 'a'));
    expect((await (await watch(root, http, fast())).sees({ up: true })).body).to.have.length(MOST_BODY);
  });

  it('names every key that is wrong, and what it would take', () => {
    const { faults } = check(http.schema, { url: 'ftp://x', interval: 'soon', methode: 'GET' });
    expect(faults.map(({ path, nearest }) => [path, nearest])).to.have.deep.members([
      ['/url', undefined],
      ['/interval', undefined],
      ['/methode', 'method'],
    ]);
  });
});
