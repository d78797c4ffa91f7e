// A rule over stored history: what monitors saw is made of samples again, and the episodes that come of it are set beside those on record.
import { expect } from 'chai';
import fc from 'fast-check';
import { backtest, Past, readyFor } from '../../config/backtest.ts';
import { truthsOf } from '../../config/history.ts';
import type { Fields } from '../../actors/event.ts';
import { programOf } from '../../actors/rules/program.ts';
import { Simulation } from '../../actors/rules/simulation.ts';
import { numbersIn } from '../../actors/store/recorder.ts';
import type { Backtest, RecordedEpisode } from '../../proto/reports.ts';

const FROM_MS = Date.parse('2026-03-01T00:00:00Z');
const iso = (ms: number): string => new Date(ms).toISOString();
const configOf = (rule: object): string =>
  JSON.stringify({
    monitors: {
      single: [
        ...['m', 'iot_1', 'iot_2'].map((name) => ({ name, type: 'http', config: { url: 'http://127.0.0.1:1/' } })),
        { name: 'p', type: 'push', config: { service: 'plant*', name: 'heat', tags: { room: 'a*' } } },
      ],
    },
    actions: { single: [{ name: 'say', type: 'log', config: {} }] },
    rules: [{ name: 'r', actions: ['say'], ...rule }],
  });
function ready(rule: object, span = { fromMs: FROM_MS, toMs: FROM_MS + 600_000 }) {
  const found = readyFor('r', [{ file: 'argos.jsonc', text: configOf(rule) }], undefined, undefined, span, {});
  if (!found || 'faults' in found) throw new Error(JSON.stringify(found));
  return found;
}
const sample = (monitor: string, name: string, value: number, atMs: number) => ({ timestamp: iso(atMs), service: `monitor:${monitor}`, name, value, tags: {} });
type Look = { readonly monitor: string; readonly atMs: number; readonly brought: Fields };

/** As the recorder stores it and an export has it: series by series. */
function pastOf(looks: readonly Look[], of: ReturnType<typeof ready>): Past {
  const past = new Past();
  const samples = looks.flatMap(({ monitor, atMs, brought }) =>
    Object.entries(brought).flatMap(([key, value]) =>
      [...numbersIn(key, value)].map(([name, number]) => ({ monitor, ...sample(monitor, name, number, atMs) })),
    ),
  );
  for (const query of of.queries)
    for (const one of samples.filter(({ monitor }) => monitor === query.monitor).toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)))
      past.add(query, one);
  return past;
}
const besides = ({ episodes, lost }: Backtest): readonly string[] => [...episodes.map(({ beside }) => beside), ...lost.map(() => 'lost')];

const LOOKS = fc.array(
  fc.record({
    monitor: fc.constantFrom('m', 'm', 'iot_1'),
    gapMs: fc.integer({ min: 1, max: 20_000 }),
    brought: fc.record(
      { v: fc.integer({ min: 0, max: 10 }), up: fc.boolean(), body: fc.record({ open: fc.boolean(), level: fc.integer() }) },
      { requiredKeys: [] },
    ),
  }),
  { maxLength: 25 },
);
const timed = (looks: readonly { readonly monitor: string; readonly gapMs: number; readonly brought: Fields }[]): readonly Look[] => {
  let atMs = FROM_MS;
  return looks.flatMap(({ monitor, gapMs, brought }) => {
    atMs += gapMs;
    return Object.keys(brought).length > 0 ? [{ monitor, atMs, brought }] : [];
  });
};
const RULE = { condition: 'm.v > 3 and m.body.open == false', depends_on: ['iot_1'], for: 10, cooldown: 60 };

describe('stored history', () => {
  it('makes of samples the looks that they come from: numbers in their places, truth values where a condition means them', () => {
    fc.assert(
      fc.property(LOOKS, (given) => {
        const looks = timed(given);
        const of = ready({ ...RULE, condition: `${RULE.condition} and (m.body.level != 1 or m.up == true)` });
        const states = new Map<string, Fields>();
        const meant = looks.flatMap(({ monitor, atMs, brought }) => {
          const seen = monitor === 'm' ? brought : 'up' in brought ? { up: brought.up } : {};
          if (Object.keys(seen).length === 0) return [];
          const { body, ...rest } = { ...states.get(monitor), ...seen } as { body?: Fields };
          const there = (states.get(monitor)?.body ?? {}) as Fields;
          const fields = { ...rest, ...(body ? { body: { ...there, ...body } } : {}) };
          states.set(monitor, fields);
          return [{ monitor, atMs, fields, seen: Object.keys(seen).toSorted() }];
        });
        const truths = truthsOf(of.rules.map(({ config }) => programOf(config, [])));
        const got = [...pastOf(looks, of).events(truths)].flatMap(({ monitor, observations }) =>
          observations.map(({ atMs, fields, seen = [] }) => ({ monitor, atMs, fields, seen: [...seen].toSorted() })),
        );
        expect(got).to.deep.equal(meant);
      }),
      { numRuns: 100 },
    );
  });

  it('has of a push monitor the samples of its selection, as they were sent', () => {
    const of = ready({ condition: 'p.value > 5' });
    expect(of.queries.map(({ query: { service, name } }) => [service, name])).to.deep.equal([['plant*', 'heat']]);
    const past = new Past();
    const [query] = of.queries;
    for (const [room, value] of [
      ['a1', 7],
      ['b1', 9],
      ['a2', 3],
    ] as const)
      if (query) past.add(query, { timestamp: iso(FROM_MS + value), service: 'plant_1', name: 'heat', value, tags: { room } });
    expect([...past.events(() => false)].map(({ observations: [one] }) => one?.fields)).to.deep.equal(
      [
        ['a2', 3],
        ['a1', 7],
      ].map(([room, value]) => ({ service: 'plant_1', name: 'heat', value, tags: { room }, timestamp: FROM_MS + Number(value), up: true })),
    );
  });
});

