// The room that window functions take: bounded, visible when it does not suffice, and given back.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import fc from 'fast-check';
import { WINDOW_FUNCTIONS, type WindowFunction, windowOf } from '../../../actors/rules/windows.ts';
import { chance } from '../../support/chance.ts';
import { agrees, naive, type Sample, within } from '../../support/window.ts';

const NUM_RUNS = process.env.ARGOS_LONG ? 1_000 : 40;
const LENGTH_MS = 10_000;
const EXACT: readonly WindowFunction[] = ['last', 'age'];

/** One sample each `everyMs`, a tenth of them late by up to 50 ms; of a counter that is reset now and then, or of few values. */
function* stream(seed: number, count: number, everyMs: number): Generator<Sample> {
  const random = chance(seed);
  let counter = 0;
  for (let i = 0; i < count; i++) {
    counter = random() < 0.002 ? 0 : counter + Math.floor(random() * 4);
    yield { tsMs: i * everyMs - (random() < 0.1 ? Math.floor(random() * 50) : 0), value: counter };
  }
}

/** Whether some window that begins up to `grainMs` earlier has this answer. */
function isNear(fn: WindowFunction, got: unknown, samples: readonly Sample[], nowMs: number, grainMs: number): boolean {
  const fromMs = nowMs - LENGTH_MS;
  const begins = [fromMs, ...samples.map(({ tsMs }) => tsMs).filter((tsMs) => tsMs < fromMs && tsMs > fromMs - grainMs)];
  return begins.some((begin) => {
    const there = within(fn, samples, begin, nowMs);
    return agrees(fn, got, naive(fn, there, nowMs, LENGTH_MS, 90), there, LENGTH_MS);
  });
}

describe('the room of window functions', () => {
  for (const fn of WINDOW_FUNCTIONS) {
    it(`${fn}: of more samples than are kept apart, those of the same short time share a cell; it says so, and is right but for that time`, () => {
      fc.assert(
        fc.property(fc.integer(), fc.constantFrom(128, 200, 1_000), fc.constantFrom(1, 4, 9), (seed, most, everyMs) => {
          const window = windowOf({ fn, lengthMs: LENGTH_MS, p: 90, most });
          const samples: Sample[] = [];
          const grainMs = ((2 * LENGTH_MS) / most) * (fn === 'percentile' ? 64 : 4);
          for (const sample of stream(seed, 6_000, everyMs)) {
            samples.push(sample);
            window.add(sample.tsMs, sample.value);
            const i = samples.length;
            if (i % 100 === 0) window.at(i * everyMs);
            if (i % 1_000 !== 0) continue;
            const nowMs = i * everyMs;
            const got = window.at(nowMs);
            const there = within(fn, samples, nowMs - LENGTH_MS, nowMs);
            expect(window.truncated).to.equal(!EXACT.includes(fn) && there.length > most);
            if (!window.truncated) expect(agrees(fn, got, naive(fn, there, nowMs, LENGTH_MS, 90), there, LENGTH_MS)).to.equal(true);
            else expect(isNear(fn, got, samples, nowMs, grainMs), `${got}`).to.equal(true);
          }
        }),
        { numRuns: NUM_RUNS },
      );
    });

    it(`${fn}: is no longer cut short once what was crowded has left`, () => {
      const window = windowOf({ fn, lengthMs: LENGTH_MS, p: 90, most: 100 });
      for (let i = 0; i < 1_000; i++) window.add(i, i);
      window.at(1_000);
      expect(window.truncated).to.equal(!EXACT.includes(fn));
      const samples = Array.from({ length: 50 }, (_, i) => ({ tsMs: 5_000 + i * 200, value: i }));
      for (const { tsMs, value } of samples) window.add(tsMs, value);
      const nowMs = 14_800;
      const got = window.at(nowMs);
      expect(window.truncated).to.equal(false);
      const there = within(fn, samples, nowMs - LENGTH_MS, nowMs);
      expect(agrees(fn, got, naive(fn, there, nowMs, LENGTH_MS, 90), there, LENGTH_MS)).to.equal(true);
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
      gc();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      return heapUsed + arrayBuffers;
    };
    const COUNT = 500;
    for (const fn of WINDOW_FUNCTIONS) {
      const before = collect();
      const windows = Array.from({ length: COUNT }, () => windowOf({ fn, lengthMs: LENGTH_MS, p: 90 }));
      const fresh = (collect() - before) / COUNT;
      for (const window of windows) for (let i = 0; i < 1_000; i++) window.add(i, i % 7 === 0 ? i + 0.5 : i);
      const full = (collect() - before) / COUNT;
      for (const window of windows) window.at(3 * LENGTH_MS);
      const left = (collect() - before) / COUNT;
      expect(fresh, `${fn} fresh`).to.be.below(1_000);
      expect(left - fresh, `${fn} when all have left`).to.be.below(200);
      expect(full, `${fn} full`).to.be.within(1_000 * 8, 1_000 * 100);
      expect(windows.every((window) => window.at(3 * LENGTH_MS) === undefined)).to.equal(true);
    }
  });
});
