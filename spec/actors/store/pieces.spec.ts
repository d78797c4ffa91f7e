// Of which rows and samples an aggregation is made: every instant of its range has its sample once.
import { expect } from 'chai';
import fc from 'fast-check';
import { bucketOf, type Wanted } from '../../../actors/store/query/engine.ts';
import { doubtOf, type Known, type Piece, piecesOf, type Time } from '../../../actors/store/query/pieces.ts';
import type { Fn } from '../../../actors/store/query/query.ts';
import { HOUR_MS, hourOf, MINUTE_MS, minuteOf } from '../../../actors/store/query/rollup.ts';

const NUM_RUNS = process.env.ARGOS_LONG ? 20_000 : 1_000;
const NOTHING = Number.NEGATIVE_INFINITY;
const HOURS = 6;

const instant = fc.oneof(
  fc.integer({ min: 0, max: HOURS * HOUR_MS }),
  fc.integer({ min: 0, max: HOURS * 60 }).map((n) => n * MINUTE_MS),
  fc.integer({ min: 0, max: HOURS }).map((n) => n * HOUR_MS),
);
const wanted = fc
  .record({ fn: fc.constantFrom<Fn>('avg', 'last', 'p50'), a: instant, b: instant, stepMs: fc.constantFrom(0, 1_000, MINUTE_MS, 90_000, HOUR_MS, 2 * HOUR_MS) })
  .map(({ fn, a, b, stepMs }): Wanted => {
    const [fromMs, toMs] = [Math.min(a, b), Math.max(a, b)];
    return stepMs === 0
      ? { fn, fromMs, toMs, baseMs: fromMs, stepMs: toMs - fromMs + 1 }
      : { fn, fromMs, toMs, baseMs: Math.floor(fromMs / stepMs) * stepMs, stepMs };
  });
const known = fc
  .record({
    rolled: fc.option(instant),
    raw: fc.option(instant),
    minutes: fc.option(instant),
    stale: fc.uniqueArray(
      fc.integer({ min: 0, max: HOURS * 60 }).map((n) => n * MINUTE_MS),
      { maxLength: 30 },
    ),
  })
  .map(({ rolled, raw, minutes, stale }): Known => {
    const isRolled = minuteOf(rolled ?? NOTHING);
    const gone = Math.min(isRolled, minuteOf(raw ?? NOTHING)); // nothing goes that is not rolled up, and minutes after the samples
    return { rolled: isRolled, raw: gone, minutes: Math.min(hourOf(gone), hourOf(minutes ?? NOTHING)), stale: runsOf(stale) };
  });
/** Minutes that follow on each other are one. */
function runsOf(minutes: readonly number[]): readonly Time[] {
  const runs: { from: number; to: number }[] = [];
  for (const from of minutes.toSorted((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last?.to === from) last.to += MINUTE_MS;
    else runs.push({ from, to: from + MINUTE_MS });
  }
  return runs;
}
const rowOf = (ts: number, step: number): number => Math.floor(ts / step) * step;
const has = ({ step, from, to }: Piece, ts: number): boolean => {
  const at = step === undefined ? ts : rowOf(ts, step);
  return at >= from && at < to;
};

describe('The pieces of an aggregation', () => {
  it('have every instant of the range once, and are in the order of time', () => {
    fc.assert(
      fc.property(wanted, known, fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 20 }), (asked, one, shares) => {
        const { fromMs, toMs } = asked;
        const pieces = piecesOf(asked, one);
        const ends = pieces.flatMap(({ from, to }) => [from - 1, from, to - 1, to]);
        const times = [...ends, ...shares.map((share) => Math.round(fromMs + share * (toMs - fromMs))), fromMs, toMs].filter(
          (ts) => ts >= fromMs && ts <= toMs,
        );
        for (const ts of times) expect(pieces.filter((piece) => has(piece, ts)).length, `${ts}`).to.equal(1);
        for (const [i, { from, to }] of pieces.entries()) {
          expect(from).to.be.below(to);
          if (i > 0) expect(from).to.be.at.least(pieces[i - 1]?.to ?? NOTHING);
        }
      }),
      { numRuns: NUM_RUNS },
    );
  });

  it('are samples only where there are some, minutes only where there are some, and rows beside samples only where they are whole, up to date and of one bucket', () => {
    fc.assert(
      fc.property(wanted, known, (asked, one) => {
        const doubt = doubtOf(asked, one);
        for (const { step, from, to } of piecesOf(asked, one)) {
          if (step === undefined) {
            expect(from).to.be.at.least(one.raw);
            continue;
          }
          if (step === MINUTE_MS) expect(rowOf(from + step - 1, step)).to.be.at.least(one.minutes);
          for (let ts = Math.ceil(Math.max(from, one.raw) / step) * step; ts < to; ts += step) {
            expect(ts).to.be.at.least(doubt?.from ?? Number.NaN);
            expect(ts + step).to.be.at.most(Math.min(doubt?.to ?? Number.NaN, one.rolled, asked.toMs + 1));
            expect(bucketOf(asked, ts)).to.equal(bucketOf(asked, ts + step - 1));
            expect(one.stale.some((wrong) => wrong.from < ts + step && wrong.to > ts)).to.equal(false);
          }
        }
      }),
      { numRuns: NUM_RUNS },
    );
  });

  it('are few: whole hours, the minutes at their ends, and samples at the ends of those', () => {
    const asked: Wanted = { fn: 'avg', fromMs: 90_500, toMs: 5 * HOUR_MS - 10_500, baseMs: 0, stepMs: 100 * HOUR_MS };
    const all = { rolled: 9 * HOUR_MS, raw: NOTHING, minutes: NOTHING, stale: [{ from: 2 * HOUR_MS, to: 2 * HOUR_MS + 2 * MINUTE_MS }] };
    const shown = piecesOf(asked, all).map(({ step, from, to }) => [
      step === undefined ? 'samples' : step === HOUR_MS ? 'hours' : 'minutes',
      from / 1_000,
      to / 1_000,
    ]);
    expect(shown).to.deep.equal([
      ['samples', 90.5, 120],
      ['minutes', 120, 3_600],
      ['hours', 3_600, 7_200],
      ['samples', 7_200, 7_320],
      ['minutes', 7_320, 10_800],
      ['hours', 10_800, 14_400],
      ['minutes', 14_400, 17_940],
      ['samples', 17_940, 17_989.501],
    ]);
  });
});
