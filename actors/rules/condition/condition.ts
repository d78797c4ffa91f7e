/** A condition as it is written, JSON or text, into the tree that is compiled: checked, with every fault at its place. Pure. */
import { escapePointer, type Fault, nearest } from '../../schema.ts';
import { fieldNode, FORM_NAMES, formOf, type Forms, leafNode } from './operators-forms.ts';
import { ALIASES, type Lazy, LAZY, OPERATORS } from './operators.ts';
import { DEEPEST, LONGEST_TEXT, numberOf, own } from '../values/values.ts';
import { WINDOW_FUNCTIONS } from '../windows/windows.ts';
import { parseText } from '../text/text.ts';
import type { Place as TextPlace } from '../text/faults.ts';
import type { Tree } from './tree.ts';

const MOST_NODES = 10_000;
/** Of plain values in lists and objects, all together. */
const MOST_VALUES = 100_000;
const COMPARABLE: readonly string[] = ['>', '>=', '<', '<='];

/** Where a node stands. `local`: within the body of `map`, `filter`, …, where `var` is of the element. */
export interface Place {
  readonly at: string;
  readonly depth: number;
  readonly local: boolean;
}
export const under = ({ at, depth, local }: Place, key: string | number): Place => ({ at: `${at}/${escapePointer(String(key))}`, depth, local });

export type Parsed = { readonly condition: Tree; readonly faults: readonly [] } | { readonly faults: readonly Fault[] };

type Functions = readonly string[] | 'any';

/**
 * Parse a rule's condition: a text, or JSON that is more than a plain value.
 *
 * @param parameters what `{"var": "parameters.x"}` may name.
 * @param path where the condition stands, as a JSON pointer.
 * @param functions the custom functions that it may call; `any` where that has been checked before.
 */
export function parseCondition(json: unknown, parameters: Readonly<Record<string, unknown>>, path = '', functions: Functions = []): Parsed {
  if (typeof json === 'string') return parseWritten(json, parameters, path, functions);
  if (!isObject(json))
    return { faults: [{ path, expected: 'a condition: a text, {"and": […]}, {"or": […]}, {"not": …}, {"field", "op", "value"} or an operator', got: json }] };
  return parseLogic(json, parameters, path, functions);
}

/** The same of any JSON at all, as JsonLogic has it: a text is a text, and a plain value comes to itself. */
export function parseLogic(json: unknown, parameters: Readonly<Record<string, unknown>>, path = '', functions: Functions = []): Parsed {
  const parser = new Parser(parameters, functions);
  const condition = parser.node(json, { at: path, depth: 0, local: false });
  return condition && parser.faults.length === 0 ? { condition, faults: [] } : { faults: parser.faults };
}

/** What stands in a text has no place of its own in the configuration: faults are told where the text is, with line and column in it. */
function parseWritten(text: string, parameters: Readonly<Record<string, unknown>>, path: string, functions: Functions): Parsed {
  const read = parseText(text);
  const placed = (fault: Omit<Fault, 'path'>, { line, column }: TextPlace): Fault => ({
    ...fault,
    path,
    expected: `${fault.expected} (line ${line}, column ${column} of the condition)`,
  });
  if ('faults' in read) return { faults: read.faults.map(({ expected, got, nearest: near, ...place }) => placed({ expected, got, nearest: near }, place)) };
  const parsed = parseLogic(read.json, parameters, path, functions);
  return 'condition' in parsed ? parsed : { faults: parsed.faults.map((fault) => placed(fault, read.placeOf(fault.path.slice(path.length)))) };
}

class Parser implements Forms {
  readonly faults: Fault[] = [];
  readonly #parameters: Readonly<Record<string, unknown>>;
  readonly #functions: Functions;
  readonly #windows = new Map<string, number>();
  #nodes = 0;
  #values = 0;

  constructor(parameters: Readonly<Record<string, unknown>>, functions: Functions) {
    this.#parameters = parameters;
    this.#functions = functions;
  }

  fail({ at }: Place, expected: string, got?: unknown, near?: string): undefined {
    this.faults.push({ path: at, expected, got, nearest: near });
    return undefined;
  }

