// Why a condition is what it is.
import { expect } from 'chai';
import fc from 'fast-check';
import { at, compile } from '../../../actors/rules/compile.ts';
import { leaves } from '../../../actors/rules/condition.ts';
import { details, type Explained, explain } from '../../../actors/rules/explain.ts';
import { condition, factsOf, parsed, world } from '../../support/conditions.ts';

const STATES = { boiler: { now: { payload: { temperature: 81, status: 'ok' } }, before: {} }, pump: { now: { up: true } } };
const HOT = { field: 'boiler.payload.temperature', op: '>', value: 80 };
const OFF = { field: 'pump.up', op: '==', value: false };
const LOST = { field: 'valve.open', op: '==', value: true };

const leavesOf = (one: Explained): readonly Explained[] => (one.of ? one.of.flatMap(leavesOf) : [one]);

describe('explain', () => {
  it('says of every part what is true, false or unknown, with its value now', () => {
    expect(explain(parsed({ or: [{ and: [HOT, { not: OFF }] }, LOST] }), factsOf(STATES))).to.deep.equal({
      text: 'or',
      truth: true,
      of: [
        {
          text: 'and',
          truth: true,
          of: [
            { text: 'boiler.payload.temperature > 80', truth: true, value: 81 },
            { text: 'not', truth: true, of: [{ text: 'pump.up == false', truth: false, value: true }] },
          ],
        },
        { text: 'valve.open == true', truth: null },
      ],
    });
  });

  it('agrees with what the compiled condition says, in every part', () => {
    fc.assert(
      fc.property(condition, world, (written, states) => {
        const tree = parsed(written);
        const facts = factsOf(states);
        expect(explain(tree, facts).truth).to.equal(compile(tree)(facts) ?? null);
        const parts = leavesOf(explain(tree, facts));
        expect(parts.map(({ truth, value }) => [truth, value])).to.deep.equal(
          leaves(tree).map((leaf) => [compile(leaf)(facts) ?? null, at(facts.now(leaf.monitor), leaf.path)]),
        );
      }),
    );
  });

  it('leaves out a value that is not there, and keeps one that is null', () => {
    const facts = factsOf({ m: { now: { x: null } } });
    expect(explain(parsed({ field: 'm.x', op: 'exists' }), facts)).to.deep.equal({ text: 'm.x exists', truth: true, value: null });
    expect(explain(parsed({ field: 'm.y', op: 'exists' }), facts)).to.deep.equal({ text: 'm.y exists', truth: false });
  });

  it('writes values as JSON: a text is told from a number', () => {
    const texts = [
      ['in', ['a', 1]],
      ['==', '80'],
      ['between', [1, 2]],
      ['==', null],
    ].map(([op, value]) => explain(parsed({ field: 'm.x', op, value }), factsOf({})).text);
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
});
