/** Random conditions in JSON that have a text form, the one JSON of those that are the same condition, and random texts that are none. */
import fc from 'fast-check';
import { COMPARISONS } from '../../actors/rules/values/leaf.ts';
import type { TextFault } from '../../actors/rules/text/faults.ts';
import { WINDOW_FUNCTIONS } from '../../actors/rules/windows/windows.ts';

type Any = fc.Arbitrary<unknown>;
const list = (arbitrary: Any, minLength = 0, maxLength = 3): fc.Arbitrary<unknown[]> => fc.array(arbitrary, { minLength, maxLength });
const operation = (op: fc.Arbitrary<string>, inner: Any): Any => fc.tuple(op, inner).map(([key, of]) => ({ [key]: of }));
const among = (...words: readonly string[]): fc.Arbitrary<string> => fc.constantFrom(...words);

const ODD = [
  ...[
    'a',
    'x1',
    '_',
    'größe',
    'in',
    'not',
    'true',
    'rule',
    'parameters',
    'field',
    'var',
    '0',
    '404',
    '1st',
    '5m',
    'a-b',
    '-',
    'a-',
    '-a',
    `a${'-b'.repeat(70)}`,
  ],
  ...['flow rate', "it's", '"', '\\', '\n', '\u2028', '\ud800', '😀'],
];
const name = fc.oneof(
  { weight: 4, arbitrary: among(...ODD) },
  fc.string({ unit: 'binary', minLength: 1, maxLength: 4 }).map((one) => one.replaceAll('.', '_')),
);
const pathOf = (minLength: number): fc.Arbitrary<string> => fc.array(name, { minLength, maxLength: 4 }).map((names) => names.join('.'));
const path = pathOf(2);
const text = fc.oneof(among('', ...ODD), fc.string({ unit: 'binary', maxLength: 8 }));
const number = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(-0, 5e-324, 1e21, -1e-7, Number.MAX_VALUE),
);
const scalar: Any = fc.oneof(number, text, fc.boolean(), fc.constant(null));
const literal: Any = fc.letrec((tie) => ({ value: fc.oneof({ maxDepth: 2 }, scalar, list(tie('value'))) })).value;
const parameter = pathOf(1).map((names) => ({ var: `parameters.${names}` }));
const shortParameter = pathOf(1).map((names) => ({ var: names }));
const operand: Any = fc.oneof(literal, literal, parameter, shortParameter);
const duration = fc.array(fc.tuple(fc.nat(999), among('ms', 's', 'm', 'h', 'd', 'w')), { minLength: 1, maxLength: 3 }).map((parts) => parts.flat().join(''));
const field = path.map((one) => ({ field: one }));

const leaf = fc.tuple(path, fc.constantFrom(...COMPARISONS), operand, literal, literal).map(([at, op, value, low, high]): unknown => {
  if (op === 'changed') return { field: at, op };
  if (op === 'exists') return typeof value === 'boolean' ? { field: at, op, value } : { field: at, op };
  return { field: at, op, value: op === 'between' ? [low, high] : value };
});
const source: Any = fc.oneof(path, path, field);
const windowed: Any = fc.oneof(
  fc.tuple(among(...WINDOW_FUNCTIONS), source, duration).map(([fn, at, length]) => ({ [fn]: fn === 'percentile' ? [at, length, 95] : [at, length] })),
  fc.tuple(among(...WINDOW_FUNCTIONS), source, parameter).map(([fn, at, length]) => ({ [fn]: fn === 'percentile' ? [at, length, length] : [at, length] })),
  operation(among(...WINDOW_FUNCTIONS), list(fc.oneof(source, duration, number, parameter))),
);
const SIGNS = ['and', 'or', '+', '-', '*', '/', '%', '==', '!=', '===', '!==', '<', '<=', '>', '>=', 'in'];
const UNARY = ['not', '!', '!!', 'var'];
const TESTS = ['contains', 'matches', 'starts_with', 'not_in', 'between', 'exists'];
const FUNCTIONS = ['if', 'min', 'max', 'cat', 'merge', 'missing', 'map', 'reduce', '?:', 'my_fn', 'größer', 'my fn', '', '__proto__', 'op', 'field', 'changed'];

