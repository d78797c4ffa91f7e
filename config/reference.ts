/** The reference page of the configuration, made from the types' own schemas. Run it to write `docs/configuration.md` anew. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Type, type TSchema } from 'typebox';
import { actionTypes } from '../actors/actions/index.ts';
import { listenerTypes } from '../actors/listeners/index.ts';
import { monitorTypes } from '../actors/monitors/index.ts';
import { SYSTEM_FIELDS } from '../actors/monitors/system.ts';
import { retryPolicy } from '../actors/retry-policy.ts';
import { OPERATOR_NAMES } from '../actors/rules/condition/condition.ts';
import { COMPARISONS } from '../actors/rules/values/leaf.ts';
import { truthTables } from '../actors/rules/condition/truth-tables.ts';
import { WINDOW_FUNCTIONS } from '../actors/rules/windows/windows.ts';
import { windowSchema } from '../actors/rules/alert/silences.ts';
import { functionSchema, retentionSchema, ruleSchema, silenceSchema, storeSchema, systemSchema, queueing } from './catalogue.ts';

export const REFERENCE_FILE = join(import.meta.dirname, '..', 'docs', 'configuration.md');
const INTRODUCTION = join(import.meta.dirname, '..', 'docs', 'configuration.head.md');

interface Field {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly description?: string;
}

const cell = (text: string): string => text.replaceAll('|', '\\|');

function kindOf({ type, enum: words, minimum, maximum }: Field): string {
  if (words) return words.map((word) => `\`${String(word)}\``).join(', ');
  const range = minimum === undefined ? '' : ` ${minimum}${maximum === undefined ? ' and more' : ` to ${maximum}`}`;
  return `${[type ?? 'any'].flat().join(' or ')}${range}`;
}

/** A table of a schema's keys. */
function keys(schema: TSchema): string {
  const { properties = {}, required = [] } = schema as { properties?: Record<string, Field>; required?: readonly string[] };
  const rows = Object.entries(properties).map(([key, field]) => {
    const usual = 'default' in field ? `\`${JSON.stringify(field.default)}\`` : required.includes(key) ? '**required**' : '–';
    return `| \`${key}\` | ${cell(kindOf(field))} | ${cell(usual)} | ${cell(field.description ?? '')} |`;
  });
  return ['| key | value | default | meaning |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

const systemFields = (): string =>
  ['| field | what it is |', '| --- | --- |', ...Object.entries(SYSTEM_FIELDS).map(([field, what]) => `| \`system.${field}\` | ${cell(what)} |`)].join('\n');
const words = (all: readonly string[]): string => all.map((word) => `\`${cell(word)}\``).join(' ');
const described = (schema: TSchema): string => String((schema as { description?: string }).description ?? '');
const section = (level: string, title: string, ...parts: readonly string[]): string =>
  [`${level} ${title}`, ...parts.filter((part) => part !== '')].join('\n\n');

/** The whole page. */
export function referenceText(): string {
  const monitors = monitorTypes.map((one) =>
    section(
      '###',
      `Monitor type \`${one.type}\``,
      described(one.schema),
      `Fields of its state: ${one.fields.map((field) => `\`${field}\``).join(', ')}.`,
      keys(one.schema),
    ),
  );
  const actions = actionTypes.map((one) => section('###', `Action type \`${one.type}\``, described(one.schema), keys(one.schema)));
  const listeners = listenerTypes.map((one) => {
    const env = Object.entries(one.env).map(([variable, key]) => `\`${variable}\` stands over \`${key}\``);
    return section('###', `Listener \`${one.type}\``, described(one.schema), `${env.join('; ')}.`, keys(one.schema));
  });
  return `${[
    '<!-- Made by config/reference.ts from the schemas; `make schema` writes it anew. -->',
    readFileSync(INTRODUCTION, 'utf8').trim().replace('{system}', systemFields()),
    section('##', '`system`', described(systemSchema), keys(systemSchema)),
    section('##', '`store`', described(storeSchema), keys(storeSchema)),
    section('##', '`retention`', described(retentionSchema), keys(retentionSchema)),
    section(
      '##',
      '`monitors`',
      'An entry of `monitors.single` has `name`, `type`, `config` and `retry_policy`; one of `monitors.bulk` has `name_pattern` and perhaps `bulk_field`.',
      ...monitors,
    ),
    section('##', '`actions`', 'As monitors, and these:', keys(Type.Object(queueing)), ...actions),
    section(
      '##',
      '`rules`',
      described(ruleSchema),
      keys(ruleSchema),
      `Operators of a leaf: ${words(COMPARISONS)}. JsonLogic's: ${words(OPERATOR_NAMES)}. Windows over \`["monitor.path", "5m"]\`: ${words(WINDOW_FUNCTIONS)}.`,
      section('###', 'What is true, false and unknown', truthTables()),
    ),
    section('##', '`functions`', described(functionSchema), keys(functionSchema)),
    section('##', '`silences`', described(silenceSchema), keys(silenceSchema), section('###', 'An entry of `windows`', keys(windowSchema))),
    section('##', '`listeners`', ...listeners),
    section('##', '`retry_policy`', described(retryPolicy), keys(retryPolicy)),
  ].join('\n\n')}\n`;
}

if (import.meta.main) writeFileSync(REFERENCE_FILE, referenceText());
