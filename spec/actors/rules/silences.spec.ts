// Silences and maintenance windows: whom they hold back, and when, against the clocks on the walls read minute by minute.
import { expect } from 'chai';
import fc from 'fast-check';
import type { Subject } from '../../../actors/rules/alert/matchers.ts';
import { changeAfter, covers, DAYS, minutesOf, offsetOf, type Recurring } from '../../../actors/rules/alert/recurring.ts';
import { holdOf, nextMs, parseSilence, type Silence, silencedBy } from '../../../actors/rules/alert/silences.ts';
import { CHANGES, MINUTE_MS, onWall, SCAN_MINUTES, scan, scanStart } from '../../support/wall-clock.ts';

const ALERT: Subject = { rule: 'too_hot', instance: 'iot_3', severity: 'warning', monitors: ['boiler', 'pump'], labels: { site: 'north' } };

/** @throws with the faults when there are some. */
function silenceOf(json: object): Silence {
  const { faults, ...rest } = parseSilence({ name: 'one', matchers: ['rule =~ .*'], ...json });
  if ('silence' in rest) return rest.silence;
  throw new Error(JSON.stringify(faults));
}
const faultsOf = (json: object): readonly string[] =>
  parseSilence({ name: 'one', matchers: ['rule = a'], ends: '2030-01-01T00:00:00Z', ...json }, '/silences/0').faults.map(
    ({ path, expected }) => `${path}: ${expected}`,
  );

const iso = (atMs: number): string => new Date(atMs).toISOString();
const clock = (minute: number): string => [Math.floor(minute / 60), minute % 60].map((part) => String(part).padStart(2, '0')).join(':');

type Span = Pick<Recurring, 'days' | 'from' | 'to'>;
/** Often at the hours at which clocks are changed. */
const minute = fc.oneof(fc.integer({ min: 0, max: 1_439 }), fc.integer({ min: 0, max: 240 }), fc.constantFrom(0, 60, 120, 150, 180, 1_380));
const span: fc.Arbitrary<Span> = fc
  .record({ days: fc.oneof(fc.constant([...DAYS]), fc.subarray([...DAYS], { minLength: 1 })), from: minute, to: fc.oneof(minute, fc.constant(1_440)) })
  .filter(({ from, to }) => from !== to);
const MORE = process.env.ARGOS_LONG ? 10 : 1;
const LONGEST_MS = 180_000;
const change = fc.constantFrom(...CHANGES);
const start = fc.integer({ min: 0, max: SCAN_MINUTES - 1 });

