/** Each kind of node into its closure. Three-valued after Kleene: `undefined` is unknown, never silently false. Pure. */
import type { Facts } from './facts.ts';
import { number, type Operator, OPERATORS } from './operators.ts';
import { iteration } from './operators-each.ts';
import { comparison } from './operators-leaf.ts';
import { at, ConditionError, type Fail, FORBIDDEN, own, same, spend, truthy } from './operators-values.ts';
import { joined, type Leaf, type Logic, type Lookup, type Missing, nodes, type Operation, type Tree, type Var } from './tree.ts';

/**
 * What a node comes to; undefined is unknown.
 * @param local the element that `map`, `filter`, … look at.
 * @throws ConditionError
 */
export type Evaluate = (facts: Facts, local: unknown) => unknown;

const failAt =
  (node: Tree, what: string): Fail =>
  (kind, message) => {
    throw new ConditionError(kind, `${what}: ${message}`, node.at);
  };

/** A node's closure; those of its parts are made anew. It does not count its work from the start: `compile` does. */
export function closure(node: Tree): Evaluate {
  switch (node.kind) {
    case 'literal': {
      const { value } = node;
      return () => value;
    }
    case 'list':
      return list(node.of.map(closure));
    case 'field': {
      const { monitor, path } = node;
      const read = reader(path);
      return (facts) => read(facts.now(monitor));
    }
    case 'leaf':
      return leaf(node);
    case 'test': {
      const of = closure(node.of);
      if (node.op === 'exists') return (facts, local) => (of(facts, local) !== undefined) === (node.value !== false);
      const compare = comparison(node.op, node.value, failAt(node, node.op));
      return (facts, local) => {
        const got = of(facts, local);
        return got === undefined ? undefined : compare(got);
      };
    }
    case 'var':
      return variable(node);
    case 'lookup':
      return lookup(node);
    case 'missing':
      return missing(node);
    case 'window': {
      const { index } = node;
      return (facts) => facts.window(index);
    }
    case 'call': {
      const of = list(node.of.map(closure));
      const { name } = node;
      return (facts, local) => {
        const args = of(facts, local);
        return args === undefined ? undefined : facts.call(name, args);
      };
    }
    case 'logic':
      return logic(node);
    case 'operation':
      return operation(node);
    case 'each': {
      const from = node.from ? closure(node.from) : () => null;
      return iteration(node.op, { list: closure(node.list), body: closure(node.body), from, steps: stepsOf(node.body) }, failAt(node, node.op));
    }
  }
}

/** One for each part, and for what it takes to compare with a long text. */
const stepsOf = (body: Tree): number =>
  nodes(body).reduce((sum, node) => sum + 1 + ('value' in node && typeof node.value === 'string' ? node.value.length >> 9 : 0), 0);

/** What stands at a path. Most are of one or two words. */
function reader(path: readonly string[]): (state: unknown) => unknown {
  const [first = '', second = ''] = path;
  if (path.length === 1) return (state) => own(state, first);
  if (path.length === 2) return (state) => own(own(state, first), second);
  return (state) => at(state, path);
}

/** Unknown when one of them is. */
function list(of: readonly Evaluate[]): (facts: Facts, local: unknown) => readonly unknown[] | undefined {
  return (facts, local) => {
    const values: unknown[] = [];
    for (const one of of) {
      const value = one(facts, local);
      if (value === undefined) return undefined;
      values.push(value);
    }
    return values;
  };
}

function leaf(node: Leaf): Evaluate {
  const { monitor, path, op, value } = node;
  const read = reader(path);
  const fail = failAt(node, op);
  if (op === 'exists') return (facts) => (read(facts.now(monitor)) !== undefined) === (value !== false);
  if (op === 'changed') {
    return (facts) => {
      const now = read(facts.now(monitor));
      const before = read(facts.before(monitor));
      return now === undefined || before === undefined ? undefined : !same(now, before, fail);
    };
  }
  const compare = comparison(op, value, fail);
  return (facts) => {
    const got = read(facts.now(monitor));
    return got === undefined ? undefined : compare(got);
  };
}

function variable({ name, local, or }: Var): Evaluate {
  const rest = or ? closure(or) : () => null;
  const [monitor, ...path] = name;
  if (local) return (facts, element) => absent(at(element, name), rest, facts, element);
  if (monitor === undefined) return (facts, element) => absent(facts.whole(), rest, facts, element);
  const read = reader(path);
  return (facts, element) => absent(read(facts.now(monitor)), rest, facts, element);
}
/** What is there, also when it is null; else what is to stand for it. */
const absent = (value: unknown, rest: Evaluate, facts: Facts, local: unknown): unknown => (value === undefined ? rest(facts, local) : value);

