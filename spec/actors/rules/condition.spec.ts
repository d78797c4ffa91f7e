// Conditions as they are written, into trees: every fault at its place.
import { expect } from 'chai';
import fc from 'fast-check';
import type { Fields } from '../../../actors/event.ts';
import { COMPARISONS, type Condition, leaves, parseCondition } from '../../../actors/rules/condition.ts';
import { condition, parsed, type Written } from '../../support/conditions.ts';

const LEAF = { field: 'm.x', op: 'exists' };
/** Every fault in a line. */
const faults = (json: unknown, parameters: Fields = {}, path = '/c'): string[] =>
  parseCondition(json, parameters, path).faults.map(
    ({ path: at, expected, got, nearest }) => `${at}: ${expected}${got === undefined ? '' : `, got ${JSON.stringify(got)}`}${nearest ? `, ${nearest}?` : ''}`,
  );
const leafFaults = (op: unknown, ...value: unknown[]): string[] => faults({ field: 'm.x', op, ...(value.length > 0 ? { value: value[0] } : {}) });
/** The value at a JSON pointer. */
const follow = (json: unknown, pointer: string): unknown =>
  pointer
    .split('/')
    .slice(1)
    .reduce((value: unknown, key) => Object(value)[key], json);
/** The tree as it is written. */
function unparse(tree: Condition): Written {
  switch (tree.op) {
    case 'and':
      return { and: tree.of.map(unparse) };
    case 'or':
      return { or: tree.of.map(unparse) };
    case 'not':
      return { not: unparse(tree.of) };
    default:
      return { field: [tree.monitor, ...tree.path].join('.'), op: tree.op, ...(tree.value === undefined ? {} : { value: tree.value }) };
  }
}
const nested = (levels: number): unknown => {
  let json: unknown = LEAF;
  for (let i = 1; i < levels; i++) json = { not: json };
  return json;
};

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
    const key = fc.constantFrom('and', 'or', 'not', '!', 'field', 'op', 'value', 'var', 'x', '__proto__');
    const { json } = fc.letrec((tie) => ({
      json: fc.oneof(
        { maxDepth: 5 },
        fc.constantFrom<unknown[]>('m.x', 'm', '>', 1, null, true),
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
      { op: 'exists', monitor: 'boiler', path: ['body', 'items', '0', 'id'], value: undefined, at: '' },
    ]);
  });
});

describe('parseCondition refuses', () => {
  it('more than 64 levels', () => {
    expect(faults(nested(64))).to.deep.equal([]);
    expect(faults(nested(65))).to.deep.equal([`/c${'/not'.repeat(64)}: a condition of at most 64 levels`]);
    expect(faults(nested(100_000))).to.have.length(1);
  });

  it('more than 10,000 parts, once', () => {
    const wide = (parts: number): unknown => ({ or: Array.from({ length: parts - 1 }, () => LEAF) });
    expect(faults(wide(10_000))).to.deep.equal([]);
    expect(faults(wide(10_005))).to.deep.equal(['/c/or/9999: a condition of at most 10000 parts']);
  });

  it('what is no condition', () => {
    for (const json of [null, 5, true, 'x > 5', [LEAF]])
      expect(faults(json)).to.deep.equal([`/c: a condition: {"and": […]}, {"or": […]}, {"not": …} or {"field", "op", "value"}, got ${JSON.stringify(json)}`]);
  });

  it('no key, two keys, and keys that it does not know, with the nearest', () => {
    expect(faults({})).to.deep.equal(['/c: one of the keys and, or, not; or field with op and value']);
    expect(faults({ and: [LEAF], or: [LEAF] })).to.deep.equal(['/c: one of the keys and, or, not; or field with op and value, got "and, or"']);
    expect(faults({ nand: [LEAF] })).to.deep.equal(['/c/nand: one of and, or, not, got "nand", and?']);
    expect(faults({ 'x/y': 1 })).to.deep.equal(['/c/x~1y: one of and, or, not, got "x/y"']);
  });

  it('and and or without a list of conditions', () => {
    for (const inner of [[], LEAF, null])
      expect(faults({ and: inner })).to.deep.equal([`/c/and: a list of at least one condition, got ${JSON.stringify(inner)}`]);
  });

  it('not of a longer list', () => {
    expect(faults({ not: [LEAF, LEAF] })[0]).to.match(/^\/c\/not: a condition: /);
  });

  it('every fault of a tree at once, each at its place', () => {
    const json = {
      or: [{ not: [{ field: 'm', op: '>' }] }, LEAF, { and: [{ field: 'm.x', op: 'between', value: [2, 1] }, 5] }, { field: 'm.x', op: 'exits' }],
    };
    expect(faults(json).map((one) => one.split(':')[0])).to.deep.equal(['/c/or/0/not/0/field', '/c/or/2/and/0/value', '/c/or/2/and/1', '/c/or/3/op']);
  });
});

describe('parseCondition refuses in a leaf', () => {
  it('a field that is no monitor and path', () => {
    for (const field of [5, undefined, 'monitor', ''])
      expect(faults({ field, op: 'exists' })[0]).to.match(/^\/c\/field: a monitor and a path in its state: "monitor\.path"/);
    for (const field of ['m..x', 'm.', 'm.__proto__.x', 'm.a.constructor', 'm.prototype'])
      expect(faults({ field, op: 'exists' })).to.deep.equal([`/c/field: a path of plain names, got "${field}"`]);
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
