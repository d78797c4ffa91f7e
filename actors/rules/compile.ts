/** A condition's tree into a closure, once, at load. Three-valued after Kleene: `undefined` is unknown, never silently false. Pure. */
import { isDeepStrictEqual } from 'node:util';
import { RE2JS } from 're2js';
import type { Fields } from '../event.ts';
import type { Condition, Leaf } from './condition.ts';

export type Truth = boolean | undefined;
/** The states that a condition is judged on. */
export interface Facts {
  /** The state of a monitor; undefined when it has none yet. */
  now(monitor: string): Fields | undefined;
  /** The state before that. */
  before(monitor: string): Fields | undefined;
}
export type Compiled = (facts: Facts) => Truth;

const LONGEST_SUBJECT = 65_536;

export function compile(condition: Condition): Compiled {
  switch (condition.op) {
    case 'and':
      return every(condition.of.map(compile), false);
    case 'or':
      return every(condition.of.map(compile), true);
    case 'not': {
      const of = compile(condition.of);
      return (facts) => {
        const truth = of(facts);
        return truth === undefined ? undefined : !truth;
      };
    }
    default:
      return compileLeaf(condition);
  }
}

/** `and` ends at the first false, `or` at the first true; without such a one an unknown part leaves the whole unknown. */
function every(parts: readonly Compiled[], decisive: boolean): Compiled {
  return (facts) => {
    let unknown = false;
    for (const part of parts) {
      const truth = part(facts);
      if (truth === decisive) return decisive;
      if (truth === undefined) unknown = true;
    }
    return unknown ? undefined : !decisive;
  };
}

/** The value at a path of own properties; undefined when it is not there. A missing one is unknown, null is a value. */
export function at(fields: Fields | undefined, path: readonly string[]): unknown {
  let value: unknown = fields;
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Fields)[name];
  }
  return value;
}

function compileLeaf(leaf: Leaf): Compiled {
  const { monitor, path, op, value } = leaf;
  if (op === 'exists') return (facts) => (at(facts.now(monitor), path) !== undefined) === (value !== false);
  if (op === 'changed') {
    return (facts) => {
      const now = at(facts.now(monitor), path);
      const before = at(facts.before(monitor), path);
      return now === undefined || before === undefined ? undefined : !isDeepStrictEqual(now, before);
    };
  }
  const compare = comparison(leaf);
  return (facts) => {
    const got = at(facts.now(monitor), path);
    return got === undefined ? undefined : compare(got);
  };
}

/** What `op value` says of a value that is there; unknown when the two are of kinds that cannot be compared. */
function comparison({ op, value }: Leaf): (got: unknown) => Truth {
  switch (op) {
    case '>':
      return ordered(value, (order) => order > 0);
    case '>=':
      return ordered(value, (order) => order >= 0);
    case '<':
      return ordered(value, (order) => order < 0);
    case '<=':
      return ordered(value, (order) => order <= 0);
    case '==':
      return (got) => equal(got, value);
    case '!=':
      return (got) => !equal(got, value);
    case 'in':
      return (got) => (value as unknown[]).some((one) => equal(got, one));
    case 'not_in':
      return (got) => !(value as unknown[]).some((one) => equal(got, one));
    case 'contains':
      return (got) => (Array.isArray(got) ? got.some((one) => equal(one, value)) : typeof got === 'string' ? got.includes(String(value)) : undefined);
    case 'starts_with':
      return (got) => (typeof got === 'string' ? got.startsWith(String(value)) : undefined);
    case 'ends_with':
      return (got) => (typeof got === 'string' ? got.endsWith(String(value)) : undefined);
    case 'between': {
      const [low, high] = value as readonly [number, number];
      return (got) => (typeof got === 'number' ? got >= low && got <= high : undefined);
    }
    case 'matches': {
      const pattern = RE2JS.compile(String(value)); // linear time: strings from outside never become patterns, and patterns never explode
      return (got) => (typeof got === 'string' && got.length <= LONGEST_SUBJECT ? pattern.matcher(got).find() : undefined);
    }
    default:
      return () => undefined;
  }
}

function ordered(value: unknown, holds: (order: number) => boolean): (got: unknown) => Truth {
  if (typeof value === 'number') return (got) => (typeof got === 'number' ? holds(got === value ? 0 : got - value) : undefined);
  const text = String(value);
  return (got) => (typeof got === 'string' ? holds(got < text ? -1 : got > text ? 1 : 0) : undefined);
}

const equal = (a: unknown, b: unknown): boolean => a === b || (typeof a === 'object' && isDeepStrictEqual(a, b));
