/** What aggregations answer from down-sampled rows, whatever the engine: what a naive model answers of all samples that came. */
import { expect } from 'chai';
import fc from 'fast-check';
import type { GroupColumns } from '../../actors/store/query/aggregate.ts';
import type { AggregateQuery, Fn, Group } from '../../actors/store/query/query.ts';
import type { Policy } from '../../actors/store/retention.ts';
import { HOUR_MS, hourOf, MINUTE_MS } from '../../actors/store/query/rollup.ts';
import { History } from './history.ts';
import type { AnyHouse, Houses } from './houses.ts';
import { BEGIN_MS, type Sample } from './housekeeping.ts';

const DAY_MS = 24 * HOUR_MS;
const FNS: readonly Fn[] = ['avg', 'sum', 'min', 'max', 'count', 'rate', 'first', 'last', 'p50', 'p99'];
/** Of samples that are gone, the growth between what came late is not known. */
const EXACT: readonly Fn[] = FNS.filter((fn) => fn !== 'rate');
const HOURS = 6;
/** The last one keeps samples longer than the others. */
const SERVICES = ['a', 'a', 'b', 'long'];
const KEEP = { rawMs: 40 * MINUTE_MS, minutesMs: 3 * HOUR_MS, hoursMs: 10_000 * HOUR_MS, logsMs: 1, tracesMs: 1 };
const policy = (services: Policy['services'] = {}): Policy => ({
  telemetry: KEEP,
  services,
  episodesMs: 1,
  jobsMs: 1,
  auditMs: 1,
  versionsMs: 1,
  versionsAtLeast: 1,
});
const SOME = policy({ long: { rawMs: 3 * DAY_MS, minutesMs: 4 * DAY_MS } });
const ALL = policy();

/** Samples come in batches, late ones too, while housekeeping does some of its work. Eighths: their sums are exact in any order. */
interface Batch {
  readonly samples: readonly Sample[];
  readonly passMs: number;
  readonly work: number;
}
const ageMs = (most: number): fc.Arbitrary<number> =>
  fc.oneof(
    fc.integer({ min: 0, max: MINUTE_MS }),
    fc.integer({ min: 0, max: 12 }).map((n) => n * 15_000),
    fc.integer({ min: 0, max: most }),
  );
/** @param late how old samples are at the most. @param pace how much faster time passes. */
const batches = (late = 3 * HOUR_MS, pace = 1): fc.Arbitrary<readonly Batch[]> => {
  const sample = fc.record({
    series: fc.integer({ min: 1, max: SERVICES.length }),
    ts: ageMs(late),
    value: fc.integer({ min: -80, max: 800 }).map((n) => n / 8),
  });
  return fc.array(
    fc.record({
      samples: fc.array(sample, { maxLength: 25, size: 'max' }),
      passMs: fc.oneof(fc.integer({ min: 0, max: 2 * MINUTE_MS }), fc.integer({ min: 0, max: 45 * MINUTE_MS })).map((ms) => ms * pace),
      work: fc.oneof(fc.integer({ min: 0, max: 12 }), fc.constant(1_000)),
    }),
    { minLength: 4, maxLength: 16, size: 'max' },
  );
};
const instant = fc.integer({ min: -3, max: HOURS }).chain((hour) =>
  fc
    .oneof(
      fc.constant(0),
      fc.integer({ min: 0, max: 59 }).map((n) => n * MINUTE_MS),
      fc.integer({ min: 0, max: HOUR_MS }),
    )
    .map((ms) => BEGIN_MS + hour * HOUR_MS + ms),
);
const pieces = fc.record({ slice: fc.integer({ min: 1, max: 9 }), scan: fc.integer({ min: 1, max: 9 }), stale: fc.integer({ min: 1, max: 3 }) });
const by = fc.constantFrom(undefined, ['service'], ['name']);
const query: fc.Arbitrary<AggregateQuery> = fc
  .record({
    fn: fc.constantFrom(...FNS),
    stepMs: fc.constantFrom(undefined, undefined, 1_000, MINUTE_MS, 90_000, HOUR_MS, 2 * HOUR_MS, DAY_MS),
    range: fc.option(fc.tuple(instant, instant)),
    by,
  })
  .map(({ fn, stepMs, range, by }) => ({
    fn,
    ...(stepMs && { stepMs }),
    ...(by && { by }),
    ...(range && { fromMs: Math.min(...range), toMs: Math.max(...range) }),
  }));

