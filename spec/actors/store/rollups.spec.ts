// Down-sampling: whatever comes, in whatever order, and wherever the node dies: the rollups are what the samples come to.
import { expect } from 'chai';
import fc from 'fast-check';
import { HOUR_MS, MINUTE_MS, minuteOf, hourOf } from '../../../actors/store/query/rollup.ts';
import { BEGIN_MS, House, naive, plain, type Sample, shown, unordered } from '../../support/housekeeping.ts';

const NUM_RUNS = process.env.ARGOS_LONG ? 1_000 : 40;
const KEEP = { rawMs: 20 * MINUTE_MS, minutesMs: 3 * HOUR_MS, hoursMs: 1_000 * HOUR_MS, logsMs: 1, tracesMs: 1 };
const POLICY = { telemetry: KEEP, services: {}, episodesMs: 1, jobsMs: 1, auditMs: 1, versionsMs: 1, versionsAtLeast: 1 };

/** What happens: samples come, in and out of time; time passes; housekeeping has some steps; the node dies. */
type Event = { readonly samples: readonly Sample[] } | { readonly passMs: number } | { readonly steps: number } | { readonly restart: true };

const value = fc.oneof(fc.integer({ min: -1_000, max: 1_000 }), fc.constantFrom(0, 0.25), fc.integer({ min: 0, max: 3 }));
// Few minutes of few hours, so that much meets in one of them.
const HOURS = 6;
const instant = fc
  .record({ hour: fc.integer({ min: 0, max: HOURS - 1 }), minute: fc.constantFrom(0, 1, 59), ms: fc.constantFrom(0, 1, 30_000, 59_999) })
  .map(({ hour, minute, ms }) => BEGIN_MS + hour * HOUR_MS + minute * MINUTE_MS + ms);
const eventsOf = (values: fc.Arbitrary<number>): fc.Arbitrary<Event[]> => {
  const sample = fc.record({ series: fc.integer({ min: 1, max: 3 }), ts: instant, value: values });
  return fc.array(
    fc.oneof(
      { weight: 5, arbitrary: fc.record({ samples: fc.array(sample, { minLength: 1, maxLength: 12 }) }) },
      { weight: 3, arbitrary: fc.record({ passMs: fc.oneof(fc.integer({ min: 1, max: 3 * MINUTE_MS }), fc.integer({ min: 1, max: 2 * HOUR_MS })) }) },
      { weight: 4, arbitrary: fc.record({ steps: fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 300 })) }) },
      { weight: 1, arbitrary: fc.constant({ restart: true } as const) },
    ),
    { minLength: 5, maxLength: 60, size: 'max' },
  );
};

/** @returns all samples in the order in which they came. */
function live(house: House, events: readonly Event[]): Sample[] {
  const came: Sample[] = [];
  for (const event of events) {
    if ('samples' in event) {
      came.push(...event.samples);
      house.append(event.samples);
    } else if ('passMs' in event) house.nowMs += event.passMs;
    else if ('steps' in event) house.keep(event.steps);
    else house.restart();
  }
  return came;
}
/** Until everything is closed and done. */
function settle(house: House): void {
  house.nowMs = Math.max(house.nowMs, BEGIN_MS + HOURS * HOUR_MS) + 3 * MINUTE_MS;
  for (let i = 0; i < 2; i++) {
    house.keep();
    house.nowMs += HOUR_MS;
  }
  house.nowMs -= HOUR_MS;
}
const everything = (): boolean => true;

