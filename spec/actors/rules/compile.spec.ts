// Conditions into closures: three-valued, and the same as a plain reading of what is written.
import { expect } from 'chai';
import fc from 'fast-check';
import type { Fields } from '../../../actors/event.ts';
import { at, compile, ConditionError, type Facts, type Truth, truthOf } from '../../../actors/rules/condition/compile.ts';
import { closure } from '../../../actors/rules/condition/closures.ts';
import type { Comparison } from '../../../actors/rules/values/leaf.ts';
import type { Tree } from '../../../actors/rules/condition/tree.ts';
import { condition, factsOf, logic, parsed, treeOf, world } from '../../support/conditions.ts';
import { interpret } from '../../support/interpreter.ts';
import { Failed } from '../../support/interpreter-operators.ts';

const RUNS = process.env.ARGOS_LONG ? 100_000 : 5_000;
/** A value, nothing, or the kind of an error. */
function outcome(evaluate: () => unknown): unknown {
  try {
    return { value: evaluate() };
  } catch (error) {
    if (error instanceof ConditionError || error instanceof Failed) return { failed: error.kind };
    throw error;
  }
}
const holds = (tree: Tree, facts: Facts): Truth => truthOf(compile(tree)(facts));

const truth = (written: unknown, now: Fields = {}, before: Fields = {}): Truth => holds(parsed(written), factsOf({ states: { m: { now, before } } }));
/** What `field op value` says when the field is `got`. */
const says = (got: unknown, op: Comparison, value?: unknown): Truth => truth({ field: 'm.x', op, ...(value === undefined ? {} : { value }) }, { x: got });

describe('compile', () => {
  it('makes a closure that says what the condition says, read as it is written: of every form, whatever is missing', function () {
    this.timeout(600_000);
    const told = { true: 0, false: 0, unknown: 0, failed: 0 };
    fc.assert(
      fc.property(logic, world, (written, states) => {
        const tree = treeOf(written);
        if (!tree) return;
        const facts = factsOf(states, tree);
        const got = outcome(() => compile(tree)(facts));
        expect(got).to.deep.equal(outcome(() => interpret(written, states)));
        const value = (got as { value?: unknown }).value;
        told[typeof got === 'object' && got !== null && 'failed' in got ? 'failed' : (String(truthOf(value) ?? 'unknown') as keyof typeof told)]++;
      }),
      { numRuns: RUNS },
    );
    for (const count of Object.values(told)) expect(count, JSON.stringify(told)).to.be.above(RUNS / 20); // what is never met is not shown
  });

  it('computes what is constant beforehand, and means the same', () => {
    fc.assert(
      fc.property(logic, world, (written, states) => {
        const tree = treeOf(written);
        if (!tree) return;
        const facts = factsOf(states, tree);
        expect(outcome(() => compile(tree)(facts))).to.deep.equal(outcome(() => closure(tree)(facts, undefined)));
      }),
      { numRuns: 1_000 },
    );
    const asked: string[] = [];
    const facts: Facts = { ...factsOf({ states: {} }), now: (name) => void asked.push(name) };
    compile(parsed({ or: [{ '>': [{ '*': [{ var: 'parameters.x' }, 2] }, 3] }, { field: 'm.x' }] }, { x: 2 }))(facts);
    compile(parsed({ if: [{ '>': [1, 2] }, { field: 'm.x' }, { and: [false, { field: 'm.y' }] }] }))(facts);
    expect(asked).to.deep.equal([]);
  });

  it('makes a closure that always says the same of the same facts', () => {
    fc.assert(
      fc.property(condition, fc.array(world, { maxLength: 4 }), (written, all) => {
        const compiled = compile(parsed(written));
        expect(all.map((states) => compiled(factsOf(states)))).to.deep.equal(all.map((states) => compile(parsed(written))(factsOf(structuredClone(states)))));
      }),
    );
  });

  it('fails with the kind of the error and the part that has it', () => {
    const failed = (written: unknown, fields: Fields): unknown => {
      try {
        return compile(parsed(written))(factsOf({ states: { m: { now: fields } } }));
      } catch (error) {
        return error instanceof ConditionError ? [error.kind, error.at, error.message] : error;
      }
    };
    const plus = { or: [false, { '>': [{ '+': [{ field: 'm.x' }, 1] }, 1] }] };
    expect(failed(plus, { x: 'Hey' })).to.deep.equal(['NaN', '/or/1/>/0', '+: expected a number, got "Hey"']);
    expect(failed({ '/': [1, { var: 'm.x' }] }, {})).to.deep.equal(['NaN', '', '/: divided by zero']);
    expect(failed({ '<': [{ var: 'm.x' }, 5] }, { x: 'much' })).to.deep.equal(['NaN', '', '<: "much" and 5 cannot be compared']);
    expect(failed({ cat: [{ var: 'm' }] }, { x: 1 })).to.deep.equal(['Invalid Arguments', '', 'cat: expected a text, got an object']);
    expect(failed({ '-': { var: 'm.x' } }, { x: [] })).to.deep.equal(['Invalid Arguments', '', '-: expected at least one operand, got 0']);
  });
});

