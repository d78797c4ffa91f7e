// What window functions say of given samples, by their table, and when they ask to be woken.
import { expect } from 'chai';
import fc from 'fast-check';
import { WINDOW_FUNCTIONS, type WindowFunction, windowOf } from '../../../actors/rules/windows/windows.ts';
import { Partial } from '../../../actors/store/query/partial.ts';
import type { Fn } from '../../../actors/store/query/query.ts';
import { agrees, naive, type Sample, within } from '../../support/window.ts';

const NUM_RUNS = process.env.ARGOS_LONG ? 1_000 : 60;
const LENGTH_MS = 1_000;

describe('the meaning of window functions', () => {
  it('say of the same samples what the store says', () => {
    const fns: readonly (readonly [WindowFunction, Fn])[] = [
      ...(['avg', 'sum', 'min', 'max', 'count', 'rate', 'first', 'last'] as const).map((fn) => [fn, fn] as const),
      ['percentile', 'p90'],
    ];
    const eighths = fc.integer({ min: -400, max: 4_000 }).map((n) => n / 8); // of which sums are exact in any order
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 1_200 }), eighths), { minLength: 1, maxLength: 80 }), (given) => {
        const nowMs = 1_200;
        const inWindow = given.toSorted(([a], [b]) => a - b).filter(([tsMs]) => tsMs > nowMs - LENGTH_MS);
        for (const [fn, asked] of fns) {
          const [window, partial] = [windowOf({ fn, lengthMs: LENGTH_MS, p: 90 }), Partial.for(asked)];
          for (const [tsMs, value] of given) window.add(tsMs, value);
          for (const [tsMs, value] of inWindow) partial.add(value, tsMs);
          const right = partial.value(asked, LENGTH_MS / 1_000);
          expect(window.at(nowMs), fn).to.equal(Number.isNaN(right) ? undefined : right);
        }
      }),
      { numRuns: NUM_RUNS },
    );
  });

  it('are unknown without data, count too, and before and after it', () => {
    for (const fn of WINDOW_FUNCTIONS) {
      const window = windowOf({ fn, lengthMs: LENGTH_MS, p: 50 });
      expect([window.at(0), window.nextMs(0)], fn).to.deep.equal([undefined, undefined]);
      window.add(500, 7);
      window.add(500, 7);
      expect([window.at(499), window.nextMs(499)], fn).to.deep.equal([undefined, 500]);
      expect(window.at(500), fn).to.not.equal(undefined);
      expect(window.nextMs(500), fn).to.equal(1_500);
      expect(window.at(1_499), fn).to.not.equal(undefined);
      expect([window.at(1_500), window.nextMs(1_500)], fn).to.deep.equal([undefined, undefined]);
    }
  });

  it('say of one sample what the table says', () => {
    const answers = WINDOW_FUNCTIONS.map((fn) => {
      const window = windowOf({ fn, lengthMs: LENGTH_MS, p: 50 });
      window.add(1_000, true);
      return [fn, window.at(1_250)];
    });
    expect(Object.fromEntries(answers)).to.deep.equal({
      avg: 1,
      sum: 1,
      min: 1,
      max: 1,
      count: 1,
      rate: undefined,
      delta: 0,
      stddev: 0,
      percentile: answers[8]?.[1],
      first: true,
      last: true,
      age: 0.25,
      changed: false,
    });
    expect(answers[8]?.[1]).to.be.closeTo(1, 0.01);
  });

  it('take no data for data: NaN, ±Infinity, undefined, a time that is none, and for numeric functions other kinds', () => {
    for (const fn of WINDOW_FUNCTIONS) {
      const window = windowOf({ fn, lengthMs: LENGTH_MS, p: 50 });
      for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, undefined]) window.add(1_000, value);
      for (const tsMs of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) window.add(tsMs, 1);
      expect([window.at(1_000), window.nextMs(0)], fn).to.deep.equal([undefined, undefined]);
      for (const value of ['1', null, [1], { a: 1 }]) window.add(1_000, value);
      const anyValue = ['count', 'first', 'last', 'age', 'changed'].includes(fn);
      expect(window.at(1_000) !== undefined, fn).to.equal(anyValue);
    }
  });

  it('refuse a length and a percentile that are none', () => {
    for (const lengthMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) expect(() => windowOf({ fn: 'avg', lengthMs })).to.throw(RangeError, 'length');
    for (const p of [undefined, -1, 101, Number.NaN]) expect(() => windowOf({ fn: 'percentile', lengthMs: 1, p })).to.throw(RangeError, 'from 0 to 100');
  });

  it('max and min ask to be woken when the extreme leaves, not for what leaves before it', () => {
    const window = windowOf({ fn: 'max', lengthMs: LENGTH_MS });
    for (let i = 0; i < 900; i++) window.add(i, i === 700 || i === 600 ? 50 : i % 50);
    expect([window.at(899), window.nextMs(899)]).to.deep.equal([50, 1_700]);
    expect([window.at(1_700), window.nextMs(1_700)]).to.deep.equal([49, 1_899]);
  });

  it('last and age ask to be woken when the last sample leaves', () => {
    for (const fn of ['last', 'age'] as const) {
      const window = windowOf({ fn, lengthMs: LENGTH_MS });
      for (let i = 0; i < 10; i++) window.add(i * 10, i);
      expect(window.nextMs(100), fn).to.equal(1_090);
    }
  });

  it('changed compares what values say, each with its neighbours in time, whatever the order in which they come', () => {
    const texts = fc.constantFrom('1', '{"a":[1]}', '{"a":[1]}', '{"a":[2]}', 'null');
    const runs = fc.array(fc.tuple(texts, fc.integer({ min: 1, max: 30 })), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(runs, fc.infiniteStream(fc.nat({ max: 20 })), fc.constantFrom(16, 1_000), (given, late, most) => {
        const samples = given
          .flatMap(([text, times]) => Array<string>(times).fill(text))
          .map((text, i) => ({ tsMs: i * 10, atMs: i * 10 + late.next().value * 10, value: JSON.parse(text) as unknown }));
        const nowMs = samples.length * 10;
        for (const lengthMs of [10, 50, 100, 300, 2_000]) {
          const window = windowOf({ fn: 'changed', lengthMs, most });
          for (const { tsMs, value } of samples.toSorted((a, b) => a.atMs - b.atMs)) window.add(tsMs, value);
          const got = window.at(nowMs);
          const right = (beginMs: number): unknown => naive('changed', within('changed', samples, beginMs, nowMs), nowMs, lengthMs);
          if (window.truncated && got === true) expect(right(Number.NEGATIVE_INFINITY)).to.equal(true);
          else expect(got).to.equal(right(nowMs - lengthMs));
        }
      }),
      { numRuns: NUM_RUNS * 5 },
    );
  });

  it('percentile forgets what has left, for whoever asks about earlier too', () => {
    const window = windowOf({ fn: 'percentile', lengthMs: LENGTH_MS, p: 0 });
    for (let i = 0; i < 100; i++) window.add(i, 1_000 + i);
    expect(window.at(99)).to.be.closeTo(1_000, 10);
    expect(window.at(1_500)).to.equal(undefined);
    expect(window.at(1_098)).to.be.closeTo(1_099, 11);
    for (let i = 0; i < 100; i++) window.add(2_000 + i, 5);
    expect([window.at(2_099), window.at(1_098)]).to.deep.equal([window.at(2_099), undefined]);
  });

  it('forget a huge value with its sample', () => {
    for (const fn of ['sum', 'avg', 'stddev', 'rate', 'delta'] as const) {
      const window = windowOf({ fn, lengthMs: LENGTH_MS });
      const samples: Sample[] = [];
      for (let i = 0; i < 3_000; i++) {
        const sample = { tsMs: i, value: i % 700 === 5 ? 1e300 : i / 7 };
        samples.push(sample);
        window.add(sample.tsMs, sample.value);
        window.at(i);
      }
      const there = within(fn, samples, 2_900, 3_900); // the last one was at 2,805
      expect(agrees(fn, window.at(3_900), naive(fn, there, 3_900, LENGTH_MS), there, LENGTH_MS), fn).to.equal(true);
    }
  });
});
