// What a rule means, however it is written; and what an edit does to its state.
import { expect } from 'chai';
import fc from 'fast-check';
import { compile, type Facts, truthOf } from '../../../actors/rules/condition/compile.ts';
import { parseLogic } from '../../../actors/rules/condition/condition.ts';
import { type EditVerdict, type Identity, identityOf, verdictOfEdit } from '../../../actors/rules/condition/identity.ts';
import type { Tree } from '../../../actors/rules/condition/tree.ts';
import { chance } from '../../support/chance.ts';

type Json = Readonly<Record<string, unknown>>;
const PARAMETERS = { high: 80, list: ['a', 'b'], limits: { low: 1, mode: { var: 'a.x' } } };

/** @throws with the faults when there are some. */
function treeOf(json: unknown, parameters: Json = PARAMETERS): Tree {
  const { faults, ...rest } = parseLogic(json, parameters, '', ['my_fn']);
  if ('condition' in rest) return rest.condition;
  throw new Error(JSON.stringify({ json, faults }));
}
const meaning = (json: unknown, parameters: Json = PARAMETERS): string => identityOf({ mode: 'alert', condition: treeOf(json, parameters) }).condition;

const leaf: fc.Arbitrary<Json> = fc.oneof(
  fc.record({ field: fc.constantFrom('a.x', 'a.y', 'b.x'), op: fc.constantFrom('>', '<=', '=='), value: fc.integer({ min: 0, max: 2 }) }),
  fc.record({
    field: fc.constantFrom('a.x', 'b.x'),
    op: fc.constantFrom('in', 'not_in'),
    value: fc.uniqueArray(fc.integer({ min: 0, max: 2 }), { maxLength: 3 }),
  }),
  fc.record({ field: fc.constantFrom('a.x', 'b.x'), op: fc.constant('exists'), value: fc.boolean() }),
);
/** Boolean all through, but for JsonLogic's parts, of which the order matters. */
const condition: fc.Arbitrary<Json> = fc.letrec<{ tree: Json }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaf,
    fc.array(tie('tree'), { minLength: 1, maxLength: 3 }).map((of) => ({ and: of })),
    fc.array(tie('tree'), { minLength: 1, maxLength: 3 }).map((of) => ({ or: of })),
    tie('tree').map((of) => ({ not: of })),
    tie('tree').map((of) => ({ if: [of, { var: 'a.x' }, { '<': [{ field: 'b.x' }, 2] }] })),
  ),
})).tree;

/** The same, written otherwise; `next` is a chance from 0 on and below 1. */
function rewritten(json: unknown, next: () => number): unknown {
  if (Array.isArray(json)) return json.map((one) => rewritten(one, next));
  if (typeof json !== 'object' || json === null) return json;
  const shuffled = <T>(list: readonly T[]): T[] =>
    list
      .map((one) => ({ one, at: next() }))
      .sort((a, b) => a.at - b.at)
      .map(({ one }) => one);
  if ('field' in json && 'op' in json) {
    const { value } = json as { readonly value?: unknown };
    const again = Array.isArray(value) ? shuffled([...value, ...value.slice(0, 1)]) : value;
    const entries = Object.entries({ ...json, value: again }).filter(([, one]) => !('exists' === (json as { op: unknown }).op && one === true && next() < 0.5));
    const same = Object.fromEntries(shuffled(entries));
    return next() < 0.2 ? { not: { '!': [same] } } : next() < 0.2 ? { and: [{ or: [same] }] } : same;
  }
  const [[key = '', inner] = []] = Object.entries(json);
  const parts = rewritten(inner, next);
  if (key === 'not') return { [next() < 0.5 ? '!' : 'not']: next() < 0.5 ? [parts] : parts };
  const isAllBoolean = !JSON.stringify(json).includes('"if"');
  if ((key === 'and' || key === 'or') && Array.isArray(parts) && isAllBoolean) {
    const list = shuffled([...parts, ...parts.slice(0, next() < 0.3 ? 1 : 0)]);
    const cut = Math.floor(next() * list.length);
    return next() < 0.3 && cut > 0 ? { [key]: [{ [key]: list.slice(0, cut) }, ...list.slice(cut)] } : { [key]: list };
  }
  return { [key]: parts };
}