describe('JsonLogic’s operators', () => {
  const value = (written: unknown, fields: Fields = {}): unknown => compile(parsed(written))(factsOf({ states: { m: { now: fields } } }));

  it('take lists and objects for what is in them, and for no text and no number', () => {
    const fields = { list: [1], twin: [1], object: { a: 1 } };
    expect(value({ '==': [{ var: 'm.list' }, { var: 'm.twin' }] }, fields)).to.equal(true);
    expect(value({ '===': [{ var: 'm.list' }, { var: 'm.object' }] }, fields)).to.equal(false);
    expect(value({ '==': [{ var: 'm.list' }, 1] }, fields)).to.equal(false);
    expect(value({ in: [{ var: 'm.list' }, [[1], 2]] }, fields)).to.equal(true);
    expect(value({ in: [{ var: 'm.object' }, 'an [object Object]'] }, fields)).to.equal(false);
    expect(value({ cat: ['a', { var: 'm.list' }, null, true] }, fields)).to.equal('a1true');
  });

  it('compare more than two in a row, each with the next', () => {
    expect([value({ '<': [1, 2, 3] }), value({ '<': [1, 3, 2] }), value({ '>=': [3, 3, 1] }), value({ '==': [1, '1', 1] })]).to.deep.equal([
      true,
      false,
      true,
      true,
    ]);
  });

  it('take no more operands than they need: what is behind is not evaluated', () => {
    const fails = { '+': [{ var: 'm.text' }, 1] };
    const fields = { text: 'Hey' };
    expect([value({ or: [1, fails] }, fields), value({ and: [0, fails] }, fields), value({ if: [1, 2, fails] }, fields)]).to.deep.equal([1, 0, 2]);
    expect(value({ some: [[1, 'Hey'], { '+': [{ var: '' }, 1] }] })).to.equal(true);
  });
});

describe('and, or and not', () => {
  const T = { field: 'm.t', op: '==', value: 1 };
  const F = { field: 'm.t', op: '!=', value: 1 };
  const U = { field: 'm.no', op: '==', value: 1 };
  const judged = (written: unknown): Truth => truth(written, { t: 1 });
  const TABLE: readonly (readonly [a: unknown, b: unknown, and: Truth, or: Truth])[] = [
    [T, T, true, true],
    [T, F, false, true],
    [T, U, undefined, true],
    [F, F, false, false],
    [F, U, false, undefined],
    [U, U, undefined, undefined],
  ];

  it("are Kleene's, either way round", () => {
    for (const [a, b, and, or] of TABLE)
      for (const of of [
        [a, b],
        [b, a],
      ])
        expect([judged({ and: of }), judged({ or: of })], JSON.stringify(of)).to.deep.equal([and, or]);
    expect([T, F, U].map((of) => judged({ not: of }))).to.deep.equal([false, true, undefined]);
  });

  it('obey De Morgan, whatever is unknown', () => {
    fc.assert(
      fc.property(condition, condition, world, (a, b, states) => {
        const is = (written: unknown): Truth => holds(parsed(written), factsOf(states));
        expect(is({ not: { and: [a, b] } })).to.equal(is({ or: [{ not: a }, { not: b }] }));
      }),
    );
  });
});

