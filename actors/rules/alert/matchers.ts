/** Which alerts a silence is about: `severity != critical`, `instance =~ iot_.*`. Pure. Patterns are RE2, linear time, and match a whole value. */
import { RE2JS } from 're2js';
import { type Fault, nearest } from '../../schema.ts';

/** What of an alert a matcher can see. */
export interface Subject {
  readonly rule: string;
  /** The key of the instance, of a rule with `for_each`; else ''. */
  readonly instance: string;
  readonly severity: string;
  /** The monitors that the alert is about. `=` and `=~` match when one does, `!=` and `!~` when none does. */
  readonly monitors: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

export interface Matcher {
  /** `labels.KEY` for a label. */
  readonly of: string;
  readonly op: Operator;
  readonly value: string;
  readonly test: (text: string) => boolean;
}

const NAMES: readonly string[] = ['rule', 'instance', 'severity', 'monitor'];
const OPERATORS = ['=', '!=', '=~', '!~'] as const;
type Operator = (typeof OPERATORS)[number];
const LABEL = 'labels.';
const LONGEST_PATTERN = 1_024;

type Wrong = Pick<Fault, 'expected' | 'nearest'>;

/** `NAME OP VALUE`; the value may stand in double quotes, as in JSON. Spaces around its parts do not matter. */
export function parseMatcher(text: string): Matcher | Wrong {
  const [, of = '', op = '', rest = ''] = /^\s*([^\s=!~]*)\s*([=!~]*)(.*)$/s.exec(text) ?? [];
  if (!NAMES.includes(of) && !(of.startsWith(LABEL) && of.length > LABEL.length))
    return { expected: `a matcher that begins with one of ${NAMES.join(', ')}, labels.KEY`, nearest: nearest(of, NAMES) };
  const operator = OPERATORS.find((one) => one === op);
  if (!operator) return { expected: `one of ${OPERATORS.join(' ')} after ${of}` };
  const value = unquoted(rest.trim());
  if (value === undefined) return { expected: `a value after ${operator}; "" for an empty one, and double quotes at both ends or at none` };
  const test = operator.endsWith('~') ? whole(value) : (got: string): boolean => got === value;
  return typeof test === 'string' ? { expected: test } : { of, op: operator, value, test };
}

/** All must match. A label that is not there, and an instance of a rule without `for_each`, is as if it were empty. */
export const matches = (matchers: readonly Matcher[], subject: Subject): boolean =>
  matchers.every(({ of, op, test }) => valuesOf(of, subject).some(test) !== op.startsWith('!'));

function valuesOf(of: string, { rule, instance, severity, monitors, labels }: Subject): readonly string[] {
  switch (of) {
    case 'rule':
      return [rule];
    case 'instance':
      return [instance];
    case 'severity':
      return [severity];
    case 'monitor':
      return monitors.length > 0 ? monitors : [''];
    default: {
      const key = of.slice(LABEL.length);
      return [(Object.hasOwn(labels, key) ? labels[key] : undefined) ?? ''];
    }
  }
}

function unquoted(text: string): string | undefined {
  if (!text.startsWith('"')) return text === '' || text.endsWith('"') ? undefined : text;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

/** A test of whole values, or what would be right. */
function whole(pattern: string): ((text: string) => boolean) | string {
  if (pattern.length > LONGEST_PATTERN) return `a pattern of at most ${LONGEST_PATTERN} characters`;
  try {
    const compiled = RE2JS.compile(pattern);
    return (text) => compiled.matches(text);
  } catch (error) {
    return `a pattern in RE2 syntax (${error instanceof Error ? error.message : String(error)})`;
  }
}
