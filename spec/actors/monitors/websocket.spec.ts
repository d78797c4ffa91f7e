// Monitor type websocket against real servers (npm ws): what it takes, and when a connection counts as lost.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Event } from '../../../actors/event.ts';
import { Feed } from '../../../actors/feed.ts';
import { websocket } from '../../../actors/monitors/websocket.ts';
import { endOf, Root } from '../../support/actors.ts';
import { eventually } from '../../support/eventually.ts';
import { keepsTheContract, watch } from '../../support/monitor-kit.ts';
import { freePort } from '../../support/services.ts';
import { startSilent } from '../../support/silent.ts';

const MOST_PAYLOAD = 1_048_576;

describe('monitor type websocket', () => {
  let root: Root;
  let server: WebSocketServer;
  let url: string;
  let greet: (socket: WebSocket) => void;

  beforeEach(async () => {
    root = new Root();
    greet = () => {};
    server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    server.on('connection', (socket) => greet(socket));
    await once(server, 'listening');
    url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });
  afterEach(async () => {
    await root.end();
    for (const socket of server.clients) socket.terminate();
    server.close();
  });

  describe('keeps the contract of monitors:', () => {
    keepsTheContract({
      type: websocket,
      present: async () => ({ config: { url }, held: () => server.clients.size }),
      absent: async () => ({ url: `ws://127.0.0.1:${await freePort()}/` }),
    });
  });

  it('is up when the connection is open, before any message', async () => {
    const watched = await watch(root, websocket, { url });
    expect(await watched.sees({ up: true })).to.deep.equal({ up: true });
    expect(watched.seen).to.have.length(1);
  });

  it('sees a JSON message as its value and any other as a text, also one with a prototype in it', async () => {
    const messages = ['{"t": 21.5}', 'null', 'plain', '{"__proto__": {"up": false}}', '', '{"cut'];
    greet = (socket) => {
      for (const message of messages) socket.send(message);
      socket.send(Buffer.from('{"binary": true}'));
    };
    const watched = await watch(root, websocket, { url });
    await watched.sees({ payload: { binary: true } });
    expect(watched.states.slice(1).map(({ payload }) => payload)).to.deep.equal([{ t: 21.5 }, null, ...messages.slice(2), { binary: true }]);
    expect(({} as { up?: boolean }).up).to.equal(undefined);
  });

  it('sees every message, in the order in which they were sent', async () => {
    greet = (socket) => {
      for (let i = 0; i < 1_000; i++) socket.send(String(i));
    };
    const watched = await watch(root, websocket, { url });
    await eventually(() => expect(watched.seen).to.have.length(1_001));
    expect(watched.states.slice(1).map(({ payload }) => payload)).to.deep.equal([...Array(1_000).keys()]);
  });

  it('sees what came before a loss before the loss, however long the rules take', async () => {
    class SlowFeed extends Feed {
      override async publish(event: Event): Promise<void> {
        await super.publish(event);
        await sleep(10);
      }
    }
    greet = (socket) => {
      for (let i = 0; i < 5; i++) socket.send(String(i));
      socket.close();
    };
    const watched = await watch(root, websocket, { url }, { max_retries: 0 }, new SlowFeed(async () => 1));
    await watched.sees({ up: false }).catch(() => {});
    await eventually(() =>
      expect(watched.states.map(({ up, payload }) => [up, payload])).to.deep.equal([[true, undefined], ...[0, 1, 2, 3, 4].map((i) => [true, i]), [false, 4]]),
    );
  });

  it('offers its subprotocols and headers', async () => {
    const asked = once(server, 'connection');
    await watch(root, websocket, { url, protocols: ['argus.v1'], headers: { 'X-Key': 'k' } });
    const [, request] = (await asked) as [WebSocket, { headers: Record<string, string> }];
    expect(request.headers).to.include({ 'sec-websocket-protocol': 'argus.v1', 'x-key': 'k' });
  });

  it('connects anew when the connection is lost, and says why it was', async () => {
    greet = (socket) => socket.close(4_001, 'go away');
    const watched = await watch(root, websocket, { url });
    expect((await watched.sees({ up: false })).error).to.equal('closed with code 4001: go away');
    greet = (socket) => socket.send('"back"');
    await watched.sees({ up: true, payload: 'back' });
    expect(await watched.status()).to.include({ phase: 'up', failures: 0 });
  });

  it('goes down at once and exits when it is not to reconnect', async () => {
    greet = (socket) => socket.terminate();
    const watched = await watch(root, websocket, { url, reconnect: false }, { max_retries: 1_000 });
    expect(await endOf(watched.pid)).to.be.an.instanceOf(Error);
    await watched.sees({ up: false, down: true });
    expect(watched.seen).to.have.length(2);
  });

  it('stays on one connection as long as pings are answered', async () => {
    let [connections, pings] = [0, 0];
    greet = (socket) => {
      connections++;
      socket.on('ping', () => pings++);
    };
    await watch(root, websocket, { url, ping_interval: 20 });
    await eventually(() => expect(pings).to.be.above(4));
    expect(connections).to.equal(1);
  });

  it('counts a connection as lost on which a ping is not answered by the next one', async () => {
    const deaf = new WebSocketServer({ port: 0, host: '127.0.0.1', autoPong: false });
    await once(deaf, 'listening');
    let connections = 0;
    deaf.on('connection', () => connections++);
    const watched = await watch(root, websocket, { url: `ws://127.0.0.1:${(deaf.address() as AddressInfo).port}/`, ping_interval: 30 });
    expect((await watched.sees({ up: false })).error).to.equal('no pong within 30 ms');
    await eventually(() => expect(connections).to.be.above(1)); // and tries again
    await root.stop(watched.pid);
    deaf.close();
  });

  it('gives up an opening that takes too long', async () => {
    const silent = await startSilent();
    const watched = await watch(root, websocket, { url: `ws://127.0.0.1:${silent.port}/`, timeout: 40 });
    expect((await watched.sees({ up: false })).error).to.match(/timed out/);
    await root.stop(watched.pid);
    silent.close();
  });

  it('connects to the first of a list that answers', async () => {
    greet = (socket) => socket.send('"here"');
    const watched = await watch(root, websocket, { url: [`ws://127.0.0.1:${await freePort()}/`, url] }, { max_retries: 0 });
    await watched.sees({ up: true, payload: 'here' });
    expect(watched.states.filter(({ up }) => up === false)).to.deep.equal([]);
  });

  it('drops a connection that sends a message of more than a mebibyte, and connects anew', async () => {
    let connections = 0;
    greet = (socket) => socket.send(connections++ === 0 ? Buffer.alloc(MOST_PAYLOAD + 1, 'a') : Buffer.alloc(MOST_PAYLOAD, 'a'));
    const watched = await watch(root, websocket, { url });
    expect((await watched.sees({ up: false })).error).to.match(/max payload size exceeded/i);
    await eventually(() => expect(watched.states.at(-1)?.payload).to.have.length(MOST_PAYLOAD));
    expect(connections).to.equal(2);
  });
});
