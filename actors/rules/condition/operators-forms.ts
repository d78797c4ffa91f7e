/** The parts of a condition that are more than an operator and its operands: leaves, `var`, `missing`, windows, `map` and its like. Pure. */
import { nearest } from '../../schema.ts';
import { EACH, type Each } from './operators.ts';
import { type Comparison, COMPARISONS, TESTS, wrongOperand } from '../values/leaf.ts';
import { DEEPEST, FORBIDDEN, LONGEST_TEXT, own } from '../values/values.ts';
import { A_DURATION, durationMs } from './operators-window.ts';
import type { Place } from './condition.ts';
import { joined, type Tree, words } from './tree.ts';
import { WINDOW_FUNCTIONS, type WindowFunction } from '../windows/windows.ts';

/** What the forms need of the parser (condition.ts). */
export interface Forms {
  fail(place: Place, expected: string, got?: unknown, near?: string): undefined;
  node(json: unknown, place: Place): Tree | undefined;
  nodes(json: readonly unknown[], place: Place): readonly Tree[] | undefined;
  literal(value: unknown, place: Place): Tree | undefined;
  /** Undefined when it is not declared; without a node, when it is and has a fault, which is told. */
  parameter(name: string, place: Place): { readonly node: Tree | undefined } | undefined;
  noParameter(place: Place, got: unknown): undefined;
  windowIndex(key: string): number;
}
/** @param here the place of what stands behind the key; `at` is that of the whole. */
type Form = (forms: Forms, inner: unknown, here: Place, at: string) => Tree | undefined;

const A_FIELD = 'a monitor and a path in its state: "monitor.path"';
const A_PATH = 'a path of plain names';
const PARAMETERS = 'parameters.';
const LEAF_KEYS = ['field', 'op', 'value'];

const listOf = (inner: unknown): readonly unknown[] => (Array.isArray(inner) ? inner : [inner]);
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);
const isName = (value: unknown): value is string | number => typeof value === 'string' || typeof value === 'number';
const beside = (place: Place, key: string | number): Place => ({ ...place, at: `${place.at}/${key}` });

/** `monitor.path`, split; a fault where it is none. */
function splitField(forms: Forms, field: unknown, place: Place): { readonly monitor: string; readonly path: readonly string[] } | undefined {
  if (typeof field !== 'string' || !field.includes('.') || field.length > LONGEST_TEXT) return forms.fail(place, A_FIELD, field);
  const [monitor = '', ...path] = words(field);
  if ([monitor, ...path].some((one) => one === '' || FORBIDDEN.has(one)) || path.length > DEEPEST) return forms.fail(place, A_PATH, field);
  if (monitor === 'parameters') return forms.fail(place, `${A_FIELD}; a parameter is {"var": "${field}"}`, field);
  return path.length === 0 ? forms.fail(place, 'a field of the rule: "rule.NAME.state"', field) : { monitor, path };
}

export function fieldNode(forms: Forms, field: unknown, place: Place): Tree | undefined {
  const split = splitField(forms, field, beside(place, 'field'));
  return split && { kind: 'field', monitor: split.monitor, path: split.path, at: place.at };
}

/** `{"field", "op", "value"}`. */
export function leafNode(forms: Forms, json: Readonly<Record<string, unknown>>, place: Place): Tree | undefined {
  for (const key of Object.keys(json))
    if (!LEAF_KEYS.includes(key))
      forms.fail(beside(place, key.replaceAll('~', '~0').replaceAll('/', '~1')), 'one of the keys field, op, value', key, nearest(key, LEAF_KEYS));
  const split = splitField(forms, json.field, beside(place, 'field'));
  if (!split) return undefined;
  const op = COMPARISONS.find((one) => one === json.op);
  if (!op)
    return forms.fail(beside(place, 'op'), `one of ${COMPARISONS.join(' ')}`, json.op, typeof json.op === 'string' ? nearest(json.op, COMPARISONS) : undefined);
  const value = operand(forms, op, json.value, beside(place, 'value'));
  return value && { kind: 'leaf', op, monitor: split.monitor, path: split.path, value: value.value, at: place.at };
}

/** The value beside a comparison: as it is written, or that of a parameter, which may leave out the word `parameters` here. */
function operand(forms: Forms, op: Comparison, json: unknown, place: Place): { readonly value: unknown } | undefined {
  const name = isObject(json) && Object.keys(json).length === 1 && typeof json.var === 'string' ? json.var : undefined;
  const short = name?.startsWith(PARAMETERS) ? name.slice(PARAMETERS.length) : name;
  const found = short === undefined ? { node: json === undefined ? undefined : forms.literal(json, place) } : forms.parameter(short, place);
  if (!found) return forms.noParameter(place, json);
  if (isObject(json) && Object.keys(json).join() === 'field')
    return forms.fail(place, `a value that is written out; two fields are compared by {"${op}": [{"field": …}, {"field": …}]}`, json);
  const { node } = found;
  if (json !== undefined && node?.kind !== 'literal') return undefined; // its fault is told
  const value = node?.kind === 'literal' ? node.value : undefined;
  const wrong = wrongOperand(op, value);
  return wrong === undefined ? { value } : forms.fail(place, wrong, value);
}