const metricOf = ({ series, ts, value }: Sample): Parameters<History['add']>[0][number] => ({
  service: SERVICES[series - 1] ?? '',
  name: `m${series - 1}`,
  tags: {},
  timestamp: ts,
  value,
});
/** Nothing is read one by one, which is not of one moment. */
const ENOUGH = 2_500;
/** One of each series, so that they are in order. */
const FIRST: readonly Sample[] = SERVICES.map((_, i) => ({ series: i + 1, ts: BEGIN_MS, value: i }));

/** @param then happens after each batch. @returns all that came. */
async function live(house: AnyHouse, events: readonly Batch[], then: (came: History, i: number) => Promise<void> = async () => {}): Promise<History> {
  const came = new History();
  const bring = async (samples: readonly Sample[]): Promise<void> => {
    came.add(samples.map(metricOf), []);
    await house.append(samples);
  };
  await bring(FIRST);
  for (const [i, { samples, passMs, work }] of events.entries()) {
    await bring(samples.map((one) => ({ ...one, ts: house.nowMs - one.ts })));
    house.nowMs += passMs;
    await house.keep(work);
    await then(came, i);
  }
  return came;
}
async function settle(house: AnyHouse): Promise<void> {
  for (let i = 0; i < 3; i++) {
    house.nowMs += HOUR_MS;
    await house.keep();
  }
}

/** Quantiles within 1 %, all else exactly, but that the sum of some growths is not that of others to the last digit. */
function expectRight(got: readonly GroupColumns[], wanted: readonly Group[], asked: AggregateQuery): void {
  const tolerance = asked.fn.startsWith('p') ? 0.010_001 : asked.fn === 'rate' ? 1e-12 : 0;
  const said = JSON.stringify(asked);
  expect(
    got.map(({ labels, ts }) => [labels, [...ts]]),
    said,
  ).to.deep.equal(wanted.map(({ labels, points }) => [labels, points.map(([ts]) => ts)]));
  for (const [i, { value }] of got.entries())
    for (const [j, one] of value.entries()) {
      const right = wanted[i]?.points[j]?.[1] ?? Number.NaN;
      expect(Math.abs(one - right), `${one} instead of ${right}: ${said}`).to.be.at.most(Math.abs(right) * tolerance);
    }
}
const countOf = async (house: AnyHouse, fromMs: number, toMs: number): Promise<number> =>
  (await house.ask({ fn: 'count', fromMs, toMs })).groups[0]?.value[0] ?? 0;

