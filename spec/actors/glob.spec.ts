// `*` in the patterns of push monitors.
import { expect } from 'chai';
import fc from 'fast-check';
import { glob } from '../../actors/glob.ts';

/** The same pattern as a regular expression, slow and sure. */
const reference = (pattern: string): RegExp =>
  new RegExp(
    `^${pattern
      .split('*')
      .map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'))
      .join('[^]*')}$`,
  );
const text = fc.string({ unit: fc.constantFrom('a', 'b', 'ab', '.', '\n'), maxLength: 12 });
const pattern = fc.string({ unit: fc.constantFrom('a', 'b', 'ab', '*', '*', '.', '\n'), maxLength: 8 });

describe('glob', () => {
  it('matches what the same regular expression matches', () => {
    fc.assert(
      fc.property(pattern, text, (wanted, given) => {
        expect(glob(wanted)(given)).to.equal(reference(wanted).test(given));
      }),
      { numRuns: 5_000 },
    );
  });

  it('matches every text that is made of the pattern', () => {
    fc.assert(
      fc.property(fc.array(text, { minLength: 1 }), fc.array(text), (parts, runs) => {
        const given = parts.map((part, i) => (i === 0 ? part : `${runs[i] ?? ''}${part}`)).join('');
        expect(glob(parts.join('*'))(given)).to.equal(true);
      }),
    );
  });

  it('takes a text without * for itself only', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        const plain = a.replaceAll('*', '');
        expect([glob(plain)(plain), glob(plain)(b)]).to.deep.equal([true, plain === b]);
      }),
    );
  });

  it('takes each character of the text once: the ends may not overlap', () => {
    expect([glob('ab*ba')('aba'), glob('ab*ba')('abba'), glob('a*a*a')('aa'), glob('*a*a*')('a')]).to.deep.equal([false, true, false, false]);
  });

  it('matches everything when it is left out, and nothing that is not there when it is not', () => {
    expect([glob(undefined)('x'), glob(undefined)(undefined), glob('*')(''), glob('*')(undefined), glob('x')(undefined)]).to.deep.equal([
      true,
      true,
      true,
      false,
      false,
    ]);
  });

  it('is done in a moment, however many stars there are', () => {
    const began = performance.now();
    expect(glob(`${'*a'.repeat(5_000)}*b`)(`${'a'.repeat(10_000)}c`)).to.equal(false);
    expect(performance.now() - began).to.be.below(1_000);
  });
});
