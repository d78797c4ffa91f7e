/** Mocha's root hooks: the node under test keeps its log to itself; when the specs are done, the real servers go, and no process and no socket is left. */
import { enableCompileCache } from 'node:module';
import { Server, Socket } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { silence } from '../../actors/logger.ts';
import { processes } from '../../lib/process.ts';
import { stopServices } from './services.ts';

/** Threads and nodes that the specs start find their modules compiled: that is half of their time. Under a measurement of coverage it would blur that. */
if (!process.env.NODE_V8_COVERAGE && !process.env.NODE_COMPILE_CACHE) {
  const cache = join(tmpdir(), `argos-spec-${userInfo().uid}-compiled`);
  enableCompileCache(cache);
  process.env.NODE_COMPILE_CACHE = cache;
}

export const mochaHooks = {
  beforeAll: () => silence(),
  async afterAll() {
    stopServices();
    const sockets = await leftOpen();
    for (const { close } of sockets) close(); // it is a fault, and told as one: mocha is to end all the same
    expect(sockets.map(({ what }) => what)).to.deep.equal([], 'sockets that a spec has left open');
    expect([...processes()].map(({ name, kind }) => `${kind} ${name}`)).to.deep.equal([], 'processes that a spec has left running');
  },
};

/** What has just been closed is gone after so long. */
const CLOSING_MS = 3_000;
interface Open {
  readonly what: string;
  close(): unknown;
}

/** Sockets and servers over TCP that would keep this process from ending. */
async function leftOpen(): Promise<readonly Open[]> {
  for (const until = performance.now() + CLOSING_MS; performance.now() < until && openNow().length > 0; ) await sleep(20);
  return openNow();
}

function openNow(): readonly Open[] {
  const handles = (Reflect.get(process, '_getActiveHandles') as () => readonly unknown[]).call(process); // Node has no other list of them
  return handles.flatMap((one): readonly Open[] => {
    if (one instanceof Socket && one.remotePort !== undefined)
      return [{ what: `a connection from port ${one.localPort} to ${one.remotePort}, ${one.readyState}`, close: () => one.destroy() }];
    return one instanceof Server && one.listening ? [{ what: `a server on ${JSON.stringify(one.address())}`, close: () => one.close() }] : [];
  });
}
