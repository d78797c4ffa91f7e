// What an evaluation found, into the life of the alert: hysteresis, missing data, errors, and every timer.
import { expect } from 'chai';
import fc from 'fast-check';
import { type AlertState, INACTIVE } from '../../../actors/rules/alert/alert-state.ts';
import type { Truth } from '../../../actors/rules/condition/compile.ts';
import { type Found, judge, type Life, type Policy, type Turn } from '../../../actors/rules/alert/verdict.ts';
import { damping, holdOf, isOpen, promised, restored, type Schedule, START_MS, schedule, truth } from '../../support/alerts.ts';

/** An event, or a look at what was there before it; `starts`: the node has just come up. */
interface Look {
  readonly gapMs: number;
  readonly what: 'event' | 'look' | 'start';
  readonly truth: Truth;
  readonly clear: Truth;
  readonly failed: boolean;
}
interface Course {
  readonly looks: readonly Look[];
  readonly life: Life;
  readonly hysteresis: boolean;
  readonly holds: Schedule;
}
interface Moment extends Turn {
  readonly nowMs: number;
  readonly found: Found;
  readonly before: AlertState;
}

const policy = fc.constantFrom<Policy[]>('ok', 'alert', 'keep');
const life: fc.Arbitrary<Life> = fc
  .tuple(damping, fc.option(fc.record({ afterMs: fc.integer({ min: 1, max: 20 }), policy }), { nil: undefined }), policy)
  .map(([damped, noData, onError]) => ({ ...damped, mode: 'alert', noData, onError }));
const look: fc.Arbitrary<Look> = fc.record({
  gapMs: fc.integer({ min: 0, max: 12 }),
  what: fc.constantFrom('event', 'event', 'event', 'look', 'look', 'start'),
  truth,
  clear: truth,
  failed: fc.nat({ max: 5 }).map((n) => n === 0),
});
const course: fc.Arbitrary<Course> = fc.record({ looks: fc.array(look, { maxLength: 40 }), life, hysteresis: fc.boolean(), holds: schedule });

/** What is found at each look: between two events nothing new. */
function findings({ looks, hysteresis }: Course): readonly { readonly nowMs: number; readonly found: Found }[] {
  let nowMs = START_MS;
  let found: Found = { truth: undefined, clear: hysteresis ? undefined : null, failed: false, dataMs: null, watchedMs: START_MS };
  return looks.map(({ gapMs, what, ...seen }) => {
    nowMs += gapMs;
    if (what === 'start') found = { ...found, watchedMs: nowMs };
    if (what === 'event') found = { ...found, truth: seen.truth, clear: hysteresis ? seen.clear : null, failed: seen.failed, dataMs: nowMs };
    return { nowMs, found };
  });
}
function run(given: Course, kept: (state: AlertState) => AlertState = (state) => state): readonly Moment[] {
  let state = INACTIVE;
  return findings(given).map(({ nowMs, found }) => {
    const before = state;
    const turn = judge(state, found, nowMs, given.life, holdOf(given.holds));
    state = kept(turn.state);
    return { ...turn, nowMs, found, before };
  });
}
const walk = (check: (course: Course) => void, numRuns = 500): void =>
  fc.assert(fc.property(course, check), { numRuns: process.env.ARGOS_LONG ? 20 * numRuns : numRuns });
const AS: Readonly<Record<Policy, Truth>> = { ok: false, alert: true, keep: undefined };

