// Conditions as they are written, into trees: every fault at its place.
import { expect } from 'chai';
import fc from 'fast-check';
import type { Fields } from '../../../actors/event.ts';
import { parseCondition } from '../../../actors/rules/condition/condition.ts';
import { COMPARISONS } from '../../../actors/rules/values/leaf.ts';
import type { Tree } from '../../../actors/rules/condition/tree.ts';
import { condition, leaves, parsed, type Written } from '../../support/conditions.ts';

const LEAF = { field: 'm.x', op: 'exists' };
/** Every fault in a line. */
const faults = (json: unknown, parameters: Fields = {}, path = '/c'): string[] =>
  parseCondition(json, parameters, path).faults.map(
    ({ path: at, expected, got, nearest }) => `${at}: ${expected}${got === undefined ? '' : `, got ${JSON.stringify(got)}`}${nearest ? `, ${nearest}?` : ''}`,
  );
const leafFaults = (op: unknown, ...value: unknown[]): string[] => faults({ field: 'm.x', op, ...(value.length > 0 ? { value: value[0] } : {}) });
/** The tree without the places at which it is written. */
const withoutPlaces = (tree: Tree): unknown => JSON.parse(JSON.stringify(tree, (key, value: unknown) => (key === 'at' ? undefined : value)));
/** The value at a JSON pointer. */
const follow = (json: unknown, pointer: string): unknown =>
  pointer
    .split('/')
    .slice(1)
    .reduce((value: unknown, key) => Object(value)[key], json);
/** The tree as it is written. */
function unparse(tree: Tree): Written {
  if (tree.kind === 'logic' && tree.op === 'and') return { and: tree.of.map(unparse) };
  if (tree.kind === 'logic' && tree.op === 'or') return { or: tree.of.map(unparse) };
  if (tree.kind === 'operation' && tree.op === 'not' && tree.of[0]) return { not: unparse(tree.of[0]) };
  if (tree.kind === 'leaf') return { field: [tree.monitor, ...tree.path].join('.'), op: tree.op, ...(tree.value === undefined ? {} : { value: tree.value }) };
  throw new Error(`no such written form: ${tree.kind}`);
}
describe('parseCondition', () => {
  it('takes every tree of its operators, and says again what was written', () => {
    fc.assert(
      fc.property(condition, (written) => {
        expect(unparse(parsed(written))).to.deep.equal(written);
      }),
    );
  });

  it('knows of every leaf where it is written, from left to right', () => {
    fc.assert(
      fc.property(condition, (written) => {
        const found = leaves(parsed(written));
        for (const one of found) expect(follow(written, one.at)).to.deep.equal(unparse(one));
        const { length } = JSON.stringify(written).match(/"field"/g) ?? [];
        expect(found).to.have.length(length ?? 0);
      }),
    );
  });

  it('answers a tree or a fault, whatever it is given', () => {
    const key = fc.constantFrom(
      'and',
      'or',
      'not',
      '!',
      'field',
      'op',
      'value',
      'var',
      'val',
      'missing',
      'map',
      'avg',
      'max',
      '+',
      '>',
      'if',
      'in',
      'x',
      '__proto__',
    );
    const { json } = fc.letrec((tie) => ({
      json: fc.oneof(
        { maxDepth: 5 },
        fc.constantFrom<unknown[]>('m.x', 'm', '>', '5m', 'parameters.x', 1, null, true),
        fc.array(tie('json'), { maxLength: 3 }),
        fc.dictionary(key, tie('json'), { maxKeys: 3 }),
      ),
    }));
    fc.assert(
      fc.property(json, (given) => {
        const got = parseCondition(given, {});
        expect('condition' in got).to.equal(got.faults.length === 0);
      }),
    );
  });

  it('takes ! for not, and a list of one behind it', () => {
    for (const written of [{ '!': LEAF }, { not: [LEAF] }, { '!': [LEAF] }]) expect(unparse(parsed(written))).to.deep.equal({ not: LEAF });
    expect(leaves(parsed({ not: [LEAF] }))[0]?.at).to.equal('/not/0');
  });

  it('puts parameters in for {"var": …}, with or without the word before', () => {
    for (const name of ['limit', 'parameters.limit'])
      expect(unparse(parsed({ field: 'm.x', op: '>', value: { var: name } }, { limit: 80 }))).to.deep.equal({ field: 'm.x', op: '>', value: 80 });
    expect(unparse(parsed({ field: 'm.x', op: '==', value: { var: 5 } }))).to.deep.equal({ field: 'm.x', op: '==', value: { var: 5 } });
  });

  it('splits a field into the monitor and a path', () => {
    expect(leaves(parsed({ field: 'boiler.body.items.0.id', op: 'exists' }))).to.deep.equal([
      { kind: 'leaf', op: 'exists', monitor: 'boiler', path: ['body', 'items', '0', 'id'], value: undefined, at: '' },
    ]);
  });

  it('takes rule.NAME.x for the state of a rule, and system.x for that of Argos', () => {
    expect(parsed({ field: 'rule.too_hot.state' })).to.deep.equal({ kind: 'field', monitor: 'rule:too_hot', path: ['state'], at: '' });
    expect(parsed({ var: 'rule.too_hot.state' })).to.deep.equal({ kind: 'var', name: ['rule:too_hot', 'state'], local: false, at: '' });
    expect(parsed({ field: 'system.cpu' })).to.deep.equal({ kind: 'field', monitor: 'system', path: ['cpu'], at: '' });
  });

  it('takes a text for what it says, and tells its faults with line and column', () => {
    const text = 'avg(m.x, 5m) > parameters.limit and\n not m.y == 1';
    const json = { and: [{ '>': [{ avg: ['m.x', '5m'] }, { var: 'parameters.limit' }] }, { not: { field: 'm.y', op: '==', value: 1 } }] };
    expect(withoutPlaces(parsed(text, { limit: 3 }))).to.deep.equal(withoutPlaces(parsed(json, { limit: 3 })));
    expect(faults('m.x > 1 and\n  and')[0]).to.match(/^\/c: .* \(line 2, column 3 of the condition\)/);
    expect(faults('m.y == 1 and\n m.x > parameters.no', { limit: 1 })).to.deep.equal([
      '/c: a parameter that is declared: limit (line 2, column 8 of the condition), got {"var":"parameters.no"}',
    ]);
  });
});

