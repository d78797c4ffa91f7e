/**
 * A condition as a tree, whatever it was written as: JSON or text, the specification's leaves or JsonLogic. Each node comes to a JSON value,
 * or to `undefined`, which is *unknown* (docs/decisions/008-rules.md). Pure.
 */
import type { Each, Lazy } from './operators.ts';
import type { Comparison } from '../values/leaf.ts';
import { durationText, type Window } from './operators-window.ts';

interface Node {
  /** Where it is written, as a JSON pointer. */
  readonly at: string;
}
export interface Literal extends Node {
  readonly kind: 'literal';
  readonly value: unknown;
}
/** A list that is made anew each time. */
interface List extends Node {
  readonly kind: 'list';
  readonly of: readonly Tree[];
}
/** The specification's leaf. */
export interface Leaf extends Node {
  readonly kind: 'leaf';
  readonly op: Comparison;
  readonly monitor: string;
  readonly path: readonly string[];
  readonly value: unknown;
}
/** A leaf's comparison of something that is no field. */
export interface Test extends Node {
  readonly kind: 'test';
  readonly op: Comparison;
  readonly of: Tree;
  readonly value: unknown;
}
/** The value of a field: unknown when it is not there. */
export interface Field extends Node {
  readonly kind: 'field';
  readonly monitor: string;
  readonly path: readonly string[];
}
/** JsonLogic's: null, or `or`, when it is not there. Of a monitor and a path in its state; `local`: of the element that is looked at. No name: all. */
export interface Var extends Node {
  readonly kind: 'var';
  readonly name: readonly string[];
  readonly local: boolean;
  readonly or?: Tree;
}
/** The same, with a name that shows only in the evaluation. `dotted`: one word that holds the path. */
export interface Lookup extends Node {
  readonly kind: 'lookup';
  readonly name: Tree;
  readonly dotted: boolean;
  readonly local: boolean;
  readonly or?: Tree;
}
/** Which of these names lead to nothing. `least`: none when so many do lead to something. */
export interface Missing extends Node {
  readonly kind: 'missing';
  readonly names: Tree;
  readonly least?: Tree;
  readonly local: boolean;
}
/** `and`, `or`, `if`: operands that are not needed are not evaluated. */
export interface Logic extends Node {
  readonly kind: 'logic';
  readonly op: Lazy;
  readonly of: readonly Tree[];
}
export interface Operation extends Node {
  readonly kind: 'operation';
  readonly op: string;
  readonly of: readonly Tree[];
  /** Its one operand, when it comes to a list, is the list of the operands. */
  readonly spread: boolean;
}
/** `body` of each element of `list`. `from`: what a `reduce` begins with. */
export interface Iteration extends Node {
  readonly kind: 'each';
  readonly op: Each;
  readonly list: Tree;
  readonly body: Tree;
  readonly from?: Tree;
}
export interface WindowNode extends Node {
  readonly kind: 'window';
  readonly window: Window;
  /** Its place in `windows(tree)`: windows that are the same have the same. */
  readonly index: number;
}
/** A custom function. */
export interface Call extends Node {
  readonly kind: 'call';
  readonly name: string;
  readonly of: readonly Tree[];
}
export type Tree = Literal | List | Leaf | Test | Field | Var | Lookup | Missing | Logic | Operation | Iteration | WindowNode | Call;

/** The nodes right below one, from left to right. */
export function below(node: Tree): readonly Tree[] {
  switch (node.kind) {
    case 'list':
    case 'logic':
    case 'operation':
    case 'call':
      return node.of;
    case 'test':
      return [node.of];
    case 'var':
      return node.or ? [node.or] : [];
    case 'lookup':
      return node.or ? [node.name, node.or] : [node.name];
    case 'missing':
      return node.least ? [node.least, node.names] : [node.names];
    case 'each':
      return node.from ? [node.list, node.body, node.from] : [node.list, node.body];
    default:
      return [];
  }
}

/** Every node, parents first, from left to right. */
export const nodes = (tree: Tree): readonly Tree[] => [tree, ...below(tree).flatMap(nodes)];

/** The windows that a tree asks for, each once, by their index. */
export function windows(tree: Tree): readonly Window[] {
  const found: Window[] = [];
  for (const node of nodes(tree)) if (node.kind === 'window') found[node.index] = node.window;
  return found;
}

/** The custom functions that a tree calls, each once. */
export const calls = (tree: Tree): readonly string[] => [...new Set(nodes(tree).flatMap((node) => (node.kind === 'call' ? [node.name] : [])))];

