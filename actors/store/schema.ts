/** The store and its retention as they are written in the configuration. */
import { type Static, Type } from 'typebox';
import { oneOf } from '../schema.ts';

const KEPT = '^([1-9][0-9]{0,5}[smhdwy]|forever)$';
const kept = (description: string, more: object = {}) =>
  Type.String({ pattern: KEPT, description: `${description} A number with s, m, h, d, w or y (365 days), or \`forever\`.`, ...more });

const serviceSchema = Type.Object(
  {
    metrics: Type.Optional(kept('Samples as they came.')),
    metrics_1m: Type.Optional(kept('Samples by the minute.')),
    metrics_1h: Type.Optional(kept('Samples by the hour.')),
    logs: Type.Optional(kept('Logs.')),
    traces: Type.Optional(kept('Traces.')),
  },
  { additionalProperties: false, description: 'What is kept longer or shorter of one service.' },
);
export type ServiceRetentionConfig = Static<typeof serviceSchema>;

export const retentionSchema = Type.Object(
  {
    metrics: kept('Samples as they came.', { default: '7d' }),
    metrics_1m: kept('Samples by the minute: count, sum, min, max, first, last, increase and distribution. Never shorter than `metrics`.', { default: '90d' }),
    metrics_1h: kept('The same by the hour. Never shorter than `metrics_1m`.', { default: '2y' }),
    logs: kept('Logs.', { default: '14d' }),
    traces: kept('Traces.', { default: '7d' }),
    episodes: kept('Episodes of rules, from their end on. Those that are firing stay.', { default: '1y' }),
    executions: kept('Executions of actions and their attempts, from their end on. Those that are still owed stay.', { default: '90d' }),
    audit: kept('Who did what.', { default: '1y' }),
    versions: kept('Versions of the configuration. The last 100 stay, however old they are.', { default: '1y' }),
    services: Type.Record(Type.String(), serviceSchema, {
      default: {},
      description:
        'What differs for a service, by its name; `*` matches any run of characters. The name itself goes before a pattern, of patterns the first one counts.',
    }),
  },
  { additionalProperties: false, description: 'How long what is kept.' },
);
export type RetentionConfig = Static<typeof retentionSchema>;

const POSTGRES = '^postgres(ql)?://[^ ]+$';
const SIZE = '^[1-9][0-9]{0,5}(\\.[0-9]{1,3})? ?[MGT]i?B$';
/** The part of `store` that both engines have. */
export const storeSchema = Type.Object(
  {
    url: Type.Optional(
      Type.Unsafe<string | string[]>({
        type: ['string', 'array'],
        pattern: POSTGRES,
        items: { type: 'string', pattern: POSTGRES },
        minItems: 1,
        description: '`postgres://user@host:port/database`; a list is tried in order. Left out: SQLite in the data directory.',
      }),
    ),
    schema: Type.Optional(
      Type.String({
        pattern: '^[a-z_][a-z0-9_]{0,62}$',
        description: 'PostgreSQL: the schema with the tables; it is made if need be. Left out: the first of the server’s `search_path`.',
      }),
    ),
    node: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 200,
        description:
          'PostgreSQL: what this node is called among those that share the database. It must stay the same over restarts. Left out: the name of the machine.',
      }),
    ),
    durability: oneOf(['power', 'process'], {
      default: 'power',
      description:
        '`power`: what is acknowledged survives a power cut. `process`: telemetry survives the end of the process only; executions and rule states a power cut, too.',
    }),
    max_size: Type.Optional(
      Type.String({
        pattern: SIZE,
        description:
          'Like `10GB` or `512MiB`. From 80 % on Argos is degraded and says so; at 100 % the oldest telemetry goes. Left out: no bound but the disk.',
      }),
    ),
  },
  { additionalProperties: false, description: 'Where telemetry, executions and history are kept.' },
);
export type StoreConfig = Static<typeof storeSchema>;

const FACTOR: Readonly<Record<string, number>> = { M: 2, G: 3, T: 4 };
/** `512MiB`, as the schema takes it, in bytes. */
export function bytesOf(size: string): number {
  const [, amount, prefix = '', binary] = /^([0-9.]+) ?([MGT])(i?)B$/.exec(size) ?? [];
  return Math.round(Number(amount) * (binary ? 1_024 : 1_000) ** (FACTOR[prefix] ?? Number.NaN));
}
