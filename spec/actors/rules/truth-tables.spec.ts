// The tables of the reference page, cell by cell: three-valued logic, and where it meets JsonLogic's.
import { expect } from 'chai';
import { truthTables } from '../../../actors/rules/condition/truth-tables.ts';

type Rows = readonly (readonly string[])[];
const [kleene = [], meeting = []]: readonly Rows[] = truthTables()
  .split('\n\n')
  .filter((block) => block.startsWith('|'))
  .map((block) =>
    block
      .split('\n')
      .slice(2)
      .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| |( \|)$/g, '').replaceAll(/[`*]/g, ''))),
  );

describe('the table of and, or and not', () => {
  /** Kleene's logic in numbers: false 0, unknown 1, true 2. `and` is the least, `or` the greatest, `not` the mirror image. */
  const WORDS = ['false', 'unknown', 'true'];
  it('is Kleene’s', () => {
    expect(kleene).to.have.length(9);
    for (const [a = '', b = '', and, or, not] of kleene) {
      const [x, y] = [WORDS.indexOf(a), WORDS.indexOf(b)];
      expect([and, or, not], `${a}, ${b}`).to.deep.equal([WORDS[Math.min(x, y)], WORDS[Math.max(x, y)], WORDS[2 - x]]);
    }
  });
});

describe('the table of where the two meet', () => {
  /** By what stands in the field: missing, null, 31, 0, "hot". */
  const EXPECTED: Readonly<Record<string, string>> = {
    '{"field":"m.x","op":">","value":30}': 'unknown unknown true false unknown',
    '{"not":{"field":"m.x","op":">","value":30}}': 'unknown unknown false true unknown',
    '{"field":"m.x","op":"==","value":null}': 'unknown true false false false',
    '{"field":"m.x","op":"exists"}': 'false true true true true',
    '{">":[{"field":"m.x"},30]}': 'unknown false true false error',
    '{">":[{"var":"m.x"},30]}': 'false false true false error',
    '{"<":[{"var":"m.x"},30]}': 'true true false true error',
    '{"<":[{"var":["m.x",99]},30]}': 'false true false true error',
    '{"==":[{"var":"m.x"},null]}': 'true true false false false',
    '{"!":{"field":"m.x"}}': 'unknown true false true false',
    '{"!":{"var":"m.x"}}': 'true true false true false',
    '{"+":[{"field":"m.x"},1]}': 'unknown 1 32 1 error',
    '{"+":[{"var":"m.x"},1]}': '1 1 32 1 error',
    '{"if":[{"field":"m.x"},"a","b"]}': 'unknown "b" "a" "b" "a"',
    '{"if":[{"var":"m.x"},"a","b"]}': '"b" "b" "a" "b" "a"',
    '{"and":[{"field":"m.x"},false]}': 'false null false 0 false',
    '{"or":[{"field":"m.x"},true]}': 'true true 31 true "hot"',
    '{"missing":["m.x"]}': '["m.x"] ["m.x"] [] [] []',
    '{">":[{"avg":["m.x","5m"]},30]}': 'unknown unknown true false unknown',
    '{"exists":{"avg":["m.x","5m"]}}': 'false false true true false',
  };

  it('has every row as it is meant', () => {
    expect(Object.fromEntries(meeting.map(([condition = '', ...cells]) => [condition, cells.join(' ')]))).to.deep.equal(EXPECTED);
  });
});
