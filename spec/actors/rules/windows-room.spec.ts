// The room that window functions take: bounded, visible when it does not suffice, and given back.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import fc from 'fast-check';
import { type Aggregate, WINDOW_FUNCTIONS, type WindowFunction, windowOf } from '../../../actors/rules/windows/windows.ts';
import { chance } from '../../support/chance.ts';
import { agrees, naive, type Sample, within } from '../../support/window.ts';

const NUM_RUNS = process.env.ARGOS_LONG ? 60 : 6;
const LENGTH_MS = 10_000;
const EXACT: readonly WindowFunction[] = ['last', 'age'];

/**
 * One sample each `everyMs`, of a counter, or of few values. The counter is reset now and then, or many samples are late by up to 50 ms: not both,
 * since how far it had come before a reset nobody knows when that sample comes late, into the midst of a cell.
 */
function stream(seed: number, count: number, everyMs: number, few: boolean): (Sample & { readonly atMs: number })[] {
  const random = chance(seed);
  const resets = seed % 2 === 0;
  let counter = 0;
  return Array.from({ length: count }, (_, i) => {
    counter = resets && random() < 0.001 ? 0 : counter + Math.floor(random() * 4);
    const tsMs = i * everyMs;
    const lateMs = !resets && random() < 0.3 ? Math.floor(random() * 50) : 0;
    return { tsMs, value: few ? Math.floor(i / 300) % 8 : counter, atMs: tsMs + lateMs };
  }).sort((a, b) => a.atMs - b.atMs);
}

/** Whether some window that begins up to `grainMs` earlier has this answer. */
function isNear(fn: WindowFunction, got: unknown, samples: readonly Sample[], nowMs: number, grainMs: number): boolean {
  const fromMs = nowMs - LENGTH_MS;
  const begins = [fromMs, ...samples.map(({ tsMs }) => tsMs).filter((tsMs) => tsMs < fromMs && tsMs > fromMs - grainMs)];
  return begins.some((begin) => {
    const there = within(fn, samples, begin, nowMs);
    return agrees(fn, got, naive(fn, there, nowMs, LENGTH_MS, 50), there, LENGTH_MS);
  });
}

