// Down-sampled rows as the source of an aggregation: they say what the samples say.
import { expect } from 'chai';
import fc from 'fast-check';
import { aggregated, type GroupColumns } from '../../../actors/store/aggregate.ts';
import type { Engine } from '../../../actors/store/engine.ts';
import type { Program, Rows } from '../../../actors/store/program.ts';
import type { AggregateQuery, Fn } from '../../../actors/store/query.ts';
import { rawSource } from '../../../actors/store/raw.ts';
import { rolledSource } from '../../../actors/store/rolled.ts';
import { HOUR_MS, hourOf, MINUTE_MS } from '../../../actors/store/rollup.ts';
import { Selection } from '../../../actors/store/selection.ts';
import { engine } from '../../../actors/store/sqlite/engine.ts';
import { BEGIN_MS, House, type Sample } from '../../support/housekeeping.ts';

const NUM_RUNS = process.env.ARGOS_LONG ? 300 : 60;
const FNS: readonly Fn[] = ['avg', 'sum', 'min', 'max', 'count', 'rate', 'first', 'last', 'p50', 'p99'];
const HOURS = 6;
const KEEP = { rawMs: 40 * MINUTE_MS, minutesMs: 3 * HOUR_MS, hoursMs: 1_000 * HOUR_MS, logsMs: 1, tracesMs: 1 };
const POLICY = { telemetry: KEEP, services: {}, episodesMs: 1, jobsMs: 1, auditMs: 1, versionsMs: 1, versionsAtLeast: 1 };
const samplesAlone: Engine = { ...engine, source: rawSource() };

/** Samples come in batches, late ones too, while housekeeping does some of its steps. Eighths: their sums are exact in any order. */
interface Batch {
  readonly samples: readonly Sample[];
  readonly passMs: number;
  readonly steps: number;
}
const ageMs = fc.oneof(
  fc.integer({ min: 0, max: MINUTE_MS }),
  fc.integer({ min: 0, max: 12 }).map((n) => n * 15_000),
  fc.integer({ min: 0, max: 3 * HOUR_MS }),
);
const sample = fc.record({ series: fc.integer({ min: 1, max: 3 }), ts: ageMs, value: fc.integer({ min: -80, max: 800 }).map((n) => n / 8) });
const batches: fc.Arbitrary<readonly Batch[]> = fc.array(
  fc.record({
    samples: fc.array(sample, { maxLength: 25, size: 'max' }),
    passMs: fc.oneof(fc.integer({ min: 0, max: 2 * MINUTE_MS }), fc.integer({ min: 0, max: 45 * MINUTE_MS })),
    steps: fc.oneof(fc.integer({ min: 0, max: 12 }), fc.constant(1_000)),
  }),
  { minLength: 4, maxLength: 16, size: 'max' },
);
const instant = fc.integer({ min: -3, max: HOURS }).chain((hour) =>
  fc
    .oneof(
      fc.constant(0),
      fc.integer({ min: 0, max: 59 }).map((n) => n * MINUTE_MS),
      fc.integer({ min: 0, max: HOUR_MS }),
    )
    .map((ms) => BEGIN_MS + hour * HOUR_MS + ms),
);
const sizes = fc.record({ slice: fc.integer({ min: 1, max: 9 }), scan: fc.integer({ min: 1, max: 9 }), stale: fc.integer({ min: 1, max: 3 }) });
const query: fc.Arbitrary<AggregateQuery> = fc
  .record({
    fn: fc.constantFrom(...FNS),
    stepMs: fc.constantFrom(undefined, undefined, 1_000, MINUTE_MS, 90_000, HOUR_MS, 2 * HOUR_MS, 24 * HOUR_MS),
    range: fc.option(fc.tuple(instant, instant)),
    by: fc.constantFrom(undefined, ['service'], ['name']),
  })
  .map(({ fn, stepMs, range, by }) => ({
    fn,
    ...(stepMs && { stepMs }),
    ...(by && { by }),
    ...(range && { fromMs: Math.min(...range), toMs: Math.max(...range) }),
  }));

function live(house: House, events: readonly Batch[]): Sample[] {
  const came: Sample[] = [];
  for (const { samples, passMs, steps } of events) {
    const batch = samples.map((one) => ({ ...one, ts: house.nowMs - one.ts }));
    came.push(...batch);
    house.append(batch);
    house.nowMs += passMs;
    if (steps > 0) house.keep(steps);
  }
  return came;
}
function settle(house: House): void {
  for (let i = 0; i < 3; i++) {
    house.nowMs += HOUR_MS;
    house.keep();
  }
}

interface Asked {
  readonly groups: readonly GroupColumns[];
  /** Rows that were read. */
  readonly rows: number;
}
function ask(house: House, asked: AggregateQuery, by: Engine = engine): Asked {
  const selection = new Selection();
  function* whole(): Program<readonly GroupColumns[]> {
    yield* selection.refresh();
    return yield* aggregated(asked, by, selection);
  }
  const program = whole();
  let read = 0;
  for (let rows: Rows = []; ; read += rows.length) {
    const { done, value } = program.next(rows);
    if (done) return { groups: value, rows: read };
    rows = value
      ? (house.db
          .prepare(value.sql)
          .raw()
          .all(...value.params) as Rows)
      : [];
  }
}
const house = (limits = {}): House => {
  const made = new House(limits);
  made.series('a', 'a', 'b');
  return made;
};

