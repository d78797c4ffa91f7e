/** The window of restarts against the list of all of them, which it is not allowed to keep. */
import { expect } from 'chai';
import fc from 'fast-check';
import { addRestart, emptyWindow, type Intensity } from '../../lib/restart.ts';

/** supervisor:add_restart/1, word by word: keep the restarts that are in the period, this one among them, and count them. */
const inPeriod = (restartsMs: readonly number[], { period }: Intensity): number => {
  const now = Math.floor((restartsMs.at(-1) ?? 0) / 1000);
  return restartsMs.filter((ms) => Math.floor(ms / 1000) >= now - period).length;
};

/** Whether each of the restarts, at these times, is one that the supervisor may still make. */
const allowed = (restartsMs: readonly number[], limit: Intensity): boolean[] => {
  const window = emptyWindow();
  return restartsMs.map((ms) => addRestart(window, ms, limit));
};

const limits: fc.Arbitrary<Intensity> = fc.record({ intensity: fc.nat(6), period: fc.integer({ min: 1, max: 4 }) });
/** Times that do not run backwards, from gaps: often none, often about a second, seldom longer than any period. */
const gap = fc.oneof(
  { weight: 4, arbitrary: fc.nat(50) },
  { weight: 3, arbitrary: fc.integer({ min: 900, max: 1_100 }) },
  { weight: 1, arbitrary: fc.nat(9_000) },
);
const times = (maxLength: number): fc.Arbitrary<number[]> =>
  fc.tuple(fc.nat(5_000), fc.array(gap, { maxLength, size: 'max' })).map(([start, gaps]) => {
    let now = start;
    return gaps.map((ms) => (now += ms));
  });

describe('The window of restarts', () => {
  it('allows a restart when no more than intensity lie in the period, in whole seconds with both ends counted', () => {
    const property = fc.property(limits, times(400), (limit, restarts) => {
      const expected = restarts.map((_, i) => inPeriod(restarts.slice(0, i + 1), limit) <= limit.intensity);
      expect(allowed(restarts, limit)).to.deep.equal(expected);
    });
    fc.assert(property);
  });

  it('allows none with intensity 0', () => {
    expect(allowed([0, 60_000], { intensity: 0, period: 5 })).to.deep.equal([false, false]);
  });

  // OTP: time-005 to time-008, the phase within the second decides
  it('counts with period 1 what is 1.75 s apart, begun early in a second, and forgets what is 1.25 s apart, begun late', () => {
    const limit = { intensity: 1, period: 1 };
    expect(allowed([100, 1_850], limit)).to.deep.equal([true, false]);
    expect(allowed([850, 2_100], limit)).to.deep.equal([true, true]);
  });

  it('forgets a burst at once when its period is over, however large it was', () => {
    const burst = Array.from({ length: 1_000 }, () => 500);
    const limit = { intensity: 3, period: 5 };
    expect(allowed(burst, limit).indexOf(false)).to.equal(3);
    expect(allowed([...burst, 5_999], limit).at(-1)).to.equal(false); // the fifth second after it still counts, and the sixth does not
    expect(allowed([...burst, 6_000], limit).at(-1)).to.equal(true);
  });

  it('keeps no more than twice what counts, but for a small remainder', () => {
    const property = fc.property(limits, times(2_000), (limit, restarts) => {
      const window = emptyWindow();
      const history: number[] = [];
      for (const ms of restarts) {
        history.push(ms);
        addRestart(window, ms, limit);
      }
      expect(window.seconds.length).to.be.at.most(2 * inPeriod(history, limit) + 130);
    });
    fc.assert(property, { numRuns: 20 });
  });

  it('is one for each supervisor', () => {
    const [first, second] = [emptyWindow(), emptyWindow()];
    const limit = { intensity: 1, period: 5 };
    expect([addRestart(first, 0, limit), addRestart(second, 0, limit), addRestart(first, 0, limit)]).to.deep.equal([true, true, false]);
  });
});
