/** Listener `http`: POST /api/metrics, /api/logs, /api/logs/bulk; and the node's own health and metrics. */
import type { AddressInfo } from 'node:net';
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { Type } from 'typebox';
import { parseJson } from '../payload.ts';
import { registry } from '../vitals.ts';
import { type Decoded, decodeLogs, decodeMetrics } from './decode.ts';
import { Shed } from './intake.ts';
import { type ListenerPort, type ListenerType, loopbackOnly, type TelemetryQuery } from './listener.ts';

const schema = Type.Object(
  {
    enabled: Type.Boolean({ default: true, description: 'Whether it listens.' }),
    host: Type.String({ default: '127.0.0.1', description: 'The address to listen on.' }),
    port: Type.Integer({ minimum: 0, maximum: 65_535, default: 3_001, description: 'The port; 0 takes a free one.' }),
    max_body: Type.Integer({ minimum: 1_024, maximum: 104_857_600, default: 1_048_576, description: 'The longest body, in bytes.' }),
    max_connections: Type.Integer({ minimum: 1, maximum: 1_000_000, default: 10_000, description: 'Connections at the same time.' }),
  },
  { additionalProperties: false, description: 'Metrics and logs over HTTP.' },
);

export const http: ListenerType<typeof schema> = {
  type: 'http',
  schema,
  env: { HTTP_PORT: 'port', HTTP_ENABLED: 'enabled' },
  check: ({ host }) => loopbackOnly(host),
  async open({ host, port, max_body, max_connections }, listener) {
    // A batch waits for the one before it, and each as long as the store is waited for: then it is answered, and not cut off before.
    const app = fastify({ bodyLimit: max_body, connectionTimeout: 90_000, requestTimeout: 30_000, forceCloseConnections: true });
    app.server.maxConnections = max_connections;
    parsers(app);
    routes(app, listener);
    await app.listen({ host, port }).catch(async (error: unknown) => {
      await app.close();
      throw error;
    });
    app.server.on('error', listener.crash);
    const { address, port: bound } = app.server.address() as AddressInfo; // a TCP server that listens has one
    let connections = 0;
    app.server.on('connection', (socket) => {
      connections++;
      socket.on('close', () => connections--);
    });
    return { address: `${address}:${bound}`, connections: () => connections, close: () => app.close() };
  },
};

/** So many refused items are named in an answer; all are counted. */
const MOST_NAMED = 100;

function parsers(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, parseJson(String(body)));
    } catch (error) {
      done(Object.assign(new Error(`the body is not JSON: ${error instanceof Error ? error.message : String(error)}`), { statusCode: 400 }));
    }
  });
}

function routes(app: FastifyInstance, { intake, archive, health, log }: ListenerPort): void {
  const answer = async <T>(reply: FastifyReply, { items, faults }: Decoded<T>, take: (items: readonly T[]) => Promise<void>): Promise<unknown> => {
    if (faults.length > 0) intake.reject('invalid', faults.length);
    await take(items);
    return reply
      .code(faults.length > 0 ? 400 : 202)
      .send({ accepted: items.length, rejected: faults.length, ...(faults.length > 0 ? { errors: faults.slice(0, MOST_NAMED) } : {}) });
  };
  const logs = (reply: FastifyReply, body: unknown): Promise<unknown> => answer(reply, decodeLogs(body, Date.now()), (items) => intake.take([], items));

  app.post('/api/metrics', (request, reply) => answer(reply, decodeMetrics(request.body, Date.now()), (items) => intake.take(items, [])));
  app.post('/api/logs', (request, reply) => logs(reply, request.body));
  app.post('/api/logs/bulk', (request, reply) => {
    if (Array.isArray(request.body)) return logs(reply, request.body);
    intake.reject('invalid');
    return reply.code(400).send({ error: 'expected a list of logs' });
  });
  const away = (error: unknown): never => {
    throw new Shed('the store is not available', { cause: error });
  };
  app.get<{ Querystring: Query }>('/api/metrics', async ({ query }) => ({ metrics: await archive.metrics(queryOf(query)).catch(away) }));
  app.get<{ Querystring: Query }>('/api/logs', async ({ query }) => ({ logs: await archive.logs(queryOf(query)).catch(away) }));
  app.get('/health/live', async () => ({ status: 'ok' }));
  app.get('/health/http', async () => ({ status: 'ok' }));
  app.get('/health/ready', async (_request, reply) => {
    const { ready, faults } = await health();
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ok' : 'unavailable', faults });
  });
  app.get('/metrics', async (_request, reply) => reply.type(registry.contentType).send(await registry.metrics()));

  app.setNotFoundHandler((request, reply) => reply.code(404).send({ error: `there is no ${request.method} ${request.url.split('?')[0]}` }));
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    if (error instanceof Shed)
      return reply
        .code(503)
        .header('retry-after', '1')
        .send({ error: `${error.message}: send it again later` });
    const status = error.statusCode ?? 500;
    if (status >= 500) log.error('a request failed', { error: error.message });
    else if (request.method === 'POST') intake.reject(status === 413 ? 'too_large' : status === 415 ? 'media_type' : 'invalid');
    return reply.code(status).send({ error: status >= 500 ? 'the request could not be carried out' : error.message });
  });
}

type Query = Readonly<Record<string, string | undefined>>;
const MOST_ROWS = 10_000;

/** `service`, `name`, `level`, `from`, `to` (ISO 8601 or milliseconds), `limit`. @throws an error with status 400 that names the fault. */
function queryOf(query: Query): TelemetryQuery {
  const known = ['service', 'name', 'level', 'from', 'to', 'limit'];
  const refuse = (expected: string, got: string): never => {
    throw Object.assign(new Error(`expected ${expected}, got ${got}`), { statusCode: 400 });
  };
  for (const [key, value] of Object.entries(query)) {
    if (!known.includes(key)) refuse(`the parameters ${known.join(', ')}`, key);
    if (Array.isArray(value)) refuse(`${key} once`, value.join(', '));
  }
  const time = (key: 'from' | 'to'): Partial<TelemetryQuery> => {
    const text = query[key];
    if (text === undefined) return {};
    const ms = /^\d+$/.test(text) ? Number(text) : Date.parse(text);
    return Number.isFinite(ms) ? { [key]: ms } : refuse(`${key}: ISO 8601, or milliseconds since 1970`, text);
  };
  const { service, name, level, limit = '1000' } = query;
  if (!/^\d+$/.test(limit) || Number(limit) < 1 || Number(limit) > MOST_ROWS) refuse(`limit: 1 to ${MOST_ROWS}`, limit);
  return { ...(service ? { service } : {}), ...(name ? { name } : {}), ...(level ? { level } : {}), ...time('from'), ...time('to'), limit: Number(limit) };
}