const MORE = process.env.ARGOS_LONG ? 20 : 1;

describe('the meaning of a condition', () => {
  it('stays when it is written otherwise: keys, order, brackets, repetition, `!` and `not`', () => {
    fc.assert(
      fc.property(condition, fc.integer(), (json, seed) => {
        const other = rewritten(json, chance(seed));
        expect(meaning(other), JSON.stringify(other)).to.equal(meaning(json));
      }),
      { numRuns: 1_000 * MORE },
    );
  });

  it('is never the same of two conditions that differ on any facts', () => {
    const state = fc.record({ x: fc.integer({ min: 0, max: 3 }), y: fc.integer({ min: 0, max: 3 }) }, { requiredKeys: [], noNullPrototype: true });
    const worlds = fc.array(fc.record({ a: state, b: state }, { requiredKeys: [], noNullPrototype: true }), { minLength: 20, maxLength: 20 });
    const small = fc.oneof(
      leaf,
      fc.tuple(fc.constantFrom('and', 'or'), fc.array(leaf, { minLength: 1, maxLength: 2 })).map(([op, of]) => ({ [op]: of })),
    );
    const nested = fc.oneof(
      small,
      small.map((of) => ({ not: of })),
      fc.tuple(small, small).map((of) => ({ or: of })),
    );
    const holds = (json: unknown, world: Json): unknown => {
      const facts: Facts = { now: (monitor) => world[monitor], before: () => undefined, window: () => undefined, whole: () => world, call: () => undefined };
      return truthOf(compile(treeOf(json))(facts));
    };
    let [same, others] = [0, 0];
    fc.assert(
      fc.property(nested, fc.oneof(nested, fc.integer()), worlds, (one, given, all) => {
        const other = typeof given === 'number' ? rewritten(one, chance(given)) : given;
        if (meaning(one) !== meaning(other)) {
          others++;
          return;
        }
        same++;
        for (const world of all) expect(holds(one, world)).to.equal(holds(other, world));
      }),
      { numRuns: 5_000 * MORE },
    );
    expect(same, 'pairs of the same meaning').to.be.above(1_000);
    expect(others).to.be.above(1_000);
  }).timeout(120_000);

  it('is another when anything in it is: field, comparison, value, window, fallback, order where it matters', () => {
    const all: readonly unknown[] = [
      { field: 'a.x', op: '>', value: 80 },
      { field: 'a.x', op: '>', value: '80' },
      { field: 'a.x', op: '>=', value: 80 },
      { field: 'a.x.y', op: '>', value: 80 },
      { field: 'a.x', op: '==', value: [1, 2] },
      { field: 'a.x', op: '==', value: [2, 1] },
      { field: 'a.x', op: 'in', value: [1, '1'] },
      { field: 'a.x', op: 'in', value: [1] },
      { field: 'a.x', op: '==', value: { object: [['a', 1]] } },
      { field: 'a.x', op: '==', value: { a: 1 } },
      { not: { field: 'a.x', op: '>', value: 80 } },
      { '>': [{ field: 'a.x' }, 80] },
      { '>': [{ field: 'a.x.y' }, 80] },
      { '>': [{ field: 'a.x.z' }, 80] },
      { and: [1, { field: 'a.x', op: '>', value: 80 }] },
      { and: [{ field: 'a.x', op: '>', value: 80 }, 1] },
      { '>': [{ var: 'a.x' }, 80] },
      { '>': [{ var: ['a.x', 0] }, 80] },
      { and: [{ var: 'a.x' }, { var: 'a.y' }] },
      { and: [{ var: 'a.y' }, { var: 'a.x' }] },
      { or: [{ var: 'a.x' }, { var: 'a.y' }] },
      { not: { not: { var: 'a.x' } } },
      { var: 'a.x' },
      { '>': [{ avg: ['a.x', '5m'] }, 80] },
      { '>': [{ avg: ['a.x', '6m'] }, 80] },
      { '>': [{ percentile: ['a.x', '5m', 95] }, 80] },
      { '>': [{ percentile: ['a.x', '5m', 99] }, 80] },
      { my_fn: [1, 2] },
      { my_fn: [[1, 2]] },
      { my_fn: [[1], 2] },
      { some: [{ var: 'a.x' }, { '>': [{ var: '' }, 1] }] },
      { some: [{ var: 'a.x' }, { '>': [{ var: 'y' }, 1] }] },
      { '>': [{ '+': { var: 'a.x' } }, 1] },
      { '>': [{ '+': [{ var: 'a.x' }] }, 1] },
    ];
    expect(new Set(all.map((json) => meaning(json))).size).to.equal(all.length);
  });

  it('has the parameters put in: their names, and those that it does not read, do not matter', () => {
    const hot = meaning({ field: 'a.x', op: '>', value: 80 });
    expect(meaning({ field: 'a.x', op: '>', value: { var: 'parameters.high' } })).to.equal(hot);
    expect(meaning({ field: 'a.x', op: '>', value: { var: 'parameters.hot' } }, { hot: 80, other: 1 })).to.equal(hot);
    expect(meaning({ field: 'a.x', op: '>', value: { var: 'parameters.hot' } }, { hot: 81 })).to.not.equal(hot);
    expect(meaning({ in: [{ var: 'a.x' }, { var: 'parameters.list' }] })).to.equal(meaning({ in: [{ var: 'a.x' }, ['a', 'b']] }));
    expect(meaning({ field: 'a.x', op: '==', value: { var: 'parameters.limits.mode' } })).to.not.equal(meaning({ field: 'a.x', op: '==', value: 1 }));
    expect(meaning({ my_fn: [[{ var: 'parameters.high' }, 1]] })).to.equal(meaning({ my_fn: [[80, 1]] }));
  });

  it('does not show how numbers, durations and lists of one are spelled', () => {
    const read = (text: string): string => meaning(JSON.parse(text));
    for (const [one, other] of [
      ['{"field":"a.x","op":">","value":80}', '{ "value": 8.0e1, "op": ">", "field": "a.x" }'],
      ['{"field":"a.x","op":"==","value":0}', '{"field":"a.x","op":"==","value":-0.0}'],
      ['{"field":"a.x","op":"==","value":{"a":1,"b":2}}', '{"field":"a.x","op":"==","value":{"b":2.0,"a":1}}'],
      ['{">":[{"avg":["a.x","5m"]},1]}', '{">":[{"avg":["a.x","300s"]},1]}'],
      ['{"var":"a.x"}', '{"var":["a.x"]}'],
      ['{"var":"a.x"}', '{"and":[{"or":[{"var":"a.x"}]}]}'],
      ['{"?:":[{"var":"a.x"},1,2]}', '{"if":[{"var":"a.x"},1,2]}'],
      ['{"contains":[{"field":"a.x"},"b"]}', '{"field":"a.x","op":"contains","value":"b"}'],
    ] as const)
      expect(read(one), one).to.equal(read(other));
  });

  it('takes no time that grows with the depth', () => {
    const deep = (wrap: (inner: Json, i: number) => Json): Json => {
      let json: Json = { field: 'a.x', op: '>', value: 1 };
      for (let i = 0; i < 60; i++) json = wrap(json, i);
      return json;
    };
    const began = performance.now();
    expect(meaning(deep((inner) => ({ not: inner })))).to.equal(meaning({ field: 'a.x', op: '>', value: 1 }));
    meaning(deep((inner, i) => ({ [i % 2 === 0 ? 'and' : 'or']: [inner, { field: 'a.y', op: '>', value: i }] })));
    expect(performance.now() - began).to.be.below(1_000);
  });
});

