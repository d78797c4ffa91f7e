/** Monitor type `mqtt`: subscribes to a topic of any broker and takes every message. */
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type IClientOptions, type MqttClient } from 'mqtt';
import { Type } from 'typebox';
import { payloadOf } from '../payload.ts';
import { type MonitorPort, type MonitorType, WatchLost } from './monitor.ts';

const schema = Type.Object(
  {
    broker_url: Type.Unsafe<string | string[]>({
      type: ['string', 'array'],
      items: { type: 'string', pattern: '^(mqtts?|wss?|tcp)://' },
      pattern: '^(mqtts?|wss?|tcp)://',
      minItems: 1,
      description: 'The broker; of a list the first that answers.',
    }),
    topic: Type.Unsafe<string | string[]>({
      type: ['string', 'array'],
      items: { type: 'string', minLength: 1 },
      minLength: 1,
      minItems: 1,
      description: 'What to subscribe to; + and # as in MQTT.',
    }),
    qos: Type.Unsafe<0 | 1 | 2>({ type: 'integer', enum: [0, 1, 2], default: 0, description: 'The quality of service to ask for.' }),
    client_id: Type.Optional(Type.String({ minLength: 1, maxLength: 256, description: 'Left out: the broker never sees the same twice.' })),
    username: Type.Optional(Type.String({ description: 'Left out: no login.' })),
    password: Type.Optional(Type.String({ description: 'Never logged.' })),
    keepalive: Type.Integer({ minimum: 0, maximum: 65_535, default: 60, description: 'Seconds.' }),
    clean_session: Type.Boolean({ default: true, description: 'False: the broker keeps messages for this client_id while it is away.' }),
    reconnect_interval: Type.Integer({
      minimum: 0,
      maximum: 86_400_000,
      default: 0,
      description: 'Milliseconds to wait before a lost connection is tried anew, beside what the retry policy says.',
    }),
    timeout: Type.Integer({ minimum: 1, maximum: 600_000, default: 10_000, description: 'Milliseconds that the connecting may take.' }),
    verify_ssl: Type.Boolean({ default: true, description: "Whether the broker's certificate is checked." }),
  },
  { additionalProperties: false, description: 'A topic of an MQTT broker whose messages are taken.' },
);

/** A longer one is refused: every payload is kept in the history. */
const MOST_PAYLOAD = 1_048_576;

export const mqtt: MonitorType<typeof schema> = {
  type: 'mqtt',
  schema,
  fields: ['topic', 'payload', 'qos', 'retain', 'up', 'error'],
  bulkField: 'topic',
  check: ({ clean_session, client_id }) =>
    clean_session || client_id !== undefined
      ? []
      : [{ path: '/client_id', expected: 'a client_id: without one the broker cannot keep a session (clean_session is false)' }],
  async watch(config, port) {
    const { client_id, username, password } = config;
    const options: IClientOptions = {
      ...(client_id === undefined ? {} : { clientId: client_id }),
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      keepalive: config.keepalive,
      clean: config.clean_session,
      connectTimeout: config.timeout,
      reconnectPeriod: 0, // the monitor's own retry policy decides
      rejectUnauthorized: config.verify_ssl,
      manualConnect: true,
    };
    if (port.retrying) await sleep(config.reconnect_interval, undefined, { signal: port.signal });
    let failure: Error = new WatchLost('no broker');
    for (const url of [config.broker_url].flat()) {
      const client = connect(url, options);
      const lost = take(client, port);
      try {
        await Promise.race([connected(client), lost]);
        await Promise.race([client.subscribeAsync([config.topic].flat(), { qos: config.qos }), lost, overdue(config.timeout, port.signal)]);
      } catch (error) {
        client.end(true);
        failure = error instanceof Error ? error : new Error(String(error));
        continue;
      }
      await port.emit({ up: true });
      return lost;
    }
    throw failure;
  },
};

/** A broker that never answers a SUBSCRIBE is as good as gone. */
async function overdue(timeoutMs: number, signal: AbortSignal): Promise<never> {
  await sleep(timeoutMs, undefined, { signal });
  throw new WatchLost(`no answer to the subscription within ${timeoutMs} ms`);
}

function connected(client: MqttClient): Promise<void> {
  return new Promise((resolve) => {
    client.once('connect', () => resolve());
    client.connect();
  });
}

/** Take messages one at a time; a message is acknowledged when the rules have taken it. Rejects when the connection is lost. */
function take(client: MqttClient, { emit, signal }: MonitorPort): Promise<void> {
  client.handleMessage = ({ topic, payload, qos, retain }, done) => {
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
    const seen = bytes.length > MOST_PAYLOAD ? { error: `the payload is longer than ${MOST_PAYLOAD} bytes` } : { payload: payloadOf(bytes) };
    emit({ topic, ...seen, qos, retain, up: true }).then(() => done(), done);
  };
  return new Promise((resolve, reject) => {
    let reason = 'the connection was closed';
    client.on('error', (error: Error) => {
      reason = error.message;
    });
    client.once('close', () => {
      client.end(true);
      if (signal.aborted) resolve();
      else reject(new WatchLost(reason));
    });
    signal.addEventListener('abort', () => client.end(true), { once: true });
  });
}