  /** @param place of the parent, but for `at`. */
  node(json: unknown, { at, depth, local }: Place): Tree | undefined {
    const place = { at, depth: depth + 1, local };
    if (place.depth > DEEPEST) return this.fail(place, `a condition of at most ${DEEPEST} levels`);
    if (++this.#nodes > MOST_NODES) return this.#nodes === MOST_NODES + 1 ? this.fail(place, `a condition of at most ${MOST_NODES} parts`) : undefined;
    if (Array.isArray(json) && json.some((one) => typeof one === 'object' && one !== null)) {
      const of = this.nodes(json, place);
      return of && { kind: 'list', of, at };
    }
    return isObject(json) ? this.#object(json, place) : this.literal(json, place);
  }

  /** All of them, or undefined when one has a fault. */
  nodes(json: readonly unknown[], place: Place): readonly Tree[] | undefined {
    const of = json.map((one, i) => this.node(one, under(place, i)));
    return of.every((one) => one !== undefined) ? of : undefined;
  }

  literal(value: unknown, place: Place): Tree | undefined {
    const wrong = this.#wrongValue(value, place.depth);
    return wrong === undefined ? { kind: 'literal', value, at: place.at } : this.fail(place, wrong);
  }

  /** The value of a parameter, by its name or the path to it. */
  parameter(name: string, place: Place): { readonly node: Tree | undefined } | undefined {
    const value = own(this.#parameters, name) ?? name.split('.').reduce<unknown>(own, this.#parameters);
    return value === undefined ? undefined : { node: this.literal(value, place) };
  }
  noParameter(place: Place, got: unknown): undefined {
    return this.fail(place, `a parameter that is declared: ${Object.keys(this.#parameters).join(', ') || 'there is none'}`, got);
  }

  /** The place of a window in the list of them. */
  windowIndex(key: string): number {
    const index = this.#windows.get(key) ?? this.#windows.size;
    this.#windows.set(key, index);
    return index;
  }

  #object(json: Readonly<Record<string, unknown>>, place: Place): Tree | undefined {
    const keys = Object.keys(json);
    if (Object.hasOwn(json, 'field')) return keys.length === 1 ? fieldNode(this, json.field, place) : leafNode(this, json, place);
    const [key] = keys;
    if (key === undefined || keys.length > 1)
      return this.fail(
        place,
        'one operator, or field with op and value; an object that is meant as a value is written {"preserve": {…}}',
        keys.slice(0, 8).join(', ') || undefined,
      );
    const inner = own(json, key);
    const here = under(place, key);
    const form = formOf(key, inner, this, here);
    if (form) return form(this, inner, here, place.at);
    if (OPERATORS.has(ALIASES.get(key) ?? key) || isLazy(ALIASES.get(key) ?? key)) return this.#operator(key, inner, here, place.at);
    if (this.#functions === 'any' || this.#functions.includes(key)) {
      const of = this.nodes(Array.isArray(inner) ? inner : [inner], here);
      return of && { kind: 'call', name: key, of, at: place.at };
    }
    const known = [...LOGIC, ...this.#functions];
    return this.fail(here, 'an operator, a window function, or a custom function that is declared in `functions`', key, nearest(key, known));
  }

  /** What is no list is the one operand. */
  #operator(key: string, inner: unknown, here: Place, at: string): Tree | undefined {
    const op = ALIASES.get(key) ?? key;
    const isList = Array.isArray(inner);
    const [only] = isList ? [] : [this.node(inner, here)];
    const spreads = OPERATORS.get(op)?.spreads === true && isObject(inner);
    if (only && spreads && (only.kind !== 'literal' || !Array.isArray(only.value))) return { kind: 'operation', op, of: [only], spread: true, at };
    const given: readonly Tree[] | undefined =
      only && spreads && only.kind === 'literal' && Array.isArray(only.value)
        ? only.value.map((value: unknown) => ({ kind: 'literal', value, at: only.at }))
        : isList
          ? this.nodes(inner, here)
          : only && [only];
    if (!given) return undefined;
    const { least, most } = isLazy(op) ? { least: LAZY[op], most: Number.POSITIVE_INFINITY } : (OPERATORS.get(op) ?? { least: 0, most: 0 });
    if (given.length < least || given.length > most) return this.fail(here, operands(least, most), given.length);
    for (const one of given) this.#checkLiteral(op, one);
    return isLazy(op) ? { kind: 'logic', op, of: given, at } : { kind: 'operation', op, of: given, spread: false, at };
  }

  #checkLiteral(op: string, node: Tree): void {
    if (node.kind !== 'literal') return;
    const { value, at } = node;
    const isWrong = OPERATORS.get(op)?.numeric ? Number.isNaN(numberOf(value)) : COMPARABLE.includes(op) && typeof value === 'object' && value !== null;
    const expected = op === 'min' || op === 'max' ? 'a number; or a field and a duration: ["monitor.path", "5m"]' : 'a number';
    if (isWrong) this.fail({ at, depth: 0, local: false }, COMPARABLE.includes(op) ? 'a number or a text' : expected, value);
  }

  /** What is wrong with a value that is to be taken as it is. */
  #wrongValue(value: unknown, depth: number): string | undefined {
    if (++this.#values > MOST_VALUES) return `at most ${MOST_VALUES} values in all`;
    if (typeof value === 'string') return value.length > LONGEST_TEXT ? `a text of at most ${LONGEST_TEXT} characters` : undefined;
    if (value === null || typeof value === 'boolean' || (typeof value === 'number' && !Number.isNaN(value))) return undefined;
    if (typeof value !== 'object') return 'a value that JSON knows';
    if (depth > DEEPEST) return `a value of at most ${DEEPEST} levels`;
    for (const one of Array.isArray(value) ? value : Object.values(value)) {
      const wrong = this.#wrongValue(one, depth + 1);
      if (wrong !== undefined) return wrong;
    }
    return undefined;
  }
}

/** Every word that may be an operator, but for custom functions, which have other names. */
const LOGIC: readonly string[] = [...new Set([...OPERATORS.keys(), ...Object.keys(LAZY), ...ALIASES.keys(), ...FORM_NAMES])];
export const isOperator = (name: string): boolean => LOGIC.includes(name) || name === 'field';
/** JsonLogic's own. */
export const OPERATOR_NAMES: readonly string[] = LOGIC.filter((name) => !WINDOW_FUNCTIONS.some((fn) => fn === name) || OPERATORS.has(name));

const isLazy = (op: string): op is Lazy => Object.hasOwn(LAZY, op);
const operands = (least: number, most: number): string =>
  least === most
    ? `${least} operand${least === 1 ? '' : 's'}`
    : most === Number.POSITIVE_INFINITY
      ? `at least ${least} operand${least === 1 ? '' : 's'}`
      : `${least} to ${most} operands`;
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);
