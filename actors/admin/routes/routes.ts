/** The admin API: every word of the CLI but `start` is one of these requests. */
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { type Ask, call } from '../../../lib/call.ts';
import { type AckReply, type AlertDetail, EDITABLE, type ApiError, type Declaration, type Kind, KINDS, type Source, sourceSchema } from '../../../proto/api.ts';
import type { Names } from '../../names.ts';
import { type LogLine, recentLines, tail } from '../../logger.ts';
import { check } from '../../schema.ts';
import { registry } from '../../vitals.ts';
import type { Command, CommandReply, Desk } from '../desk.ts';
import { type HealthPort, infoOf, readiness, statusOf } from '../health.ts';
import { treeOf } from '../tree.ts';
import { type PlanPort, planRoutes } from './plan.ts';
import { type ExecutionsPort, executionRoutes } from './executions.ts';
import { type StorePort, storeRoutes } from './store.ts';

export interface RoutesPort extends HealthPort {
  readonly names: Names;
  readonly executionsOf: ExecutionsPort;
  versions(limit: number): Promise<readonly unknown[]>;
  validate(sources: readonly Source[] | undefined): Declaration['faults'];
  /** Names go out, values only in. */
  readonly secrets: { names(): Promise<readonly string[]>; set(name: string, value: string): Promise<void>; delete(name: string): Promise<boolean> };
  readonly upkeep: StorePort;
  readonly plan: PlanPort;
  /** End the node in order. */
  stop(): void;
}

const STATUS: Readonly<Record<ApiError['error']['code'], number>> = {
  usage: 400,
  not_found: 404,
  conflict: 409,
  config_invalid: 422,
  not_ready: 503,
  failed: 500,
};
const isKind = (kind: string): kind is Kind => (KINDS as readonly string[]).includes(kind);
const LONGEST_COMMENT = 1_024;
/** A rule may be waiting for the store; an acknowledgement is answered when it is lasting. */
const RULE_MS = 30_000;
const SECRET_NAME = /^[A-Za-z0-9_-]{1,128}$/;
type Params = { Params: { kind: string; name: string } };