/** `{"contains": [value, "part"]}`, `{"exists": value}`: a leaf's comparison of any value. */
const test =
  (op: Comparison): Form =>
  (forms, inner, here, at) => {
    const [json, value, ...more] = listOf(inner);
    const count = op === 'exists' ? 1 : 2;
    if (json === undefined || more.length > 0 || (value === undefined) !== (count === 1))
      return forms.fail(here, count === 1 ? '1 operand' : `2 operands: a value, and what ${op} takes`, listOf(inner).length);
    const of = Array.isArray(inner) ? forms.node(json, beside(here, 0)) : forms.node(json, here);
    if (op === 'exists' && of?.kind === 'literal') return forms.fail(here, 'what may be missing, such as {"field": "monitor.path"}', json);
    const constant = count === 1 ? undefined : forms.node(value, beside(here, 1));
    if (!of || (count === 2 && !constant)) return undefined;
    const known = constant && constantOf(constant);
    if (constant && !known) return forms.fail(beside(here, 1), 'a value that is written out, or a parameter', value);
    const wrong = wrongOperand(op, known?.value);
    return wrong === undefined ? { kind: 'test', op, of, value: known?.value, at } : forms.fail(beside(here, 1), wrong, known?.value);
  };
/** What a node comes to whatever the facts are; undefined when that depends on them. */
function constantOf(node: Tree): { readonly value: unknown } | undefined {
  if (node.kind === 'literal') return { value: node.value };
  const of = node.kind === 'list' ? node.of.map(constantOf) : [undefined];
  return of.includes(undefined) ? undefined : { value: of.map((one) => one?.value) };
}

/** A path of `var`, `val` or `missing`, checked. */
function path(forms: Forms, names: readonly string[], place: Place, got: unknown): readonly string[] | undefined {
  const isPlain = names.length <= DEEPEST && names.every((one) => one !== '' && !FORBIDDEN.has(one));
  return isPlain ? (place.local ? names : joined(names)) : forms.fail(place, A_PATH, got);
}

/** JsonLogic's `{"var": name}` and `{"var": [name, fallback]}`. */
const variable: Form = (forms, inner, here, at) => {
  const [name = null, fallback, ...more] = listOf(inner);
  if (more.length > 0) return forms.fail(here, 'a name, or a name and what it is when nothing is there', listOf(inner).length);
  const { local } = here;
  const or = fallback === undefined ? undefined : forms.node(fallback, beside(here, 1));
  if (fallback !== undefined && !or) return undefined;
  const rest = or ? { local, or, at } : { local, at };
  if (name === null || name === '') return { kind: 'var', name: [], ...rest };
  if (isName(name)) return named(forms, String(name).split('.'), rest, here, inner, true);
  if (!isObject(name)) return forms.fail(here, 'a name', name);
  const dynamic = forms.node(name, Array.isArray(inner) ? beside(here, 0) : here);
  return dynamic && { kind: 'lookup', name: dynamic, dotted: true, ...rest };
};

/** The community's `{"val": ["a", "b"]}`: each name by itself. */
const val: Form = (forms, inner, here, at) => {
  const names = listOf(inner).filter((one) => one !== null);
  const { local } = here;
  if (names.every(isName)) return named(forms, names.map(String), { local, at }, here, inner, !local);
  if (names.some((one) => !isName(one) && !isObject(one))) return forms.fail(here, 'names', inner);
  const name = forms.node(names, here);
  return name && { kind: 'lookup', name, dotted: false, local, at };
};

/** @param orParameter `parameters.x` is put in. With a fallback it need not be declared. */
function named(
  forms: Forms,
  names: readonly string[],
  rest: { readonly local: boolean; readonly or?: Tree; readonly at: string },
  here: Place,
  got: unknown,
  orParameter: boolean,
): Tree | undefined {
  const [first, ...more] = names;
  if (orParameter && first === 'parameters' && more.length > 0) {
    const found = forms.parameter(more.join('.'), here);
    return found ? found.node : (rest.or ?? forms.noParameter(here, got));
  }
  const name = path(forms, names, here, got);
  return name && { kind: 'var', name, ...rest };
}

