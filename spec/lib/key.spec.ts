/** Terms as keys: two are one key when Erlang calls them equal, and in no other case. */
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'chai';
import fc from 'fast-check';
import { keyOf } from '../../lib/key.ts';
import { spawn } from '../../lib/process.ts';

/** As a Map has it. */
const same = (one: unknown, other: unknown): boolean => new Set([keyOf(one), keyOf(other)]).size === 1;

/** Few values, so that some are equal, and among them those that look like what a key is written as. */
const scalar = fc.constantFrom<unknown>('', 'a', '1', '1n', '\0', '\0"a"', '\0[]', '[]', '#1', '^0', 'a,1', 0, 1, 1.5, Number.NaN, 1n, true, null, undefined);
const { term } = fc.letrec((tie) => ({
  term: fc.oneof({ maxDepth: 3 }, scalar, tie('tuple'), tie('map')),
  tuple: fc.array(tie('term'), { maxLength: 3 }),
  map: fc.dictionary(fc.constantFrom('a', 'b', '"a":1', '__proto__'), tie('term'), { maxKeys: 3, noNullPrototype: true }),
}));

/** The same once more, its fields in another order. */
function again(one: unknown): unknown {
  if (Array.isArray(one)) return one.map(again);
  if (typeof one !== 'object' || one === null) return one;
  const copy = {};
  for (const [name, value] of Object.entries(one).toReversed()) Object.defineProperty(copy, name, { value: again(value), enumerable: true });
  return copy;
}

describe('A key', () => {
  it('is the same for two terms that say the same, whatever the order of their fields, and for no others', () => {
    let equal = 0;
    fc.assert(
      fc.property(term, term, (one, other) => {
        if (isDeepStrictEqual(one, other)) equal++;
        expect(same(one, other)).to.equal(isDeepStrictEqual(one, other));
        expect(same([one, other], [other, one])).to.equal(isDeepStrictEqual(one, other));
        expect(same(one, again(one))).to.equal(true);
      }),
      { numRuns: 5_000 },
    );
    expect(equal).to.be.above(0);
  });

  it('of what is no tuple and no map is its identity, by itself and within a term', () => {
    const process = spawn(() => {});
    const things = [process, { __proto__: process }, () => {}, () => {}, Symbol('s'), Symbol('s'), Symbol.for('s'), new Error('e'), new Error('e'), new Map()];
    for (const [i, one] of things.entries())
      for (const [j, other] of things.entries())
        for (const within of [(it: unknown) => it, (it: unknown) => [it], (it: unknown) => ({ it: [it] })])
          expect(same(within(one), within(other)), `${i} and ${j}`).to.equal(i === j);
    process.die('killed');
  });

  it('does not mind zeros that differ in their sign; and minds what is not there, and names that look like fields', () => {
    expect([same(0, -0), same([0], [-0]), same({ a: 1, b: 1 }, { b: 1, a: 1 })]).to.deep.equal([true, true, true]);
    expect([same([], [undefined]), same([], new Array(1)), same({ 'a:1,b': 1 }, { a: 1, b: 1 })]).to.deep.equal([false, false, false]);
  });

  it('there is for a term that lies in itself, too', () => {
    const looped = (first: unknown): unknown => {
      const tuple: unknown[] = [first];
      tuple.push({ in: tuple });
      return tuple;
    };
    expect([same(looped(1), looped(1)), same(looped(1), looped(2)), same(looped(1), [1, { in: '^0' }])]).to.deep.equal([true, false, false]);
  });
});
