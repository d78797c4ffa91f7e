// The life of an alert: what it promises over any course of verdicts and time.
import { expect } from 'chai';
import fc from 'fast-check';
import { type AlertState, type Damping, type Effect, INACTIVE, type Step, step } from '../../../actors/rules/alert-state.ts';
import type { Truth } from '../../../actors/rules/compile.ts';

interface Verdict {
  readonly truth: Truth;
  /** Since the one before. */
  readonly gapMs: number;
}
interface Moment extends Step {
  readonly nowMs: number;
  readonly truth: Truth;
  readonly before: AlertState;
}

const START_MS = 1_700_000_000_000;
const span = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 20 }));
const damping: fc.Arbitrary<Damping> = fc.record({ forMs: span, keepFiringForMs: span, cooldownMs: span });
const course: fc.Arbitrary<readonly Verdict[]> = fc.array(
  fc.record({ truth: fc.constantFrom<Truth[]>(true, false, undefined), gapMs: fc.integer({ min: 0, max: 8 }) }),
  { maxLength: 60 },
);

function run(verdicts: readonly Verdict[], damped: Damping): readonly Moment[] {
  let [state, nowMs] = [INACTIVE, START_MS];
  return verdicts.map(({ truth, gapMs }) => {
    nowMs += gapMs;
    const before = state;
    const done = step(state, truth, nowMs, damped);
    state = done.state;
    return { ...done, nowMs, truth, before };
  });
}
const isOpen = ({ phase }: AlertState): boolean => phase === 'firing' || phase === 'recovering';
/** A rule in which every verdict comes one second after the other. */
const each = (damped: Partial<Damping>, ...truths: readonly Truth[]): readonly Moment[] =>
  run(
    truths.map((truth) => ({ truth, gapMs: 1_000 })),
    { forMs: 0, keepFiringForMs: 0, cooldownMs: 0, ...damped },
  );
const effects = (moments: readonly Moment[]): readonly (Effect | undefined)[] => moments.map(({ effect }) => effect);
const phases = (moments: readonly Moment[]): readonly string[] => moments.map(({ state }) => state.phase);

/** The promises in plain words: since when it holds, since when it does not, what was told and when. */
function* promised({ forMs, keepFiringForMs, cooldownMs }: Damping): Generator<Effect | undefined, never, { readonly truth: Truth; readonly nowMs: number }> {
  let effect: Effect | undefined;
  let open = false;
  let told = false;
  let lastToldMs = Number.NEGATIVE_INFINITY;
  let heldMs = Number.POSITIVE_INFINITY;
  let quietMs = Number.POSITIVE_INFINITY;
  for (;;) {
    const { truth, nowMs } = yield effect;
    effect = undefined;
    if (truth === true) {
      heldMs = Math.min(heldMs, nowMs);
      quietMs = Number.POSITIVE_INFINITY;
    }
    if (truth === false) {
      quietMs = Math.min(quietMs, nowMs);
      heldMs = Number.POSITIVE_INFINITY;
    }
    if (!open && truth === true && nowMs - heldMs >= forMs) open = true;
    else if (open && truth !== true && nowMs - quietMs >= keepFiringForMs) {
      effect = told ? 'resolve' : 'suppress';
      open = told = false;
      heldMs = quietMs = Number.POSITIVE_INFINITY;
    }
    if (!open) quietMs = Number.POSITIVE_INFINITY;
    if (open && !told && quietMs === Number.POSITIVE_INFINITY && nowMs - lastToldMs >= cooldownMs) {
      effect = 'fire';
      told = true;
      lastToldMs = nowMs;
    }
  }
}