const missing: Form = (forms, inner, here, at) => {
  const names = namesNode(forms, inner, here);
  return names && { kind: 'missing', names, local: here.local, at };
};
const missingSome: Form = (forms, inner, here, at) => {
  const [least, names, ...more] = listOf(inner);
  if (least === undefined || names === undefined || more.length > 0)
    return forms.fail(here, '2 operands: how many are enough, and a list of names', listOf(inner).length);
  const [count, list] = [forms.node(least, beside(here, 0)), namesNode(forms, names, beside(here, 1))];
  return count && list && { kind: 'missing', names: list, least: count, local: here.local, at };
};
/** Names in a list, or what comes to one. */
function namesNode(forms: Forms, inner: unknown, here: Place): Tree | undefined {
  const node = forms.node(isName(inner) ? [inner] : inner, here);
  for (const one of node?.kind === 'literal' && Array.isArray(node.value) ? node.value : [])
    if (isName(one)) path(forms, String(one).split('.'), here, one);
    else if (!Array.isArray(one)) forms.fail(here, 'names', one);
  return node;
}

const each =
  (op: Each): Form =>
  (forms, inner, here, at) => {
    const [listJson, bodyJson, fromJson, ...more] = listOf(inner);
    const isReduce = op === 'reduce';
    if (listJson === undefined || bodyJson === undefined || more.length > 0 || (fromJson !== undefined && !isReduce))
      return forms.fail(
        here,
        isReduce ? '2 or 3 operands: a list, what is made of each, and what to begin with' : '2 operands: a list, and what is asked of each',
        listOf(inner).length,
      );
    const list = forms.node(listJson, beside(here, 0));
    const body = forms.node(bodyJson, { ...beside(here, 1), local: true });
    const from = fromJson === undefined ? undefined : forms.node(fromJson, beside(here, 2));
    if (!list || !body || (fromJson !== undefined && !from)) return undefined;
    return { kind: 'each', op, list, body, ...(from ? { from } : {}), at };
  };

const preserve: Form = (forms, inner, here) => forms.literal(inner, here);

/** `{"avg": ["monitor.path", "5m"]}`, `{"percentile": ["monitor.path", "5m", 95]}`. */
const windowOf =
  (fn: WindowFunction): Form =>
  (forms, inner, here, at) => {
    const [source, length, p, ...more] = listOf(inner);
    const takesP = fn === 'percentile';
    if (length === undefined || more.length > 0 || (p !== undefined) !== takesP)
      return forms.fail(here, takesP ? 'a field, a duration and 0 to 100: ["monitor.path", "5m", 95]' : 'a field and a duration: ["monitor.path", "5m"]');
    const field = splitField(forms, isObject(source) ? source.field : source, beside(here, 0));
    const lengthMs = durationMs(plain(forms, length, beside(here, 1)));
    const percentile = takesP ? plain(forms, p, beside(here, 2)) : undefined;
    if (lengthMs === undefined) return forms.fail(beside(here, 1), A_DURATION, length);
    if (takesP && !(typeof percentile === 'number' && percentile >= 0 && percentile <= 100)) return forms.fail(beside(here, 2), 'a number from 0 to 100', p);
    if (!field) return undefined;
    const window = { fn, ...field, lengthMs, ...(typeof percentile === 'number' ? { p: percentile } : {}) };
    return { kind: 'window', window, index: forms.windowIndex(JSON.stringify(window)), at };
  };
/** What is written, or the parameter that it names. */
function plain(forms: Forms, json: unknown, place: Place): unknown {
  if (!isObject(json)) return json;
  const name = own(json, 'var');
  const node = typeof name === 'string' && name.startsWith(PARAMETERS) ? forms.parameter(name.slice(PARAMETERS.length), place)?.node : undefined;
  return node?.kind === 'literal' ? node.value : undefined;
}

const FORMS: ReadonlyMap<string, Form> = new Map<string, Form>([
  ['var', variable],
  ['val', val],
  ['missing', missing],
  ['missing_some', missingSome],
  ['preserve', preserve],
  ...EACH.map((op) => [op, each(op)] as const),
  ...TESTS.map((op) => [op, test(op)] as const),
  ...WINDOW_FUNCTIONS.map((fn) => [fn, windowOf(fn)] as const),
]);
export const FORM_NAMES: readonly string[] = [...FORMS.keys()];

/** `min` and `max` are JsonLogic's too: they are windows with a field and a duration, which no number can be. */
export function formOf(key: string, inner: unknown, forms: Forms, here: Place): Form | undefined {
  if (key !== 'min' && key !== 'max') return FORMS.get(key);
  const [source, length] = listOf(inner);
  const isField = typeof source === 'string' ? source.includes('.') : isObject(source) && Object.hasOwn(source, 'field');
  return isField && durationMs(plain(forms, length, here)) !== undefined ? FORMS.get(key) : undefined;
}