describe('a window that recurs', () => {
  it('is on exactly when the clock on the wall shows a time in it, whatever is done to the clock', () => {
    fc.assert(
      fc.property(change, span, start, ([zone, at], given, first) => {
        const offset = offsetOf(zone);
        if (!offset) throw new Error(zone);
        const shown = scan(zone, at);
        for (let i = first; i < Math.min(first + 300, SCAN_MINUTES); i++) {
          const read = shown[i];
          if (read) expect(covers({ ...given, offset }, scanStart(at) + i * MINUTE_MS), `${zone} ${JSON.stringify(read)}`).to.equal(onWall(given, read));
        }
      }),
      { numRuns: 150 * MORE },
    );
  }).timeout(LONGEST_MS);

  it('knows to the minute when it begins or ends next', () => {
    fc.assert(
      fc.property(change, span, start, fc.nat(MINUTE_MS - 1), ([zone, at], given, first, laterMs) => {
        const offset = offsetOf(zone);
        if (!offset) throw new Error(zone);
        const on = scan(zone, at).map((read) => onWall(given, read));
        const then = on.findIndex((one, i) => i > first && one !== on[first]);
        const next = changeAfter({ ...given, offset }, scanStart(at) + first * MINUTE_MS + laterMs);
        if (then >= 0) expect(next).to.equal(scanStart(at) + then * MINUTE_MS);
        else if (next !== undefined) expect(next).to.be.at.least(scanStart(at) + SCAN_MINUTES * MINUTE_MS);
        else expect([given.days.length, given.from, given.to]).to.deep.equal([7, 0, 1_440]);
      }),
      { numRuns: 2_000 * MORE },
    );
  }).timeout(LONGEST_MS);

  it('that recurs at all comes again, also when its day is left out of the calendar', () => {
    const offset = offsetOf('Pacific/Apia') ?? ((): number => Number.NaN);
    const friday: Recurring = { days: ['fri'], from: 600, to: 660, offset };
    expect(iso(changeAfter(friday, Date.parse('2011-12-24T00:00Z')) ?? 0)).to.equal('2012-01-05T20:00:00.000Z');
  });

  it('at night is an hour shorter or longer when the clocks change, and what the clock skips does not happen', () => {
    const during = (window: object, from: string): readonly string[] => {
      const silence = silenceOf({ windows: [{ zone: 'Europe/Berlin', ...window }] });
      const edges: string[] = [];
      let atMs: number | undefined = Date.parse(from);
      for (let i = 0; i < 4 && atMs !== undefined; i++) {
        atMs = nextMs([silence], ALERT, atMs);
        if (atMs !== undefined) edges.push(`${iso(atMs).slice(5, 16)} ${silencedBy([silence], ALERT, atMs) ? 'on' : 'off'}`);
      }
      return edges;
    };
    const night = { days: ['sat'], from: '22:00', to: '06:00' };
    expect(during(night, '2026-03-28T00:00Z').slice(0, 2)).to.deep.equal(['03-28T21:00 on', '03-29T04:00 off']);
    expect(during(night, '2026-10-24T00:00Z').slice(0, 2)).to.deep.equal(['10-24T20:00 on', '10-25T05:00 off']);
    expect(during({ days: ['sun'], from: '02:15', to: '02:45' }, '2026-03-28T00:00Z').slice(0, 2)).to.deep.equal(['04-05T00:15 on', '04-05T00:45 off']);
    expect(during({ days: ['sun'], from: '02:15', to: '02:45' }, '2026-10-24T00:00Z')).to.deep.equal([
      '10-25T00:15 on',
      '10-25T00:45 off',
      '10-25T01:15 on',
      '10-25T01:45 off',
    ]);
  });

  it('reads HH:MM up to 24:00, and nothing else', () => {
    expect(['00:00', '09:30', '24:00', '24:01', '9:30', '12:60', '', 'noon', '12:00 '].map(minutesOf)).to.deep.equal([
      0,
      570,
      1_440,
      ...Array(6).fill(undefined),
    ]);
  });
});