describe('a backtest', () => {
  it('of a rule over its own history is what was', async () => {
    await fc.assert(
      fc.asyncProperty(LOOKS, async (given) => {
        const looks = timed(given);
        const of = ready(RULE);
        const lived = new Simulation(of.rules, of.sinceMs);
        const states = new Map<string, Fields>();
        for (const { monitor, atMs, brought } of looks) {
          const there = states.get(monitor) ?? {};
          const body = brought.body ? { body: { ...(there.body as Fields | undefined), ...(brought.body as Fields) } } : {};
          const fields = { ...there, ...brought, ...body };
          states.set(monitor, fields);
          lived.event({ monitor, observations: [{ atMs, fields, seen: Object.keys(brought) }] });
        }
        lived.advance(of.toMs);
        const recorded = new Map<string, RecordedEpisode>();
        for (const { id, startedMs, endedMs, ...rest } of lived.decided.flatMap(({ episodes }) => episodes))
          recorded.set(id, { ...rest, started: iso(startedMs), ended: endedMs === null ? null : iso(endedMs) });
        const found = await backtest(of, pastOf(looks, of), [...recorded.values()]);
        expect(besides(found)).to.deep.equal([...recorded].map(() => 'same'));
        const tellings = lived.decided.filter(({ decision: { effect } }) => effect === 'fire').length;
        expect(found.episodes.filter(({ told }) => told).length).to.equal(tellings);
      }),
      { numRuns: 100 },
    );
  });

  it('sets what would have been beside what was: shifted, new and lost, each episode once', async () => {
    const of = ready({ condition: 'm.v > 5', cooldown: 30 });
    const looks = [
      [10, 9],
      [20, 1],
      [100, 9],
      [110, 1],
      [200, 9],
      [220, 1],
      [225, 9],
    ].map(([seconds = 0, v]) => ({ monitor: 'm', atMs: FROM_MS + seconds * 1_000, brought: { v } }));
    const recorded = [
      [10, 20],
      [50, 60],
      [95, 111],
      [198, 205],
    ].map(([from = 0, to = 0]) => ({
      started: iso(FROM_MS + from * 1_000),
      ended: iso(FROM_MS + to * 1_000),
      instance: '',
      severity: 'warning',
      details: '',
    }));
    const found = await backtest(of, pastOf(looks, of), recorded);
    expect(besides(found)).to.deep.equal(['same', 'shifted', 'shifted', 'new', 'lost']);
    expect(found.episodes.map(({ told, held }) => (told ? 'told' : held))).to.deep.equal(['told', 'told', 'told', 'told']);
    expect(found.episodes.at(-1)).to.include({ ended: null, started: iso(FROM_MS + 225_000) });
    expect(found.lost[0]?.started).to.equal(iso(FROM_MS + 50_000));
    expect(found.episodes[1]?.was).to.deep.equal({ started: recorded[2]?.started, ended: recorded[2]?.ended });
    const held = await backtest(ready({ condition: 'm.v > 5', cooldown: 3_000 }), pastOf(looks, of), []);
    expect(held.episodes.map(({ held: why }) => why)).to.deep.equal([null, 'cooldown', 'cooldown', 'cooldown']);
  });

  it('reads as much before its time as windows and timers need, and leaves out what was over by then', async () => {
    const of = ready({ condition: 'max(m.v, 2m) > 5', for: 30, cooldown: 60 });
    expect(of.sinceMs).to.equal(FROM_MS - (120 + 30 + 60) * 1_000);
    const before = { monitor: 'm', atMs: FROM_MS - 100_000, brought: { v: 9 } };
    const { episodes } = await backtest(of, pastOf([before], of), []);
    expect(
      episodes.map(({ started }) => started),
      'it runs when the time begins',
    ).to.deep.equal([iso(FROM_MS - 70_000)]);
    const over = { monitor: 'm', atMs: FROM_MS - 205_000, brought: { v: 9 } };
    const ended = { ...over, atMs: FROM_MS - 10_000, brought: { v: 0 } };
    expect((await backtest(of, pastOf([over, ended], of), [])).episodes).to.deep.equal([]);
  });

  it('says what it does not know', async () => {
    const text = ready({ condition: 'm.body.state == "ill" or m.v > 5' });
    const look = { monitor: 'm', atMs: FROM_MS, brought: { v: 1, body: { state: 'ill' } } };
    expect((await backtest(text, pastOf([look], text), [])).limits).to.deep.equal([
      'there is no history of m.body.state: only numbers and truth values are kept, and what reads them was unknown',
    ]);
    expect((await backtest(text, new Past(), [])).limits).to.deep.equal(['there are no samples of what the rule reads in that time']);
    const each = ready({ for_each: 'iot_*', condition: 'monitor.v > 1 and monitor.w > 1' });
    expect((await backtest(each, pastOf([{ monitor: 'iot_2', atMs: FROM_MS, brought: { v: 1 } }], each), [])).limits.join()).to.match(
      /no history of monitor\.w:/,
    );
  });
});
