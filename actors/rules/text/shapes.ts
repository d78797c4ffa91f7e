/** Which JSON the text form stands for: what parser and printer must agree on. Pure. */
import { COMPARISONS, TESTS } from '../values/leaf.ts';
import { DEEPEST } from '../values/values.ts';
import { WINDOW_FUNCTIONS } from '../windows/windows.ts';

export const MOST_NODES = 10_000;

/** Operators that stand behind a value and are words; `not` may stand before each. */
export const BEHIND_WORDS: readonly string[] = COMPARISONS.filter((op) => /^\w/.test(op));
/** Words that may stand behind a value. */
export const INFIX_WORDS: readonly string[] = ['and', 'or', 'not', ...BEHIND_WORDS];
export const CONSTANTS: ReadonlyMap<string, boolean | null> = new Map([
  ['true', true],
  ['false', false],
  ['null', null],
]);
/** Words that are no function's name. `changed` is: with a length of time it is a window. */
export const RESERVED: ReadonlySet<string> = new Set([...INFIX_WORDS.filter((word) => word !== 'changed'), ...CONSTANTS.keys(), 'field']);

export const WINDOWS: readonly string[] = WINDOW_FUNCTIONS;
/** Those that JsonLogic has too: they are windows only with a path and a length of time. */
export const ALSO_FUNCTIONS: ReadonlySet<string> = new Set(['min', 'max']);

/** How far apart what it binds may stand: the higher the tighter. */
export const LEVEL = { or: 1, and: 2, not: 3, comparison: 4, sum: 5, product: 6, prefix: 7, value: 8 } as const;
export const SIGNS: ReadonlyMap<string, number> = new Map([
  ...['==', '!=', '===', '!==', '>', '>=', '<', '<='].map((sign) => [sign, LEVEL.comparison] as const),
  ...['+', '-'].map((sign) => [sign, LEVEL.sum] as const),
  ...['*', '/', '%'].map((sign) => [sign, LEVEL.product] as const),
]);
/** `a + b + c` is one operator with three values; of the others each takes two. */
export const CHAINED: ReadonlySet<string> = new Set(['+', '*']);
/** JsonLogic's "between": `1 < x < 5`. */
export const TRIPLE: ReadonlySet<string> = new Set(['<', '<=']);

/** A comparison of which the path stands on the right, read from there. */
const TURNED: ReadonlyMap<string, string> = new Map([
  ['==', '=='],
  ['!=', '!='],
  ['>', '<'],
  ['>=', '<='],
  ['<', '>'],
  ['<=', '>='],
  ['in', 'contains'],
]);
const PARAMETERS = 'parameters.';

export type Json = Readonly<Record<string, unknown>>;
export const isObject = (json: unknown): json is Json => typeof json === 'object' && json !== null && !Array.isArray(json);
const isOnly = (json: unknown, key: string): json is Json => isObject(json) && Object.hasOwn(json, key) && Object.keys(json).length === 1;

/** `monitor.a.b`: two names at the least, none of them empty. */
export const isPath = (field: unknown): field is string => typeof field === 'string' && field.includes('.') && field.split('.').every((name) => name !== '');
export const isField = (json: unknown): json is { readonly field: string } => isOnly(json, 'field') && isPath(json.field);
export const isParameter = (json: unknown): json is { readonly var: string } => isOnly(json, 'var') && isPath(json.var) && json.var.startsWith(PARAMETERS);

/** A value that says itself: no operator in it, and no number that JSON cannot say. */
export function isLiteral(json: unknown, depth = 1): boolean {
  if (Array.isArray(json)) return json.length === 0 || (depth < DEEPEST && json.every((one) => isLiteral(one, depth + 1)));
  return json === null || typeof json === 'boolean' || typeof json === 'string' || Number.isFinite(json);
}
/** What the specification's leaf takes as its value. */
export const isOperand = (json: unknown): boolean => isLiteral(json) || isParameter(json);

/** A comparison is the specification's leaf, three-valued, where one side is a path and the other an operand; else it is JsonLogic's. */
export function compared(op: string, left: unknown, right: unknown): Json {
  if (op !== '===' && op !== '!==') {
    if (isField(left) && isOperand(right)) return { field: left.field, op, value: right };
    const turned = TURNED.get(op);
    if (turned && isField(right) && isOperand(left)) return { field: right.field, op: turned, value: left };
  }
  return { [op]: [left, right] };
}

/** The same for the words of a leaf, which are operators of any value as well. @param right isOperand. */
export const tested = (op: string, left: unknown, right: unknown): Json => (isField(left) ? { field: left.field, op, value: right } : { [op]: [left, right] });
export const isTest = (op: string): boolean => TESTS.some((one) => one === op);

/** These are written without a list around their one argument, which is then no list itself. */
export const isUnary = (op: string): boolean => op === 'not' || op === '!' || op === '!!' || op === 'var';
export const unary = (op: string, argument: unknown): Json => ({ [op]: Array.isArray(argument) ? [argument] : argument });