describe('the room of window functions', () => {
  for (const fn of WINDOW_FUNCTIONS) {
    it(`${fn}: of more samples than are kept apart, those of the same short time share a cell; it says so, and is right but for that time`, () => {
      fc.assert(
        fc.property(fc.integer(), fc.constantFrom(128, 200, 1_000), fc.constantFrom(1, 4, 9), (seed, most, everyMs) => {
          const window = windowOf({ fn, lengthMs: LENGTH_MS, p: 50, most });
          const samples: Sample[] = [];
          const grainMs = ((2.5 * LENGTH_MS) / most) * (fn === 'percentile' ? 64 : 1) * 2;
          for (const sample of stream(seed, 6_000, everyMs, fn === 'percentile')) {
            samples.push(sample);
            window.add(sample.tsMs, sample.value);
            const i = samples.length;
            const nowMs = sample.atMs;
            if (i % 100 === 0) window.at(nowMs);
            if (i % 1_000 !== 0) continue;
            const got = window.at(nowMs);
            const there = within(fn, samples, nowMs - LENGTH_MS, nowMs);
            expect(window.truncated).to.equal(!EXACT.includes(fn) && there.length > most);
            if (!window.truncated) expect(agrees(fn, got, naive(fn, there, nowMs, LENGTH_MS, 50), there, LENGTH_MS)).to.equal(true);
            else expect(isNear(fn, got, samples, nowMs, grainMs), `${got}`).to.equal(true);
          }
        }),
        { numRuns: NUM_RUNS },
      );
    });

    it(`${fn}: is no longer cut short once what was crowded has left`, () => {
      const window = windowOf({ fn, lengthMs: LENGTH_MS, p: 50, most: 100 });
      for (let i = 0; i < 1_000; i++) window.add(i, i);
      window.at(1_000);
      expect(window.truncated).to.equal(!EXACT.includes(fn));
      const samples = Array.from({ length: 50 }, (_, i) => ({ tsMs: 5_000 + i * 200, value: i }));
      for (const { tsMs, value } of samples) window.add(tsMs, value);
      const nowMs = 14_800;
      const got = window.at(nowMs);
      expect(window.truncated).to.equal(false);
      const there = within(fn, samples, nowMs - LENGTH_MS, nowMs);
      expect(agrees(fn, got, naive(fn, there, nowMs, LENGTH_MS, 50), there, LENGTH_MS)).to.equal(true);
    });
  }

  it('a percentile of values too far apart to share loses its oldest samples, and says so', () => {
    const window = windowOf({ fn: 'percentile', lengthMs: LENGTH_MS, p: 0, most: 100 });
    for (let i = 0; i < 1_000; i++) window.add(i, 1.1 ** i);
    expect(window.at(1_000)).to.be.closeTo(1.1 ** 950, 1.1 ** 950); // of 51 to 100 samples the least
    expect(window.truncated).to.equal(true);
  });

  it('late samples of a crowded window are counted as well', () => {
    const window = windowOf({ fn: 'count', lengthMs: LENGTH_MS, most: 100 });
    for (let i = 0; i < 4_000; i++) window.add(i, 1);
    for (let i = 0; i < 4_000; i++) window.add((i * 7_919) % 4_000, 1);
    expect(window.at(4_000)).to.equal(8_000);
  });

  it('a late sample in the midst of a cell comes and leaves with it', () => {
    for (const fn of ['count', 'sum', 'percentile'] as const) {
      const window = windowOf({ fn, lengthMs: 1_000, p: 100, most: 100 }); // a hundred cells of one sample, then cells of 20 ms
      for (let i = 0; i < 1_000; i++) window.add(i, 1);
      window.add(105, 1);
      const [count, asked] = [window.at(1_110), window.nextMs(1_110)]; // of the cell 100…119 the half would have left
      expect([fn, count, asked]).to.deep.equal([fn, fn === 'percentile' ? count : 901, 1_119]);
    }
  });

  it("a counter's growth does not depend on how its samples share cells, nor on how late they come", () => {
    const window = windowOf({ fn: 'rate', lengthMs: LENGTH_MS, most: 100 });
    for (let i = 0; i < 4_000; i += 2) window.add(i, i);
    for (let i = 1; i < 4_000; i += 2) window.add(i, i);
    expect(window.at(4_000)).to.be.closeTo(399.9, 1e-9);
  });

  it('an empty window takes little room; one that was full gives back what it took', () => {
    const collect = (): number => {
      setFlagsFromString('--expose-gc');
      const gc = runInNewContext('gc') as () => void;
      gc();
      gc(); // the first one leaves typed arrays to be swept
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      return heapUsed + arrayBuffers;
    };
    const [COUNT, SAMPLES] = [3_000, 100];
    const make = (fn: WindowFunction): Aggregate[] => Array.from({ length: COUNT }, () => windowOf({ fn, lengthMs: LENGTH_MS, p: 50 }));
    const fill = (window: Aggregate): void => {
      for (let i = 0; i < SAMPLES; i++) window.add(i, i % 7 === 0 ? i + 0.5 : i);
      window.at(SAMPLES);
    };
    const empty = (window: Aggregate): unknown => window.at(3 * LENGTH_MS);
    for (const fn of ['avg', 'rate', 'percentile', 'changed'] as const) {
      for (const window of make(fn)) {
        fill(window); // what the compiler takes is not the windows'
        empty(window);
      }
      const before = collect();
      const windows = make(fn);
      const fresh = (collect() - before) / COUNT;
      windows.forEach(fill);
      const full = (collect() - before) / COUNT;
      windows.forEach(empty);
      const left = (collect() - before) / COUNT;
      expect(windows.every((window) => empty(window) === undefined)).to.equal(true); // and they are still there
      expect(fresh, `${fn} fresh`).to.be.below(1_000);
      expect(left - fresh, `${fn} when all have left`).to.be.below(200);
      expect(full, `${fn} full`).to.be.within(fresh + SAMPLES * 8, fresh + SAMPLES * 100);
    }
  });
});
