// The life of an alert: what it promises over any course of verdicts and time.
import { expect } from 'chai';
import fc from 'fast-check';
import { acknowledge, type AlertState, close, type Damping, type Effect, INACTIVE, type Step, step } from '../../../actors/rules/alert/alert-state.ts';
import type { Truth } from '../../../actors/rules/condition/compile.ts';
import { damping, holdOf, isOpen, promised, restored, START_MS, type Schedule, schedule, truth } from '../../support/alerts.ts';

interface Course {
  readonly verdicts: readonly { readonly truth: Truth /** Since the one before. */; readonly gapMs: number }[];
  readonly damped: Damping;
  readonly holds: Schedule;
}
interface Moment extends Step {
  readonly nowMs: number;
  readonly truth: Truth;
  readonly before: AlertState;
}

const course: fc.Arbitrary<Course> = fc.record({
  verdicts: fc.array(fc.record({ truth, gapMs: fc.integer({ min: 0, max: 8 }) }), { maxLength: 60 }),
  damped: damping,
  holds: schedule,
});

function run({ verdicts, damped, holds }: Course, kept: (state: AlertState) => AlertState = (state) => state): readonly Moment[] {
  let [state, nowMs] = [INACTIVE, START_MS];
  const holdAt = holdOf(holds);
  return verdicts.map(({ truth: holding, gapMs }) => {
    nowMs += gapMs;
    const before = state;
    const done = step(state, holding, nowMs, damped, holdAt);
    state = kept(done.state);
    return { ...done, nowMs, truth: holding, before };
  });
}
/** A rule in which every verdict comes one second after the other. */
const each = (damped: Partial<Damping>, ...truths: readonly Truth[]): readonly Moment[] =>
  run({ verdicts: truths.map((one) => ({ truth: one, gapMs: 1_000 })), damped: { forMs: 0, keepFiringForMs: 0, cooldownMs: 0, ...damped }, holds: [] });
const effects = (moments: readonly Moment[]): readonly (Effect | undefined)[] => moments.map(({ effect }) => effect);
const phases = (moments: readonly Moment[]): readonly string[] => moments.map(({ state }) => state.phase);
const walk = (check: (course: Course) => void, numRuns = 300): void =>
  fc.assert(fc.property(course, check), { numRuns: process.env.ARGOS_LONG ? 20 * numRuns : numRuns });

