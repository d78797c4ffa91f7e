// Why a condition is what it is.
import { expect } from 'chai';
import fc from 'fast-check';
import { RE2JS } from 're2js';
import type { Fields } from '../../../actors/event.ts';
import { at, compile, ConditionError, truthOf } from '../../../actors/rules/condition/compile.ts';
import { closure } from '../../../actors/rules/condition/closures.ts';
import { details, type Explained, explain } from '../../../actors/rules/condition/explain.ts';
import { longestSubject } from '../../../actors/rules/values/leaf.ts';
import { nodes, type Tree } from '../../../actors/rules/condition/tree.ts';
import { condition, factsOf, leaves, logic, parsed, treeOf, world } from '../../support/conditions.ts';

const STATES = { states: { boiler: { now: { payload: { temperature: 81, status: 'ok' } }, before: {} }, pump: { now: { up: true } } } };
const HOT = { field: 'boiler.payload.temperature', op: '>', value: 80 };
const OFF = { field: 'pump.up', op: '==', value: false };
const LOST = { field: 'valve.open', op: '==', value: true };

/** What is told of `m.x` when it is this. */
const told = (written: unknown, now?: Fields, before?: Fields): Explained =>
  explain(parsed(written), factsOf({ states: { ...(now ? { m: { now, ...(before ? { before } : {}) } } : {}) } }));
const leavesOf = (one: Explained): readonly Explained[] => (one.of ? one.of.flatMap(leavesOf) : [one]);

