/**
 * Listener `mqtt`: an MQTT 3.1.1 broker (aedes) that takes `argus/metrics/{service}/{metric_name}` and `argus/logs/{service}/{level}`.
 * A PUBACK or PUBREC goes out after the commit. Other topics outside `argus/` are plain broker traffic.
 */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { Aedes, type AedesOptions } from 'aedes';
import { Type } from 'typebox';
import type { Log, Metric } from '../event.ts';
import { parseJson } from '../payload.ts';
import { type Decoded, decodeLogMessage, decodeMetricMessage } from './decode.ts';
import { Shed } from './intake.ts';
import { type ListenerPort, type ListenerType, loopbackOnly } from './listener.ts';

const schema = Type.Object(
  {
    enabled: Type.Boolean({ default: true, description: 'Whether it listens.' }),
    host: Type.String({ default: '127.0.0.1', description: 'The address to listen on.' }),
    port: Type.Integer({ minimum: 0, maximum: 65_535, default: 1_883, description: 'The port; 0 takes a free one.' }),
    max_payload: Type.Integer({ minimum: 128, maximum: 104_857_600, default: 1_048_576, description: 'The longest payload of an argus message, in bytes.' }),
    max_connections: Type.Integer({ minimum: 1, maximum: 1_000_000, default: 10_000, description: 'Connections at the same time.' }),
  },
  { additionalProperties: false, description: 'Metrics and logs over MQTT.' },
);

/** A subscriber that does not read is dropped after so long: until then it would freeze everybody (aedes's own default is 60 s). */
const DRAIN_MS = 2_000;
const CONNECT_MS = 5_000;

export const mqtt: ListenerType<typeof schema> = {
  type: 'mqtt',
  schema,
  env: { MQTT_PORT: 'port', MQTT_ENABLED: 'enabled' },
  check: ({ host }) => loopbackOnly(host),
  async open({ host, port, max_payload, max_connections }, listener) {
    const broker = new Aedes({ drainTimeout: DRAIN_MS, connectTimeout: CONNECT_MS, authorizePublish: authorize(listener, max_payload) });
    await broker.listen();
    broker.on('clientError', ({ id }, error) => listener.log.debug('a client was dropped', { client: id, error: error.message }));
    broker.on('connectionError', (_client, error) => listener.log.debug('a connection was dropped', { error: error.message }));
    const sockets = new Set<Socket>();
    const server = createServer((socket: Socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      broker.handle(socket);
    });
    server.maxConnections = max_connections;
    await listening(server, host, port).catch((error: unknown) => {
      broker.close(); // its heartbeat would outlive the failed start
      throw error;
    });
    server.on('error', listener.crash);
    const { address, port: bound } = server.address() as AddressInfo; // a TCP server that listens has one
    return { address: `${address}:${bound}`, connections: () => broker.connectedClients, close: () => close(broker, server, sockets) };
  },
};

/** Items are taken here, before the broker forwards the message; its acknowledgement waits for the callback. */
function authorize(port: ListenerPort, maxPayload: number): NonNullable<AedesOptions['authorizePublish']> {
  return (client, packet, done) => {
    take(packet, client?.id, port, maxPayload).then(
      (kept) => {
        if (!kept) Object.assign(packet, NOWHERE);
        done();
      },
      (error: Error) => {
        if (!(error instanceof Shed)) port.log.warn('a message ended its connection', { client: client?.id, topic: packet.topic, error: error.message });
        done(error instanceof Shed && packet.qos === 0 ? null : error); // no acknowledgement: the client is dropped and sends it again
      },
    );
  };
}

/** Where a refused message is forwarded to: no client's wildcard leads here, and nothing of it is retained. */
const NOWHERE = { topic: '$argos/refused', payload: Buffer.alloc(0), retain: false };

/** Answers, when the items of a message are kept, whether it is to be forwarded. Rejects when its connection is to be closed. */
async function take(
  { topic, payload }: { readonly topic: string; readonly payload: string | Buffer },
  client: string | undefined,
  { intake, log }: ListenerPort,
  maxPayload: number,
): Promise<boolean> {
  if (topic.startsWith('$SYS/')) throw new Error(`clients may not publish to ${topic}`);
  if (!topic.startsWith('argus/')) return true;
  const decoded = decode(topic, payload, maxPayload);
  if (typeof decoded === 'string' || decoded.faults.length > 0) {
    // MQTT 3.1.1 has no word for a refusal but to close the connection; so it is acknowledged, counted and dropped.
    const [reason, count] = typeof decoded === 'string' ? [decoded, 1] : ['invalid', decoded.faults.length];
    intake.reject(reason, count);
    log.debug('a message was rejected', { client, topic, reason, faults: typeof decoded === 'string' ? [] : decoded.faults.slice(0, MOST_NAMED) });
  }
  if (typeof decoded === 'string' || decoded.items.length === 0) return false;
  await (decoded.kind === 'metrics' ? intake.take(decoded.items, []) : intake.take([], decoded.items));
  return true;
}

/** So many refused items are named in the log; all are counted. */
const MOST_NAMED = 10;

type Message = (Decoded<Metric> & { readonly kind: 'metrics' }) | (Decoded<Log> & { readonly kind: 'logs' });

/** The items of a message, or the reason why it is refused as a whole. */
function decode(topic: string, payload: string | Buffer, maxPayload: number): Message | 'topic' | 'too_large' | 'not_json' {
  const [, kind, service, name, ...more] = topic.split('/');
  if (!service || !name || more.length > 0 || (kind !== 'metrics' && kind !== 'logs')) return 'topic';
  if (payload.length > maxPayload) return 'too_large';
  let json: unknown;
  try {
    json = parseJson(payload.toString());
  } catch {
    return 'not_json';
  }
  const nowMs = Date.now();
  return kind === 'metrics' ? { kind, ...decodeMetricMessage(service, name, json, nowMs) } : { kind, ...decodeLogMessage(service, name, json, nowMs) };
}

const listening = (server: Server, host: string, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });

const close = (broker: Aedes, server: Server, sockets: ReadonlySet<Socket>): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    broker.close(() => {
      for (const socket of sockets) socket.destroy(); // one that has not said CONNECT is no client yet, and would hold up the end
    });
  });
