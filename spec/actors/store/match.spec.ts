// Matchers: exact, with `*`, by RE2, and not.
import { expect } from 'chai';
import fc from 'fast-check';
import { testOf } from '../../../actors/store/query/match.ts';
import type { Match } from '../../../actors/store/query/query.ts';

const fits = (match: Match, text: string): boolean => testOf(match)(text);

describe('testOf', () => {
  it('takes a text as it is, whatever characters it has', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        expect(fits({ is: a }, a)).to.equal(true);
        expect(fits({ is: a }, b)).to.equal(a === b);
      }),
    );
    expect(fits({ is: 'a*' }, 'ab')).to.equal(false);
  });

  it('takes * for any run of characters, and a pattern for the whole text', () => {
    expect(['cpu', 'cpu.user', 'xcpu'].map((text) => fits({ like: 'cpu*' }, text))).to.deep.equal([true, true, false]);
    expect(['cpu', 'cpu.user', 'xcpu'].map((text) => fits({ matches: 'cpu' }, text))).to.deep.equal([true, false, false]);
    expect(fits({ matches: 'a|bc' }, 'bc')).to.equal(true);
    expect(fits({ matches: 'a|bc' }, 'abc')).to.equal(false);
  });

  it('turns a matcher round as often as it says not', () => {
    fc.assert(
      fc.property(fc.nat({ max: 20 }), fc.boolean(), (times, hit) => {
        let match: Match = { is: hit ? 'a' : 'b' };
        for (let i = 0; i < times; i++) match = { not: match };
        expect(fits(match, 'a')).to.equal(hit === (times % 2 === 0));
      }),
    );
  });

  it('answers the same for a text that it has seen', () => {
    const test = testOf({ matches: 'a+' });
    expect(['aa', 'b', 'aa', 'b'].map(test)).to.deep.equal([true, false, true, false]);
  });

  it('is done in a moment, whatever the pattern', () => {
    const began = performance.now();
    expect(fits({ matches: '(a+)+$' }, `${'a'.repeat(5_000)}b`)).to.equal(false);
    expect(fits({ like: `${'*a'.repeat(100)}b` }, 'a'.repeat(5_000))).to.equal(false);
    let deep: Match = { is: 'a' };
    for (let i = 0; i < 100_000; i++) deep = { not: deep };
    expect(fits(deep, 'a')).to.equal(true);
    expect(performance.now() - began).to.be.below(1_000);
  });

  it('refuses what is no matcher, and says what one looks like', () => {
    for (const wrong of [
      'a',
      null,
      {},
      { is: 1 },
      { like: null },
      { is: 'a', like: 'b' },
      { equals: 'a' },
      { not: 'a' },
      { not: { not: {} } },
      { matches: ['a'] },
    ])
      expect(() => testOf(wrong as never), JSON.stringify(wrong)).to.throw('expected a matcher: {"is": text}');
    for (const pattern of ['(', 'a{2,1}', '(?=a)', '\\1']) expect(() => testOf({ matches: pattern }), pattern).to.throw('expected a pattern in RE2 syntax');
  });
});
