/** Monitor type `websocket`: keeps a connection open and takes every message. */
import { Type } from 'typebox';
import { type RawData, WebSocket } from 'ws';
import { payloadOf } from '../payload.ts';
import { type MonitorPort, type MonitorType, WatchLost } from './monitor.ts';

const schema = Type.Object(
  {
    url: Type.Unsafe<string | string[]>({
      type: ['string', 'array'],
      items: { type: 'string', pattern: '^wss?://' },
      pattern: '^wss?://',
      minItems: 1,
      description: 'Where to connect; of a list the first that answers.',
    }),
    protocols: Type.Array(Type.String(), { default: [], description: 'Subprotocols to offer.' }),
    headers: Type.Record(Type.String(), Type.String(), { default: {}, description: 'Header lines of the opening request.' }),
    ping_interval: Type.Integer({
      minimum: 10,
      maximum: 86_400_000,
      default: 30_000,
      description: 'Milliseconds between pings; without a pong until the next one the connection is lost.',
    }),
    reconnect: Type.Boolean({ default: true, description: 'False: a lost connection takes the monitor down at once, without retries.' }),
    timeout: Type.Integer({ minimum: 1, maximum: 600_000, default: 10_000, description: 'Milliseconds that the opening may take.' }),
    verify_ssl: Type.Boolean({ default: true, description: "Whether the server's certificate is checked." }),
  },
  { additionalProperties: false, description: 'A WebSocket whose messages are taken.' },
);

const MOST_PAYLOAD = 1_048_576;

export const websocket: MonitorType<typeof schema> = {
  type: 'websocket',
  schema,
  fields: ['payload', 'up', 'error'],
  bulkField: 'url',
  async watch(config, port) {
    let failure: Error = new WatchLost('no URL');
    for (const url of [config.url].flat()) {
      const socket = new WebSocket(url, config.protocols, {
        headers: config.headers,
        handshakeTimeout: config.timeout,
        maxPayload: MOST_PAYLOAD,
        perMessageDeflate: false,
        rejectUnauthorized: config.verify_ssl,
      });
      const lost = take(socket, config, port); // before it is open: a server may speak in the same breath in which it accepts
      try {
        await Promise.race([opened(socket), lost]);
      } catch (error) {
        failure = error instanceof Error ? error : new Error(String(error));
        continue;
      }
      return lost;
    }
    throw failure;
  },
};

const opened = (socket: WebSocket): Promise<void> => new Promise((resolve) => socket.once('open', () => resolve()));

/** Take messages one at a time, in order, until the connection is lost. The socket is paused while the rules have no room. */
function take(
  socket: WebSocket,
  { ping_interval, reconnect }: { readonly ping_interval: number; readonly reconnect: boolean },
  { emit, signal }: MonitorPort,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let alive = true;
    let pending: Promise<void> = Promise.resolve();
    const lose = ({ message }: Error): void => {
      clearInterval(pinger);
      socket.terminate();
      void pending.then(() => (signal.aborted ? resolve() : reject(new WatchLost(message, {}, !reconnect)))); // what came before the loss is seen before it
    };
    signal.addEventListener('abort', () => socket.terminate(), { once: true });
    const pinger = setInterval(() => {
      if (socket.readyState !== WebSocket.OPEN) return;
      if (!alive) return lose(new WatchLost(`no pong within ${ping_interval} ms`));
      alive = false;
      socket.ping();
    }, ping_interval);
    socket.on('open', () => {
      pending = emit({ up: true }).catch(lose);
    });
    socket.on('pong', () => {
      alive = true;
    });
    socket.on('message', (data: RawData) => {
      const payload = payloadOf(Buffer.isBuffer(data) ? data : Array.isArray(data) ? Buffer.concat(data) : new Uint8Array(data));
      socket.pause();
      pending = pending
        .then(() => emit({ payload, up: true }))
        .then(() => socket.resume())
        .catch(lose);
    });
    socket.on('error', lose);
    socket.on('close', (code, reason) => lose(new WatchLost(`closed with code ${code}${reason.length > 0 ? `: ${reason.toString()}` : ''}`)));
  });
}