describe('a leaf', () => {
  it('is unknown where the field, the monitor or the way to it is missing: never silently false', () => {
    const fields = ['m.no', 'm.deep.no', 'm.text.length', 'm.none.x', 'other.x'];
    for (const field of fields)
      for (const op of ['==', '!=', 'contains'] as const)
        expect(truth({ field, op, value: 1 }, { deep: {}, text: 'abc', none: null }), field).to.equal(undefined);
  });

  it('never reads a prototype', () => {
    const names = ['toString', 'hasOwnProperty', 'valueOf', '__defineGetter__', 'length'];
    for (const name of names) expect(truth({ field: `m.${name}`, op: 'exists' }, { x: 1 })).to.equal(false);
    expect(truth({ field: 'm.list.map', op: 'exists' }, { list: [] })).to.equal(false);
  });

  it('takes null for a value that is there', () => {
    expect(says(null, '==', null)).to.equal(true);
    expect(says(null, 'exists')).to.equal(true);
    expect(says(null, '!=', 1)).to.equal(true);
    expect(says(null, '>', 1)).to.equal(undefined);
  });

  it('compares numbers with numbers and texts with texts; else it is unknown', () => {
    expect(says(81, '>', 80)).to.equal(true);
    expect(says('b', '>', 'a')).to.equal(true);
    for (const op of ['>', '>=', '<', '<='] as const)
      expect([says('81', op, 80), says(81, op, '80'), says(true, op, 0), says([1], op, 1)], op).to.deep.equal([undefined, undefined, undefined, undefined]);
  });

  it('compares numbers of every size: what is equal is neither more nor less', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), fc.double({ noNaN: true }), (a, b) => {
        expect([says(a, '<', b), says(a, '>', b), says(a, '>=', b), says(a, '<=', b)]).to.deep.equal([a < b, a > b, a >= b, a <= b]);
        expect([says(a, '>=', a), says(a, '<=', a), says(a, '>', a)]).to.deep.equal([true, true, false]);
      }),
    );
    expect(says(Number.POSITIVE_INFINITY, '>=', Number.POSITIVE_INFINITY)).to.equal(true); // JSON: 1e999
  });

  it('knows lists and objects that are equal, in whatever order their keys are', () => {
    expect(says({ a: 1, b: [2] }, '==', { b: [2], a: 1 })).to.equal(true);
    expect([says({ a: 1 }, '==', { a: 1, b: 2 }), says({ a: 1, b: 2 }, '==', { a: 1 }), says([], '==', {})]).to.deep.equal([false, false, false]);
    expect(says({ b: 1 }, 'in', [1, { b: 1 }])).to.equal(true);
    expect(says([1, 2], '==', [2, 1])).to.equal(false);
    expect(says('1', '==', 1)).to.equal(false);
  });

  it('finds a part of a text, an element of a list; of anything else it is unknown', () => {
    expect([says('abc', 'contains', 'b'), says('a5', 'contains', 5), says('abc', 'contains', 'd')]).to.deep.equal([true, true, false]);
    expect([says([{ a: 1 }], 'contains', { a: 1 }), says([1], 'contains', '1'), says({ a: 1 }, 'contains', 'a')]).to.deep.equal([true, false, undefined]);
  });

  it('is between two numbers when it is one of them', () => {
    expect([1, 1.5, 2, 0.9, 2.1].map((got) => says(got, 'between', [1, 2]))).to.deep.equal([true, true, true, false, false]);
  });

  it('matches patterns in linear time, and not on a text of more than 65,536 characters', () => {
    expect([says('error 42', 'matches', 'err.* \\d+'), says('ok', 'matches', '^err'), says(5, 'matches', '5')]).to.deep.equal([true, false, undefined]);
    const began = performance.now();
    expect(says('a'.repeat(65_536), 'matches', '^(a+)+$|^(([a-z])+.)+[A-Z]$')).to.equal(true);
    expect(says(`${'a'.repeat(65_535)}!`, 'matches', '^(a|a)*$')).to.equal(false);
    expect(says('a'.repeat(30_000), 'matches', '(x+x+)+y|(a|aa)+$b')).to.equal(false);
    expect(performance.now() - began).to.be.below(5_000);
    expect(says('a'.repeat(65_537), 'matches', 'a')).to.equal(undefined);
  });

  it('has changed when the field is not what it was before; unknown without a before', () => {
    const changed = (now: Fields, before: Fields): Truth => truth({ field: 'm.x', op: 'changed' }, now, before);
    expect([changed({ x: 1 }, { x: 2 }), changed({ x: [1] }, { x: [1] }), changed({ x: 1 }, {}), changed({}, { x: 1 })]).to.deep.equal([
      true,
      false,
      undefined,
      undefined,
    ]);
  });
});

describe('at', () => {
  it('is the value at a path of own properties, or undefined', () => {
    const fields = { a: [{ b: null }] };
    expect([at(fields, ['a', '0', 'b']), at(fields, ['a', '1']), at(fields, ['a', '0', 'b', 'c']), at(undefined, ['a'])]).to.deep.equal([
      null,
      undefined,
      undefined,
      undefined,
    ]);
    expect(at(fields, [])).to.equal(fields);
  });
});
