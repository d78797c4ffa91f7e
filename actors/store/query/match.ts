/** Matchers of a query as functions. Linear in the text, whatever the pattern. */
import { RE2JS } from 're2js';
import { glob } from '../../glob.ts';
import { refused } from './program.ts';
import type { Match } from './query.ts';

export type Test = (text: string) => boolean;

/** A pattern costs by its length. */
const LONGEST_PATTERN = 1_000;

/** @param match it may have come from outside. @throws QueryError `refused`. */
export function testOf(match: Match): Test {
  let [kind, wanted] = only(match);
  let negated = false;
  for (; kind === 'not'; negated = !negated) [kind, wanted] = only(wanted);
  const make = TESTS.get(kind);
  if (!make || typeof wanted !== 'string') throw unfit({ [kind]: wanted });
  const test = make(wanted);
  return negated ? (text) => !test(text) : test;
}

const TESTS = new Map<string, (wanted: string) => Test>([
  ['is', (wanted) => (text) => text === wanted],
  ['like', glob],
  ['matches', re2],
]);

/** Its one key and what that says. */
function only(match: unknown): readonly [key: string, value: unknown] {
  const [entry, ...more] = typeof match === 'object' && match !== null ? Object.entries(match) : [];
  if (!entry || more.length > 0) throw unfit(match);
  return entry;
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