describe('silencedBy', () => {
  const written = fc.record({
    windows: fc.array(span, { maxLength: 3 }),
    starts: fc.option(start, { nil: undefined }),
    lasts: fc.integer({ min: 1, max: 3_000 }),
    rule: fc.constantFrom('too_hot', 'too_hot', 'too_cold'),
  });

  it('names the first silence that matches and is on, and nextMs when that changes, as a scan of every minute does', () => {
    fc.assert(
      fc.property(change, fc.array(written, { maxLength: 4 }), start, ([zone, at], given, first) => {
        const startMs = scanStart(at);
        const time = (i: number): string => iso(startMs + i * MINUTE_MS);
        const silences = given.map(({ windows, starts, lasts, rule }, i) =>
          silenceOf({
            name: `s${i}`,
            matchers: [`rule = ${rule}`],
            ...(starts === undefined ? {} : { starts: time(starts) }),
            ends: time((starts ?? 0) + lasts),
            windows: windows.map(({ days, from, to }) => ({ days, from: clock(from), to: clock(to), zone })),
          }),
        );
        const naive = scan(zone, at).map((read, i) => {
          const found = given.findIndex(
            ({ windows, starts, lasts, rule }) =>
              rule === ALERT.rule &&
              (starts ?? 0) + lasts > i &&
              (starts ?? 0) <= i &&
              (windows.length === 0 || windows.some((window) => onWall(window, read))),
          );
          return found < 0 ? undefined : `s${found}`;
        });
        const atMs = startMs + first * MINUTE_MS;
        expect(silencedBy(silences, ALERT, atMs)?.name).to.equal(naive[first]);
        const then = naive.findIndex((one, i) => i > first && one !== naive[first]);
        const next = nextMs(silences, ALERT, atMs) ?? Number.POSITIVE_INFINITY;
        if (then >= 0) expect(next).to.equal(startMs + then * MINUTE_MS);
        else expect(next).to.be.at.least(startMs + SCAN_MINUTES * MINUTE_MS);
      }),
      { numRuns: 1_500 * MORE },
    );
  }).timeout(LONGEST_MS);

  it('is asked again in time, though windows follow on each other without a gap', () => {
    const zone = 'Asia/Kathmandu';
    const halves = [
      { from: '00:00', to: '12:00', zone },
      { from: '12:00', to: '24:00', zone },
    ];
    const atMs = Date.parse('2026-01-01T00:00Z');
    const endMs = atMs + 90 * 86_400_000;
    const silences = [silenceOf({ windows: halves, ends: iso(endMs) })];
    let next = atMs;
    for (let asked = 0; next < endMs; asked++) {
      expect(asked).to.be.below(20);
      const [before, then] = [next, nextMs(silences, ALERT, next) ?? 0];
      expect(then).to.be.above(before);
      expect(silencedBy(silences, ALERT, then - 1)).to.not.equal(undefined);
      next = then;
    }
    expect(next).to.equal(endMs);
  });

  it('knows the end of many windows that overlap', () => {
    const windows = Array.from({ length: 30 }, (_, i) => ({ from: clock(i), to: clock(120 + 10 * i), zone: 'UTC' }));
    const next = nextMs([silenceOf({ windows })], ALERT, Date.parse('2026-01-01T01:00Z'));
    expect(iso(next ?? 0)).to.equal('2026-01-01T06:50:00.000Z');
  });

  it('never changes again when all has ended, or when it is every minute of the week', () => {
    const ended = silenceOf({ starts: '2026-01-01T00:00:00Z', ends: '2026-01-02T00:00:00+01:00' });
    expect(nextMs([ended], ALERT, Date.parse('2026-01-02T00:00:00+01:00'))).to.equal(undefined);
    expect(nextMs([silenceOf({ windows: [{ zone: 'UTC' }] })], ALERT, 0)).to.equal(undefined);
    expect(nextMs([], ALERT, 0)).to.equal(undefined);
  });

  it('says to the alert why, who, and until when', () => {
    const [atMs, ends] = [Date.parse('2026-01-01T00:00Z'), '2026-01-01T06:00:00.000Z'];
    const other = silenceOf({ name: 'other', matchers: ['rule = other'], ends });
    const night = silenceOf({ name: 'night', windows: [{ to: '06:00', zone: 'UTC' }] });
    expect(holdOf([other, silenceOf({ name: 'mine', ends })], ALERT, atMs)).to.deep.equal({ reason: 'silenced', by: 'mine', untilMs: Date.parse(ends) });
    expect(holdOf([night], ALERT, atMs)).to.deep.equal({ reason: 'maintenance', by: 'night', untilMs: Date.parse(ends) });
    expect(holdOf([other], ALERT, atMs)).to.equal(undefined);
  });
});

describe('a silence', () => {
  it('must have an end or windows, an end after its start, matchers, zones that exist, and windows that are not empty', () => {
    expect(faultsOf({})).to.deep.equal([]);
    expect(faultsOf({ ends: undefined })).to.deep.equal(['/silences/0/ends: an end, or `windows`: a silence for ever is a rule to be removed']);
    expect(faultsOf({ starts: '2030-01-01T00:00:00Z' })).to.deep.equal(['/silences/0/ends: a time after `starts`']);
    expect(faultsOf({ matchers: [] })[0]).to.match(/^\/silences\/0\/matchers: a value that must NOT have fewer than 1 items/);
    expect(faultsOf({ starts: '2016-12-31T23:59:60Z' })).to.deep.equal(['/silences/0/starts: a time of the calendar, in ISO 8601']);
    expect(faultsOf({ windows: [{ zone: 'Europe/Berlim', from: '01:00', to: '01:00' }] })).to.deep.equal([
      '/silences/0/windows/0/zone: an IANA time zone such as Europe/Berlin',
      '/silences/0/windows/0/to: another time than `from`; a whole day is 00:00 to 24:00',
    ]);
    expect(faultsOf({ windows: [{ zone: 'UTC', days: ['fry'], from: '24:00' }], until: 1 }).map((fault) => fault.split(':')[0])).to.have.members([
      '/silences/0/windows/0/days/0',
      '/silences/0/windows/0/from',
      '/silences/0/until',
    ]);
    expect(faultsOf({ matchers: ['rule = a', 'sevrity = b', 'rule =~ ('] })).to.have.length(2);
  });
});