describe('step', () => {
  it('does what is promised: fires when it has held for long enough, ends when it has been quiet for long enough, and tells it when it may', () => {
    walk((given) => {
      const promise = promised(given.damped, holdOf(given.holds));
      promise.next();
      for (const { truth: holding, nowMs, effect, held, state } of run(given)) {
        const { value } = promise.next({ truth: holding, nowMs });
        expect({ effect, open: isOpen(state), why: (held ?? state.held)?.reason }).to.deep.equal(value);
      }
    }, 3_000);
  });

  it('never has two open episodes, and gives each a number of its own', () => {
    walk((given) => {
      for (const { before, state } of run(given)) {
        const begins = isOpen(state) && !isOpen(before);
        expect(state.episodes).to.equal(before.episodes + (begins ? 1 : 0));
        if (isOpen(before) && isOpen(state)) expect(state.firingMs).to.equal(before.firingMs);
      }
    });
  });

  it('tells the end of every told firing exactly once, before it tells another, and never the end of an untold one', () => {
    walk((given) => {
      let told = false;
      for (const { before, state, effect } of run(given)) {
        const ends = isOpen(before) && !isOpen(state);
        expect(effect === 'resolve' || effect === 'suppress').to.equal(ends);
        if (effect === 'fire') expect(told).to.equal(false);
        if (ends) expect(effect).to.equal(told ? 'resolve' : 'suppress');
        told = effect === 'fire' || (told && !ends);
        expect(state.told).to.equal(told);
      }
    });
  });

  it('says of every episode that runs or ends untold what holds it back, and of no other', () => {
    walk((given) => {
      for (const { state, effect, held } of run(given)) {
        expect(state.held !== undefined).to.equal(isOpen(state) && !state.told);
        expect(held !== undefined).to.equal(effect === 'suppress');
      }
    });
  });

  it('tells no firing while something holds it back, and at once when nothing does', () => {
    walk((given) => {
      const holdAt = holdOf(given.holds);
      let lastMs = Number.NEGATIVE_INFINITY;
      for (const { nowMs, effect, state } of run(given)) {
        const free = holdAt(nowMs) === undefined && nowMs >= lastMs + given.damped.cooldownMs;
        if (effect === 'fire') expect(free).to.equal(true);
        if (free && state.phase === 'firing') expect(state.told).to.equal(true);
        if (effect === 'fire') lastMs = nowMs;
      }
    });
  });

  it('tells nothing more of what somebody has acknowledged but the end, and that to whoever was told; and nothing of it is left for the next episode', () => {
    fc.assert(
      fc.property(course, fc.array(fc.boolean(), { minLength: 60, maxLength: 60 }), ({ verdicts, damped, holds }, acks) => {
        let [state, nowMs, seen] = [INACTIVE, START_MS, false];
        for (const [i, { truth: holding, gapMs }] of verdicts.entries()) {
          nowMs += gapMs;
          const before = state;
          const done = step(before, holding, nowMs, damped, holdOf(holds));
          const ends = isOpen(before) && !isOpen(done.state);
          if (seen && !ends) expect(done.effect).to.equal(undefined);
          if (seen && ends) expect([done.effect, done.held?.reason]).to.deep.equal(before.told ? ['resolve', undefined] : ['suppress', 'acknowledged']);
          if (ends) seen = false;
          expect(done.state.acked !== undefined).to.equal(seen);
          state = acks[i] ? restored(acknowledge(done.state, { atMs: nowMs, by: 'somebody', comment: '' })) : done.state;
          seen ||= Boolean(acks[i]) && isOpen(state);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('begins and ends an episode at the same time, whatever the cooldown and whatever holds it back', () => {
    walk((given) => {
      expect(phases(run(given))).to.deep.equal(phases(run({ ...given, damped: { ...given.damped, cooldownMs: 0 }, holds: [] })));
    });
  });

  it('lets an unknown verdict move nothing but what time moves: no alert begins, none ends before it has been quiet for long enough', () => {
    walk((given) => {
      for (const { truth: holding, before, state, nowMs } of run(given).filter(({ truth: one }) => one === undefined)) {
        expect(holding).to.equal(undefined);
        if (state.phase === before.phase) continue;
        expect([before.phase, state.phase]).to.deep.equal(['recovering', 'inactive']);
        expect(nowMs).to.be.at.least(before.sinceMs + given.damped.keepFiringForMs);
      }
    });
  });

  it('knows when time alone will change it: not before, then surely, and never where it names no time', () => {
    fc.assert(
      fc.property(course, fc.integer({ min: 0, max: 400 }), (given, laterMs) => {
        const holdAt = holdOf(given.holds);
        for (const { state, truth: holding, nowMs, wakeMs } of run(given)) {
          const at = (atMs: number): Step => step(state, holding, atMs, given.damped, holdAt);
          if (wakeMs === undefined) expect(at(nowMs + laterMs)).to.deep.equal({ state, effect: undefined, wakeMs: undefined });
          else {
            expect(wakeMs).to.be.above(nowMs);
            expect(at(wakeMs - 1)).to.deep.equal({ state, effect: undefined, wakeMs });
            expect(at(wakeMs).state).to.not.equal(state);
          }
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('comes to rest when it is woken at each time that it names', () => {
    walk((given) => {
      let last = run(given).at(-1);
      for (let turns = 0; last?.wakeMs !== undefined; turns++) {
        expect(turns).to.be.below(4 + given.holds.length);
        last = { ...last, ...step(last.state, last.truth, last.wakeMs, given.damped, holdOf(given.holds)) };
      }
    });
  });

  it('goes on after a crash, at any point, as if there had been none', () => {
    walk((given) => {
      const plain = (moments: readonly Moment[]): unknown => JSON.parse(JSON.stringify(moments));
      expect(plain(run(given, restored))).to.deep.equal(plain(run(given)));
    });
  });

  it('knows since when it is in its phase', () => {
    walk((given) => {
      for (const { before, state, nowMs } of run(given)) expect(state.sinceMs).to.equal(state.phase === before.phase ? before.sinceMs : nowMs);
    });
  });

  it('never goes back in time, though the clock does', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(truth, fc.integer({ min: -50, max: 50 }))), damping, (verdicts, damped) => {
        let [state, nowMs] = [INACTIVE, START_MS];
        for (const [holding, gapMs] of verdicts) {
          nowMs += gapMs;
          const { state: next } = step(state, holding, nowMs, damped);
          expect(next.sinceMs).to.be.at.least(state.sinceMs);
          expect(next.toldMs ?? 0).to.be.at.least(state.toldMs ?? 0);
          state = next;
        }
      }),
    );
  });

  it('answers the same state where nothing has changed, so that nothing is written', () => {
    walk((given) => {
      for (const { before, state } of run(given)) if (JSON.stringify(state) === JSON.stringify(before)) expect(state).to.equal(before);
    });
  });
});

describe('close', () => {
  it('ends whatever runs: who was told is told, who was not is on record; numbers and the cooldown go on', () => {
    walk((given) => {
      const holdAt = holdOf(given.holds);
      for (const { state, nowMs } of run(given)) {
        const closed = close(state, nowMs + 1);
        expect(closed.state.phase).to.equal('inactive');
        expect(closed.wakeMs).to.equal(undefined);
        expect(closed.effect).to.equal(isOpen(state) ? (state.told ? 'resolve' : 'suppress') : undefined);
        expect(closed.held).to.deep.equal(closed.effect === 'suppress' ? state.held : undefined);
        expect([closed.state.episodes, closed.state.toldMs]).to.deep.equal([state.episodes, state.toldMs]);
        expect(close(closed.state, nowMs + 2)).to.deep.equal({ state: closed.state, effect: undefined, wakeMs: undefined });
        expect(step(closed.state, true, nowMs + 3, { ...given.damped, forMs: 0 }, holdAt).state.episodes).to.equal(state.episodes + 1);
      }
    });
  });
});

describe('an alert', () => {
  it('goes from inactive over pending, firing and recovering to inactive', () => {
    const moments = each({ forMs: 1_000, keepFiringForMs: 1_000 }, false, true, true, false, false);
    expect(phases(moments)).to.deep.equal(['inactive', 'pending', 'firing', 'recovering', 'inactive']);
    expect(effects(moments)).to.deep.equal([undefined, undefined, 'fire', undefined, 'resolve']);
  });

  it('fires at once without `for`, and resolves at once without `keep_firing_for`', () => {
    expect(effects(each({}, true, false, true))).to.deep.equal(['fire', 'resolve', 'fire']);
  });

  it('begins to hold anew after every false, and not after an unknown', () => {
    expect(phases(each({ forMs: 2_000 }, true, false, true, undefined, true))).to.deep.equal(['pending', 'inactive', 'pending', 'pending', 'firing']);
  });

  it('does not fire, nor wake anybody, on an unknown verdict, however long it was pending', () => {
    expect(each({ forMs: 1_000 }, true, undefined, undefined).map(({ state, wakeMs }) => [state.phase, wakeMs])).to.deep.equal([
      ['pending', START_MS + 2_000],
      ['pending', undefined],
      ['pending', undefined],
    ]);
  });

  it('goes on firing through unknown verdicts', () => {
    expect(effects(each({}, true, undefined, undefined, false))).to.deep.equal(['fire', undefined, undefined, 'resolve']);
  });

  it('is still the same episode when it fires again while recovering', () => {
    const moments = each({ keepFiringForMs: 5_000 }, true, false, true);
    expect(effects(moments)).to.deep.equal(['fire', undefined, undefined]);
    expect(moments.at(-1)?.state.episodes).to.equal(1);
  });

  it('is told when the cooldown is over, if it lasts so long', () => {
    expect(effects(each({ cooldownMs: 4_000 }, true, false, true, true, true))).to.deep.equal(['fire', 'resolve', undefined, undefined, 'fire']);
  });

  it('is told neither at its beginning nor at its end, if it ends within the cooldown', () => {
    expect(effects(each({ cooldownMs: 9_000 }, true, false, true, false))).to.deep.equal(['fire', 'resolve', undefined, 'suppress']);
  });
});
