// Resources that crash-loop: parked, visible, and tried again later and later.
import { expect } from 'chai';
import fc from 'fast-check';
import { Quarantine } from '../../../actors/admin/quarantine.ts';

const NOW_MS = Date.UTC(2026, 0, 1);
const TEN_MINUTES_MS = 600_000;
const WELL_MS = 120_000;

/** Give up, wait as told, be tried, hold for `heldMs`, give up again, and so on: the waits. */
function waits(quarantine: Quarantine, heldMs: readonly number[]): readonly number[] {
  let nowMs = NOW_MS;
  return [0, ...heldMs].map((held, i) => {
    nowMs += held;
    if (i > 0) quarantine.probe('monitor/m');
    const waitMs = quarantine.park('monitor/m', 'crash', nowMs);
    nowMs += waitMs;
    return waitMs;
  });
}

describe('the quarantine', () => {
  it('waits twice as long after each probe that fails, up to ten minutes', () => {
    expect(waits(new Quarantine(), [0, 0, 0, 0, 0, 0, 0])).to.deep.equal([10_000, 20_000, 40_000, 80_000, 160_000, 320_000, 600_000, 600_000]);
  });

  it('never waits less than before within one relapse, and never more than ten minutes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000 }), fc.array(fc.nat(WELL_MS - 1), { maxLength: 40 }), (firstMs, held) => {
        const got = waits(new Quarantine(firstMs), held);
        expect(got).to.deep.equal(got.map((_, i) => Math.min(TEN_MINUTES_MS, firstMs * 2 ** Math.min(i, 20))));
      }),
    );
  });

  it('takes a resource for well that has held for two minutes since its probe: it begins anew', () => {
    expect(waits(new Quarantine(), [0, 0, WELL_MS - 1])).to.deep.equal([10_000, 20_000, 40_000, 80_000]);
    expect(waits(new Quarantine(), [0, 0, WELL_MS, 0])).to.deep.equal([10_000, 20_000, 40_000, 10_000, 20_000]);
  });

  it('shows what is parked: why, since when, how many probes have failed, and when the next one comes', () => {
    const quarantine = new Quarantine();
    quarantine.park('monitor/m', 'no route', NOW_MS);
    quarantine.park('rule/r', 'bug', NOW_MS + 1_000);
    quarantine.probe('monitor/m');
    quarantine.park('monitor/m', 'still no route', NOW_MS + 12_000);
    expect(quarantine.list()).to.have.deep.members([
      { resource: 'monitor/m', reason: 'still no route', since: '2026-01-01T00:00:00.000Z', nextProbe: '2026-01-01T00:00:32.000Z', probes: 1 },
      { resource: 'rule/r', reason: 'bug', since: '2026-01-01T00:00:01.000Z', nextProbe: '2026-01-01T00:00:11.000Z', probes: 0 },
    ]);
  });

  it('does not show what is being tried, nor count it as parked', () => {
    const quarantine = new Quarantine();
    expect(quarantine.has('monitor/m')).to.equal(false);
    quarantine.park('monitor/m', 'crash', NOW_MS);
    expect(quarantine.has('monitor/m')).to.equal(true);
    quarantine.probe('monitor/m');
    expect([quarantine.has('monitor/m'), quarantine.list()]).to.deep.equal([false, []]);
  });

  it('knows nothing of what it never had', () => {
    const quarantine = new Quarantine();
    quarantine.probe('monitor/m');
    quarantine.release('monitor/m');
    expect(quarantine.list()).to.deep.equal([]);
  });

  it('forgets what the operator has replaced or stopped', () => {
    const quarantine = new Quarantine();
    waits(quarantine, [0, 0, 0]);
    quarantine.release('monitor/m');
    expect([quarantine.has('monitor/m'), quarantine.list()]).to.deep.equal([false, []]);
    expect(quarantine.park('monitor/m', 'crash', NOW_MS)).to.equal(10_000);
  });

  it('keeps one resource apart from another', () => {
    const quarantine = new Quarantine();
    waits(quarantine, [0, 0, 0]);
    expect(quarantine.park('monitor/n', 'crash', NOW_MS)).to.equal(10_000);
  });
});