describe('explain', () => {
  it('says of every part what is true, false or unknown, with its value now', () => {
    expect(explain(parsed({ or: [{ and: [HOT, { not: OFF }] }, LOST] }), factsOf(STATES))).to.deep.equal({
      text: 'or',
      at: '',
      truth: true,
      of: [
        {
          text: 'and',
          at: '/or/0',
          truth: true,
          of: [
            { text: 'boiler.payload.temperature > 80', at: '/or/0/and/0', truth: true, value: 81 },
            { text: 'not', at: '/or/0/and/1', truth: true, of: [{ text: 'pump.up == false', at: '/or/0/and/1/not', truth: false, value: true }] },
          ],
        },
        { text: 'valve.open == true', at: '/or/1', truth: null, reason: 'no state of valve yet' },
      ],
    });
  });

  it('says of computed parts what they come to, and of what', () => {
    const tree = parsed({ '>': [{ '*': [{ avg: ['boiler.t', '1h30m'] }, 2] }, { var: ['boiler.limit', 5] }] });
    expect(explain(tree, { ...factsOf({ states: {} }), window: () => 4 })).to.deep.equal({
      text: '(avg(boiler.t, 1h30m) * 2) > var("boiler.limit", 5)',
      at: '',
      truth: true,
      of: [
        { text: 'avg(boiler.t, 1h30m) * 2', at: '/>/0', truth: true, value: 8, of: [{ text: 'avg(boiler.t, 1h30m)', at: '/>/0/*/0', truth: true, value: 4 }] },
        { text: 'var("boiler.limit", 5)', at: '/>/1', truth: true, value: 5 },
      ],
    });
  });

  it('says of a list that is looked through what it is, and nothing of what is asked of each element', () => {
    expect(told({ some: [{ var: 'm.list' }, { '>': [{ var: 'n' }, 1] }] }, { list: [{ n: 2 }] })).to.deep.equal({
      text: 'some(var("m.list"), var("n") > 1)',
      at: '',
      truth: true,
      of: [{ text: 'var("m.list")', at: '/some/0', truth: true, value: [{ n: 2 }] }],
    });
  });

  it('agrees with what the compiled condition says, in every part', () => {
    fc.assert(
      fc.property(condition, world, (written, states) => {
        const tree = parsed(written);
        const facts = factsOf(states);
        expect(explain(tree, facts).truth).to.equal(truthOf(compile(tree)(facts)) ?? null);
        const parts = leavesOf(explain(tree, facts));
        expect(parts.map(({ truth, value }) => [truth, value])).to.deep.equal(
          leaves(tree).map((leaf) => [truthOf(compile(leaf)(facts)) ?? null, at(facts.now(leaf.monitor), leaf.path)]),
        );
      }),
    );
  });

  it('agrees with it in every form, and gives a reason for all that is unknown and for nothing else', () => {
    /** Unknown is what failed, too. */
    const truth = (evaluate: () => unknown): boolean | null => {
      try {
        return truthOf(evaluate()) ?? null;
      } catch (error) {
        if (error instanceof ConditionError) return null;
        throw error;
      }
    };
    const every = (one: Explained): readonly Explained[] => [one, ...(one.of ?? []).flatMap(every)];
    fc.assert(
      fc.property(logic, world, (written, states) => {
        const tree = treeOf(written);
        if (!tree) return;
        const facts = factsOf(states, tree);
        const all = every(explain(tree, facts));
        expect(all[0]?.truth).to.equal(truth(() => compile(tree)(facts)));
        const byPlace = new Map<string, Tree[]>();
        for (const node of nodes(tree)) byPlace.set(node.at, [...(byPlace.get(node.at) ?? []), node]);
        for (const one of all) {
          expect(one.truth === null).to.equal(one.reason !== undefined);
          expect((byPlace.get(one.at) ?? []).map((node) => truth(() => closure(node)(facts, undefined)))).to.include(one.truth);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  const REASONS: readonly (readonly [written: unknown, now: Fields | undefined, reason: string])[] = [
    [{ field: 'm.x', op: '>', value: 1 }, undefined, 'no state of m yet'],
    [{ field: 'm.x', op: '>', value: 1 }, {}, 'no such field yet'],
    [{ field: 'm.x.y' }, { x: 'text' }, 'no such field yet'],
    [{ field: 'm.x', op: '>', value: 1 }, { x: 'text' }, 'a text and a number: kinds cannot be compared'],
    [{ field: 'm.x', op: '<', value: 'a' }, { x: null }, 'null and a text: kinds cannot be compared'],
    [{ field: 'm.x', op: 'between', value: [1, 2] }, { x: [1] }, 'a list: kinds cannot be compared'],
    [{ starts_with: [{ var: 'm.x' }, 'a'] }, { x: true }, 'a truth value: kinds cannot be compared'],
    [{ contains: [{ field: 'm.x' }, 'a'] }, { x: { a: 1 } }, 'an object: kinds cannot be compared'],
    [{ contains: [{ field: 'm.y' }, 'a'] }, { x: 1 }, 'a part is unknown'],
    [{ field: 'm.x', op: 'matches', value: 'a' }, { x: 'b'.repeat(65_537) }, 'a text of more than 65536 characters is not matched with this pattern'],
    [
      { field: 'm.x', op: 'matches', value: 'a{1000}' },
      { x: 'b'.repeat(65_536) },
      `a text of more than ${longestSubject(RE2JS.compile('a{1000}'))} characters is not matched with this pattern`,
    ],
    [{ field: 'm.x', op: 'changed' }, { x: 1 }, 'no value before this one'],
    [{ avg: ['m.x', '5m'] }, { x: 1 }, 'no data in the window'],
    [{ pair: [{ field: 'm.no' }] }, { x: 1 }, 'a part is unknown'],
    [{ mute: [{ field: 'm.x' }] }, { x: 1 }, 'no answer of the function'],
    [{ '+': [{ field: 'm.x' }, 1] }, { x: 'Hey' }, '+: expected a number, got "Hey"'],
    [{ not: { field: 'm.no' } }, { x: 1 }, 'a part is unknown'],
  ];
  for (const [written, now, reason] of REASONS)
    it(`says why it is unknown: ${JSON.stringify(written)} → ${reason}`, () => {
      expect(told(written, now)).to.include({ truth: null, reason });
    });

  it('leaves out a value that is not there, and keeps one that is null', () => {
    expect(told({ field: 'm.x', op: 'exists' }, { x: null })).to.deep.equal({ text: 'm.x exists', at: '', truth: true, value: null });
    expect(told({ field: 'm.y', op: 'exists' }, { x: null })).to.deep.equal({ text: 'm.y exists', at: '', truth: false });
  });

  it('writes values as JSON: a text is told from a number', () => {
    const texts = [
      ['in', ['a', 1]],
      ['==', '80'],
      ['between', [1, 2]],
      ['==', null],
    ].map(([op, value]) => told({ field: 'm.x', op, value }).text);
    expect(texts).to.deep.equal(['m.x in ["a",1]', 'm.x == "80"', 'm.x between [1,2]', 'm.x == null']);
  });
});

describe('details', () => {
  const conditions = parsed({ or: [HOT, OFF, LOST, { field: 'boiler.payload.status', op: '==', value: 'ok' }] });

  it('names of a firing the leaves that hold, with their values, and no others', () => {
    expect(details(conditions, factsOf(STATES), 'firing')).to.equal('boiler.payload.temperature > 80 (81), boiler.payload.status == "ok" ("ok")');
  });

  it('names of an end the leaves that do not hold, and none that is unknown', () => {
    expect(details(conditions, factsOf(STATES), 'resolved')).to.equal('false now: pump.up == false (true)');
  });

  it('says so when no leaf tells by itself, or nothing is there', () => {
    expect(details(parsed({ not: OFF }), factsOf(STATES), 'firing')).to.equal('no part of the condition tells by itself');
    expect(details(parsed(LOST), factsOf(STATES), 'resolved')).to.equal('no part of the condition tells by itself');
    expect(details(parsed({ field: 'valve.open', op: 'exists', value: false }), factsOf(STATES), 'firing')).to.equal(
      'valve.open exists false (nothing is there)',
    );
  });

  it('names parts that compute, with what they compute from', () => {
    const all = parsed({
      and: [{ '>': [{ avg: ['boiler.payload.temperature', '5m'] }, 30] }, { some: [{ preserve: [1] }, true] }, { '!!': { field: 'pump.up' } }],
    });
    const facts = { ...factsOf(STATES), window: () => 31.5 };
    expect(details(all, facts, 'firing')).to.equal('avg(boiler.payload.temperature, 5m) > 30 (31.5), some([1], true) (true), pump.up (true)');
  });

  it('passes over parts that fail, and cuts what is long', () => {
    const x = 'x'.repeat(1_000);
    const facts = factsOf({ states: { m: { now: { x } } } });
    expect(details(parsed({ or: [{ '>': [{ var: 'm.x' }, 1] }, { field: 'm.x', op: 'exists' }] }), facts, 'firing')).to.equal(
      `m.x exists ("${x.slice(0, 199)}…)`,
    );
  });
});