describe('parseCondition refuses', () => {
  it('what is no condition', () => {
    for (const json of [null, 5, true, [LEAF]]) expect(faults(json)[0]).to.match(/^\/c: a condition: a text, \{"and": \[…\]\}/);
  });

  it('no key, and several that are no leaf', () => {
    const expected = 'one operator, or field with op and value; an object that is meant as a value is written {"preserve": {…}}';
    expect(faults({})).to.deep.equal([`/c: ${expected}`]);
    expect(faults({ and: [LEAF], or: [LEAF] })).to.deep.equal([`/c: ${expected}, got "and, or"`]);
    expect(faults({ feild: 'm.x', op: '>', value: 1 })).to.deep.equal([`/c: ${expected}, got "feild, op, value"`]);
  });

  it('an operator that it does not know, with the nearest, custom functions among them', () => {
    const unknown = (name: string, functions: readonly string[] = []): unknown => {
      const { path, got, nearest } = parseCondition({ [name]: [1] }, {}, '', functions).faults[0] ?? expect.fail('no fault');
      return [path, got, nearest];
    };
    expect(unknown('nand')).to.deep.equal(['/nand', 'nand', 'and']);
    expect(unknown('substring')).to.deep.equal(['/substring', 'substring', 'substr']);
    expect(unknown('percentil')).to.deep.equal(['/percentil', 'percentil', 'percentile']);
    expect(unknown('anomly', ['anomaly'])).to.deep.equal(['/anomly', 'anomly', 'anomaly']);
    expect(unknown('x/y')).to.deep.equal(['/x~1y', 'x/y', undefined]);
  });

  it('operators without what they need', () => {
    const counts: readonly (readonly [json: unknown, expected: string])[] = [
      [{ and: [] }, '/c/and: at least 1 operand, got 0'],
      [{ or: [] }, '/c/or: at least 1 operand, got 0'],
      [{ not: [LEAF, LEAF] }, '/c/not: 1 operand, got 2'],
      [{ '>': [1] }, '/c/>: at least 2 operands, got 1'],
      [{ '!=': [1, 2, 3] }, '/c/!=: 2 operands, got 3'],
      [{ '%': [1] }, '/c/%: at least 2 operands, got 1'],
      [{ '-': [] }, '/c/-: at least 1 operand, got 0'],
      [{ substr: ['a'] }, '/c/substr: 2 to 3 operands, got 1'],
      [{ map: [[1]] }, '/c/map: 2 operands: a list, and what is asked of each, got 1'],
      [{ map: { var: 'm.x' } }, '/c/map: 2 operands: a list, and what is asked of each, got 1'],
      [{ reduce: [[1], 1, 1, 1] }, '/c/reduce: 2 or 3 operands: a list, what is made of each, and what to begin with, got 4'],
      [{ var: ['m.x', 1, 2] }, '/c/var: a name, or a name and what it is when nothing is there, got 3'],
      [{ missing_some: [1] }, '/c/missing_some: 2 operands: how many are enough, and a list of names, got 1'],
      [{ contains: [{ var: 'm.x' }] }, '/c/contains: 2 operands: a value, and what contains takes, got 1'],
      [{ exists: [{ var: 'm.x' }, 1] }, '/c/exists: 1 operand, got 2'],
    ];
    for (const [json, expected] of counts) expect(faults(json), JSON.stringify(json)).to.deep.equal([expected]);
  });

  it('constants that an operator can do nothing with', () => {
    expect(faults({ '+': [{ var: 'm.x' }, 'Hey'] })).to.deep.equal(['/c/+/1: a number, got "Hey"']);
    expect(faults({ '*': [{ var: 'm.x' }, [1]] })).to.deep.equal(['/c/*/1: a number, got [1]']);
    expect(faults({ max: ['m.x', '5 minutes'] })[1]).to.equal('/c/max/1: a number; or a field and a duration: ["monitor.path", "5m"], got "5 minutes"');
    expect(faults({ '>': [{ var: 'm.x' }, [1]] })).to.deep.equal(['/c/>/1: a number or a text, got [1]']);
    expect(faults({ '+': [{ var: 'm.x' }, '1e2', true, null] })).to.deep.equal([]);
    expect(faults({ '-': [{ var: 'm.x' }, { var: 'parameters.p' }] }, { p: 'much' })).to.deep.equal(['/c/-/1/var: a number, got "much"']);
  });

  it('what a comparison cannot be with: its value is written out, or a parameter', () => {
    const written = 'a value that is written out, or a parameter';
    expect(faults({ contains: [{ field: 'm.x' }, { var: 'm.y' }] })).to.deep.equal([`/c/contains/1: ${written}, got {"var":"m.y"}`]);
    expect(faults({ not_in: [{ field: 'm.x' }, [1, { field: 'm.y' }]] })[0]).to.match(/^\/c\/not_in\/1: a value that is written out/);
    expect(faults({ between: [{ field: 'm.x' }, [2, 1]] })).to.deep.equal(['/c/between/1: two numbers, the lower first, got [2,1]']);
    expect(faults({ not_in: [{ field: 'm.x' }, [{ preserve: { a: 1 } }, { var: 'parameters.p' }]] }, { p: 1 })).to.deep.equal([]);
    expect(faults({ field: 'm.x', op: '==', value: { field: 'm.y' } })).to.deep.equal([
      '/c/value: a value that is written out; two fields are compared by {"==": [{"field": …}, {"field": …}]}, got {"field":"m.y"}',
    ]);
  });

  it('every fault of a tree at once, each at its place', () => {
    const json = {
      or: [{ not: [{ field: 'm', op: '>' }] }, LEAF, { and: [{ field: 'm.x', op: 'between', value: [2, 1] }, { plus: 5 }] }, { field: 'm.x', op: 'exits' }],
    };
    expect(faults(json).map((one) => one.split(':')[0])).to.deep.equal(['/c/or/0/not/0/field', '/c/or/2/and/0/value', '/c/or/2/and/1/plus', '/c/or/3/op']);
  });
});