/** @param concurrent others may keep house while a query runs. */
export function itAnswersFromRows({ engine, open, others }: Houses, numRuns: number, concurrent: boolean): void {
  it('says what all samples come to, at any moment of housekeeping, of any range and step', async () => {
    await fc.assert(
      fc.asyncProperty(batches(), fc.array(fc.array(query, { maxLength: 6 }), { minLength: 16 }), pieces, async (events, queries, sizes) => {
        const house = await open(SERVICES);
        await live(house, events, async (came, i) => {
          for (const one of queries[i] ?? [])
            for (const by of [engine, ...others(sizes)]) expectRight((await house.ask(one, by)).groups, came.aggregate(one), one);
        });
        house.end();
      }),
      { numRuns },
    );
  });

  const questions = (now: number): readonly Omit<AggregateQuery, 'fn'>[] => [
    {},
    { stepMs: HOUR_MS, by: ['name'] },
    { stepMs: MINUTE_MS, fromMs: hourOf(now - KEEP.minutesMs) },
    { fromMs: BEGIN_MS - 2 * HOUR_MS, toMs: BEGIN_MS + 2 * HOUR_MS - 1, by: ['service'] },
  ];
  for (const [what, retention, pace] of [
    ['series by series', SOME, 1],
    ['all together, over days', ALL, 12],
  ] as const)
    it(`says what the samples said that are gone, and what has come late of them since, once: ${what}`, async () => {
      await fc.assert(
        fc.asyncProperty(batches(3 * HOUR_MS * pace, pace), fc.constantFrom(...EXACT), pieces, async (events, fn, sizes) => {
          const house = await open(SERVICES, retention);
          const came = await live(house, events);
          await settle(house);
          for (const one of questions(house.nowMs))
            for (const by of [engine, ...others(sizes)])
              expectRight((await house.ask({ ...one, fn }, by)).groups, came.aggregate({ ...one, fn }), { ...one, fn });
          const left = (await house.samples()).filter(({ series, ts }) => series !== 4 && ts < house.nowMs - KEEP.rawMs - DAY_MS);
          expect(left).to.deep.equal([]);
          house.end();
        }),
        { numRuns },
      );
    });

  if (concurrent)
    it('says what all samples come to while house is kept between its statements', async () => {
      const hour = fc.integer({ min: -1, max: HOURS }).map((n) => BEGIN_MS + n * HOUR_MS);
      const whole = fc
        .record({ fn: fc.constantFrom(...FNS), stepMs: fc.constantFrom(undefined, HOUR_MS), range: fc.option(fc.tuple(hour, hour)), by })
        .map(({ fn, stepMs, range, by }) => ({
          fn,
          ...(stepMs && { stepMs }),
          ...(by && { by }),
          ...(range && { fromMs: Math.min(...range), toMs: Math.max(...range) - 1 }),
        }));
      const asked = fc.array(fc.tuple(whole, fc.array(fc.integer({ min: 0, max: 5 }))), { maxLength: 4 });
      await fc.assert(
        // Samples are younger than what is gone when they come.
        fc.asyncProperty(batches(KEEP.rawMs - 10 * MINUTE_MS), fc.array(asked, { minLength: 16 }), pieces, async (events, queries, sizes) => {
          const house = await open(SERVICES, SOME);
          await live(house, events, async (came, i) => {
            house.nowMs += 10 * MINUTE_MS;
            for (const [one, works] of queries[i] ?? []) {
              const between = async (): Promise<void> => house.keep(works.shift() ?? 0);
              for (const by of [engine, ...others({ ...sizes, scan: ENOUGH }).slice(0, 1)])
                expectRight((await house.ask(one, by, between)).groups, came.aggregate(one), one);
            }
          });
          house.end();
        }),
        { numRuns },
      );
    });

  it('counts the growth of a counter over samples that are gone', async () => {
    const house = await open(SERVICES, SOME);
    const samples = Array.from({ length: 300 }, (_, i) => ({ series: 1, ts: BEGIN_MS + i * 2 * MINUTE_MS, value: i % 125 }));
    for (const one of samples) {
      house.nowMs = one.ts;
      await house.append([one]);
    }
    await settle(house);
    const increase = samples.slice(1).reduce((sum, { value }, i) => sum + (value >= (samples[i]?.value ?? 0) ? value - (samples[i]?.value ?? 0) : value), 0);
    const [group] = (await house.ask({ fn: 'rate', fromMs: BEGIN_MS, toMs: BEGIN_MS + 10 * HOUR_MS - 1 })).groups;
    expect(group?.value[0]).to.be.closeTo(increase / 36_000, 1e-9);
    expect(await house.samples()).to.deep.equal([]);
    house.end();
  });

  it('counts a minute whose samples are gone where its first sample was', async () => {
    const house = await open(SERVICES, SOME);
    await house.append([10, 50].map((second) => ({ series: 1, ts: BEGIN_MS + second * 1_000, value: second })));
    house.nowMs += 10 * MINUTE_MS;
    await settle(house);
    expect(await house.samples()).to.deep.equal([]);
    const at = (from: number, to: number): Promise<number> => countOf(house, BEGIN_MS + from * 1_000, BEGIN_MS + to * 1_000);
    expect([await at(0, 60), await at(5, 20), await at(15, 60), await at(0, 5)]).to.deep.equal([2, 2, 0, 0]);
    house.end();
  });

  it('counts an hour whose samples are gone where its first sample was', async () => {
    const house = await open(SERVICES, SOME);
    await house.append([10, 50, 130].map((minute) => ({ series: 1, ts: BEGIN_MS + minute * MINUTE_MS + 30_000, value: minute })));
    house.nowMs += 10 * HOUR_MS;
    await settle(house);
    const at = (from: number, to: number): Promise<number> => countOf(house, BEGIN_MS + from * MINUTE_MS, BEGIN_MS + to * MINUTE_MS);
    expect([await at(0, 180), await at(5, 180), await at(15, 180), await at(0, 20), await at(0, 5)]).to.deep.equal([3, 3, 1, 2, 0]);
    const [group] = (await house.ask({ fn: 'count', stepMs: MINUTE_MS })).groups;
    expect([...(group?.ts ?? [])].map((ts) => (ts - BEGIN_MS) / MINUTE_MS)).to.deep.equal([10, 130]);
    house.end();
  });

  it('begins and ends a range that is left open where the samples did that are gone', async () => {
    const house = await open(SERVICES, SOME);
    await house.append([10, 50, 130].map((minute) => ({ series: 1, ts: BEGIN_MS + minute * MINUTE_MS + 30_000, value: minute })));
    house.nowMs += 10 * HOUR_MS;
    await settle(house);
    const [group] = (await house.ask({ fn: 'rate' })).groups;
    expect([group?.ts[0], group?.value[0]]).to.deep.equal([BEGIN_MS + 10 * MINUTE_MS + 30_000, 120 / (120 * 60 + 0.001)]);
    house.end();
  });
}