describe('verdictOfEdit', () => {
  const HOT = { field: 'boiler.payload.t', op: '>', value: 80 };
  interface Rule {
    readonly mode?: string;
    readonly forEach?: unknown;
    readonly condition?: unknown;
    readonly clear?: unknown;
  }
  const rule = ({ mode = 'alert', forEach, condition: json = HOT, clear }: Rule): Identity =>
    identityOf({ mode, forEach, condition: treeOf(json), clearWhen: clear === undefined ? undefined : treeOf(clear) });
  const edit = (before: Rule, after: Rule, changed?: readonly string[]): EditVerdict => verdictOfEdit(rule(before), rule(after), changed);

  it('keeps the state when the condition means the same, whatever else was edited, and says so', () => {
    expect(edit({}, { condition: { not: { '!': [HOT] } } })).to.deep.equal({ verdict: 'kept', reason: 'nothing has changed that it means' });
    expect(edit({}, {}, ['severity', 'actions'])).to.deep.equal({
      verdict: 'kept',
      reason: 'the condition means what it meant, though severity, actions changed',
    });
    expect(edit({}, {}, ['for', 'description']).reason).to.match(/; what has passed counts for the new for$/);
    expect(edit({ forEach: { tags: { a: 1, b: 2 } } }, { forEach: { tags: { b: 2, a: 1 } } }).verdict).to.equal('kept');
  });

  it('judges anew what means something else of the same fields, or of a part of them', () => {
    expect(edit({}, { condition: { ...HOT, value: 90 } }).verdict).to.equal('reevaluated');
    expect(edit({}, { condition: { and: [HOT, { field: 'pump.on', op: '==', value: true }] } }).verdict).to.equal('reevaluated');
    expect(edit({}, { condition: { '>': [{ avg: ['boiler.payload.t', '5m'] }, 80] } }).verdict).to.equal('reevaluated');
    expect(edit({}, { condition: { exists: { field: 'boiler.payload' } } }).verdict).to.equal('reevaluated');
    expect(edit({ condition: { exists: { field: 'boiler.payload' } } }, {}).verdict).to.equal('reevaluated');
    expect(edit({}, { condition: { var: { cat: ['boiler.', 'payload'] } } }).verdict).to.equal('reevaluated');
    expect(edit({}, { clear: { ...HOT, op: '<', value: 70 } }))
      .to.include({ verdict: 'reevaluated' })
      .and.have.property('reason')
      .that.matches(/^clear_when/);
  });

  it('resets what shares no state: another mode, other instances, other fields', () => {
    expect(edit({}, { mode: 'event' })).to.deep.equal({ verdict: 'reset', reason: 'mode was alert and is event: they share no state' });
    expect(edit({}, { forEach: 'iot_*' }).reason).to.equal('for_each was not there and is "iot_*": its instances are others');
    expect(edit({}, { condition: { ...HOT, field: 'boiler.payload.pressure' } })).to.deep.equal({
      verdict: 'reset',
      reason: 'it read boiler.payload.t and reads boiler.payload.pressure: it is another alert, of which nobody has been told',
    });
    expect(edit({}, { condition: { ...HOT, field: 'boiler.payload.tt' } }).verdict).to.equal('reset');
    const many = { and: Array.from({ length: 7 }, (_, i) => ({ field: `m.f${i}`, op: 'exists' })) };
    expect(edit({}, { condition: many }).reason).to.match(/reads m\.f0, m\.f1, m\.f2, m\.f3, m\.f4 and 2 more: /);
  });

  it('works on identities that were stored', () => {
    fc.assert(
      fc.property(condition, condition, (one, other) => {
        const stored = JSON.parse(JSON.stringify(rule({ condition: one }))) as Identity;
        expect(verdictOfEdit(stored, rule({ condition: other }))).to.deep.equal(edit({ condition: one }, { condition: other }));
        expect(verdictOfEdit(stored, rule({ condition: one })).verdict).to.equal('kept');
      }),
    );
  });
});
