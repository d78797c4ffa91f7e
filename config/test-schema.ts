/** Unit tests of rules as they are written: a configuration, and cases of what its monitors see and what its rules are to make of it. */
import { type Static, Type } from 'typebox';
import { oneOf } from '../actors/schema.ts';

const time = (description: string, options: object = {}) =>
  Type.String({ pattern: '^(?:0|(?:[0-9]+(?:ms|[smhdw]))+)$', description: `${description} \`0s\`, \`90s\`, \`1h30m\`.`, ...options });
const PHASES = ['inactive', 'pending', 'firing', 'recovering'] as const;
const object = (description: string) => Type.Record(Type.String(), Type.Unknown(), { description });

const stepSchema = Type.Object(
  {
    at: time('When, since the start of the case; of a series, its first value.', { default: '0s' }),
    monitor: Type.String({ description: 'Which monitor sees it.' }),
    fields: Type.Optional(object('What it sees: these fields of its state; the others stay as they were.')),
    path: Type.Optional(Type.String({ minLength: 1, description: 'Of a series: where the values stand in the state, `payload.temperature`.' })),
    every: Type.Optional(time('Of a series: how far its values are apart.')),
    values: Type.Optional(
      Type.Array(Type.Unknown(), {
        minItems: 1,
        maxItems: 10_000,
        description:
          'Of a series: one value each. `"_"` is none, `"_x3"` three times none, `"35x5"` five times 35, `"20+5x4"` 20 25 30 35; `{"value": "_"}` is the text.',
      }),
    ),
  },
  { additionalProperties: false, description: 'What a monitor sees: one look (`fields`), or a series of one field (`path`, `every`, `values`).' },
);

const actionSchema = Type.Object(
  {
    action: Type.String({ description: 'Its name.' }),
    state: Type.Optional(oneOf(['firing', 'resolved'], { description: 'What it tells.' })),
    instance: Type.Optional(Type.String({ description: 'Of a rule with `for_each`: the monitor.' })),
    at: Type.Optional(time('When it was asked for, since the start.')),
    payload: Type.Optional(
      object(
        'What the receiver is sent, a part of it: `http` {method, url, headers, body}, `email` {to, subject, text or html, …}, `database` {table, row}, `log` {level, message}. A body that is JSON may be matched as such.',
      ),
    ),
    alert: Type.Optional(object('What the templates speak of, a part of it: {rule, severity, details, monitors, …}.')),
  },
  { additionalProperties: false },
);
/** Its name alone, or more of it. */
const anAction = Type.Unsafe<string | Static<typeof actionSchema>>({ ...actionSchema, type: ['string', 'object'] });
const anySuppressed = Type.Object(
  {
    action: Type.Optional(Type.String()),
    reason: Type.Optional(Type.String({ description: '`cooldown`, `silenced`, `maintenance`, `inhibited`, …' })),
    instance: Type.Optional(Type.String()),
  },
  { additionalProperties: false },
);

const expectSchema = Type.Object(
  {
    at: time('When: after all that is seen at that time, and all that this brings.'),
    rule: Type.String({ description: 'Which rule.' }),
    instance: Type.Optional(Type.String({ description: 'Of a rule with `for_each`: only this monitor.' })),
    from: Type.Optional(time('Actions are looked at from then on. Left out: since the last expectation of this rule.')),
    state: Type.Optional(oneOf(PHASES, { description: 'How the alert stands.' })),
    states: Type.Optional(
      Type.Record(Type.String(), oneOf(PHASES), { description: 'Of a rule with `for_each`: how its alerts stand, by monitor. Others may be there.' }),
    ),
    held: Type.Optional(
      Type.Unsafe<string | null>({
        type: ['string', 'null'],
        description: 'What keeps a firing from being told now: `cooldown`, `silenced`, …; null: nothing.',
      }),
    ),
    actions: Type.Optional(Type.Array(anAction, { description: 'What was carried out, all of it, in this order. `[]`: nothing.' })),
    fired: Type.Optional(Type.Array(anAction, { description: 'What was carried out, among others, in any order.' })),
    not_fired: Type.Optional(
      Type.Unsafe<boolean | string[]>({
        type: ['boolean', 'array'],
        items: { type: 'string' },
        minItems: 1,
        description: 'Actions that were not carried out; true: none was.',
      }),
    ),
    suppressed: Type.Optional(
      Type.Array(anySuppressed, { description: 'What was not carried out because something held it back until its end, all of it. `[]`: nothing.' }),
    ),
  },
  { additionalProperties: false, minProperties: 3, description: 'How a rule is to stand at a time, and what it is to have asked for until then.' },
);

export const testFileSchema = Type.Object(
  {
    $schema: Type.Optional(Type.String()),
    config: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'The configuration under test, a file or a folder, from where this file is. Left out: as `argos start` finds it.',
      }),
    ),
    environment: Type.Optional(Type.String({ description: 'The entry of its `environments` that is merged over the rest.' })),
    parameters: Type.Optional(object('Values in the place of those of its `parameters`.')),
    env: Type.Optional(Type.Record(Type.String(), Type.String(), { description: 'Environment variables for `${env.NAME}`, over those that are there.' })),
    cases: Type.Array(
      Type.Object(
        {
          name: Type.String({ minLength: 1, description: 'Unique in the file.' }),
          start: Type.String({ format: 'date-time', default: '2026-01-01T00:00:00Z', description: 'The time of `0s`, ISO 8601.' }),
          silences: Type.Array(Type.Record(Type.String(), Type.Unknown()), {
            default: [],
            description: 'Beside those of the configuration, as there; `starts` and `ends` may also be a time since the start, and a name is not needed.',
          }),
          steps: Type.Array(stepSchema, { default: [], description: 'What the monitors see, in any order; at the same time in this one.' }),
          expect: Type.Array(expectSchema, { minItems: 1, description: 'What is to come of it, in any order.' }),
        },
        { additionalProperties: false },
      ),
      { minItems: 1 },
    ),
  },
  { additionalProperties: false, description: 'Unit tests of rules, for `argos test`.' },
);

export type TestFile = Static<typeof testFileSchema>;
export type TestCase = TestFile['cases'][number];
export type TestStep = Static<typeof stepSchema>;
export type Expectation = Static<typeof expectSchema>;
export type ExpectedAction = Static<typeof anAction>;
