/** Each kind of node into its closure. Three-valued after Kleene: `undefined` is unknown, never silently false. Pure. */
import { existing, failAt, leaf, lookup, missing, reader, tested, variable } from './reads.ts';
import type { Facts } from './facts.ts';
import { type Operator, OPERATORS } from './operators.ts';
import { iteration } from './operators-each.ts';
import { type Fail, truthy } from '../values/values.ts';
import { nodes, type Operation, type Tree } from './tree.ts';

/**
 * What a node comes to; undefined is unknown.
 * @param local the element that `map`, `filter`, … look at.
 * @throws ConditionError
 */
export type Evaluate = (facts: Facts, local: unknown) => unknown;
type EvaluateAll = (facts: Facts, local: unknown) => readonly unknown[] | undefined;

const constant =
  (value: unknown): Evaluate =>
  () =>
    value;
const NULL = constant(null);
const NEVER_ENOUGH = constant(Number.POSITIVE_INFINITY);

/** A node's closure; those of its parts are made anew. It does not count its work from the start: `compile` does. */
export function closure(node: Tree): Evaluate {
  switch (node.kind) {
    case 'literal':
      return constant(node.value);
    case 'list':
      return list(node.of.map(closure));
    case 'field':
      return reader(node.monitor, node.path);
    case 'leaf':
      return leaf(node);
    case 'test':
      if (node.op === 'exists') return existing(closure(node.of), node.value !== false);
      return tested(closure(node.of), node.op, node.value, node.at);
    case 'var':
      return variable(node, node.or ? closure(node.or) : NULL);
    case 'lookup':
      return lookup(node, closure(node.name), node.or ? closure(node.or) : NULL);
    case 'missing':
      return missing(node, closure(node.names), node.least ? closure(node.least) : NEVER_ENOUGH);
    case 'window':
      return windowAt(node.index);
    case 'call':
      return call(node.name, list(node.of.map(closure)));
    case 'logic':
      return node.op === 'if' ? choice(node.of.map(closure)) : junction(node.of.map(closure), node.op === 'or');
    case 'operation':
      return operation(node);
    case 'each':
      return iteration(
        node.op,
        { list: closure(node.list), body: closure(node.body), from: node.from ? closure(node.from) : NULL, steps: stepsOf(node.body) },
        failAt(node.at, node.op),
      );
  }
}

/** One for each part, and for what it takes to compare with a long text. */
const stepsOf = (body: Tree): number =>
  nodes(body).reduce((sum, node) => sum + 1 + ('value' in node && typeof node.value === 'string' ? node.value.length >> 9 : 0), 0);

const windowAt =
  (index: number): Evaluate =>
  (facts) =>
    facts.window(index);

const call =
  (name: string, of: EvaluateAll): Evaluate =>
  (facts, local) => {
    const args = of(facts, local);
    return args === undefined ? undefined : facts.call(name, args);
  };

/** Unknown when one of them is. */
function list(of: readonly Evaluate[]): EvaluateAll {
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

/** `and` ends at the first that is false, `or` at the first that is true; without such a one an unknown part leaves the whole unknown. */
function junction(parts: readonly Evaluate[], decisive: boolean): Evaluate {
  const [first, second] = parts;
  return first && second && parts.length === 2 ? pair(first, second, decisive) : row(parts, decisive);
}
const pair =
  (first: Evaluate, second: Evaluate, decisive: boolean): Evaluate =>
  (facts, local) => {
    const one = first(facts, local);
    if (one !== undefined && truthy(one) === decisive) return one;
    const other = second(facts, local);
    return one === undefined && other !== undefined && truthy(other) !== decisive ? undefined : other;
  };
function row(parts: readonly Evaluate[], decisive: boolean): Evaluate {
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

function operation({ op, of, spread, at }: Operation): Evaluate {
  const operator = OPERATORS.get(op);
  if (!operator) throw new TypeError(`${op} is no operator`); // condition.ts lets none pass
  const fail = failAt(at, op);
  const [first, second] = of;
  if (spread && first) return spreading(operator, closure(first), fail);
  if (!operator.two || !first || !second || of.length > 2) return applied(operator, list(of.map(closure)), fail);
  return second.kind === 'literal' ? beside(operator.two, closure(first), second.value, fail) : between(operator.two, closure(first), closure(second), fail);
}
const applied =
  ({ apply }: Operator, of: EvaluateAll, fail: Fail): Evaluate =>
  (facts, local) => {
    const args = of(facts, local);
    return args === undefined ? undefined : apply(args, fail);
  };
const spreading =
  ({ apply }: Operator, of: Evaluate, fail: Fail): Evaluate =>
  (facts, local) => {
    const got = of(facts, local);
    return got === undefined ? undefined : apply(Array.isArray(got) ? got : [got], fail);
  };
type Two = NonNullable<Operator['two']>;
const beside =
  (two: Two, a: Evaluate, right: unknown, fail: Fail): Evaluate =>
  (facts, local) => {
    const left = a(facts, local);
    return left === undefined ? undefined : two(left, right, fail);
  };
const between =
  (two: Two, a: Evaluate, b: Evaluate, fail: Fail): Evaluate =>
  (facts, local) => {
    const left = a(facts, local);
    if (left === undefined) return undefined;
    const right = b(facts, local);
    return right === undefined ? undefined : two(left, right, fail);
  };
