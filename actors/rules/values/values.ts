/** What JSON values mean to a condition: paths, truth, numbers, texts, equality, and how much work one evaluation may be. Pure but for the meter. */
import type { Fields } from '../../event.ts';

export type Truth = boolean | undefined;

/** `NaN`, `Invalid Arguments`: what JsonLogic's suites call these errors. `limit`: more work or more text than one evaluation may be. */
export type FaultKind = 'NaN' | 'Invalid Arguments' | 'limit';

/** An evaluation that failed: the condition has no verdict, and not for want of data. */
export class ConditionError extends Error {
  readonly kind: FaultKind;
  /** The part of the condition that failed, as a JSON pointer. */
  readonly at: string;

  constructor(kind: FaultKind, message: string, at: string) {
    super(message);
    this.name = 'ConditionError';
    this.kind = kind;
    this.at = at;
  }
}
/** How an operator says that it cannot go on. */
export type Fail = (kind: FaultKind, what: string) => never;

/** Names that no path may hold, wherever it comes from. */
export const FORBIDDEN: ReadonlySet<string> = new Set(['__proto__', 'prototype', 'constructor']);
export const DEEPEST = 64;
export const LONGEST_TEXT = 65_536;

/**
 * The work of one evaluation, in steps of some 50 ns: an element that is visited, a container that is compared. A condition cannot be known
 * to be cheap by its size, since lists come from outside; this bounds it to some 10 ms. One for the thread: evaluations never overlap.
 */
const MOST_WORK = 250_000;
const meter = { left: MOST_WORK };
/** @param times for more than one evaluation. */
export function refill(times = 1): void {
  meter.left = times * MOST_WORK;
}
export function spend(steps: number, fail: Fail): void {
  meter.left -= steps;
  if (meter.left < 0) fail('limit', `more than ${MOST_WORK} steps in one evaluation`);
}

/** The own property of that name; undefined when there is none, or nothing that could have one. */
export const own = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as Fields)[name] : undefined;

/** The value at a path of own properties; undefined when it is not there. A missing one is unknown, null is a value. */
export function at(value: unknown, path: readonly string[]): unknown {
  let here = value;
  for (const name of path) here = own(here, name);
  return here;
}

/** JsonLogic's truth: an empty list is false, and so are 0, "", null and false; "0" and {} are true. */
export const truthy = (value: unknown): boolean => (Array.isArray(value) ? value.length > 0 : Boolean(value));
export const truthOf = (value: unknown): Truth => (value === undefined ? undefined : truthy(value));

/** The number that a value stands for: null, false and "" are 0, true is 1, texts as they are written; NaN for all else. */
export function numberOf(value: unknown): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return Number(value);
  return Number.NaN;
}

/** A value within a text: null is nothing, and the elements of a list are joined by commas. Undefined for an object, and a list of more than such. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (value === null) return '';
  if (!Array.isArray(value)) return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
  const texts = value.map((one: unknown) => (typeof one === 'object' && one !== null ? undefined : textOf(one)));
  return texts.includes(undefined) ? undefined : texts.join(',');
}

/** Long texts are compared character by character, which counts. */
function alike(a: string, b: string, fail: Fail): boolean {
  if (a.length > LONG) spend(a.length >> 9, fail);
  return a === b;
}
const LONG = 512;

/** Whether two values are the same JSON, in whatever order the keys of objects are. */
export function same(a: unknown, b: unknown, fail: Fail, depth = 0): boolean {
  if (typeof a === 'string' && typeof b === 'string') return a.length === b.length && alike(a, b, fail);
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (depth > 1_000) return fail('limit', 'values of more than 1000 levels are not compared');
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    spend(a.length + 1, fail);
    return a.every((one: unknown, i) => same(one, b[i], fail, depth + 1));
  }
  const keys = Object.keys(a);
  spend(keys.length + 1, fail);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && same(own(a, key), own(b, key), fail, depth + 1));
}

/** JsonLogic's `==`: JavaScript's among plain values; a list or an object equals only its like. */
export function loose(a: unknown, b: unknown, fail: Fail): boolean {
  if ((typeof a === 'object' && a !== null) || (typeof b === 'object' && b !== null) || typeof a === typeof b) return same(a, b, fail);
  // biome-ignore lint/suspicious/noDoubleEquals: this is what the operator means
  return a == b;
}

/** Less than 0, 0 or more: texts by their characters, all else as numbers; NaN when one is none. */
export function order(a: unknown, b: unknown, fail: Fail): number {
  if (typeof a === 'string' && typeof b === 'string') {
    if (a.length > LONG) spend(Math.min(a.length, b.length) >> 8, fail);
    return a < b ? -1 : a > b ? 1 : 0;
  }
  const [left, right] = [numberOf(a), numberOf(b)];
  return left === right ? 0 : left < right ? -1 : left > right ? 1 : Number.NaN;
}

/** A value in an error message, which is short whatever it is. */
export function shown(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