/** @param depth of what is within what. */
export const written = (depth: number): Any =>
  fc.letrec((tie) => {
    const any = tie('any');
    return {
      operation: fc.oneof(
        operation(among(...SIGNS), list(any, 2)),
        operation(among(...SIGNS, ...UNARY, ...TESTS, ...FUNCTIONS), list(any, 0, 4)),
        operation(among(...TESTS), fc.tuple(any, operand)),
      ),
      any: fc.oneof(
        { maxDepth: depth, withCrossShrink: true },
        fc.oneof(literal, field, parameter, leaf, windowed),
        tie('operation'),
        tie('operation'),
        list(any),
        operation(among(...UNARY, 'exists'), any),
        operation(among(...SIGNS, 'max', 'cat', 'my fn'), fc.oneof(scalar, tie('operation'))),
        operation(fc.constant('preserve'), literal),
      ),
    };
  }).any;

type Json = Readonly<Record<string, unknown>>;
const isObject = (json: unknown): json is Json => typeof json === 'object' && json !== null && !Array.isArray(json);
const isField = (json: unknown): json is { readonly field: string } => isObject(json) && Object.keys(json).join() === 'field' && typeof json.field === 'string';

/** Several ways to write the same condition in JSON, as the one that `parseText` writes. */
export function normal(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(normal);
  if (!isObject(json) || isField(json)) return json;
  const [op = '', ...more] = Object.keys(json);
  if (more.length > 0) {
    const { value, ...rest } = json;
    if (json.op === 'exists') return value === false ? json : rest;
    return 'value' in json ? { ...rest, value: longOf(value) } : json;
  }
  const inner = json[op];
  if (op === 'preserve') return json;
  const given: readonly unknown[] = Array.isArray(inner) ? inner : [inner];
  const [first, second] = given;
  if (isWindow(op, given)) return { [op]: [isField(first) ? first.field : first, ...given.slice(1)] };
  if (UNARY.includes(op) && given.length === 1) return { [op]: Array.isArray(first) ? [normal(first)] : normal(first) };
  if (TESTS.includes(op) && op !== 'between' && op !== 'exists' && given.length === 2 && !isField(first)) return { [op]: [normal(first), longOf(second)] };
  if (!Array.isArray(inner) && isObject(inner) && op !== 'exists') return { [op]: normal(inner) };
  return { [op]: given.map(normal) };
}

/** In a leaf's value `parameters.` may be left out. */
function longOf(value: unknown): unknown {
  const isShort = isObject(value) && Object.keys(value).join() === 'var' && typeof value.var === 'string' && !value.var.startsWith('parameters.');
  return isShort ? { var: `parameters.${String(value.var)}` } : normal(value);
}

const isPath = (text: unknown): text is string => typeof text === 'string' && /^[^.]+(?:\.[^.]+)+$/su.test(text);
const isParameter = (json: unknown): boolean => isObject(json) && Object.keys(json).join() === 'var' && isPath(json.var) && json.var.startsWith('parameters.');

function isWindow(op: string, [source, length, ...more]: readonly unknown[]): boolean {
  const isLength = typeof length === 'string' ? /^(?:\d+(?:ms|[smhdw]))+$/.test(length) : isParameter(length) && op !== 'min' && op !== 'max';
  const arePercent = more.length === 1 && (isParameter(more[0]) || (typeof more[0] === 'number' && 1 / more[0] > 0));
  const isSource = isPath(isField(source) ? source.field : source);
  return WINDOW_FUNCTIONS.some((one) => one === op) && isSource && isLength && (op === 'percentile' ? arePercent : more.length === 0);
}

const SOUP = [
  ...['m.x', 'a-b.c', 'parameters.p', 'rule.r.firing', '"a b".c', 'm."x y"', 'm.x[0]', '5', '-1', '5m', '1e3', "'t'", '"\\u0041"', 'true', 'null'],
  ...['and', 'or', 'not', 'in', 'contains', 'between', 'exists', 'changed', 'matches', '==', '=', '<', '<=', '+', '-', '*', '!', '!!', '(', ')', '[', ']', ','],
  ...['avg(', 'max(', 'f(', '...', 'adn', 'averge', '&&', '${', '}', '\\', '"', "'", '.', '-x', '\n', '\ud800', '😀', '1.2.3', '9'.repeat(400)],
];
/** Texts of which most have faults. */
export const soup: fc.Arbitrary<string> = fc
  .tuple(among('', ' '), fc.array(fc.oneof({ weight: 9, arbitrary: among(...SOUP) }, fc.string({ unit: 'binary', maxLength: 3 })), { maxLength: 40 }))
  .map(([between, parts]) => parts.join(between));

/** A fault in a line, as the docs write it. */
export const faultLine = ({ line, column, expected, got, nearest }: TextFault): string =>
  `${line}:${column}: ${expected}, got \`${got}\`${nearest === undefined ? '' : `; perhaps \`${nearest}\``}`;
