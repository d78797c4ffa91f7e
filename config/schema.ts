/** The published JSON Schema (draft 2020-12) of a whole configuration, and of unit tests, made from the types' own schemas. Run it to write both anew. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TSchema } from 'typebox';
import { FUNCTION_NAME } from '../actors/functions/schema.ts';
import {
  actionSchemas,
  functionSchema,
  listenerSchemas,
  monitorSchemas,
  retentionSchema,
  ruleSchema,
  silenceSchema,
  storeSchema,
  systemSchema,
} from './catalogue.ts';
import { testFileSchema } from './test-schema.ts';

interface Json {
  readonly [key: string]: unknown;
}
type Schemas = ReadonlyMap<string, TSchema>;
export const SCHEMA_FILE = join(import.meta.dirname, 'argos.schema.json');
export const TEST_SCHEMA_FILE = join(import.meta.dirname, 'argos-test.schema.json');

/** A number, a flag or a list may also be a reference that is filled in when the configuration loads. */
const REFERENCE = { type: 'string', pattern: '^\\$\\{[a-z]+\\.[^{}]+\\}$' };
const NO_TEXT: readonly unknown[] = ['integer', 'number', 'boolean', 'array'];

/** What the node checks, after defaults and references, as a person writes it, before them. */
function asWritten(schema: unknown, references: boolean): unknown {
  if (Array.isArray(schema)) return schema.map((one) => asWritten(one, references));
  if (!isObject(schema)) return schema;
  const inner: Record<string, unknown> = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [key, key === 'enum' || key === 'default' ? value : asWritten(value, references)]),
  );
  const { properties, required, type, description } = schema;
  if (Array.isArray(required) && isObject(properties)) inner.required = required.filter((key) => !hasDefault(properties[String(key)]));
  return references && NO_TEXT.includes(type) ? { ...(description === undefined ? {} : { description }), anyOf: [inner, REFERENCE] } : inner;
}
const hasDefault = (schema: unknown): boolean => isObject(schema) && 'default' in schema;
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

const written = (schema: TSchema, references = true): Json => asWritten(JSON.parse(JSON.stringify(schema)), references) as Json; // through JSON: without TypeBox's hidden marks
const definitions = (kind: string, schemas: Schemas): Json => Object.fromEntries([...schemas].map(([type, schema]) => [`${kind}-${type}`, written(schema)]));

/** `type` decides which schema holds. */
const byType = (schemas: Schemas, required: readonly string[], then: (type: string) => Json): Json => ({
  type: 'object',
  required,
  properties: { type: { enum: [...schemas.keys()] } },
  allOf: [...schemas.keys()].map((type) => ({ if: { properties: { type: { const: type } }, required: ['type'] }, then: then(type) })),
});

const single = (kind: string, schemas: Schemas): Json => byType(schemas, ['name', 'type', 'config'], (type) => ({ $ref: `#/$defs/${kind}-${type}` }));

/** An entry of `bulk`: any field of its config may be a list. */
const bulk = (kind: string, schemas: Schemas): Json =>
  byType(schemas, ['name_pattern', 'type', 'config'], (type) => {
    const { properties } = written(schemas.get(type) as TSchema) as { readonly properties: { readonly config: { readonly properties: Json } } };
    const at = `#/$defs/${kind}-${type}/properties`;
    const listed = (key: string): Json => ({
      anyOf: [{ $ref: `${at}/config/properties/${key}` }, { type: 'array', items: { $ref: `${at}/config/properties/${key}` } }],
    });
    const config = {
      type: 'object',
      additionalProperties: false,
      properties: Object.fromEntries(Object.keys(properties.config.properties).map((key) => [key, listed(key)])),
    };
    const others = Object.fromEntries(
      Object.keys(properties)
        .filter((key) => key !== 'name' && key !== 'config')
        .map((key) => [key, { $ref: `${at}/${key}` }]),
    );
    const names = {
      name_pattern: { type: 'string', pattern: '\\{i\\}' },
      bulk_field: { type: 'string', description: 'The field of config that is the list.' },
    };
    return { type: 'object', additionalProperties: false, properties: { ...others, ...names, config } };
  });

const group = (kind: string, schemas: Schemas): Json => ({
  type: 'object',
  additionalProperties: false,
  properties: { single: { type: 'array', items: single(kind, schemas) }, bulk: { type: 'array', items: bulk(kind, schemas) } },
});

/** An entry that has its name as its key. */
function withoutName(schema: TSchema): Json {
  const { properties, required, ...rest } = written(schema) as { readonly properties: Json; readonly required?: readonly string[] };
  const { name: _name, ...others } = properties;
  return { ...rest, properties: others, required: (required ?? []).filter((key) => key !== 'name') };
}

/** The whole document. */
export const configSchema = (): Json => ({
  $schema: DRAFT,
  title: 'Argos configuration',
  type: 'object',
  additionalProperties: false,
  properties: {
    $schema: { type: 'string' },
    system: written(systemSchema),
    store: written(storeSchema),
    retention: written(retentionSchema),
    parameters: { type: 'object', description: 'Named values for ${parameters.NAME}.' },
    listeners: {
      type: 'object',
      additionalProperties: false,
      properties: Object.fromEntries([...listenerSchemas].map(([type, schema]) => [type, written(schema)])),
    },
    monitors: group('monitor', monitorSchemas),
    actions: group('action', actionSchemas),
    rules: { type: 'array', items: written(ruleSchema) },
    silences: { type: 'array', items: written(silenceSchema) },
    functions: { type: 'object', propertyNames: { pattern: FUNCTION_NAME }, additionalProperties: withoutName(functionSchema) },
    environments: { type: 'object', additionalProperties: { type: 'object' }, description: 'Merged over the rest by --env or system.environment.' },
  },
  $defs: { ...definitions('monitor', monitorSchemas), ...definitions('action', actionSchemas) },
});

const DRAFT = 'https://json-schema.org/draft/2020-12/schema';
/** Of a file of unit tests (`argos test`). */
export const testSchema = (): Json => ({ $schema: DRAFT, title: 'Argos unit tests of rules', ...written(testFileSchema, false) });

const textOf = (schema: Json): string => `${JSON.stringify(schema, null, 2)}\n`;
export const schemaText = (): string => textOf(configSchema());
export const testSchemaText = (): string => textOf(testSchema());

if (import.meta.main) {
  writeFileSync(SCHEMA_FILE, schemaText());
  writeFileSync(TEST_SCHEMA_FILE, testSchemaText());
}