describe('parseCondition refuses in a leaf', () => {
  it('a field that is no monitor and path', () => {
    for (const field of [5, undefined, 'monitor', ''])
      expect(faults({ field, op: 'exists' })[0]).to.match(/^\/c\/field: a monitor and a path in its state: "monitor\.path"/);
    for (const field of ['m..x', 'm.', '.x', 'm.__proto__.x', 'm.a.constructor', 'm.prototype', `m${'.x'.repeat(65)}`])
      expect(faults({ field, op: 'exists' })).to.deep.equal([`/c/field: a path of plain names, got "${field}"`]);
    expect(faults({ field: 'parameters.x', op: 'exists' })[0]).to.match(/a parameter is \{"var": "parameters.x"\}/);
    expect(faults({ field: 'rule.x', op: 'exists' })[0]).to.match(/^\/c\/field: a field of the rule: "rule.NAME.state"/);
  });

  it('an operator that it does not know, with the nearest', () => {
    expect(leafFaults('start_with', 'x')).to.deep.equal([`/c/op: one of ${COMPARISONS.join(' ')}, got "start_with", starts_with?`]);
    expect(leafFaults('=', 1)).to.deep.equal([`/c/op: one of ${COMPARISONS.join(' ')}, got "="`]);
    expect(leafFaults(undefined, 1)).to.deep.equal([`/c/op: one of ${COMPARISONS.join(' ')}`]);
  });

  it('a key that it does not know, with the nearest', () => {
    expect(faults({ ...LEAF, valeu: 1, x: 2 })).to.deep.equal([
      '/c/valeu: one of the keys field, op, value, got "valeu"',
      '/c/x: one of the keys field, op, value, got "x"',
    ]);
    expect(faults({ ...LEAF, values: 1 })[0]).to.match(/value\?$/);
  });

  it('a parameter that is not declared, not even one that every object has', () => {
    const named = (name: string, parameters: Fields): string[] => faults({ field: 'm.x', op: '>', value: { var: name } }, parameters);
    expect(named('limit', { low: 1, high: 2 })).to.deep.equal(['/c/value: a parameter that is declared: low, high, got {"var":"limit"}']);
    expect(named('toString', {})).to.deep.equal(['/c/value: a parameter that is declared: there is none, got {"var":"toString"}']);
  });

  const WRONG: readonly (readonly [ops: readonly string[], values: readonly unknown[], expected: string])[] = [
    [['>', '>=', '<', '<='], [undefined, null, true, [], {}], 'a number or a text to compare with'],
    [['in', 'not_in'], [undefined, 'abc', { 0: 1 }], 'a list'],
    [['==', '!=', 'contains'], [undefined], 'a value to compare with'],
    [['starts_with', 'ends_with'], [undefined, 5, ['a']], 'a text'],
    [['between'], [undefined, 5, [], [1], [2, 1], [1, 2, 3], ['1', '2'], [1, '2']], 'two numbers, the lower first'],
    [['exists'], [null, 'yes', 0], 'true, false or nothing'],
    [['matches'], [undefined, 5, 'x'.repeat(1_025)], 'a pattern of at most 1024 characters'],
  ];
  for (const [ops, values, expected] of WRONG)
    it(`for ${ops.join(', ')} what is not ${expected}`, () => {
      for (const op of ops)
        for (const value of values)
          expect(
            leafFaults(op, value).map((one) => one.replace(/, got .*/, '')),
            op,
          ).to.deep.equal([`/c/value: ${expected}`]);
    });

  it('a pattern that RE2 does not know, with its reason', () => {
    for (const pattern of ['(', 'a**', '(?=x)', '\\1', '[z-a]', 'x{2000}'])
      expect(leafFaults('matches', pattern)[0], pattern).to.match(/^\/c\/value: a pattern in RE2 syntax \(.+\), got /);
    expect(leafFaults('matches', `${'(a?)'.repeat(200)}$`)).to.deep.equal([]);
  });
});
