// Rules on a virtual clock decide what their actors would: no more, no less, and at the same times.
import { expect } from 'chai';
import fc from 'fast-check';
import type { Observation } from '../../../actors/event.ts';
import { INACTIVE, isOpen } from '../../../actors/rules/alert/alert-state.ts';
import { Judge } from '../../../actors/rules/judge.ts';
import { type RuleConfig, ruleSchema } from '../../../actors/rules/schema.ts';
import { type Decided, type SimulatedRule, Simulation } from '../../../actors/rules/simulation.ts';
import { type Schedule, START_MS, holdOf, schedule } from '../../support/alerts.ts';
import { configOf, Root } from '../../support/actors.ts';
import { TestRule } from '../../support/rule.ts';

const ruleOf = (name: string, more: object = {}): SimulatedRule => ({
  name,
  config: configOf(ruleSchema, { name, condition: 'm.v > 5', actions: ['tell'], on_resolve: ['calm'], ...more }),
});
const look = (atMs: number, fields: object, monitor = 'm') => ({ monitor, observations: [{ atMs: START_MS + atMs, fields: { ...fields } }] });
const shown = (decided: readonly Decided[]): readonly string[] =>
  decided.map(({ atMs, rule, from, decision: { instance, state, effect, held } }) =>
    [atMs - START_MS, rule, instance, `${from}>${state.phase}`, effect, held ?? state.held?.reason].filter((one) => one !== undefined && one !== '').join(' '),
  );

/** Times of a rule are in seconds: these are 10 to 90 ms. */
const short = fc.oneof(
  fc.constant(0),
  fc.integer({ min: 1, max: 9 }).map((n) => n / 100),
);
const conditions = fc.constantFrom<unknown>(
  'm.v > 5',
  'm.v > 5 and not m.w == 1',
  { '>': [{ avg: ['m.v', '60ms'] }, 5] },
  { '>': [{ max: ['m.v', '40ms'] }, 5] },
  { '>=': [{ count: ['m.v', '80ms'] }, 3] },
  { '<': [{ last: ['m.v', '50ms'] }, 5] },
  { '>': [{ '+': [{ var: 'm.t' }, { var: 'm.v' }] }, 5] }, // an error, when it is a text
);
const ruleArbitrary = fc.record(
  {
    condition: conditions,
    clear_when: fc.constantFrom('m.v < 3', { '<': [{ avg: ['m.v', '30ms'] }, 3] }),
    for: short,
    keep_firing_for: short,
    cooldown: short,
    on_error: fc.constantFrom('ok', 'alert', 'keep'),
    no_data: fc.record({ after: fc.integer({ min: 2, max: 12 }).map((n) => n / 100), policy: fc.constantFrom('ok', 'alert', 'keep') }),
  },
  { requiredKeys: ['condition'] },
);
const looks = fc.array(fc.record({ gapMs: fc.integer({ min: 0, max: 60 }), v: fc.integer({ min: 0, max: 10 }), w: fc.constantFrom(0, 1, undefined) }), {
  maxLength: 15,
});
type Looks = readonly { readonly gapMs: number; readonly v: number; readonly w: number | undefined }[];
const timed = (given: Looks): readonly Observation[] => {
  let atMs = START_MS;
  return given.map(({ gapMs, v, w }) => {
    atMs += gapMs;
    return { atMs, fields: { v, ...(w === undefined ? {} : { w }), t: w === 1 ? 'none' : 0 } };
  });
};
const END_MS = START_MS + 1_200;

function simulated(rules: readonly SimulatedRule[], given: readonly Observation[], held: Schedule = []): Simulation {
  const simulation = new Simulation(rules, START_MS, { hold: (_, atMs) => holdOf(held)(atMs) });
  for (const one of given) simulation.event({ monitor: 'm', observations: [one] });
  simulation.advance(END_MS);
  return simulation;
}

