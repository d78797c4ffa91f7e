// The sketch of a distribution: quantiles within 1 %, whatever the parts and their order.
import { expect } from 'chai';
import fc from 'fast-check';
import { ACCURACY, Sketch } from '../../actors/sketch.ts';
import { quantile } from '../support/history.ts';

const NUM_RUNS = process.env.ARGOS_LONG ? 5_000 : 300;
const QUANTILES = [0, 0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 1];
/** A double of full precision. */
const NORMAL = 2 ** -1022;

const sketchOf = (values: readonly number[]): Sketch => {
  const sketch = new Sketch();
  for (const value of values) sketch.add(value);
  return sketch;
};
const hex = (sketch: Sketch): string => Buffer.from(sketch.encode()).toString('hex');
/** Beyond what rounding at the border of a bin makes. */
const within = (got: number, right: number): boolean =>
  Math.abs(right) < NORMAL ? Math.abs(got) < NORMAL : Math.abs(got - right) <= Math.abs(right) * (ACCURACY + 1e-9);

const anything = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer({ min: -100, max: 100 }),
  fc.double({ min: 0.1, max: 10, noNaN: true }),
);
const values = fc.array(anything, { minLength: 1, maxLength: 60, size: 'max' });

describe('Sketch', () => {
  it('tells every quantile within 1 % of the value, of any numbers', () => {
    fc.assert(
      fc.property(values, (given) => {
        const sketch = sketchOf(given);
        for (const q of QUANTILES) {
          const [got, right] = [sketch.quantile(q), quantile(given, q)];
          expect(within(got, right), `${got} instead of ${right}`).to.equal(true);
        }
      }),
      { numRuns: NUM_RUNS, examples: [[[Number.MAX_VALUE, -Number.MAX_VALUE, NORMAL, -NORMAL, Number.MIN_VALUE, 0, -0]]] },
    );
  });

  it('is the same for the whole and for its parts, merged in any order', () => {
    fc.assert(
      fc.property(values, values, values, (a, b, c) => {
        const whole = hex(sketchOf([...a, ...b, ...c]));
        const [left, right] = [sketchOf(a), sketchOf(b)];
        left.merge(right);
        left.merge(sketchOf(c)); // (a b) c
        right.merge(sketchOf(c));
        right.merge(sketchOf(a)); // (b c) a
        expect([hex(left), hex(right), left.count]).to.deep.equal([whole, whole, a.length + b.length + c.length]);
      }),
      { numRuns: NUM_RUNS },
    );
  });

  it('takes a value many times as it takes it once', () => {
    fc.assert(
      fc.property(anything, fc.integer({ min: 1, max: 300 }), (value, times) => {
        const sketch = new Sketch();
        sketch.add(value, times);
        expect(hex(sketch)).to.equal(hex(sketchOf(Array<number>(times).fill(value))));
      }),
      { numRuns: NUM_RUNS },
    );
  });

  it('comes back from its bytes, however great the counts', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(anything, fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 2 ** 40 }))), { maxLength: 40 }),
        (given) => {
          const sketch = new Sketch();
          for (const [value, times] of given) sketch.add(value, times);
          const back = Sketch.decode(sketch.encode());
          expect([hex(back), back.count]).to.deep.equal([hex(sketch), sketch.count]);
          for (const q of QUANTILES) expect(back.quantile(q)).to.deep.equal(sketch.quantile(q));
        },
      ),
      { numRuns: NUM_RUNS },
    );
  });

  it('says so when the bytes are not those of a sketch', () => {
    const bytes = sketchOf([1, 2, 3]).encode();
    for (let length = 0; length < bytes.length; length++) expect(() => Sketch.decode(bytes.subarray(0, length))).to.throw(RangeError, 'cut off');
    expect(() => Sketch.decode(Uint8Array.from([...bytes, 0]))).to.throw(RangeError, 'left over');
  });

  it('stays small however far the values lie apart, keeps the greatest exact, and does not mind the order', () => {
    const spread = Array.from({ length: 6_000 }, (_, i) => 1.1 ** (i - 3_000)); // 248 decades: 1.1 is wider than a bin
    const upward = sketchOf(spread);
    const downward = sketchOf(spread.toReversed());
    expect(upward.encode().length).to.be.below(2_048 * 3);
    expect(hex(downward)).to.equal(hex(upward));
    for (const q of [0.7, 0.9, 0.99, 1]) expect(within(upward.quantile(q), quantile(spread, q))).to.equal(true);
    const half = sketchOf(spread.filter((_, i) => i % 2 === 0));
    half.merge(sketchOf(spread.filter((_, i) => i % 2 === 1)));
    expect(hex(half)).to.equal(hex(upward));
  });

  it('takes for 0 what is too small to be told precisely', () => {
    expect(sketchOf([Number.MIN_VALUE, -NORMAL / 2]).quantile(0)).to.equal(0);
    expect(within(sketchOf([NORMAL]).quantile(0), NORMAL)).to.equal(true);
  });

  it('knows nothing when it is empty', () => {
    expect(new Sketch().quantile(0.5)).to.deep.equal(Number.NaN);
  });
});
