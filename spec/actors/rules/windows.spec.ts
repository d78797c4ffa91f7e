// Window functions: what they promise, beside a list of samples that is asked naively.
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'chai';
import fc from 'fast-check';
import { type Aggregate, WINDOW_FUNCTIONS, type WindowFunction, windowOf } from '../../../actors/rules/windows/windows.ts';
import { chance } from '../../support/chance.ts';
import { acts, agrees, naive, play, type Sample, within } from '../../support/window.ts';

const NUM_RUNS = process.env.ARGOS_LONG ? 1_000 : 60;
const LENGTH_MS = 1_000;
const percentage = fc.constantFrom(0, 1, 50, 90, 99.9, 100);

const say = (value: unknown): string => (value === undefined ? 'unknown' : typeof value === 'number' ? String(value) : JSON.stringify(value));

/** What is right over a window of `samples`, and whether `got` is. */
function check(fn: WindowFunction, samples: readonly Sample[], nowMs: number, p: number, got: unknown): void {
  const there = within(fn, samples, nowMs - LENGTH_MS, nowMs);
  const right = naive(fn, there, nowMs, LENGTH_MS, p);
  expect(agrees(fn, got, right, there, LENGTH_MS), `${say(got)} instead of ${say(right)} of ${there.length}`).to.equal(true);
}

/** `last` and `age` may be, when there are a thousand samples and some lie ahead; the others are not, of so few. */
function isCut(fn: WindowFunction, { truncated }: Aggregate): boolean {
  if (fn !== 'last' && fn !== 'age') expect(truncated).to.equal(false);
  return truncated;
}

describe('window functions', () => {
  for (const fn of WINDOW_FUNCTIONS) {
    it(`${fn} is what a naive computation has, of late, doubled, missing, huge and unfit data, at any instant`, () => {
      fc.assert(
        fc.property(acts, percentage, (all, p) => {
          const window = windowOf({ fn, lengthMs: LENGTH_MS, p });
          const samples: Sample[] = [];
          play(all, {
            add: (sample) => {
              samples.push(sample);
              window.add(sample.tsMs, sample.value);
            },
            ask: (nowMs) => {
              const got = window.at(nowMs);
              if (!isCut(fn, window)) check(fn, samples, nowMs, p, got);
            },
          });
        }),
        { numRuns: NUM_RUNS },
      );
    });

    it(`${fn}: up to nextMs the answer stays, and whoever wakes then misses no change`, () => {
      fc.assert(
        fc.property(acts, fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 2, maxLength: 4 }), (all, parts) => {
          const window = windowOf({ fn, lengthMs: LENGTH_MS, p: 50 });
          const samples: Sample[] = [];
          const answerAt = (ms: number): unknown => naive(fn, within(fn, samples, ms - LENGTH_MS, ms), ms, LENGTH_MS);
          const stays = (fromMs: number, ms: number): void => {
            const [before, after] = [answerAt(fromMs), answerAt(ms)];
            if (fn === 'age' && before !== undefined) expect(after).to.be.closeTo(Number(before) + (ms - fromMs) / 1_000, 1e-9);
            else expect(after === before || isDeepStrictEqual(after, before), `${say(before)} has become ${say(after)}`).to.equal(true);
          };
          const lastMs = play(all, {
            add: (sample) => {
              samples.push(sample);
              window.add(sample.tsMs, sample.value);
            },
            ask: (nowMs) => {
              if (nowMs % 2 === 0) window.at(nowMs);
              if (isCut(fn, window)) return;
              const nextMs = window.nextMs(nowMs) ?? nowMs + 10_000;
              expect(nextMs).to.be.above(nowMs);
              for (const part of parts) stays(nowMs, Math.floor(nowMs + part * (nextMs - 1 - nowMs)));
              stays(nowMs, nextMs - 1);
            },
          });
          let [nowMs, wakes] = [lastMs, 0];
          for (let nextMs = window.nextMs(nowMs); nextMs !== undefined && wakes < 40 && !isCut(fn, window); nextMs = window.nextMs(nowMs), wakes++) {
            stays(nowMs, nextMs - 1);
            nowMs = nextMs;
            const got = window.at(nowMs);
            if (!isCut(fn, window)) check(fn, samples, nowMs, 50, got);
          }
        }),
        { numRuns: NUM_RUNS / 2 },
      );
    });
  }

  for (const fn of WINDOW_FUNCTIONS) {
    it(`${fn} is right over many samples, late by up to the window's length`, () => {
      const random = chance(7);
      const window = windowOf({ fn, lengthMs: LENGTH_MS, p: 95, most: 1e6 });
      const samples: Sample[] = [];
      for (let i = 0; i < 30_000; i++) {
        const nowMs = Math.floor(i / 6);
        const sample = { tsMs: nowMs - (random() < 0.2 ? Math.floor(random() ** 3 * LENGTH_MS) : 0), value: Math.floor(random() * 1_000) - 200 };
        samples.push(sample);
        window.add(sample.tsMs, sample.value);
        if (i % 1_709 === 0) check(fn, samples, nowMs, 95, window.at(nowMs));
      }
    });

    it(`${fn} for an earlier now is exact over what has lately left, and never silent when there was data`, () => {
      fc.assert(
        fc.property(acts, fc.array(fc.integer({ min: 0, max: 1_500 }), { minLength: 1, maxLength: 5 }), (all, backs) => {
          const window = windowOf({ fn, lengthMs: LENGTH_MS, p: 50 });
          const samples: Sample[] = [];
          let latestMs = Number.NEGATIVE_INFINITY;
          play(all, {
            add: (sample) => {
              samples.push(sample);
              window.add(sample.tsMs, sample.value);
            },
            ask: (nowMs) => {
              latestMs = nowMs;
              const now = window.at(nowMs);
              if (!isCut(fn, window)) check(fn, samples, nowMs, 50, now);
              for (const back of backs) {
                const earlierMs = nowMs - back;
                const left = within(fn, samples, earlierMs - LENGTH_MS, latestMs - LENGTH_MS);
                const exact = left.length <= 4 && left.every(({ tsMs }) => tsMs > latestMs - 2 * LENGTH_MS);
                const got = window.at(earlierMs);
                if (isCut(fn, window)) continue;
                if (exact) check(fn, samples, earlierMs, 50, got);
                else if (back < LENGTH_MS && within(fn, samples, earlierMs - LENGTH_MS, earlierMs).length > 1) expect(got).to.not.equal(undefined);
              }
            },
          });
        }),
        { numRuns: NUM_RUNS / 2 },
      );
    });
  }
});
