/** The part of the admin API that says what a reload would do, and does nothing. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { Type } from 'typebox';
import { type ApiError, type Declared, type PlacedFault, type Source, sourceSchema } from '../../../proto/api.ts';
import type { Plan } from '../../../proto/reports.ts';
import { check } from '../../schema.ts';
import type { Desk } from '../desk.ts';

/** @param sources left out: those that the node was started with, as they stand on disk now. */
export type PlanPort = (running: readonly Declared[], sources: readonly Source[] | undefined) => Promise<Plan | { readonly faults: readonly PlacedFault[] }>;
type Refuse = (reply: FastifyReply, code: ApiError['error']['code'], message: string) => FastifyReply;

const bodySchema = Type.Object({ sources: Type.Optional(Type.Array(sourceSchema, { minItems: 1 })) }, { additionalProperties: false });

export function planRoutes(app: FastifyInstance, desk: Desk, port: PlanPort, refuse: Refuse): void {
  app.post('/v1/plan', async ({ body }, reply) => {
    const given = check(bodySchema, body ?? {});
    if (!('value' in given)) return refuse(reply, 'usage', `expected {sources: [{file, text}]}: ${given.faults[0]?.path} ${given.faults[0]?.expected}`);
    const plan = await port(desk.declared, given.value.sources);
    if (!('faults' in plan)) return reply.send(plan);
    const message = `the configuration has ${plan.faults.length} fault${plan.faults.length === 1 ? '' : 's'}`;
    return reply.code(422).send({ error: { code: 'config_invalid', message, faults: plan.faults } } satisfies ApiError);
  });
}