/** What a name leads to that shows only now; undefined for nothing. */
function find(facts: Facts, element: unknown, local: boolean, names: readonly string[]): unknown {
  if (names.some((one) => FORBIDDEN.has(one))) return undefined;
  if (local) return at(element, names);
  const [monitor, ...path] = joined(names);
  return monitor === undefined ? facts.whole() : at(facts.now(monitor), path);
}
const split = (name: unknown): readonly string[] => (name === null || name === '' ? [] : String(name).split('.', MOST_WORDS));
const MOST_WORDS = 256;

function lookup(node: Lookup): Evaluate {
  const { dotted, local, or } = node;
  const name = closure(node.name);
  const rest = or ? closure(or) : () => null;
  const fail = failAt(node, dotted ? 'var' : 'val');
  return (facts, element) => {
    const got = name(facts, element);
    if (got === undefined) return undefined;
    const names: readonly unknown[] = Array.isArray(got) ? got : [got];
    spend(names.length, fail);
    if (names.some((one) => typeof one === 'object' && one !== null)) return fail('Invalid Arguments', 'expected a name');
    return absent(find(facts, element, local, dotted ? split(names[0] ?? null) : names.map(String)), rest, facts, element);
  };
}

function missing(node: Missing): Evaluate {
  const names = closure(node.names);
  const least = node.least ? closure(node.least) : () => Number.POSITIVE_INFINITY; // never enough
  const fail = failAt(node, 'missing');
  const isMissing = (value: unknown): boolean => value === undefined || value === null || value === '';
  return (facts, element) => {
    const enough = least(facts, element);
    if (enough === undefined) return undefined;
    const got = names(facts, element);
    if (got === undefined) return undefined;
    const all = Array.isArray(got) ? (Array.isArray(got[0]) ? got[0] : got) : [got];
    spend(all.length, fail);
    const gone = all.filter((one: unknown) => isMissing(find(facts, element, node.local, split(one))));
    return all.length - gone.length >= number(enough, fail) ? [] : gone;
  };
}

/** `and` ends at the first that is false, `or` at the first that is true; without such a one an unknown part leaves the whole unknown. */
function logic({ op, of }: Logic): Evaluate {
  const parts = of.map(closure);
  if (op === 'if') return choice(parts);
  const decisive = op === 'or';
  return (facts, local) => {
    let unknown = false;
    let value: unknown;
    for (const part of parts) {
      value = part(facts, local);
      if (value === undefined) unknown = true;
      else if (truthy(value) === decisive) return value;
    }
    return unknown ? undefined : value;
  };
}

/** The first condition that holds decides; one that is unknown leaves the whole unknown. */
function choice(parts: readonly Evaluate[]): Evaluate {
  return (facts, local) => {
    for (let i = 0; i < parts.length; i += 2) {
      const value = parts[i]?.(facts, local);
      const then = parts[i + 1];
      if (!then || value === undefined) return value;
      if (truthy(value)) return then(facts, local);
    }
    return null;
  };
}

function operation(node: Operation): Evaluate {
  const operator = OPERATORS.get(node.op);
  if (!operator) throw new TypeError(`${node.op} is no operator`); // condition.ts lets none pass
  const fail = failAt(node, node.op);
  const [first, second] = node.of;
  if (node.spread && first) {
    const of = closure(first);
    return (facts, local) => {
      const got = of(facts, local);
      return got === undefined ? undefined : operator.apply(Array.isArray(got) ? got : [got], fail);
    };
  }
  if (operator.two && first && second && node.of.length === 2) return binary(operator.two, first, second, fail);
  const args = list(node.of.map(closure));
  return (facts, local) => {
    const got = args(facts, local);
    return got === undefined ? undefined : operator.apply(got, fail);
  };
}

function binary(two: NonNullable<Operator['two']>, first: Tree, second: Tree, fail: Fail): Evaluate {
  const a = closure(first);
  if (second.kind === 'literal') {
    const { value } = second;
    return (facts, local) => {
      const left = a(facts, local);
      return left === undefined ? undefined : two(left, value, fail);
    };
  }
  const b = closure(second);
  return (facts, local) => {
    const left = a(facts, local);
    if (left === undefined) return undefined;
    const right = b(facts, local);
    return right === undefined ? undefined : two(left, right, fail);
  };
}