export interface Read {
  /** A monitor, `rule:NAME` for a rule, `system` for Argos itself. */
  readonly monitor: string;
  /** The first word of the path; left out: the whole state. */
  readonly field?: string | undefined;
  /** Where it is written, as a JSON pointer. */
  readonly at: string;
}
/** What a tree reads, from left to right; `all`: a name shows only in the evaluation, and may be any. */
export function readsIn(tree: Tree): { readonly reads: readonly Read[]; readonly all: boolean } {
  const reads: Read[] = [];
  let all = false;
  const named = (names: readonly (readonly string[])[] | undefined, at: string): void => {
    if (!names || names.some(([monitor]) => monitor === undefined)) all = true;
    for (const [monitor, field] of names ?? []) if (monitor !== undefined) reads.push({ monitor, field, at });
  };
  for (const node of nodes(tree)) {
    if (node.kind === 'field' || node.kind === 'leaf') reads.push({ monitor: node.monitor, field: node.path[0], at: `${node.at}/field` });
    else if (node.kind === 'window') reads.push({ monitor: node.window.monitor, field: node.window.path[0], at: `${node.at}/${node.window.fn}/0` });
    else if (node.kind === 'var' && !node.local) named([node.name], `${node.at}/var`);
    else if (node.kind === 'lookup' && !node.local) named(node.dotted ? possible(node.name, false)?.map(words) : undefined, node.at);
    else if (node.kind === 'missing' && !node.local) named(possible(node.names, true)?.map(words), node.at);
  }
  return { reads, all };
}

/** The monitors that a tree reads, each with the first words of the paths. `all` as above. */
export function reads(tree: Tree): { readonly monitors: ReadonlyMap<string, ReadonlySet<string> | 'all'>; readonly all: boolean } {
  const found = readsIn(tree);
  const monitors = new Map<string, Set<string> | 'all'>();
  for (const { monitor, field } of found.reads) {
    const fields = monitors.get(monitor) ?? new Set<string>();
    monitors.set(monitor, field === undefined || fields === 'all' ? 'all' : fields.add(field));
  }
  return { monitors, all: found.all };
}

/** A name as it is written into the monitor and the path: `rule.NAME.x` is of the monitor `rule:NAME`. `""` is all there is. */
export function words(name: string): readonly string[] {
  return name === '' ? [] : joined(name.split('.'));
}
export function joined(path: readonly string[]): readonly string[] {
  const [first, second, ...rest] = path;
  return (first === 'rule' && second !== undefined ? [`rule:${second}`, ...rest] : path).map(only);
}
/** The one copy of a name that V8 has for all keys of objects: ten thousand rules share it, and it is found without being compared. */
function only(name: string): string {
  const [key = name] = Object.keys({ [name]: 0 });
  return key;
}
/** And back. */
export const nameOf = (monitor: string, path: readonly string[]): string => [monitor.replace(/^rule:/, 'rule.'), ...path].join('.');
export const windowText = ({ fn, monitor, path, lengthMs, p }: Window): string =>
  `${fn}(${nameOf(monitor, path)}, ${durationText(lengthMs)}${p === undefined ? '' : `, ${p}`})`;

/**
 * The names that a tree can come to, where that shows without its being evaluated.
 * @param lists whether it may be a list of names. `var` takes the first of one, and of an empty one all there is: this does not show.
 */
function possible(node: Tree, lists: boolean): readonly string[] | undefined {
  const all = (of: readonly Tree[]): readonly string[] | undefined => every(of.map((one) => possible(one, lists)));
  switch (node.kind) {
    case 'literal':
      if (!Array.isArray(node.value)) return literalName(node.value);
      return lists ? every(node.value.map(literalName)) : undefined;
    case 'list':
      return lists ? all(node.of) : undefined;
    case 'operation':
      return lists && node.op === 'merge' ? all(node.of) : undefined;
    case 'logic': {
      if (node.op !== 'if') return all(node.of);
      const results = node.of.filter((_, i) => i % 2 === 1 || i === node.of.length - 1);
      return node.of.length % 2 === 1 ? all(results) : undefined; // without an `else` it can be null: all there is
    }
    default:
      return undefined;
  }
}
const literalName = (value: unknown): readonly string[] | undefined => (typeof value === 'string' || typeof value === 'number' ? [String(value)] : undefined);
function every(sets: readonly (readonly string[] | undefined)[]): readonly string[] | undefined {
  const known = sets.filter((one) => one !== undefined);
  return known.length === sets.length ? known.flat() : undefined;
}
