/** JsonLogic's operators: how many operands each takes, and what it makes of operands that are known. Pure. */
import { type Fail, LONGEST_TEXT, loose, numberOf, order, same, shown, spend, textOf, truthy } from '../values/values.ts';

export interface Operator {
  /** How many operands it takes. */
  readonly least: number;
  readonly most: number;
  /** Its operands are numbers, or stand for some. */
  readonly numeric?: true;
  /** One operand that is no list where it is written, and comes to a list, is the list of the operands: `{"+": {"var": "list"}}`. */
  readonly spreads?: true;
  readonly apply: (args: readonly unknown[], fail: Fail) => unknown;
  /** The same for two operands, without a list around them. */
  readonly two?: (a: unknown, b: unknown, fail: Fail) => unknown;
}

const MANY = Number.POSITIVE_INFINITY;

/** A number, or the evaluation fails: a condition that computes with what is no number has no verdict. */
export function number(value: unknown, fail: Fail): number {
  const got = numberOf(value);
  return Number.isNaN(got) ? fail('NaN', `expected a number, got ${shown(value)}`) : got;
}
const sound = (result: number, fail: Fail): number => (Number.isNaN(result) ? fail('NaN', 'the result is no number') : result);
function divisor(value: unknown, fail: Fail): number {
  const got = number(value, fail);
  return got === 0 ? fail('NaN', 'divided by zero') : got;
}

/** An operator that folds its operands from the left. `none`: what it is without any; `one`: of one alone. */
function fold(
  two: (a: unknown, b: unknown, fail: Fail) => number,
  { least, none, one }: { readonly least: number; readonly none?: number; readonly one?: (a: unknown, fail: Fail) => number },
): Operator {
  const apply = (args: readonly unknown[], fail: Fail): number => {
    if (args.length < least) return fail('Invalid Arguments', `expected at least ${least === 1 ? 'one operand' : `${least} operands`}, got ${args.length}`);
    if (args.length === 0) return none ?? 0;
    if (args.length === 1) return one ? one(args[0], fail) : number(args[0], fail);
    spend(args.length, fail);
    return args.slice(1).reduce<number>((sum, next) => two(sum, next, fail), number(args[0], fail));
  };
  return { least, most: MANY, numeric: true, spreads: true, apply, two };
}

/** A comparison, which holds between each operand and the next. */
const chain = (two: (a: unknown, b: unknown, fail: Fail) => boolean): Operator => ({
  least: 2,
  most: MANY,
  apply: (args, fail) => args.every((one, i) => i === 0 || two(args[i - 1], one, fail)),
  two,
});

/** @param numbers the comparison of two numbers, which most are; `holds` is the same of texts and of what stands for a number. */
function ordered(numbers: (a: number, b: number) => boolean, holds: (sign: number) => boolean): Operator {
  const compare = (a: unknown, b: unknown, fail: Fail): boolean => {
    const sign = order(a, b, fail);
    return Number.isNaN(sign) ? fail('NaN', `${shown(a)} and ${shown(b)} cannot be compared`) : holds(sign);
  };
  return chain((a, b, fail) => (typeof a === 'number' && typeof b === 'number' ? numbers(a, b) : compare(a, b, fail)));
}

const binary = (two: (a: unknown, b: unknown, fail: Fail) => unknown): Operator => ({
  least: 2,
  most: 2,
  apply: ([a = null, b = null], fail) => two(a, b, fail),
  two,
});
const unary = (one: (a: unknown, fail: Fail) => unknown): Operator => ({ least: 1, most: 1, apply: ([a = null], fail) => one(a, fail) });

/** A part of a text, or an element of a list. In anything else there is nothing. */
function contained(needle: unknown, all: unknown, fail: Fail): boolean {
  if (Array.isArray(all)) {
    spend(all.length, fail);
    return all.some((one) => same(needle, one, fail));
  }
  if (typeof all !== 'string' || (typeof needle === 'object' && needle !== null)) return false;
  spend(all.length >> 6, fail);
  return all.includes(String(needle));
}

function text(value: unknown, fail: Fail): string {
  return textOf(value) ?? fail('Invalid Arguments', `expected a text, got ${shown(value)}`);
}
function joined(args: readonly unknown[], fail: Fail): string {
  const all = args.map((one) => text(one, fail)).join('');
  if (all.length > LONGEST_TEXT) fail('limit', `a text of more than ${LONGEST_TEXT} characters`);
  spend(all.length >> 2, fail); // it may be of that many elements
  return all;
}

function substring([source = null, start = null, end]: readonly unknown[], fail: Fail): string {
  const all = text(source, fail);
  const from = Math.trunc(number(start, fail));
  const rest = all.slice(from);
  if (end === undefined) return rest;
  return rest.slice(0, Math.trunc(number(end, fail))); // a negative end counts from the end
}

function merged(args: readonly unknown[], fail: Fail): readonly unknown[] {
  const all = args.flat(1);
  spend(all.length, fail);
  return all;
}

export const OPERATORS: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  ['not', unary((a) => !truthy(a))],
  ['!!', unary(truthy)],
  ['==', chain(loose)],
  ['!=', binary((a, b, fail) => !loose(a, b, fail))],
  ['===', chain(same)],
  ['!==', binary((a, b, fail) => !same(a, b, fail))],
  [
    '>',
    ordered(
      (a, b) => a > b,
      (sign) => sign > 0,
    ),
  ],
  [
    '>=',
    ordered(
      (a, b) => a >= b,
      (sign) => sign >= 0,
    ),
  ],
  [
    '<',
    ordered(
      (a, b) => a < b,
      (sign) => sign < 0,
    ),
  ],
  [
    '<=',
    ordered(
      (a, b) => a <= b,
      (sign) => sign <= 0,
    ),
  ],
  ['+', fold((a, b, fail) => sound(number(a, fail) + number(b, fail), fail), { least: 0 })],
  ['*', fold((a, b, fail) => sound(number(a, fail) * number(b, fail), fail), { least: 0, none: 1 })],
  ['-', fold((a, b, fail) => sound(number(a, fail) - number(b, fail), fail), { least: 1, one: (a, fail) => 0 - number(a, fail) })],
  ['/', fold((a, b, fail) => sound(number(a, fail) / divisor(b, fail), fail), { least: 1, one: (a, fail) => 1 / divisor(a, fail) })],
  ['%', fold((a, b, fail) => sound(number(a, fail) % divisor(b, fail), fail), { least: 2 })],
  ['min', fold((a, b, fail) => Math.min(number(a, fail), number(b, fail)), { least: 1 })],
  ['max', fold((a, b, fail) => Math.max(number(a, fail), number(b, fail)), { least: 1 })],
  ['in', binary(contained)],
  ['cat', { least: 0, most: MANY, apply: joined }],
  ['substr', { least: 2, most: 3, apply: substring }],
  ['merge', { least: 0, most: MANY, apply: merged }],
  ['log', unary((a) => a)],
]);

/** The operators that look at the elements of a list, one by one. */
export const EACH = ['map', 'filter', 'all', 'some', 'none', 'reduce'] as const;
export type Each = (typeof EACH)[number];

/** These take what they need of their operands and no more (compile.ts has them); and how many they need at the least. */
export const LAZY = { and: 1, or: 1, if: 0 } as const;
export type Lazy = keyof typeof LAZY;

/** Other words for the same. */
export const ALIASES: ReadonlyMap<string, string> = new Map([
  ['!', 'not'],
  ['?:', 'if'],
]);