describe('judge', () => {
  it('does what is promised, with the truth that clear_when, no_data and on_error make of what was found', () => {
    walk((given) => {
      const { noData, onError } = given.life;
      const promise = promised(given.life, holdOf(given.holds));
      let { open } = promise.next().value;
      for (const { nowMs, found, effect, state, cause, held } of run(given)) {
        const calm = found.clear === null ? found.truth === false : found.clear === true && found.truth !== true;
        const unsure = found.clear === null ? found.truth === undefined : found.clear === undefined && found.truth !== true;
        const seen = open ? (calm ? false : unsure ? undefined : true) : found.truth;
        const holds = cause === 'no_data' ? AS[noData?.policy ?? 'keep'] : cause === 'error' ? AS[onError] : seen;
        const { value } = promise.next({ truth: holds, nowMs, atOnce: cause === 'no_data' });
        expect({ effect, open: isOpen(state), why: (held ?? state.held)?.reason }).to.deep.equal(value);
        open = value.open;
      }
    }, 3_000);
  });

  it('lets no_data decide when nothing has come for so long while somebody watched, and from then on, through restarts, until something comes', () => {
    walk((given) => {
      const afterMs = given.life.noData?.afterMs ?? Number.POSITIVE_INFINITY;
      let blind = false;
      let lostMs: number | null = null;
      for (const { nowMs, found, cause } of run(given)) {
        const quietMs = nowMs - Math.max(found.dataMs ?? 0, found.watchedMs);
        const expected: boolean = quietMs >= afterMs || (blind && (found.dataMs === lostMs || nowMs - (found.dataMs ?? 0) >= afterMs));
        expect(cause === 'no_data').to.equal(expected);
        blind = expected;
        lostMs = found.dataMs;
      }
    }, 1_000);
  });

  it('says that an error decided exactly when the evaluation failed and there was data', () => {
    walk((given) => {
      for (const { found, cause } of run(given)) if (cause !== 'no_data') expect(cause).to.equal(found.failed ? 'error' : 'condition');
    });
  });

  it('does, woken only at the times that it names, what it would if it were asked every millisecond', () => {
    walk((given) => {
      const found = findings(given);
      const endMs = (found.at(-1)?.nowMs ?? START_MS) + 120;
      const done = (wakes: (nowMs: number, wakeMs: number | undefined) => boolean): readonly string[] => {
        const told: string[] = [];
        let state = INACTIVE;
        let now: Found | undefined;
        let wakeMs: number | undefined;
        for (let nowMs = START_MS; nowMs <= endMs; nowMs++) {
          const turn = (facts: Found): void => {
            const { state: after, effect, held, cause, wakeMs: then } = judge(state, facts, nowMs, given.life, holdOf(given.holds));
            if (effect) told.push(`${nowMs - START_MS}: ${effect} ${held?.reason ?? ''} by ${cause}`);
            if (after.phase !== state.phase) told.push(`${nowMs - START_MS}: ${after.phase}`);
            [state, wakeMs] = [after, then];
          };
          if (now && wakes(nowMs, wakeMs)) turn(now);
          for (const one of found.filter((each) => each.nowMs === nowMs)) {
            now = one.found;
            turn(now);
          }
        }
        return told;
      };
      expect(done((nowMs, wakeMs) => nowMs === wakeMs)).to.deep.equal(done(() => true));
    });
  });

  it('goes on after a crash, at any point, as if there had been none', () => {
    walk((given) => {
      const plain = (moments: readonly Moment[]): unknown => JSON.parse(JSON.stringify(moments));
      expect(plain(run(given, restored))).to.deep.equal(plain(run(given)));
    });
  });

  it('has, when the course is over and all is well, told the end of every told firing once, and has on record why any other was not told', () => {
    walk((given) => {
      const moments = run(given);
      const last = moments.at(-1);
      const calm: Found = { truth: false, clear: given.hysteresis ? true : null, failed: false, dataMs: START_MS + 10_000, watchedMs: START_MS };
      const ended = judge(last?.state ?? INACTIVE, calm, START_MS + 10_000, given.life);
      const after = judge(ended.state, { ...calm, dataMs: START_MS + 20_000 }, START_MS + 20_000, given.life);
      const turns = [...moments, ended, after];
      const count = (effect: string): number => turns.filter((one) => one.effect === effect).length;
      expect(after.state.phase).to.equal('inactive');
      expect(count('fire')).to.equal(count('resolve'));
      expect(count('fire') + count('suppress')).to.equal(after.state.episodes);
      for (const { effect, held } of turns) if (effect === 'suppress') expect(held?.reason).to.be.a('string');
    });
  });

  it('answers the same state where nothing has changed, so that nothing is written', () => {
    walk((given) => {
      for (const { before, state } of run(given)) if (JSON.stringify(state) === JSON.stringify(before)) expect(state).to.equal(before);
    });
  });
});
