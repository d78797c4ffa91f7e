/** Executions of actions: which there are, how each attempt went, and what an operator does with those that have failed for good. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { Type } from 'typebox';
import type { ApiError } from '../../../proto/api.ts';
import { check } from '../../schema.ts';

/** Of what has failed for good or has expired: these, or all of a rule, of an action, or all. */
export interface Chosen {
  readonly ids?: readonly string[];
  readonly rule?: string;
  readonly action?: string;
}
export interface ExecutionsPort {
  /** Newest first. */
  jobs(filter: Readonly<Record<string, string>>): Promise<readonly { readonly job: { readonly id: string }; readonly status: string }[]>;
  attempts(job: string): Promise<readonly unknown[]>;
  /** The executions that are under way. */
  running(): Promise<readonly string[]>;
  /** They wait again, with all their tries before them. Answers which. */
  putBack(chosen: Chosen): Promise<readonly string[]>;
  /** They are given up. Answers which. */
  drop(chosen: Chosen): Promise<readonly string[]>;
}

const chosenSchema = Type.Object(
  {
    ids: Type.Optional(Type.Array(Type.String({ maxLength: 1_024 }), { maxItems: 10_000 })),
    rule: Type.Optional(Type.String()),
    action: Type.Optional(Type.String()),
  },
  { additionalProperties: false },
);

export function executionRoutes(
  app: FastifyInstance,
  { jobs, attempts, running, putBack, drop }: ExecutionsPort,
  refuse: (reply: FastifyReply, code: ApiError['error']['code'], message: string) => FastifyReply,
): void {
  app.get<{ Querystring: Record<string, string> }>('/v1/executions', async ({ query }) => {
    const underWay = new Set(await running());
    return (await jobs(query)).map((one) => (underWay.has(one.job.id) ? { ...one, status: 'running' } : one));
  });
  app.get<{ Querystring: { id: string } }>('/v1/attempts', ({ query: { id } }) => attempts(id));
  for (const [path, act] of [
    ['retry', putBack],
    ['drop', drop],
  ] as const)
    app.post(`/v1/executions/${path}`, async ({ body }, reply) => {
      const chosen = check(chosenSchema, body ?? {});
      if (!('value' in chosen)) return refuse(reply, 'usage', `expected {ids, rule, action}: ${chosen.faults[0]?.path} ${chosen.faults[0]?.expected}`);
      const ids = await act(chosen.value);
      const missing = chosen.value.ids?.filter((id) => !ids.includes(id)) ?? [];
      if (missing.length > 0)
        return refuse(reply, 'not_found', `no execution that has failed for good or has expired: ${missing.join(', ')}; nothing was done`);
      return reply.send({ ids });
    });
}
