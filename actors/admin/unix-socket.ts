/** The control socket: HTTP over a Unix socket that only its owner can open. */
import { chmodSync, lstatSync, mkdirSync, statSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import fastify, { type FastifyInstance } from 'fastify';
import type { Berth } from '../berth.ts';
import { parseJson } from '../payload.ts';

/** Another node is serving on the socket. */
export class SocketTaken extends Error {
  override readonly name = 'SocketTaken';
}

/**
 * Serve until `signal` is aborted. The folder is made with mode 0700, the socket has 0600; one that a killed node has left is removed.
 * @throws SocketTaken when a node answers on it; Error when the folder belongs to somebody else.
 */
export async function serveOn(path: string, berth: Berth, routes: (app: FastifyInstance) => void, signal: AbortSignal): Promise<void> {
  await berth.take(signal, () => open(path, routes));
}

async function open(path: string, routes: (app: FastifyInstance) => void): Promise<FastifyInstance> {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { uid, mode } = statSync(folder);
  if (uid !== process.getuid?.() || (mode & 0o022) !== 0)
    throw new Error(
      `the control socket needs a folder that is yours and not writable for others, and ${folder} is not: name one of its own, as in --socket ${folder}/argos/argos.sock`,
    );
  if (await answers(path))
    throw new SocketTaken(`another node is running on ${path}: stop it (argos stop), or start this one with another --socket and --data-dir`);
  unlinkIfThere(path);
  const app = fastify({ bodyLimit: 16 * 1_048_576, forceCloseConnections: true });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, body === '' ? undefined : parseJson(String(body)));
    } catch (error) {
      done(Object.assign(new Error(`the body is not JSON: ${String(error)}`), { statusCode: 400 }));
    }
  });
  routes(app);
  const before = process.umask(0o177);
  try {
    await app.listen({ path });
  } finally {
    process.umask(before);
  }
  chmodSync(path, 0o600);
  return app;
}

const answers = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

/** Only a socket is removed: whatever else stands there is somebody's. */
function unlinkIfThere(path: string): void {
  try {
    if (!lstatSync(path).isSocket()) throw new Error(`${path} is there and is no socket: name another --socket`);
    unlinkSync(path);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
}