/** The same without a plan of when to look: every alert is judged in every millisecond. */
function everyMillisecond({ name, config }: SimulatedRule, given: readonly Observation[], held: Schedule): readonly string[] {
  const history: Observation[] = [];
  const judge = new Judge(name, config as RuleConfig, [], {
    latest: () => (history.length > 0 ? { last: history.at(-1) as Observation, history } : undefined),
    hold: (_, atMs) => holdOf(held)(atMs),
  });
  judge.add('', INACTIVE, START_MS);
  const decided: Decided[] = [];
  let from: Decided['from'] = 'inactive';
  const take = (atMs: number, judgement: ReturnType<Judge['event']>): void => {
    const { value = [] } = judgement.next();
    for (const decision of Array.isArray(value) ? value : []) {
      decided.push({ atMs, rule: name, from, decision, executions: [], episodes: [] });
      from = decision.state.phase;
    }
  };
  for (let atMs = START_MS; atMs <= END_MS; atMs++) {
    if (atMs === START_MS) take(atMs, judge.tick(atMs));
    for (const one of given.filter((each) => each.atMs === atMs)) {
      history.push(one);
      take(atMs, judge.event({ monitor: 'm', observations: [one] }));
    }
    for (const instance of judge.instances) instance.wakeMs = 0;
    take(atMs, judge.tick(atMs));
  }
  return shown(decided);
}

