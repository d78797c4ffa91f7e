// Conditions printed as text: the text reads back as the same condition, has no more parentheses than it needs, and is none where there is none.
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'chai';
import fc from 'fast-check';
import { parseLogic } from '../../../actors/rules/condition/condition.ts';
import { parseText } from '../../../actors/rules/text/text.ts';
import { Faults } from '../../../actors/rules/text/faults.ts';
import { tokensOf } from '../../../actors/rules/text/lexer.ts';
import { printText } from '../../../actors/rules/text/print.ts';
import { INFIX_WORDS } from '../../../actors/rules/text/shapes.ts';
import { normal, written } from '../../support/texts.ts';

const NUM_RUNS = process.env.ARGOS_LONG ? 100_000 : 3_000;
const read = (text: string): unknown => {
  const got = parseText(text);
  if ('json' in got) return got.json;
  throw new Error(`${text}: ${JSON.stringify(got.faults)}`);
};
/** What parseCondition makes of it, without the places; undefined where it has faults. */
const meaning = (json: unknown): unknown => {
  const parsed = parseLogic(json, { x1: 1, a: { a: '5m' } }, '', ['my_fn', 'my fn', 'größer']);
  const isSame = (node: unknown, key: string): boolean => key === 'at' || (key === 'value' && Object(node).op === 'exists' && Object(node).value === true);
  return 'condition' in parsed
    ? JSON.stringify(parsed.condition, function (this: unknown, key, value: unknown) {
        return isSame(this, key) ? undefined : value;
      })
    : undefined;
};

