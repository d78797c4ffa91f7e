/** Kinds and their types: the one place that knows them all. What is declared becomes a child spec here. */
import { type Static, type TSchema, Type } from 'typebox';
import { actionChild, type ActionType } from '../actors/actions/action.ts';
import { actionTypes } from '../actors/actions/index.ts';
import { functionChild } from '../actors/functions/function.ts';
import { type FunctionConfig, functionSchema } from '../actors/functions/schema.ts';
import { listenerTypes } from '../actors/listeners/index.ts';
import type { ListenerType } from '../actors/listeners/listener.ts';
import { listenerChild } from '../actors/listeners/listener.ts';
import { monitorTypes } from '../actors/monitors/index.ts';
import { monitorChild, type MonitorType } from '../actors/monitors/monitor.ts';
import { retryPolicy } from '../actors/retry-policy.ts';
import { ruleChild, type RulePort } from '../actors/rules/rule.ts';
import { type RuleConfig, ruleSchema } from '../actors/rules/schema.ts';
import { parseSilence, silenceSchema } from '../actors/rules/alert/silences.ts';
import { type Fault, oneOf } from '../actors/schema.ts';
import type { Feed } from '../actors/feed.ts';
import { logger } from '../actors/logger.ts';
import type { Names, Terms } from '../actors/names.ts';
import type { ListenerSettings } from '../actors/listeners/listener.ts';
import { retentionSchema, storeSchema } from '../actors/store/schema.ts';
import type { ChildSpec } from '../lib/child-spec.ts';
import type { Declared } from '../proto/api.ts';

export const systemSchema = Type.Object(
  {
    name: Type.String({ default: 'argos', description: 'What this node is called.' }),
    version: Type.String({ default: '', description: 'The version of this configuration, for people.' }),
    environment: Type.String({ default: 'production', description: 'The entry of `environments` that is merged over the rest, when there is one.' }),
    log_level: oneOf(['debug', 'info', 'warn', 'error'], { default: 'info', description: 'What the node writes to its own log.' }),
    max_retries: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000, description: 'The default of every `retry_policy.max_retries`.' })),
    timeout: Type.Optional(Type.Integer({ minimum: 1, maximum: 600_000, description: 'The default of every `timeout`, in milliseconds.' })),
  },
  { additionalProperties: false, description: 'The node itself.' },
);
export type SystemConfig = Static<typeof systemSchema>;

const NAME = '^[A-Za-z0-9_-]{1,128}$';
const resource = <S extends TSchema>(config: S, more: Readonly<Record<string, TSchema>> = {}) =>
  Type.Object(
    { name: Type.String({ pattern: NAME, description: 'Unique among its kind.' }), type: Type.String(), config, retry_policy: retryPolicy, ...more },
    { additionalProperties: false },
  );

/** How the executions of an action are carried out. */
export const queueing = {
  concurrency: Type.Integer({ minimum: 1, maximum: 1_000, default: 8, description: 'Executions that may run at the same time.' }),
  ordered: Type.Boolean({
    default: false,
    description: 'One after the other, in the order in which they were made: one that is tried again holds up those behind it.',
  }),
  expires_after: Type.Optional(
    Type.Number({
      exclusiveMinimum: 0,
      maximum: 31_536_000,
      description: 'Seconds after which an execution is of no use any more: it ends as `expired`. Left out: never.',
    }),
  ),
  rate_limit: Type.Optional(
    Type.Object(
      {
        per_second: Type.Number({ exclusiveMinimum: 0, maximum: 100_000, description: 'Attempts a second, on average.' }),
        burst: Type.Integer({ minimum: 1, maximum: 100_000, default: 1, description: 'Attempts at once, after a pause.' }),
      },
      {
        additionalProperties: false,
        description: 'How fast its destination may be gone to; actions with the same destination share it. Left out: as fast as it goes.',
      },
    ),
  ),
  circuit_breaker: Type.Object(
    {
      failures: Type.Integer({
        minimum: 1,
        maximum: 1_000_000,
        default: 5,
        description: 'So many failures one after the other (nobody there, too slow, 5xx) open it.',
      }),
      reset_timeout: Type.Integer({
        minimum: 1,
        maximum: 600_000,
        default: 10_000,
        description:
          'Milliseconds until one execution tries whether the destination is there again; twice as long each time that it is not, up to ten minutes.',
      }),
    },
    {
      additionalProperties: false,
      default: {},
      description: 'While it is open nobody is sent there, and no attempt is counted. Actions with the same destination share it.',
    },
  ),
  group_by: Type.Optional(
    Type.Array(Type.String({ pattern: '^(rule|severity|monitor|labels\\.[A-Za-z_][A-Za-z0-9_]{0,127})$' }), {
      uniqueItems: true,
      description:
        'Executions that agree in these (`rule`, `severity`, `monitor`, `labels.KEY`; `[]`: all) and come within `group_wait` are delivered as one. Left out: each alone.',
    }),
  ),
  group_wait: Type.Number({ minimum: 0, maximum: 86_400, default: 30, description: 'Seconds that the first of a group waits for others.' }),
};

