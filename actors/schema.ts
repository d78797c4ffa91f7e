/** Config schemas: TypeBox objects are JSON Schema, so ajv checks them, TypeScript infers them, and the reference page prints them. */
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { distance } from 'fastest-levenshtein';
import { type Static, type TSchema, Type } from 'typebox';

const ajv = new Ajv2020({ allErrors: true, useDefaults: true, verbose: true, allowUnionTypes: true });
formats.default(ajv);
const compiled = new WeakMap<TSchema, ValidateFunction>();

/** One of some words. An `enum`, not a union: a wrong value is then one error and not one for each word. */
export const oneOf = <const T extends string>(words: readonly T[], options: object = {}) => Type.Unsafe<T>({ type: 'string', enum: words, ...options });

/** One thing that is wrong, in words for the person who wrote it. */
export interface Fault {
  /** JSON pointer into what was checked. */
  readonly path: string;
  readonly expected: string;
  /** What stands there; left out where nothing does. */
  readonly got?: unknown;
  /** The nearest word that would be right. */
  readonly nearest?: string | undefined;
}

/** A copy of `value` with the defaults filled in, or every fault that it has. */
export function check<S extends TSchema>(
  schema: S,
  value: unknown,
  path = '',
): { readonly value: Static<S>; readonly faults: readonly [] } | { readonly faults: readonly Fault[] } {
  const validate = compiled.get(schema) ?? ajv.compile(schema);
  compiled.set(schema, validate);
  const copy: unknown = structuredClone(value);
  if (validate(copy)) return { value: copy as Static<S>, faults: [] }; // ajv has just said so
  return { faults: (validate.errors ?? []).filter(({ keyword }) => keyword !== 'if').map((error) => fault(error, path)) };
}

/** The nearest of `words` to `word`, when it is near enough to be meant. */
export function nearest(word: string, words: readonly string[]): string | undefined {
  const [best] = words.map((one) => ({ one, far: distance(word.toLowerCase(), one.toLowerCase()) })).sort((a, b) => a.far - b.far);
  return best && best.far < word.length && best.far <= Math.max(1, Math.floor(word.length / 3)) ? best.one : undefined;
}

function fault({ instancePath, keyword, params, message = keyword, data, parentSchema }: ErrorObject, at: string): Fault {
  const path = at + instancePath;
  switch (keyword) {
    case 'additionalProperties':
    case 'unevaluatedProperties': {
      const key = String(params.additionalProperty ?? params.unevaluatedProperty);
      const known = Object.keys((parentSchema as { properties?: object } | undefined)?.properties ?? {});
      return { path: `${path}/${escapePointer(key)}`, expected: `one of the keys ${known.join(', ')}`, got: key, nearest: nearest(key, known) };
    }
    case 'required':
      return { path: `${path}/${escapePointer(String(params.missingProperty))}`, expected: 'a value: the key is missing' };
    case 'enum': {
      const words = (params.allowedValues as unknown[]).map(String);
      return { path, expected: `one of ${words.join(', ')}`, got: data, nearest: typeof data === 'string' ? nearest(data, words) : undefined };
    }
    case 'type':
      return { path, expected: [params.type].flat().join(' or '), got: data };
    default:
      return { path, expected: message.replace(/^must /, 'a value that must '), got: data };
  }
}

/** RFC 6901 §3. */
export const escapePointer = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1');
