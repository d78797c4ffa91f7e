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
    for_each: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 256,
        description:
          'Monitors, `*` matches any run of characters: each has an alert of its own, and is called `monitor` in the conditions (`monitor.status_code`).',
      }),
    ),
    clear_when: Type.Optional(
      Type.Unknown({
        description: 'While it fires: the condition that ends it, in place of the end of `condition` (hysteresis). While `condition` is true it goes on.',
      }),
    ),
    no_data: Type.Optional(
      Type.Object(
        {
          after: Type.Number({ exclusiveMinimum: 0, maximum: 31_536_000, description: 'Seconds without anything that the rule reads.' }),
          policy: oneOf(['ok', 'alert', 'keep'], { default: 'alert', description: 'As if the condition did not hold, as if it did, or as it was.' }),
        },
        { additionalProperties: false, description: 'What a silence means. Left out: what was seen last holds, however old it is.' },
      ),
    ),
    on_error: oneOf(['ok', 'alert', 'keep'], { default: 'keep', description: 'What it means that the condition cannot be evaluated.' }),
    depends_on: Type.Array(Type.String({ minLength: 1 }), {
      uniqueItems: true,
      default: [],
      description:
        'Monitors, and rules as `rule.NAME`: while one of them is down, or fires, a firing of this rule is not told. It is told when that is over, if it still fires.',
    }),
    mode: oneOf(['alert', 'event'], {
      default: 'alert',
      description: '`alert` fires once an episode; `event` fires for every event on which the condition holds.',
    }),
    severity: oneOf(['info', 'warning', 'critical'], { default: 'warning', description: 'In alerts as `${rule.severity}`.' }),
    labels: Type.Record(Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]{0,127}$' }), Type.String({ maxLength: 1_024 }), {
      default: {},
      description: 'Words of your own about its alerts: silences match them, `group_by` groups by them, templates have `${rule.labels.KEY}`.',
    }),
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
