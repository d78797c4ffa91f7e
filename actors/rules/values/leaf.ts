/** The comparisons of the specification's leaves: what may stand in `value`, and what each says of a value that is there. Pure. */
import { RE2JS } from 're2js';
import { type Fail, LONGEST_TEXT, same, spend, type Truth } from './values.ts';

export const COMPARISONS = [
  '>',
  '>=',
  '<',
  '<=',
  '==',
  '!=',
  'in',
  'not_in',
  'contains',
  'starts_with',
  'ends_with',
  'matches',
  'exists',
  'between',
  'changed',
] as const;
export type Comparison = (typeof COMPARISONS)[number];

/** Those that are operators as well, `{"contains": [value, "part"]}`: the others are JsonLogic's, or speak of a field. */
export const TESTS = ['not_in', 'contains', 'starts_with', 'ends_with', 'matches', 'exists', 'between'] as const satisfies readonly Comparison[];

const LONGEST_PATTERN = 1_024;
/** re2js at its worst costs some 50 ns a character and instruction: this is 0.1 s. Most patterns cost a fiftieth of that. */
const MOST_MATCHING = 2_097_152;

/** What `value` has to be, when it is not that. */
export function wrongOperand(op: Comparison, value: unknown): string | undefined {
  switch (op) {
    case '>':
    case '>=':
    case '<':
    case '<=':
      return typeof value === 'number' || typeof value === 'string' ? undefined : 'a number or a text to compare with';
    case 'in':
    case 'not_in':
      return Array.isArray(value) ? undefined : 'a list';
    case '==':
    case '!=':
    case 'contains':
      return value === undefined ? 'a value to compare with' : undefined;
    case 'starts_with':
    case 'ends_with':
      return typeof value === 'string' ? undefined : 'a text';
    case 'between':
      return isRange(value) ? undefined : 'two numbers, the lower first';
    case 'matches':
      return typeof value === 'string' && value.length <= LONGEST_PATTERN ? patternFault(value) : `a pattern of at most ${LONGEST_PATTERN} characters`;
    case 'exists':
      return value === undefined || typeof value === 'boolean' ? undefined : 'true, false or nothing';
    default:
      return undefined;
  }
}

/** What `got op value` says of a value that is there; unknown when the two are of kinds that cannot be compared. */
export type Plain = (got: unknown, value: unknown) => Truth;

const greater: Plain = (got, value) => {
  if (typeof got === 'number') return typeof value === 'number' ? got > value : undefined;
  return typeof got === 'string' && typeof value === 'string' ? got > value : undefined;
};
const atLeast: Plain = (got, value) => {
  if (typeof got === 'number') return typeof value === 'number' ? got >= value : undefined;
  return typeof got === 'string' && typeof value === 'string' ? got >= value : undefined;
};
const less: Plain = (got, value) => greater(value, got);
const atMost: Plain = (got, value) => atLeast(value, got);
const equal: Plain = (got, value) => got === value;
const unequal: Plain = (got, value) => got !== value;
const PLAIN: ReadonlyMap<Comparison, Plain> = new Map([
  ['>', greater],
  ['>=', atLeast],
  ['<', less],
  ['<=', atMost],
  ['==', equal],
  ['!=', unequal],
]);

/** The comparison with a number or a text, of which most conditions consist: it keeps nothing, so that a rule takes no room for it. */
export const plain = (op: Comparison, value: unknown): Plain | undefined => (isPlain(value) ? PLAIN.get(op) : undefined);

/** The same with a value that it keeps. @param op one that is not `plain`. */
export function comparison(op: Comparison, value: unknown, fail: Fail): (got: unknown) => Truth {
  switch (op) {
    case '==':
      return (got) => same(got, value, fail);
    case '!=':
      return (got) => !same(got, value, fail);
    case 'in':
      return oneOf(value, fail);
    case 'not_in': {
      const isOne = oneOf(value, fail);
      return (got) => !isOne(got);
    }
    case 'contains': {
      const text = typeof value === 'object' ? undefined : String(value);
      return (got) => {
        if (typeof got === 'string') {
          spend(got.length >> 6, fail);
          return text === undefined ? undefined : got.includes(text);
        }
        if (!Array.isArray(got)) return undefined;
        spend(got.length, fail);
        return got.some((one) => same(one, value, fail));
      };
    }
    case 'starts_with':
      return (got) => (typeof got === 'string' ? got.startsWith(String(value)) : undefined);
    case 'ends_with':
      return (got) => (typeof got === 'string' ? got.endsWith(String(value)) : undefined);
    case 'between': {
      const [low, high] = isRange(value) ? value : [Number.NaN, Number.NaN];
      return (got) => (typeof got === 'number' ? got >= low && got <= high : undefined);
    }
    case 'matches':
      return matching(String(value), fail);
    default:
      return () => undefined; // exists and changed are not asked of a value that is there
  }
}

/** How long a text a pattern is matched with: 65,536 characters, and less for a pattern of many parts. */
export const longestSubject = (pattern: RE2JS): number => Math.min(LONGEST_TEXT, Math.floor(MOST_MATCHING / pattern.programSize()));

/** Linear in time: texts from outside never become patterns, and patterns never explode. A longer text than is matched is unknown. */
function matching(text: string, fail: Fail): (got: unknown) => Truth {
  const pattern = RE2JS.compile(text);
  const longest = longestSubject(pattern);
  const size = pattern.programSize();
  return (got) => {
    if (typeof got !== 'string' || got.length > longest) return undefined;
    spend((got.length * size) >> 4, fail);
    return pattern.test(got);
  };
}

const isPlain = (value: unknown): boolean => typeof value !== 'object' || value === null;

/** Plain values are found in a set: a list of thousands costs no more than one of two. */
function oneOf(value: unknown, fail: Fail): (got: unknown) => boolean {
  const list: readonly unknown[] = Array.isArray(value) ? value : [];
  const plain = new Set(list.filter(isPlain));
  const others = list.filter((one) => !isPlain(one));
  return (got) => (isPlain(got) ? plain.has(got) : others.some((one) => same(got, one, fail)));
}

function isRange(value: unknown): value is readonly [number, number] {
  const [low, high, ...more]: readonly unknown[] = Array.isArray(value) ? value : [];
  return typeof low === 'number' && typeof high === 'number' && low <= high && more.length === 0;
}

function patternFault(pattern: string): string | undefined {
  try {
    RE2JS.compile(pattern);
    return undefined;
  } catch (error) {
    return `a pattern in RE2 syntax (${error instanceof Error ? error.message : String(error)})`;
  }
}
