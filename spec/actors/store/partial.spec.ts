// What a stretch of time comes to: the same however it is cut.
import { expect } from 'chai';
import fc from 'fast-check';
import { Partial } from '../../../actors/store/query/partial.ts';
import type { Fn } from '../../../actors/store/query/query.ts';

const FNS: readonly Fn[] = ['avg', 'sum', 'min', 'max', 'count', 'rate', 'first', 'last', 'p50', 'p99'];
const SECONDS = 60;

interface Sample {
  readonly ts: number;
  readonly value: number;
}
const partialOf = (samples: readonly Sample[]): Partial => {
  const partial = Partial.for('p50');
  for (const { ts, value } of samples) partial.add(value, ts);
  return partial;
};
const shown = (partial: Partial): readonly unknown[] => [
  ...FNS.map((fn) => partial.value(fn, SECONDS)),
  partial.firstMs,
  partial.lastMs,
  partial.increase,
  partial.steps,
];

/** Eighths: their sums are exact in any order. */
const samples = fc
  .array(fc.record({ ts: fc.integer({ min: 0, max: 50 }), value: fc.integer({ min: -80, max: 80 }).map((n) => n / 8) }), { maxLength: 20 })
  .map((list) => list.toSorted((a, b) => a.ts - b.ts));

describe('Partial', () => {
  it('comes to the same wherever a stretch is cut, and in whatever order its pieces are put together', () => {
    fc.assert(
      fc.property(samples, fc.nat(), fc.nat(), (all, a, b) => {
        const [i = 0, j = 0] = [a % (all.length + 1), b % (all.length + 1)].sort((x, y) => x - y);
        const pieces = (): [Partial, Partial, Partial] => [partialOf(all.slice(0, i)), partialOf(all.slice(i, j)), partialOf(all.slice(j))];
        const [first, second, third] = pieces();
        first.append(second);
        first.append(third); // (a b) c
        const [head, middle, tail] = pieces();
        middle.append(tail);
        head.append(middle); // a (b c)
        expect([shown(first), shown(head)]).to.deep.equal([shown(partialOf(all)), shown(partialOf(all))]);
      }),
    );
  });

  it('joins series in any order, but for those of one instant', () => {
    fc.assert(
      fc.property(fc.array(samples, { maxLength: 4 }), (series) => {
        const apart = series.map((one, i) => one.map(({ ts, value }) => ({ ts: ts * 10 + i, value })));
        const joined = (order: readonly (readonly Sample[])[]): Partial => {
          const whole = Partial.for('p50');
          for (const one of order) whole.join(partialOf(one));
          return whole;
        };
        expect(shown(joined(apart.toReversed()))).to.deep.equal(shown(joined(apart)));
      }),
    );
  });

  it('of two series with samples of one instant has the first of the one that came first, and the last of the other', () => {
    const joined = partialOf([{ ts: 5, value: 1 }]);
    joined.join(partialOf([{ ts: 5, value: 2 }]));
    expect([joined.value('first', 1), joined.value('last', 1)]).to.deep.equal([1, 2]);
  });

  it('counts the growth of a counter, and after a reset what it has come to since', () => {
    const increaseOf = (...values: readonly number[]): number => partialOf(values.map((value, ts) => ({ ts, value }))).increase;
    expect(increaseOf(1, 4, 4, 9)).to.equal(8);
    expect(increaseOf(5, 8, 2, 3)).to.equal(3 + 2 + 1);
    expect(increaseOf(5, 0, 0)).to.equal(0);
    expect(increaseOf(5)).to.equal(0);
  });

  it('adds the rates of series, each by itself', () => {
    const joined = partialOf([
      { ts: 0, value: 100 },
      { ts: 1, value: 160 },
    ]);
    joined.join(
      partialOf([
        { ts: 0, value: 0 },
        { ts: 2, value: 30 },
      ]),
    );
    expect(joined.value('rate', 30)).to.equal(3);
  });

  it('counts the step from the sample before it, and knows no rate without one', () => {
    const one = partialOf([{ ts: 10, value: 9 }]);
    expect(one.value('rate', 1)).to.deep.equal(Number.NaN);
    one.follow(4);
    expect(one.value('rate', 1)).to.equal(5);
    const none = new Partial();
    none.follow(4);
    expect([none.steps, none.increase]).to.deep.equal([0, 0]);
  });

  it('knows nothing where there is no sample', () => {
    for (const fn of FNS) expect(new Partial().value(fn, SECONDS)).to.deep.equal(Number.NaN);
  });
});
