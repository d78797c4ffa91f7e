/** Matchers of a query as functions. Linear in the text, whatever the pattern. */
import { RE2JS } from 're2js';
import { glob } from '../glob.ts';
import { refused } from './program.ts';
import type { Match } from './query.ts';

export type Test = (text: string) => boolean;

/** A pattern costs by its length. */
const LONGEST_PATTERN = 1_000;

/** @throws QueryError `refused`. */
export function testOf(match: Match): Test {
  const wanted: unknown = match; // it came from outside
  if (typeof wanted !== 'object' || wanted === null || Object.keys(wanted).length !== 1) throw unfit(wanted);
  let [inner, negated] = [match, false];
  for (; 'not' in inner; inner = inner.not) negated = !negated;
  const test = positive(inner);
  return negated ? (text) => !test(text) : test;
}

function positive(match: Exclude<Match, { readonly not: Match }>): Test {
  if ('is' in match && typeof match.is === 'string') return (text) => text === match.is;
  if ('like' in match && typeof match.like === 'string') return glob(match.like);
  if ('matches' in match && typeof match.matches === 'string') return re2(match.matches);
  throw unfit(match);
}

function re2(pattern: string): Test {
  if (pattern.length > LONGEST_PATTERN) throw refused(`matches: expected a pattern of at most ${LONGEST_PATTERN.toLocaleString('en')} characters`, pattern);
  try {
    const compiled = RE2JS.compile(pattern);
    const known = new Map<string, boolean>();
    return (text) => {
      const before = known.get(text);
      if (before !== undefined) return before;
      const now = compiled.matches(text);
      known.set(text, now); // many series share a name, and a pattern costs microseconds
      return now;
    };
  } catch (error) {
    throw refused(`matches: expected a pattern in RE2 syntax (${error instanceof Error ? error.message : String(error)})`, pattern);
  }
}

const unfit = (got: unknown): Error => refused('expected a matcher: {"is": text}, {"like": text with *}, {"matches": RE2 pattern} or {"not": matcher}', got);
