/** A condition as it is written, JSON, into the tree that is compiled: checked, with every fault at its place. Pure. */
import { RE2JS } from 're2js';
import { escapePointer, type Fault, nearest } from '../schema.ts';

export const COMPARISONS = [
  '>',
  '>=',
  '<',
  '<=',
  '==',
  '!=',
  'in',
  'not_in',
  'contains',
  'starts_with',
  'ends_with',
  'matches',
  'exists',
  'between',
  'changed',
] as const;
export type Comparison = (typeof COMPARISONS)[number];

export interface Leaf {
  readonly op: Comparison;
  readonly monitor: string;
  readonly path: readonly string[];
  readonly value: unknown;
  /** Where it is written, as a JSON pointer. */
  readonly at: string;
}
interface Not {
  readonly op: 'not';
  readonly of: Condition;
}
export type Condition = { readonly op: 'and' | 'or'; readonly of: readonly Condition[] } | Not | Leaf;

const DEEPEST = 64;
const MOST_NODES = 10_000;
const LONGEST_PATTERN = 1_024;
const FORBIDDEN = new Set(['__proto__', 'prototype', 'constructor']);
const BOOLEANS: readonly string[] = ['and', 'or', 'not', '!'];

type Parsed = { readonly condition: Condition; readonly faults: readonly [] } | { readonly faults: readonly Fault[] };

/**
 * Parse a condition.
 *
 * @param parameters what `{"var": "parameters.x"}` in a value may name.
 * @param path where the condition stands, as a JSON pointer.
 */
export function parseCondition(json: unknown, parameters: Readonly<Record<string, unknown>>, path = ''): Parsed {
  const faults: Fault[] = [];
  let nodes = 0;

  const fail = (at: string, expected: string, got?: unknown, near?: string): undefined => {
    faults.push({ path: at, expected, got, nearest: near });
    return undefined;
  };

  const node = (value: unknown, at: string, depth: number): Condition | undefined => {
    if (depth > DEEPEST) return fail(at, `a condition of at most ${DEEPEST} levels`);
    if (++nodes > MOST_NODES) return nodes === MOST_NODES + 1 ? fail(at, `a condition of at most ${MOST_NODES} parts`) : undefined;
    if (!isObject(value)) return fail(at, 'a condition: {"and": […]}, {"or": […]}, {"not": …} or {"field", "op", "value"}', value);
    if ('field' in value) return leaf(value, at);
    const [key, ...more] = Object.keys(value);
    if (key === undefined || more.length > 0)
      return fail(at, 'one of the keys and, or, not; or field with op and value', Object.keys(value).join(', ') || undefined);
    const here = `${at}/${escapePointer(key)}`;
    const inner = value[key];
    if (key === 'not' || key === '!') {
      const of = Array.isArray(inner) && inner.length === 1 ? node(inner[0], `${here}/0`, depth + 1) : node(inner, here, depth + 1);
      return of && { op: 'not', of };
    }
    if (key !== 'and' && key !== 'or') return fail(here, 'one of and, or, not', key, nearest(key, BOOLEANS));
    if (!Array.isArray(inner) || inner.length === 0) return fail(here, 'a list of at least one condition', inner);
    const of = inner.map((one: unknown, i) => node(one, `${here}/${i}`, depth + 1));
    return of.every((one) => one !== undefined) ? { op: key, of } : undefined;
  };

  const leaf = (value: Readonly<Record<string, unknown>>, at: string): Leaf | undefined => {
    for (const key of Object.keys(value))
      if (!['field', 'op', 'value'].includes(key))
        fail(`${at}/${escapePointer(key)}`, 'one of the keys field, op, value', key, nearest(key, ['field', 'op', 'value']));
    const { field, op } = value;
    if (typeof field !== 'string' || !field.includes('.')) return fail(`${at}/field`, 'a monitor and a path in its state: "monitor.path"', field);
    const [monitor = '', ...segments] = field.split('.');
    if (segments.some((one) => one === '' || FORBIDDEN.has(one))) return fail(`${at}/field`, 'a path of plain names', field);
    const comparison = COMPARISONS.find((one) => one === op);
    if (!comparison) return fail(`${at}/op`, `one of ${COMPARISONS.join(' ')}`, op, typeof op === 'string' ? nearest(op, COMPARISONS) : undefined);
    const operand = resolve(value.value, parameters);
    if (operand === UNKNOWN) return fail(`${at}/value`, `a parameter that is declared: ${Object.keys(parameters).join(', ') || 'there is none'}`, value.value);
    const wrong = wrongOperand(comparison, operand);
    return wrong ? fail(`${at}/value`, wrong, operand) : { op: comparison, monitor, path: segments, value: operand, at };
  };

  const condition = node(json, path, 1);
  return condition && faults.length === 0 ? { condition, faults: [] } : { faults };
}

/** Every leaf of a condition, from left to right. */
export function leaves(condition: Condition): readonly Leaf[] {
  switch (condition.op) {
    case 'and':
    case 'or':
      return condition.of.flatMap(leaves);
    case 'not':
      return leaves(condition.of);
    default:
      return [condition];
  }
}

const UNKNOWN = Symbol('unknown parameter');
function resolve(value: unknown, parameters: Readonly<Record<string, unknown>>): unknown {
  if (!isObject(value) || typeof value.var !== 'string') return value;
  const name = value.var.replace(/^parameters\./, '');
  return Object.hasOwn(parameters, name) ? parameters[name] : UNKNOWN;
}

/** What the operator's value has to be, when it is not that. */
function wrongOperand(op: Comparison, value: unknown): string | undefined {
  switch (op) {
    case '>':
    case '>=':
    case '<':
    case '<=':
      return typeof value === 'number' || typeof value === 'string' ? undefined : 'a number or a text to compare with';
    case 'in':
    case 'not_in':
      return Array.isArray(value) ? undefined : 'a list';
    case '==':
    case '!=':
    case 'contains':
      return value === undefined ? 'a value to compare with' : undefined;
    case 'starts_with':
    case 'ends_with':
      return typeof value === 'string' ? undefined : 'a text';
    case 'between':
      return isRange(value) ? undefined : 'two numbers, the lower first';
    case 'matches':
      return typeof value === 'string' && value.length <= LONGEST_PATTERN ? patternFault(value) : `a pattern of at most ${LONGEST_PATTERN} characters`;
    case 'exists':
      return value === undefined || typeof value === 'boolean' ? undefined : 'true, false or nothing';
    default:
      return undefined;
  }
}

const isRange = (value: unknown): boolean => {
  const [low, high, ...more] = Array.isArray(value) ? value : [];
  return typeof low === 'number' && typeof high === 'number' && low <= high && more.length === 0;
};

function patternFault(pattern: string): string | undefined {
  try {
    RE2JS.compile(pattern);
    return undefined;
  } catch (error) {
    return `a pattern in RE2 syntax (${error instanceof Error ? error.message : String(error)})`;
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);
