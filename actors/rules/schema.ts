/** A rule as it is written in the configuration. */
import { type Static, Type } from 'typebox';
import { oneOf } from '../schema.ts';

const seconds = (description: string) => Type.Number({ minimum: 0, maximum: 31_536_000, default: 0, description });
const actions = (options: object) => Type.Array(Type.String(), { uniqueItems: true, ...options });

export const ruleSchema = Type.Object(
  {
    name: Type.String({ pattern: '^[A-Za-z0-9_-]{1,128}$', description: 'Unique among the rules.' }),
    description: Type.String({ default: '', description: 'For people; in alerts as `${rule.description}`.' }),
    monitor: Type.Optional(
      Type.Unsafe<string | string[]>({
        type: ['string', 'array'],
        items: { type: 'string' },
        minItems: 1,
        description: 'The monitors whose events wake the rule. Left out: those that the condition reads.',
      }),
    ),
    condition: Type.Unknown({
      description:
        '`{"and": […]}`, `{"or": […]}`, `{"not": …}`, or `{"field": "monitor.path", "op": …, "value": …}`. A missing field is unknown, never silently false.',
    }),
    mode: oneOf(['alert', 'event'], {
      default: 'alert',
      description: '`alert` fires once an episode; `event` fires for every event on which the condition holds.',
    }),
    severity: oneOf(['info', 'warning', 'critical'], { default: 'warning', description: 'In alerts as `${rule.severity}`.' }),
    for: seconds('The condition must hold so many seconds before the rule fires.'),
    keep_firing_for: seconds('It goes on firing so many seconds after the condition has ceased to hold.'),
    cooldown: seconds('So many seconds pass at the least between two firings that are told. It never delays an end.'),
    actions: actions({ minItems: 1, description: 'The actions to carry out when it fires.' }),
    on_resolve: actions({ default: [], description: 'The actions to carry out when a firing that was told has ended.' }),
    parameters: Type.Record(Type.String(), Type.Unknown(), {
      default: {},
      description: 'Named values for `{"var": "parameters.x"}` in the condition and `${rule.parameters.x}` in templates.',
    }),
  },
  { additionalProperties: false, description: 'Judges what monitors see, and asks for actions.' },
);
export type RuleConfig = Static<typeof ruleSchema>;