describe('down-sampling', () => {
  it('comes to what all samples come to: late ones, many of one instant, resets and all, wherever it is interrupted', () => {
    const huge = fc.oneof(value, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom(1.7e308, -1.7e308, 5e-324)).map((one) => one + 0);
    fc.assert(
      fc.property(eventsOf(huge), (events) => {
        const house = new House();
        house.series('a', 'a', 'b');
        const came = live(house, events);
        settle(house);
        const { minutes, hours } = naive(came);
        expect(shown(house.rollups(MINUTE_MS), plain, everything)).to.deep.equal(shown(minutes, plain, everything));
        expect(shown(house.rollups(HOUR_MS), plain, everything)).to.deep.equal(shown(hours, plain, everything));
        expect(house.samples()).to.have.length(came.length);
        expect([house.count('stale_rollups'), house.count('late_points')]).to.deep.equal([0, 0]);
        house.db.close();
      }),
      { numRuns: NUM_RUNS },
    );
  });

  it('loses nothing and counts nothing twice where retention has taken the samples, also of what comes late then', () => {
    fc.assert(
      fc.property(eventsOf(value.map((one) => one + 0)), (events) => {
        const house = new House({ retention: POLICY });
        house.series('a', 'a', 'b');
        const came = live(house, events);
        settle(house);
        const { minutes, hours } = naive(came);
        expect(shown(house.rollups(HOUR_MS), unordered, everything)).to.deep.equal(shown(hours, unordered, everything));
        // Minutes are there as far as they are kept, and say all.
        const kept = hourOf(house.nowMs - KEEP.minutesMs);
        expect(shown(house.rollups(MINUTE_MS), unordered, everything)).to.deep.equal(shown(minutes, unordered, (_, ts) => ts >= kept));
        const cut = minuteOf(house.nowMs - KEEP.rawMs);
        expect(house.samples().filter(({ ts }) => ts < cut)).to.deep.equal([]);
        expect([house.count('stale_rollups'), house.count('late_points')]).to.deep.equal([0, 0]);
        house.db.close();
      }),
      { numRuns: NUM_RUNS },
    );
  });

  it('keeps its place in a large window over restarts: it begins nothing anew', () => {
    const house = new House();
    const services = Array.from({ length: 50 }, (_, i) => `s${i}`);
    house.series(...services);
    const samples = services.flatMap((_, i) => [0, 90_000, 200_000].map((at) => ({ series: i + 1, ts: BEGIN_MS + at, value: i })));
    house.append(samples);
    house.nowMs += HOUR_MS;
    const straight = new House();
    straight.series(...services);
    straight.append(samples);
    straight.nowMs += HOUR_MS;
    const rolled = minuteOf(house.nowMs - 2 * MINUTE_MS);
    let [whole, parts] = [0, 0];
    for (; straight.keeping.health().rolledMs !== rolled; whole++) straight.keep(1);
    for (; house.keeping.health().rolledMs !== rolled; parts++) {
      if (parts % 7 === 0) house.restart();
      house.keep(1);
    }
    expect(parts).to.be.within(whole, whole * 1.5); // at the most the series that was begun is begun again
    expect(shown(house.rollups(MINUTE_MS), plain, everything)).to.deep.equal(shown(naive(samples).minutes, plain, everything));
    for (const one of [house, straight]) one.db.close();
  });

  it('takes a sample that comes while its minute is made anew, at whatever step', () => {
    for (let at = 1; at < 12; at++) {
      const house = new House();
      house.series('a');
      house.append(Array.from({ length: 1_000 }, (_, i) => ({ series: 1, ts: BEGIN_MS + i, value: i })));
      house.nowMs += 2 * HOUR_MS;
      house.keep();
      house.append([{ series: 1, ts: BEGIN_MS + 5, value: -1 }]); // now the minute has to be made anew, in several pieces
      house.nowMs += 2 * MINUTE_MS;
      house.keep(at);
      house.append([{ series: 1, ts: BEGIN_MS, value: 10_000 }]);
      for (let i = 0; i < 2; i++) {
        house.keep();
        house.nowMs += 2 * MINUTE_MS;
      }
      for (const step of [MINUTE_MS, HOUR_MS]) expect(house.rollups(step).get(`1/${BEGIN_MS}`), `${at}`).to.include({ count: 1_002, min: -1, max: 10_000 });
      house.db.close();
    }
  });

  it('takes samples that come when their like are about to be removed, at whatever step', () => {
    const steps = Array.from({ length: 16 }, (_, i) => i + 1).flatMap((first) => [1, 2, 3, 4].map((second) => [first, second] as const));
    for (const [first, second] of steps) {
      const house = new House({ retention: POLICY });
      house.series('a', 'b');
      house.append([0, 1, 2, 600].map((i) => ({ series: 1, ts: BEGIN_MS + i, value: i })));
      house.nowMs += 10 * MINUTE_MS;
      house.keep();
      house.append([{ series: 2, ts: BEGIN_MS, value: 1 }]); // of which to make a minute anew while the others come
      house.nowMs += HOUR_MS;
      for (const [at, value] of [
        [first, 5],
        [second, 7],
      ] as const) {
        house.keep(at);
        house.append([{ series: 1, ts: BEGIN_MS + value, value }]);
      }
      for (let i = 0; i < 3; i++) {
        house.keep();
        house.nowMs += 2 * MINUTE_MS;
      }
      for (const step of [MINUTE_MS, HOUR_MS]) expect(house.rollups(step).get(`1/${BEGIN_MS}`), `${first}, ${second}`).to.include({ count: 6, sum: 615 });
      expect(house.samples()).to.deep.equal([]);
      house.db.close();
    }
  });

  it('goes on where it was when a step fails, and says meanwhile what is wrong', () => {
    const house = new House({}, 20);
    const services = Array.from({ length: 40 }, (_, i) => `s${i}`);
    house.series(...services);
    const samples = Array.from({ length: 4_000 }, (_, i) => ({ series: 1 + (i % services.length), ts: BEGIN_MS + i * 20_000, value: i % 71 }));
    house.append(samples);
    house.nowMs += 26 * HOUR_MS;
    const pages = Number(house.db.pragma('page_count', { simple: true }));
    house.db.pragma(`max_page_count = ${pages + 8}`); // as on a full disk
    house.keep();
    expect(house.keeping.health().stalled).to.match(/full/);
    house.append([{ series: 1, ts: BEGIN_MS + 1, value: 5 }]); // requests go on
    house.db.pragma('max_page_count = 1000000');
    house.keep();
    expect(house.keeping.health().stalled).to.match(/full/); // it is not tried again at once
    for (let i = 0; i < 2; i++) {
      house.nowMs += HOUR_MS;
      house.keep();
    }
    expect(house.keeping.health().stalled).to.equal(null);
    const { minutes, hours } = naive([...samples, { series: 1, ts: BEGIN_MS + 1, value: 5 }]);
    expect(shown(house.rollups(MINUTE_MS), plain, everything)).to.deep.equal(shown(minutes, plain, everything));
    expect(shown(house.rollups(HOUR_MS), plain, everything)).to.deep.equal(shown(hours, plain, everything));
    house.db.close();
  });
});