describe('step', () => {
  it('does what is promised: fires when it has held for long enough, ends when it has been quiet for long enough, and tells it when it may', () => {
    fc.assert(
      fc.property(course, damping, (verdicts, damped) => {
        const promise = promised(damped);
        promise.next({ truth: undefined, nowMs: START_MS });
        for (const { truth, nowMs, effect } of run(verdicts, damped)) expect(effect).to.equal(promise.next({ truth, nowMs }).value);
      }),
      { numRuns: 3_000 },
    );
  });

  it('never has two open episodes, and gives each a number of its own', () => {
    fc.assert(
      fc.property(course, damping, (verdicts, damped) => {
        for (const { before, state } of run(verdicts, damped)) {
          const begins = isOpen(state) && !isOpen(before);
          expect(state.episodes).to.equal(before.episodes + (begins ? 1 : 0));
          if (isOpen(before) && isOpen(state)) expect(state.firingMs).to.equal(before.firingMs);
        }
      }),
    );
  });

  it('tells the end of every told firing before it tells another, and never the end of an untold one', () => {
    fc.assert(
      fc.property(course, damping, (verdicts, damped) => {
        let told = false;
        for (const { before, state, effect } of run(verdicts, damped)) {
          const ends = isOpen(before) && !isOpen(state);
          expect(effect === 'resolve' || effect === 'suppress').to.equal(ends);
          if (effect === 'fire') expect(told).to.equal(false);
          if (ends) expect(effect).to.equal(told ? 'resolve' : 'suppress');
          told = effect === 'fire' || (told && !ends);
          expect(state.told).to.equal(told);
        }
      }),
    );
  });

  it('lets a cooldown pass between two firings that are told', () => {
    fc.assert(
      fc.property(course, damping, (verdicts, damped) => {
        const told = run(verdicts, damped).filter(({ effect }) => effect === 'fire');
        for (const [i, { nowMs }] of told.slice(1).entries()) expect(nowMs - (told[i]?.nowMs ?? 0)).to.be.at.least(damped.cooldownMs);
      }),
    );
  });

  it('begins and ends an episode at the same time, whatever the cooldown', () => {
    fc.assert(
      fc.property(course, damping, (verdicts, damped) => {
        expect(phases(run(verdicts, damped))).to.deep.equal(phases(run(verdicts, { ...damped, cooldownMs: 0 })));
      }),
    );
  });

  it('knows when time alone will change it: not before, then surely, and never where it names no time', () => {
    fc.assert(
      fc.property(course, damping, fc.integer({ min: 0, max: 100 }), (verdicts, damped, laterMs) => {
        for (const { state, truth, nowMs, wakeMs } of run(verdicts, damped)) {
          if (wakeMs === undefined) expect(step(state, truth, nowMs + laterMs, damped)).to.deep.equal({ state, effect: undefined, wakeMs: undefined });
          else {
            expect(wakeMs).to.be.above(nowMs);
            expect(step(state, truth, wakeMs - 1, damped)).to.deep.equal({ state, effect: undefined, wakeMs });
            expect(step(state, truth, wakeMs, damped).state).to.not.equal(state);
          }
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('comes to rest when it is woken at each time that it names', () => {
    fc.assert(
      fc.property(course, damping, (verdicts, damped) => {
        let last = run(verdicts, damped).at(-1);
        for (let turns = 0; last?.wakeMs !== undefined; turns++) {
          expect(turns).to.be.below(4);
          last = { ...last, ...step(last.state, last.truth, last.wakeMs, damped) };
        }
      }),
    );
  });

  it('knows since when it is in its phase', () => {
    fc.assert(
      fc.property(course, damping, (verdicts, damped) => {
        for (const { before, state, nowMs } of run(verdicts, damped)) expect(state.sinceMs).to.equal(state.phase === before.phase ? before.sinceMs : nowMs);
      }),
    );
  });

  it('answers the same state where nothing has changed, so that nothing is written', () => {
    fc.assert(
      fc.property(course, damping, (verdicts, damped) => {
        for (const { before, state } of run(verdicts, damped)) if (JSON.stringify(state) === JSON.stringify(before)) expect(state).to.equal(before);
      }),
    );
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
