/**
 * What reads the states, as closures: fields, leaves, `var` and `missing`. Each closure is made by a function of its own, so that it keeps no more
 * alive than it needs: a node has as many rules as it has memory for. Pure.
 */
import type { Evaluate } from './closures.ts';
import type { Facts } from './facts.ts';
import { number } from './operators.ts';
import { comparison, type Comparison, type Plain, plain } from '../values/leaf.ts';
import { at, ConditionError, type Fail, FORBIDDEN, own, same, spend, type Truth } from '../values/values.ts';
import { joined, type Leaf, type Lookup, type Missing, type Var } from './tree.ts';

type Read = (facts: Facts) => unknown;

/** How the part of a condition that stands there says that it cannot go on. */
export const failAt =
  (place: string, what: string): Fail =>
  (kind, message) => {
    throw new ConditionError(kind, `${what}: ${message}`, place);
  };

/** What stands at a path in a monitor's state. Most paths are of one or two words. */
export function reader(monitor: string, path: readonly string[]): Read {
  const [first = '', second = ''] = path;
  return path.length === 1 ? shallow(monitor, first) : path.length === 2 ? deeper(monitor, first, second) : deep(monitor, path);
}
const shallow =
  (monitor: string, name: string): Read =>
  (facts) =>
    own(facts.now(monitor), name);
const deeper =
  (monitor: string, first: string, second: string): Read =>
  (facts) =>
    own(own(facts.now(monitor), first), second);
const deep =
  (monitor: string, path: readonly string[]): Read =>
  (facts) =>
    at(facts.now(monitor), path);

export function leaf({ monitor, path, op, value, at: place }: Leaf): Evaluate {
  if (op === 'exists') return existing(reader(monitor, path), value !== false);
  if (op === 'changed') return changed(monitor, path, failAt(place, op));
  const says = plain(op, value);
  return says ? direct(monitor, path, says, value) : tested(reader(monitor, path), op, value, place);
}
/** The comparison of what a node comes to. */
export function tested(read: Evaluate, op: Comparison, value: unknown, place: string): Evaluate {
  const says = plain(op, value);
  return says ? beside(read, says, value) : compared(read, comparison(op, value, failAt(place, op)));
}

/** Reads and compares at once. This is what most conditions spend their time on, and their memory: one closure for each leaf. */
function direct(monitor: string, path: readonly string[], says: Plain, value: unknown): Evaluate {
  const [first = '', second = ''] = path;
  if (path.length === 1) return near(monitor, first, says, value);
  return path.length === 2 ? nearby(monitor, first, second, says, value) : beside(deep(monitor, path), says, value);
}
const near =
  (monitor: string, name: string, says: Plain, value: unknown): Evaluate =>
  (facts) => {
    const got = own(facts.now(monitor), name);
    return got === undefined ? undefined : says(got, value);
  };
const nearby =
  (monitor: string, first: string, second: string, says: Plain, value: unknown): Evaluate =>
  (facts) => {
    const got = own(own(facts.now(monitor), first), second);
    return got === undefined ? undefined : says(got, value);
  };
const beside =
  (read: Evaluate, says: Plain, value: unknown): Evaluate =>
  (facts, local) => {
    const got = read(facts, local);
    return got === undefined ? undefined : says(got, value);
  };

/** Of what is there; unknown without. */
const compared =
  (read: Evaluate, compare: (got: unknown) => Truth): Evaluate =>
  (facts, local) => {
    const got = read(facts, local);
    return got === undefined ? undefined : compare(got);
  };
export const existing =
  (read: Evaluate, wanted: boolean): Evaluate =>
  (facts, local) =>
    (read(facts, local) !== undefined) === wanted;
const changed =
  (monitor: string, path: readonly string[], fail: Fail): Evaluate =>
  (facts) => {
    const now = at(facts.now(monitor), path);
    const before = at(facts.before(monitor), path);
    return now === undefined || before === undefined ? undefined : !same(now, before, fail);
  };

/** @param or what is to stand for a value that is not there. */
export function variable({ name, local }: Var, or: Evaluate): Evaluate {
  const [monitor, ...path] = name;
  if (local) return otherwise((_, element) => at(element, name), or);
  return monitor === undefined
    ? otherwise((facts) => facts.whole(), or)
    : otherwise(path.length === 0 ? (facts) => facts.now(monitor) : reader(monitor, path), or);
}
/** What is there, also when it is null. */
const otherwise =
  (read: Evaluate, or: Evaluate): Evaluate =>
  (facts, local) => {
    const value = read(facts, local);
    return value === undefined ? or(facts, local) : value;
  };

/** What a name leads to that shows only now; undefined for nothing. */
function find(facts: Facts, element: unknown, local: boolean, names: readonly string[]): unknown {
  if (names.some((one) => FORBIDDEN.has(one))) return undefined;
  if (local) return at(element, names);
  const [monitor, ...path] = joined(names);
  return monitor === undefined ? facts.whole() : at(facts.now(monitor), path);
}
const MOST_WORDS = 256;
const split = (name: unknown): readonly string[] => (name === null || name === '' ? [] : String(name).split('.', MOST_WORDS));

export function lookup({ dotted, local, at: place }: Lookup, name: Evaluate, or: Evaluate): Evaluate {
  const fail = failAt(place, dotted ? 'var' : 'val');
  return (facts, element) => {
    const got = name(facts, element);
    if (got === undefined) return undefined;
    const names: readonly unknown[] = Array.isArray(got) ? got : [got];
    spend(names.length, fail);
    if (names.some((one) => typeof one === 'object' && one !== null)) return fail('Invalid Arguments', 'expected a name');
    const value = find(facts, element, local, dotted ? split(names[0] ?? null) : names.map(String));
    return value === undefined ? or(facts, element) : value;
  };
}

/** @param least how many are enough. */
export function missing({ local, at: place }: Missing, names: Evaluate, least: Evaluate): Evaluate {
  const fail = failAt(place, 'missing');
  const isMissing = (value: unknown): boolean => value === undefined || value === null || value === '';
  return (facts, element) => {
    const enough = least(facts, element);
    if (enough === undefined) return undefined;
    const got = names(facts, element);
    if (got === undefined) return undefined;
    const all = Array.isArray(got) ? (Array.isArray(got[0]) ? got[0] : got) : [got];
    spend(all.length, fail);
    const gone = all.filter((one: unknown) => isMissing(find(facts, element, local, split(one))));
    return all.length - gone.length >= number(enough, fail) ? [] : gone;
  };
}