export function routes(app: FastifyInstance, desk: Desk, port: RoutesPort): void {
  const author = (headers: Readonly<Record<string, unknown>>): string => String(headers['x-argos-author'] ?? 'cli').slice(0, 128);
  const send = (reply: FastifyReply, answer: CommandReply): FastifyReply => reply.code('error' in answer ? STATUS[answer.error.code] : 200).send(answer);
  const refuse = (reply: FastifyReply, code: ApiError['error']['code'], message: string): FastifyReply => send(reply, { error: { code, message } });

  app.addHook('onRequest', async (_request, reply) => {
    if (!desk.ready) await refuse(reply, 'not_ready', 'the node is starting or stopping');
  });
  app.get('/v1/status', () => statusOf(desk, port));
  app.get('/v1/tree', async (_request, reply) => treeOf('argos', port.restarts, desk.quarantine) ?? refuse(reply, 'not_ready', 'the tree is not up'));
  app.get('/v1/ready', async (_request, reply) => {
    const ready = readiness(port.names, port.storeTrouble());
    return reply.code(ready.ready ? 200 : 503).send(ready);
  });
  app.get('/v1/metrics', async (_request, reply) => reply.type(registry.contentType).send(await registry.metrics()));

  app.get<{ Querystring: { kind?: string } }>('/v1/resources', ({ query: { kind } }) =>
    Promise.all(desk.declared.filter((one) => kind === undefined || one.kind === kind).map((one) => infoOf(one, desk, port.names))),
  );
  app.get<Params>('/v1/resources/:kind/:name', async ({ params: { kind, name } }, reply) => {
    const declared = desk.declared.find((one) => one.kind === kind && one.name === name);
    return declared ? infoOf(declared, desk, port.names, true) : refuse(reply, 'not_found', `there is no ${kind} named ${name}`);
  });

  const put =
    (mode: 'create' | 'update') =>
    async ({ params: { kind, name }, body, headers }: { params: Params['Params']; body: unknown; headers: object }, reply: FastifyReply) => {
      const source = check(sourceSchema, body);
      if (!isKind(kind) || !EDITABLE.includes(kind)) return refuse(reply, 'usage', `a ${kind} cannot be made one by one; one of ${EDITABLE.join(', ')} can`);
      if (!('value' in source)) return refuse(reply, 'usage', `expected {file, text}: ${source.faults[0]?.path} ${source.faults[0]?.expected}`);
      return send(reply, await desk.command({ do: 'put', mode, kind, name, source: source.value, author: author({ ...headers }) } satisfies Command));
    };
  app.post<Params>('/v1/resources/:kind/:name', put('create'));
  app.put<Params>('/v1/resources/:kind/:name', put('update'));
  app.delete<Params>('/v1/resources/:kind/:name', async ({ params: { kind, name }, headers }, reply) => {
    if (!isKind(kind) || !EDITABLE.includes(kind) || kind === 'system_config')
      return refuse(reply, 'usage', `a ${kind} cannot be deleted; a monitor, rule or action can`);
    return send(reply, await desk.command({ do: 'delete', kind, name, author: author(headers) }));
  });
  app.get<{ Params: { name: string }; Querystring: { instance?: string } }>(
    '/v1/rules/:name/alert',
    async ({ params: { name }, query: { instance = '' } }, reply) => {
      const rule = port.names.whereis(`rule:${name}`);
      if (!rule) return refuse(reply, 'not_found', `there is no rule ${name} that runs`);
      const alert = await call(rule, { ask: 'status', instance } as Ask<AlertDetail | undefined>, RULE_MS);
      return alert ?? refuse(reply, 'not_found', `rule ${name} has no alert for ${instance}: nothing of it has come yet, or for_each does not match it`);
    },
  );
  app.post<{ Params: { name: string }; Body: { instance?: unknown; comment?: unknown } | undefined }>('/v1/rules/:name/ack', async (request, reply) => {
    const { params, body, headers } = request;
    const { instance, comment = '' } = body ?? {};
    if ((instance !== undefined && typeof instance !== 'string') || typeof comment !== 'string' || comment.length > LONGEST_COMMENT)
      return refuse(reply, 'usage', `expected {instance, comment}, both texts, the comment of at most ${LONGEST_COMMENT} characters`);
    const rule = port.names.whereis(`rule:${params.name}`);
    if (!rule) return refuse(reply, 'not_found', `there is no rule ${params.name} that runs`);
    const answer = await call(rule, { ask: 'ack', instance, by: author(headers), comment } as Ask<AckReply>, RULE_MS);
    if (answer.episodes.length > 0) return reply.send(answer);
    return refuse(
      reply,
      'conflict',
      `${instance === undefined ? '' : `${instance} of `}rule ${params.name} has nothing to acknowledge: what fires has been seen to`,
    );
  });
  app.post('/v1/reload', async ({ headers }, reply) => send(reply, await desk.command({ do: 'reload', author: author(headers) })));
  app.post<{ Body: { sources?: readonly Source[] } | undefined }>('/v1/validate', async ({ body }) => ({ faults: port.validate(body?.sources) }));
  app.get<{ Querystring: { limit?: string } }>('/v1/versions', ({ query: { limit = '20' } }) => port.versions(Math.min(1_000, Number(limit) || 20)));

  app.get('/v1/secrets', () => port.secrets.names());
  app.put<{ Params: { name: string }; Body: { value?: unknown } | undefined }>('/v1/secrets/:name', async ({ params: { name }, body }, reply) => {
    if (!SECRET_NAME.test(name)) return refuse(reply, 'usage', 'a secret is named by letters, digits, _ and -');
    if (typeof body?.value !== 'string' || body.value === '') return refuse(reply, 'usage', 'expected {value}: a text that is not empty');
    await port.secrets.set(name, body.value);
    return reply.send({ name });
  });
  app.delete<{ Params: { name: string } }>('/v1/secrets/:name', async ({ params: { name } }, reply) =>
    (await port.secrets.delete(name)) ? reply.send({ name }) : refuse(reply, 'not_found', `there is no secret named ${name}`),
  );

  executionRoutes(app, port.executionsOf, refuse);

  app.get<{ Querystring: { follow?: string; lines?: string; level?: string; actor?: string } }>('/v1/logs', (request, reply) => {
    const { follow, lines = '100', level, actor } = request.query;
    const wanted = (line: LogLine): boolean =>
      (level === undefined || line.level === level) && (actor === undefined || line.actor === actor || line.actor.startsWith(`${actor}:`));
    const recent = recentLines(1_000)
      .filter(wanted)
      .slice(-Math.min(1_000, Number(lines) || 100));
    void reply.type('application/x-ndjson');
    if (follow === undefined) return reply.send(recent.map((line) => `${JSON.stringify(line)}\n`).join(''));
    const stream = new Readable({ read: () => {} });
    for (const line of recent) stream.push(`${JSON.stringify(line)}\n`);
    const hear = (line: LogLine): void => {
      if (wanted(line) && stream.readableLength < 1_048_576) stream.push(`${JSON.stringify(line)}\n`); // a reader that is too slow misses lines, and holds nobody up
    };
    tail.on('line', hear);
    request.raw.on('close', () => {
      tail.off('line', hear);
      stream.destroy();
    });
    return reply.send(stream);
  });

  storeRoutes(app, port.upkeep, refuse);
  planRoutes(app, desk, port.plan, refuse);

  app.post('/v1/stop', async (_request, reply) => {
    await reply.code(202).send({ stopping: true });
    port.stop();
  });

  app.setNotFoundHandler((request, reply) => refuse(reply, 'not_found', `there is no ${request.method} ${request.url.split('?')[0]}`));
  app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) =>
    reply
      .code(error.statusCode ?? 500)
      .send({ error: { code: (error.statusCode ?? 500) < 500 ? 'usage' : 'failed', message: error.message } } satisfies ApiError),
  );
}