describe('a simulation', () => {
  it('looks at a rule whenever time alone changes something: judged in every millisecond it decides the same', () => {
    fc.assert(
      fc.property(ruleArbitrary, looks, schedule, (written, given, held) => {
        const rule = ruleOf('r', written);
        const observations = timed(given);
        expect(shown(simulated([rule], observations, held).decided)).to.deep.equal(everyMillisecond(rule, observations, held));
      }),
      { numRuns: process.env.ARGOS_LONG ? 2_000 : 150 },
    );
  });

  it('opens no second episode, tells the end of what it told and of nothing else, keeps the cooldown, and comes to the same each time', () => {
    fc.assert(
      fc.property(ruleArbitrary, ruleArbitrary, looks, schedule, (one, other, given, held) => {
        const rules = [
          ruleOf('a', one),
          ruleOf('b', { ...other, depends_on: ['rule.a'] }),
          ruleOf('c', { ...other, condition: 'rule.a.firing and not rule.b.firing' }),
        ];
        const { decided } = simulated(rules, timed(given), held);
        for (const { name, config } of rules) {
          const mine = decided.filter(({ rule }) => rule === name);
          const told = new Set<string>();
          let open = false;
          let lastMs = Number.NEGATIVE_INFINITY;
          for (const { atMs, decision, executions, episodes } of mine) {
            const { effect, state, alert } = decision;
            if (effect === 'fire') {
              expect(told.has(alert.episode), 'told twice').to.equal(false);
              expect(atMs - lastMs, 'cooldown').to.be.at.least(config.cooldown * 1_000);
              told.add(alert.episode);
              lastMs = atMs;
            }
            expect(effect === 'resolve', 'who was told is told of the end').to.equal(open && !isOpen(state) && told.has(alert.episode));
            expect(effect === 'suppress').to.equal(open && !isOpen(state) && !told.has(alert.episode));
            expect(episodes.length).to.be.at.most(1);
            expect(executions.map(({ job: { action }, suppressed }) => [action, suppressed === undefined])).to.deep.equal(
              effect === undefined ? [] : [[effect === 'resolve' ? 'calm' : 'tell', effect !== 'suppress']],
            );
            open = isOpen(state);
          }
          const numbers = mine.map(({ decision: { state } }) => state.episodes);
          expect(numbers).to.deep.equal(numbers.toSorted((a, b) => a - b));
        }
        expect(shown(decided)).to.deep.equal(shown(simulated(rules, timed(given), held).decided));
      }),
      { numRuns: process.env.ARGOS_LONG ? 2_000 : 200 },
    );
  });

  it('decides what the actor of the rule decides of the same events', async () => {
    const root = new Root();
    try {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.integer({ min: 70, max: 90 }), { minLength: 1, maxLength: 8 }),
          fc.constantFrom('alert', 'event'),
          async (values, mode) => {
            const actor = new TestRule(root);
            await actor.store.start();
            await actor.start({ mode });
            const nowMs = Date.now();
            for (const [i, t] of values.entries()) {
              await actor.publish({ t }, 'boiler', nowMs + i);
              await actor.status(); // each by itself
            }
            const rule = ruleOf('too_hot', { condition: { field: 'boiler.t', op: '>', value: 80 }, actions: ['mail'], mode });
            const simulation = new Simulation([rule], nowMs);
            for (const [i, t] of values.entries()) simulation.event({ monitor: 'boiler', observations: [{ atMs: nowMs + i, fields: { t } }] });
            const jobs = simulation.decided.flatMap(({ executions }) => executions.map(({ job }) => job));
            expect(jobs.map(({ id, action, alert }) => ({ id, action, alert }))).to.deep.equal(
              actor.due.map(({ id, action, alert }) => ({ id, action, alert })),
            );
            await actor.stop();
          },
        ),
        { numRuns: 5 },
      );
    } finally {
      await root.end();
    }
  });

  it('has rules that read others follow them at the same instant, and holds back who depends on one that fires', () => {
    const rules = [
      ruleOf('all', { condition: 'rule.one.firing and rule.two.count == 1' }),
      ruleOf('one'),
      ruleOf('two', { condition: 'm.w > 5', depends_on: ['rule.one'], for: 1 }),
    ];
    const simulation = new Simulation(rules, START_MS);
    simulation.event(look(10, { v: 9, w: 9 }));
    simulation.advance(START_MS + 5_000);
    simulation.event(look(6_000, { v: 1, w: 9 }));
    expect(shown(simulation.decided)).to.deep.equal([
      '10 one inactive>firing fire',
      '10 two inactive>pending',
      '1010 two pending>firing inhibited',
      '1010 all inactive>firing fire',
      '6000 one firing>inactive resolve',
      '6000 all firing>inactive resolve',
      '6000 two firing>firing fire',
    ]);
  });

  it('gives a new alert of a rule with for_each the past of the windows over other monitors, once', () => {
    const each = ruleOf('each', { for_each: 'iot_*', condition: 'monitor.v > 0 and sum(base.v, 1s) > 3' });
    const simulation = new Simulation([each], START_MS);
    for (const atMs of [0, 100, 900, 1_000]) simulation.event(look(atMs, { v: 1 }, 'base'));
    simulation.event(look(1_050, { v: 1 }, 'iot_1')); // 100, 900 and 1000 are within the second
    expect(simulation.judge('each')?.instances.map(({ key, state }) => [key, state.phase])).to.deep.equal([['iot_1', 'inactive']]);
    simulation.event(look(1_060, { v: 1 }, 'base'));
    expect(shown(simulation.decided)).to.deep.equal(['1060 each iot_1 inactive>firing fire']);
  });

  it('has custom functions answered, and what nobody answers is unknown', () => {
    const rule = ruleOf('r', { condition: 'twice(m.v) > 5' });
    const phases = [{}, { answer: (name: string, [v]: readonly unknown[]) => (name === 'twice' ? 2 * Number(v) : undefined) }].map((outside) => {
      const simulation = new Simulation([rule], START_MS, outside);
      simulation.event(look(1, { v: 3 }));
      return simulation.judge('r')?.main.phase;
    });
    expect(phases).to.deep.equal(['inactive', 'firing']);
  });

  it('lets no time run backwards', () => {
    const simulation = new Simulation([ruleOf('r')], START_MS);
    simulation.event(look(50, { v: 9 }));
    expect(() => simulation.event(look(49, { v: 9 }))).to.throw(RangeError);
    simulation.advance(START_MS);
    expect(simulation.nowMs).to.equal(START_MS + 50);
  });
});
