// Conditions into closures: three-valued, and the same as a plain reading of what is written.
import { expect } from 'chai';
import fc from 'fast-check';
import type { Fields } from '../../../actors/event.ts';
import { at, compile, type Truth } from '../../../actors/rules/compile.ts';
import type { Comparison } from '../../../actors/rules/condition.ts';
import { condition, factsOf, parsed, type World, type Written, type WrittenLeaf, world } from '../../support/conditions.ts';

/** Kleene's logic in numbers: false 0, unknown 1, true 2. `and` is the least, `or` the greatest, `not` the mirror image. */
const KLEENE: readonly Truth[] = [false, undefined, true];
const rank = (truth: Truth): number => KLEENE.indexOf(truth);

/** The condition read as it is written, without a tree or a closure. */
function interpret(written: Written, states: World): Truth {
  if ('and' in written) return KLEENE[Math.min(...written.and.map((one) => rank(interpret(one, states))))];
  if ('or' in written) return KLEENE[Math.max(...written.or.map((one) => rank(interpret(one, states))))];
  if ('not' in written) return KLEENE[2 - rank(interpret(written.not, states))];
  return judge(written, states);
}
const step = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Object.entries(value).find(([key]) => key === name)?.[1] : undefined;
/** The value as a text that is the same for equal values only: keys in order, objects told from lists. */
const text = (value: unknown): string =>
  typeof value !== 'object' || value === null || Array.isArray(value)
    ? JSON.stringify(value)
    : `{${Object.entries(value)
        .map(([key, one]) => `${key}:${JSON.stringify(one)}`)
        .sort()
        .join()}}`;
const same = (a: unknown, b: unknown): boolean => text(a) === text(b);
/** -1, 0 or 1; undefined for what cannot be compared. */
function order(a: unknown, b: unknown): number | undefined {
  if (typeof a === 'number' && typeof b === 'number') return Math.sign(a - b);
  if (typeof a !== 'string' || typeof b !== 'string') return undefined;
  return a === b ? 0 : [a, b].sort()[0] === a ? -1 : 1;
}

function judge({ field, op, value }: WrittenLeaf, states: World): Truth {
  const [monitor = '', ...path] = field.split('.');
  const now = path.reduce(step, states[monitor]?.now);
  const before = path.reduce(step, states[monitor]?.before);
  if (op === 'exists') return value === false ? now === undefined : now !== undefined;
  if (now === undefined || (op === 'changed' && before === undefined)) return undefined;
  const list = Array.isArray(value) ? value : [];
  const string = typeof now === 'string' ? now : undefined;
  const sign = order(now, value);
  const table: Record<Comparison, Truth> = {
    '<': sign === undefined ? undefined : sign < 0,
    '<=': sign === undefined ? undefined : sign <= 0,
    '>': sign === undefined ? undefined : sign > 0,
    '>=': sign === undefined ? undefined : sign >= 0,
    '==': same(now, value),
    '!=': !same(now, value),
    in: list.some((one) => same(one, now)),
    not_in: !list.some((one) => same(one, now)),
    contains: Array.isArray(now) ? now.some((one) => same(one, value)) : string?.includes(String(value)),
    starts_with: string === undefined ? undefined : string.indexOf(String(value)) === 0,
    ends_with: string === undefined ? undefined : string.slice(string.length - String(value).length) === value,
    matches: string === undefined ? undefined : new RegExp(String(value)).test(string),
    between: typeof now === 'number' ? Number(list[0]) <= now && now <= Number(list[1]) : undefined,
    changed: !same(now, before),
    exists: undefined,
  };
  return table[op];
}

const truth = (written: unknown, now: Fields = {}, before: Fields = {}): Truth => compile(parsed(written))(factsOf({ m: { now, before } }));
/** What `field op value` says when the field is `got`. */
const says = (got: unknown, op: Comparison, value?: unknown): Truth => truth({ field: 'm.x', op, ...(value === undefined ? {} : { value }) }, { x: got });

describe('compile', () => {
  it('makes a closure that says what the condition says, read as it is written', () => {
    fc.assert(
      fc.property(condition, world, (written, states) => {
        expect(compile(parsed(written))(factsOf(states))).to.equal(interpret(written, states));
      }),
      { numRuns: 3_000 },
    );
  });

  it('makes a closure that always says the same of the same facts', () => {
    fc.assert(
      fc.property(condition, fc.array(world, { maxLength: 4 }), (written, all) => {
        const holds = compile(parsed(written));
        expect(all.map((states) => holds(factsOf(states)))).to.deep.equal(all.map((states) => compile(parsed(written))(factsOf(structuredClone(states)))));
      }),
    );
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
        const holds = (written: unknown): Truth => compile(parsed(written))(factsOf(states));
        expect(holds({ not: { and: [a, b] } })).to.equal(holds({ or: [{ not: a }, { not: b }] }));
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
    expect(says({ b: 1 }, 'in', [1, { b: 1 }])).to.equal(true);
    expect(says([1, 2], '==', [2, 1])).to.equal(false);
    expect(says('1', '==', 1)).to.equal(false);
  });

  it('finds a part of a text, an element of a list; of anything else it is unknown', () => {
    expect([says('abc', 'contains', 'b'), says('a5', 'contains', 5), says('abc', 'contains', 'd')]).to.deep.equal([true, true, false]);
    expect([says([{ a: 1 }], 'contains', { a: 1 }), says([1], 'contains', '1'), says({ a: 1 }, 'contains', 'a')]).to.deep.equal([true, false, undefined]);
  });

  it('matches patterns in linear time, and not on a text of more than 65,536 characters', () => {
    expect([says('error 42', 'matches', 'err.* \\d+'), says('ok', 'matches', '^err'), says(5, 'matches', '5')]).to.deep.equal([true, false, undefined]);
    const began = performance.now();
    expect(says('a'.repeat(65_536), 'matches', '^(a+)+$|^(([a-z])+.)+[A-Z]$')).to.equal(true);
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