describe('rolledSource', () => {
  it('says what the samples say, at any moment of housekeeping, of any range and step', () => {
    fc.assert(
      fc.property(batches, fc.array(query, { minLength: 1, maxLength: 12 }), sizes, (events, queries, pieces) => {
        const kept = house();
        live(kept, events);
        const inPieces = { ...engine, source: rolledSource(rawSource(), pieces) };
        for (const one of queries) expect(ask(kept, one, inPieces).groups, JSON.stringify(one)).to.deep.equal(ask(kept, one, samplesAlone).groups);
        kept.db.close();
      }),
      { numRuns: NUM_RUNS },
    );
  });

  it('says what the samples said that are gone, by the hour, and by the minute while minutes are kept', () => {
    fc.assert(
      fc.property(batches, fc.constantFrom<Fn>('avg', 'sum', 'min', 'max', 'count', 'first', 'last', 'p50'), (events, fn) => {
        const [swept, whole] = [house({ retention: POLICY }), house()];
        for (const one of [swept, whole]) {
          live(one, events);
          settle(one);
        }
        const minutes = hourOf(swept.nowMs - KEEP.minutesMs);
        const queries: readonly AggregateQuery[] = [
          { fn },
          { fn, stepMs: HOUR_MS, by: ['name'] },
          { fn, stepMs: MINUTE_MS, fromMs: minutes },
          { fn, fromMs: BEGIN_MS - 2 * HOUR_MS, toMs: BEGIN_MS + 2 * HOUR_MS - 1, by: ['service'] },
        ];
        for (const one of queries) expect(ask(swept, one).groups, JSON.stringify(one)).to.deep.equal(ask(whole, one, samplesAlone).groups);
        expect(swept.samples().filter(({ ts }) => ts < swept.nowMs - KEEP.rawMs - MINUTE_MS)).to.deep.equal([]);
        for (const one of [swept, whole]) one.db.close();
      }),
      { numRuns: NUM_RUNS },
    );
  });

  it('counts the growth of a counter over samples that are gone', () => {
    const swept = house({ retention: POLICY });
    const samples = Array.from({ length: 600 }, (_, i) => ({ series: 1, ts: BEGIN_MS + i * MINUTE_MS, value: i % 250 }));
    for (const one of samples) {
      swept.nowMs = one.ts;
      swept.append([one]);
    }
    settle(swept);
    const increase = samples.slice(1).reduce((sum, { value }, i) => sum + (value >= (samples[i]?.value ?? 0) ? value - (samples[i]?.value ?? 0) : value), 0);
    const [group] = ask(swept, { fn: 'rate', fromMs: BEGIN_MS, toMs: BEGIN_MS + 10 * HOUR_MS - 1 }).groups;
    expect(group?.value[0]).to.be.closeTo(increase / 36_000, 1e-9);
    expect(swept.samples()).to.deep.equal([]);
  });

  it('counts a minute whose samples are gone where its first sample was', () => {
    const swept = house({ retention: POLICY });
    swept.append([10, 50].map((second) => ({ series: 1, ts: BEGIN_MS + second * 1_000, value: second })));
    swept.nowMs += 10 * MINUTE_MS;
    settle(swept);
    expect(swept.samples()).to.deep.equal([]);
    const countOf = (from: number, to: number): unknown =>
      ask(swept, { fn: 'count', fromMs: BEGIN_MS + from * 1_000, toMs: BEGIN_MS + to * 1_000 }).groups[0]?.value[0] ?? 0;
    expect([countOf(0, 60), countOf(5, 20), countOf(15, 60), countOf(0, 5)]).to.deep.equal([2, 2, 0, 0]);
  });

  it('counts an hour whose samples are gone where its first sample was', () => {
    const swept = house({ retention: POLICY });
    swept.append([10, 50, 130].map((minute) => ({ series: 1, ts: BEGIN_MS + minute * MINUTE_MS + 30_000, value: minute })));
    swept.nowMs += 10 * HOUR_MS;
    settle(swept);
    const countOf = (from: number, to: number): unknown =>
      ask(swept, { fn: 'count', fromMs: BEGIN_MS + from * MINUTE_MS, toMs: BEGIN_MS + to * MINUTE_MS }).groups[0]?.value[0] ?? 0;
    expect([countOf(0, 180), countOf(5, 180), countOf(15, 180), countOf(0, 20), countOf(0, 5)]).to.deep.equal([3, 3, 1, 2, 0]);
    const [group] = ask(swept, { fn: 'count', stepMs: MINUTE_MS }).groups;
    expect([...(group?.ts ?? [])].map((ts) => (ts - BEGIN_MS) / MINUTE_MS)).to.deep.equal([10, 130]);
  });

  it('reads rows instead of samples, but for the ends of the range and what has changed since', () => {
    const kept = house();
    const samples = Array.from({ length: 4 * 3_600 }, (_, i) => ({ series: 1, ts: BEGIN_MS + i * 1_000, value: i }));
    kept.append(samples);
    kept.nowMs += 4 * HOUR_MS;
    settle(kept);
    const range = { fromMs: BEGIN_MS + 90_500, toMs: BEGIN_MS + 4 * HOUR_MS - 10_500 };
    const readFor = (fn: Fn): number => ask(kept, { fn, ...range }).rows;
    const few = readFor('p95'); // about 30 + 58 + 2 + 59 + 50
    expect(few).to.be.below(300);
    kept.append([{ series: 1, ts: BEGIN_MS + 2 * HOUR_MS + 5_000, value: 7 }]);
    expect(ask(kept, { fn: 'count', ...range }).groups[0]?.value[0]).to.equal(4 * 3_600 - 90 - 11 + 1);
    expect(readFor('p95')).to.be.within(few + 60, few + 200);
  });
});
