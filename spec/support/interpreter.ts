/**
 * The meaning of a condition, read from its JSON as it is written: without a tree, a closure, or anything of actors/rules. Slow and plain: it is
 * what the compiled one is measured by. `undefined` is unknown.
 */
import { everything, FUNCTIONS, type World } from './conditions.ts';
import { equal, Failed, isMap, isTrue, judged, number, operator, SPREAD } from './interpreter-operators.ts';

interface Scope {
  readonly world: World;
  /** The element that is looked at; absent outside of `map` and its like. */
  readonly element?: { readonly value: unknown };
}
type Object_ = Readonly<Record<string, unknown>>;

export const interpret = (json: unknown, world: World): unknown => meaning(json, { world });

const entry = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Object.entries(value).find(([key]) => key === name)?.[1] : undefined;
const inside = (value: unknown, path: readonly string[]): unknown => path.reduce(entry, value);
function meaning(json: unknown, scope: Scope): unknown {
  if (Array.isArray(json)) return operands(json, scope);
  if (!isMap(json)) return json;
  if ('field' in json) return 'op' in json ? leaf(json, scope.world) : found(String(json.field).split('.'), scope.world);
  const [[op, given] = ['', null]] = Object.entries(json);
  const args: readonly unknown[] = Array.isArray(given) ? given : [given];
  switch (op) {
    case 'preserve':
      return given;
    case 'var':
      return variable(args, scope);
    case 'val': {
      const names = operands(args, scope);
      return names && (named(names.filter((one) => one !== null).map(String), scope) ?? null);
    }
    case 'missing':
      return gone(meaning(given, scope), scope);
    case 'missing_some': {
      const [enough, all] = operands(args, scope) ?? [];
      const list = gone(all, scope);
      return list && (namesOf(all).length - list.length >= number(enough) ? [] : list);
    }
    case 'and':
    case 'or':
      return junction(op, args, scope);
    case 'if':
    case '?:':
      return choice(args, scope);
    case 'map':
    case 'filter':
    case 'all':
    case 'some':
    case 'none':
    case 'reduce':
      return each(op, args, scope);
    default: {
      const [first, second] = args;
      if (scope.world.windows && typeof first === 'string' && typeof second === 'string' && /^\d+[smh]$/.test(second))
        return scope.world.windows[`${op} ${args.join(' ')}`];
      if (op === 'exists') return meaning(first, scope) !== undefined;
      if (TESTS.includes(op)) {
        const value = meaning(first, scope);
        return value === undefined ? undefined : judged(op, value, second);
      }
      const known = operands(args, scope);
      if (!known) return undefined;
      if (FUNCTIONS[op]) return FUNCTIONS[op](known);
      return operator(op, !Array.isArray(given) && isMap(given) && Array.isArray(known[0]) && SPREAD.includes(op) ? known[0] : known);
    }
  }
}

const TESTS: readonly string[] = ['not_in', 'contains', 'starts_with', 'ends_with', 'matches', 'between'];
/** From left to right; undefined as soon as one is unknown. */
function operands(json: readonly unknown[], scope: Scope): readonly unknown[] | undefined {
  const values: unknown[] = [];
  for (const one of json) {
    const value = meaning(one, scope);
    if (value === undefined) return undefined;
    values.push(value);
  }
  return values;
}

function found([monitor = '', ...path]: readonly string[], world: World): unknown {
  if (monitor === 'rule') return inside(world.states[`rule:${path[0]}`]?.now, path.slice(1));
  return inside(world.states[monitor]?.now, path);
}
function named(names: readonly string[], { world, element }: Scope): unknown {
  if (element) return inside(element.value, names);
  return names.length === 0 ? everything(world.states) : found(names, world);
}
function variable([name = null, fallback]: readonly unknown[], scope: Scope): unknown {
  const word = meaning(name, scope);
  if (word === undefined) return undefined;
  if (isMap(word) || (Array.isArray(word) && word.some((one) => isMap(one) || Array.isArray(one)))) throw new Failed('Invalid Arguments');
  const first: unknown = Array.isArray(word) ? (word[0] ?? null) : word;
  const value = named(first === null || first === '' ? [] : String(first).split('.'), scope);
  if (value !== undefined) return value;
  return fallback === undefined ? null : meaning(fallback, scope);
}
const namesOf = (names: unknown): readonly unknown[] => {
  const list: readonly unknown[] = Array.isArray(names) ? names : [names];
  return Array.isArray(list[0]) ? list[0] : list;
};
function gone(names: unknown, scope: Scope): readonly unknown[] | undefined {
  if (names === undefined) return undefined;
  return namesOf(names).filter((one) => {
    const value = named(one === null || one === '' ? [] : String(one).split('.'), scope);
    return value === undefined || value === null || value === '';
  });
}

function junction(op: string, args: readonly unknown[], scope: Scope): unknown {
  let last: unknown;
  let isUnknown = false;
  for (const one of args) {
    last = meaning(one, scope);
    isUnknown ||= last === undefined;
    if (last !== undefined && isTrue(last) === (op === 'or')) return last;
  }
  return isUnknown ? undefined : last;
}
function choice(args: readonly unknown[], scope: Scope): unknown {
  const [condition, then, ...rest] = args;
  if (args.length === 0) return null;
  const value = meaning(condition, scope);
  if (args.length === 1 || value === undefined) return value;
  return isTrue(value) ? meaning(then, scope) : choice(rest, scope);
}

/** Kleene's logic in numbers: false 0, unknown 1, true 2. `all` is the least, `some` the greatest. */
const rank = (value: unknown): number => (value === undefined ? 1 : isTrue(value) ? 2 : 0);
const KLEENE: readonly (boolean | undefined)[] = [false, undefined, true];
function each(op: string, [listJson, body, fromJson = null]: readonly unknown[], scope: Scope): unknown {
  const list = meaning(listJson, scope);
  if (list === undefined) return undefined;
  const items: readonly unknown[] = Array.isArray(list) ? list : [];
  const of = (value: unknown): unknown => meaning(body, { ...scope, element: { value } });
  if (op === 'reduce') {
    let accumulator = meaning(fromJson, scope);
    for (const current of items) accumulator = accumulator === undefined ? undefined : of({ current, accumulator });
    return accumulator;
  }
  if (op === 'map' || op === 'filter') {
    const values = items.map(of);
    if (values.includes(undefined)) return undefined;
    return op === 'map' ? values : items.filter((_, i) => isTrue(values[i]));
  }
  const stop = op === 'all' ? 0 : 2;
  let extreme = op === 'all' ? 2 : 0;
  for (const item of items) {
    extreme = op === 'all' ? Math.min(extreme, rank(of(item))) : Math.max(extreme, rank(of(item)));
    if (extreme === stop) break;
  }
  if (op === 'all') return items.length > 0 && KLEENE[extreme];
  return KLEENE[op === 'some' ? extreme : 2 - extreme];
}

/** The specification's leaf. */
function leaf({ field, op, value }: Object_, world: World): unknown {
  const [monitor = '', ...path] = String(field).split('.');
  const now = found([monitor, ...path], world);
  if (op === 'exists') return value === false ? now === undefined : now !== undefined;
  if (op === 'changed') {
    const before = inside(world.states[monitor]?.before, path);
    return now === undefined || before === undefined ? undefined : !equal(now, before);
  }
  return now === undefined ? undefined : judged(String(op), now, value);
}