/** The schema of a whole resource of this type. */
export const monitorSchemas = new Map(monitorTypes.map((one) => [one.type as string, resource(one.schema)]));
export const actionSchemas = new Map(actionTypes.map((one) => [one.type as string, resource(one.schema, queueing)]));
export const listenerSchemas = new Map(listenerTypes.map((one) => [one.type as string, one.schema as TSchema]));
export { functionSchema, retentionSchema, ruleSchema, silenceSchema, storeSchema };

const byType = <T extends { readonly type: string }>(types: readonly T[], type: string): T | undefined => types.find((one) => one.type === type);
// The lists hold types of many schemas; from here on each is used with the config that its own schema has checked.
export const monitorType = (type: string) => byType(monitorTypes, type) as MonitorType<TSchema> | undefined;
export const actionType = (type: string) => byType(actionTypes, type) as ActionType<TSchema> | undefined;
export const listenerType = (type: string) => byType(listenerTypes, type) as ListenerType<TSchema> | undefined;

/** A resource whose schema has been satisfied. */
interface Resource {
  readonly name: string;
  readonly type: string;
  readonly config: Record<string, unknown>;
  readonly retry_policy: Static<typeof retryPolicy>;
}
interface ActionResource extends Resource {
  readonly concurrency: number;
  readonly ordered: boolean;
  readonly circuit_breaker: { readonly failures: number; readonly reset_timeout: number };
  readonly rate_limit?: { readonly per_second: number; readonly burst: number };
}

/** What the schema cannot say of a monitor, an action or a listener. Paths are from the resource on. */
export function checkMore(kind: string, spec: unknown): readonly Fault[] {
  if (kind === 'silence') return parseSilence(spec).faults;
  const { type, config } = spec as Resource;
  const found = kind === 'monitor' ? monitorType(type) : kind === 'action' ? actionType(type) : listenerType(type);
  return (found?.check?.(config as never) ?? []).map((fault) => ({ ...fault, path: `/config${fault.path}` }));
}

/** What the actors of every kind are given to work with. */
export interface Site {
  readonly names: Names;
  readonly feed: Feed;
  readonly rules: Omit<RulePort, 'names' | 'feed' | 'log'>;
  readonly listeners: Omit<ListenerSettings, 'names' | 'log'>;
}

/** How the outbox serves an action. What has no destination of its own goes nowhere but to itself. */
function termsOf(type: ActionType<TSchema>, { name, config, retry_policy: retry, concurrency, ordered, circuit_breaker, rate_limit }: ActionResource): Terms {
  return {
    retry,
    concurrency,
    ordered,
    destination: type.destination?.(config as never) ?? `action:${name}`,
    breaker: { failures: circuit_breaker.failures, coolMs: circuit_breaker.reset_timeout },
    rate: rate_limit && { perSecond: rate_limit.per_second, burst: rate_limit.burst },
  };
}

/** Declared -> ChildSpec: the actor of a resource. @param spec a resource that `load` has checked. */
export function childOf({ kind, spec, needs = [] }: Pick<Declared, 'kind' | 'spec' | 'needs'>, { names, feed, rules, listeners }: Site): ChildSpec {
  if (kind === 'rule') {
    const config = spec as RuleConfig;
    return ruleChild(config.name, config, { ...rules, names, feed, log: logger(`rule:${config.name}`) }, needs);
  }
  if (kind === 'function') {
    const config = spec as FunctionConfig;
    return functionChild(config, names, logger(`function:${config.name}`));
  }
  const { name, type, config, retry_policy } = spec as Resource;
  const log = logger(`${kind}:${name}`);
  const monitor = kind === 'monitor' && monitorType(type);
  if (monitor) return monitorChild(name, monitor, config, { retry: retry_policy, feed, names, log });
  const action = kind === 'action' && actionType(type);
  if (action) return actionChild(name, action, config, termsOf(action, spec as ActionResource), names, log);
  const listener = kind === 'listener' && listenerType(type);
  if (listener) return listenerChild(listener, config, { ...listeners, names, log });
  throw new TypeError(`there is no ${kind} of type ${type}`);
}
