/** The tables of the three-valued logic, and of where it meets JsonLogic's, for the reference page: made by the compiler that judges. Pure. */
import { compile, ConditionError, type Facts } from './compile.ts';
import { parseLogic } from './condition.ts';
import { factsOf } from './facts.ts';
import { windows } from './tree.ts';
import { windowOf } from '../windows/windows.ts';

const UNKNOWN = { field: 'm.nothing' };
const WORDS: readonly (readonly [word: string, condition: unknown])[] = [
  ['true', true],
  ['false', false],
  ['unknown', UNKNOWN],
];

/** What may stand in the field `m.x`; the first is nothing. */
const STATES: readonly (readonly [title: string, state: object])[] = [
  ['missing', {}],
  ['null', { x: null }],
  ['31', { x: 31 }],
  ['0', { x: 0 }],
  ['"hot"', { x: 'hot' }],
];
const MEETINGS: readonly unknown[] = [
  { field: 'm.x', op: '>', value: 30 },
  { not: { field: 'm.x', op: '>', value: 30 } },
  { field: 'm.x', op: '==', value: null },
  { field: 'm.x', op: 'exists' },
  { '>': [{ field: 'm.x' }, 30] },
  { '>': [{ var: 'm.x' }, 30] },
  { '<': [{ var: 'm.x' }, 30] },
  { '<': [{ var: ['m.x', 99] }, 30] },
  { '==': [{ var: 'm.x' }, null] },
  { '!': { field: 'm.x' } },
  { '!': { var: 'm.x' } },
  { '+': [{ field: 'm.x' }, 1] },
  { '+': [{ var: 'm.x' }, 1] },
  { if: [{ field: 'm.x' }, 'a', 'b'] },
  { if: [{ var: 'm.x' }, 'a', 'b'] },
  { and: [{ field: 'm.x' }, false] },
  { or: [{ field: 'm.x' }, true] },
  { missing: ['m.x'] },
  { '>': [{ avg: ['m.x', '5m'] }, 30] },
  { exists: { avg: ['m.x', '5m'] } },
];

/** Both tables, as Markdown. */
export const truthTables = (): string =>
  [
    '`and`, `or` and `not` are Kleene’s; of values that are no truth values the first that decides is the result, as in JsonLogic.',
    table(
      ['a', 'b', 'a and b', 'a or b', 'not a'],
      WORDS.flatMap(([word, a]) => WORDS.map(([other, b]) => [word, other, told({ and: [a, b] }, {}), told({ or: [a, b] }, {}), told({ not: a }, {})])),
    ),
    'Where they meet, by what stands in the field: `field` and windows are unknown without data, `var` is null, which counts as 0; operators of unknown operands are unknown. An *error* ' +
      'is no verdict: `on_error` says what it means.',
    table(
      ['condition', ...STATES.map(([title]) => (title === 'missing' ? title : `\`${title}\``))],
      MEETINGS.map((condition) => [`\`${JSON.stringify(condition)}\``, ...STATES.map(([, state]) => told(condition, state))]),
    ),
  ].join('\n\n');

/** What a condition comes to, in a cell. */
function told(condition: unknown, m: object): string {
  const parsed = parseLogic(condition, {});
  if (!('condition' in parsed)) throw new TypeError(`${JSON.stringify(condition)}: ${parsed.faults[0]?.expected}`);
  const [window] = windows(parsed.condition);
  const aggregate = window && windowOf(window);
  for (const value of Object.values(m)) aggregate?.add(0, value);
  const facts: Facts = { ...factsOf({ m }), window: () => aggregate?.at(0) };
  try {
    const value = compile(parsed.condition)(facts);
    return value === undefined ? '*unknown*' : `\`${JSON.stringify(value)}\``;
  } catch (error) {
    if (error instanceof ConditionError) return '*error*';
    throw error;
  }
}

const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