describe('printText', () => {
  it('writes a text that reads back as the same JSON, of every form', () => {
    let [texts, all] = [0, 0];
    fc.assert(
      fc.property(written(4), (json) => {
        const text = printText(json);
        all++;
        if (text === undefined) return;
        texts++;
        expect(isDeepStrictEqual(read(text), normal(json)), `${JSON.stringify(json)}\n${text}\n${JSON.stringify(read(text))}`).to.equal(true);
      }),
      { numRuns: NUM_RUNS },
    );
    expect(texts / all).to.be.above(0.8);
  });

  it('writes a text that means what the JSON means, to parseCondition itself', () => {
    let judged = 0;
    fc.assert(
      fc.property(written(2), (json) => {
        const text = printText(json);
        const expected = meaning(json);
        if (text === undefined || expected === undefined) return;
        judged++;
        expect(meaning(read(text)), text).to.equal(expected);
      }),
      { numRuns: NUM_RUNS },
    );
    expect(judged / NUM_RUNS).to.be.above(0.2);
  });

  it('writes no parentheses without which the text would be the same', () => {
    fc.assert(
      fc.property(written(3), (json) => {
        const text = printText(json) ?? '';
        for (const without of withoutParentheses(text)) {
          const got = parseText(without);
          if ('json' in got) expect(isDeepStrictEqual(got.json, read(text)), `${text}\n${without}`).to.equal(false);
        }
      }),
      { numRuns: NUM_RUNS / 10 },
    );
  });

  it('writes a text that it would write again', () => {
    fc.assert(
      fc.property(written(3), (json) => {
        const text = printText(json);
        if (text !== undefined) expect(printText(read(text))).to.equal(text);
      }),
    );
  });

  const PRINTED: readonly (readonly [json: unknown, text: string])[] = [
    [{ and: [{ or: [true, false] }, { not: { and: [true, null] } }] }, '(true or false) and not (true and null)'],
    [{ '-': [{ '-': ['a', { '-': ['b', 'c'] }] }, { '*': [{ '+': [1, 2] }, -3] }] }, "'a' - ('b' - 'c') - (1 + 2) * -3"],
    [{ '+': [{ '+': [1, 2] }, { '+': [3, 4] }, { '+': [5] }] }, '(1 + 2) + (3 + 4) + +5'],
    [{ '==': [{ '==': [1, 2] }, { '!': [{ '!': 3 }] }] }, '(1 == 2) == !(!3)'],
    [{ '-': [5] }, '-(5)'],
    [{ '-': [-5] }, '--5'],
    [{ '==': [{ field: 'm.x' }, 5] }, "'=='(m.x, 5)"],
    [{ '<': [1, { field: 'm.x' }, 5] }, '1 < m.x < 5'],
    [{ '<': [1, 2, 3, 4] }, "'<'(1, 2, 3, 4)"],
    [{ not: { field: 'm.tags', op: 'contains', value: ["it's", '\n'] } }, "not m.tags contains ['it\\'s', '\\n']"],
    [{ field: 'm.x', op: 'not_in', value: [1] }, 'm.x not in [1]'],
    [{ field: 'm.x', op: 'exists', value: false }, 'm.x not exists'],
    [{ max: { var: 'list' } }, "max(...var('list'))"],
    ['\ud800\u2028\u0000😀', "'\\ud800\\u2028\\u0000😀'"],
    [{ and: [true] }, "'and'(true)"],
    [{ field: 'parameters.x' }, "'parameters'.x"],
    [{ field: 'door-sensor.flow-rate' }, "door-sensor.'flow-rate'"],
    [{ field: 'rule.a-b.firing' }, 'rule.a-b.firing'],
    [{ avg: [{ field: 'm.x' }, '5m'] }, 'avg(m.x, 5m)'],
    [{ avg: ['m.x', 300] }, "'avg'('m.x', 300)"],
  ];
  it('writes what a person would', () => {
    for (const [json, text] of PRINTED) expect(printText(json)).to.equal(text);
  });

  it('has no text for what has none', () => {
    const leaf = { field: 'm.x', op: '==', value: 1 };
    const none: readonly unknown[] = [
      ...[undefined, {}, { a: 1, b: 2 }, { ...leaf, more: 1 }, { ...leaf, value: { a: 1 } }, { ...leaf, op: 'equals' }, { field: 'm.x', op: '==' }],
      ...[{ field: 'm' }, { field: 'm..x' }, { field: '' }, { field: 5 }, { ...leaf, field: 'm.' }, Number.NaN, Number.POSITIVE_INFINITY, [Number.NaN]],
      ...[
        { field: 'm.x', op: 'between', value: { var: 'parameters.range' } },
        { field: 'm.x', op: 'changed', value: 1 },
        { ...leaf, op: 'between', value: [1] },
      ],
      ...[{ preserve: { a: 1 } }, { preserve: [{ avg: [{ field: 'm.x' }, '5m'] }] }, { contains: [1, { field: 'm.x' }] }, { and: [{}, true] }],
    ];
    for (const json of none) expect(printText(json), JSON.stringify(json)).to.equal(undefined);
  });

  it('has no text for more than its limits, and ends, however deep or wide it is', () => {
    const deep = (levels: number, wrap: (json: unknown) => unknown): unknown => Array.from({ length: levels - 1 }).reduce((json: unknown) => wrap(json), 1);
    for (const wrap of [
      (json: unknown) => ({ not: json }),
      (json: unknown) => [json],
      (json: unknown) => ({ '-': [json, 1] }),
      (json: unknown) => ({ contains: [json, [[1]]] }),
    ]) {
      const text = printText(deep(64, wrap)) ?? '';
      expect(read(text)).to.deep.equal(deep(64, wrap));
      expect(printText(deep(65, wrap))).to.equal(undefined);
      expect(printText(deep(100_000, wrap))).to.equal(undefined);
    }
    const wide = (parts: number): unknown => ({ or: Array.from({ length: parts - 1 }, () => 1) });
    expect(read(printText(wide(10_000)) ?? '')).to.deep.equal(wide(10_000));
    expect(printText(wide(10_001))).to.equal(undefined);
    expect(printText('x'.repeat(65_534))).to.have.length(65_536);
    expect(printText('x'.repeat(65_535))).to.equal(undefined);
    expect(printText(Array.from({ length: 1_000_000 }, () => 'x'))).to.equal(undefined);
  });
});

/** The text without one pair of parentheses that stand around a value, for each such. */
function withoutParentheses(text: string): readonly string[] {
  const open: { readonly at: number; readonly isGroup: boolean }[] = [];
  let before = '';
  return tokensOf(text, new Faults(text)).flatMap((token) => {
    const sign = token.kind === 'sign' ? token.text : '';
    const isGroup = !(before === 'word' || before === 'string');
    before = token.kind === 'word' && INFIX_WORDS.includes(token.text) && token.text !== 'changed' ? 'operator' : token.kind;
    if (sign === '(') open.push({ at: token.at, isGroup });
    const opened = sign === ')' ? open.pop() : undefined;
    return opened?.isGroup ? [text.slice(0, opened.at) + text.slice(opened.at + 1, token.at) + text.slice(token.end)] : [];
  });
}
