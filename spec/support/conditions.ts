/** Random conditions as they are written, and random states to judge them on. */
import fc from 'fast-check';
import type { Fields } from '../../actors/event.ts';
import { parseCondition, parseLogic } from '../../actors/rules/condition/condition.ts';
import type { Facts } from '../../actors/rules/condition/facts.ts';
import { COMPARISONS, type Comparison } from '../../actors/rules/values/leaf.ts';
import { type Leaf, nodes, type Tree, windows } from '../../actors/rules/condition/tree.ts';

export interface WrittenLeaf {
  readonly field: string;
  readonly op: Comparison;
  readonly value?: unknown;
}
export type Written = { readonly and: readonly Written[] } | { readonly or: readonly Written[] } | { readonly not: Written } | WrittenLeaf;
/** The state of each monitor now, and the one before. */
export type States = Readonly<Record<string, { readonly now?: Fields; readonly before?: Fields }>>;
/** `windows`: what each comes to, by its function and operands, `avg a.x 5m`. */
export interface World {
  readonly states: States;
  readonly windows?: Readonly<Record<string, unknown>>;
}

const MONITORS = ['a', 'b', 'c'] as const;
export const name = fc.constantFrom('x', 'y', '0');
export const scalar = fc.oneof(fc.integer({ min: -2, max: 2 }), fc.constantFrom('', 'a', 'ab', 'b', 'ba', '1'), fc.boolean(), fc.constant(null));
/** Small, so that values meet each other. */
export const value: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: scalar },
  fc.array(scalar, { maxLength: 2 }),
  fc.dictionary(name, scalar, { maxKeys: 2, noNullPrototype: true }),
);
const range = fc.tuple(fc.integer({ min: -2, max: 2 }), fc.integer({ min: -2, max: 2 })).map(([a, b]) => [Math.min(a, b), Math.max(a, b)]);

/** What may stand in `value` beside this operator. */
export function operand(op: Comparison): fc.Arbitrary<{ readonly value?: unknown }> {
  const given = (arbitrary: fc.Arbitrary<unknown>): fc.Arbitrary<{ readonly value?: unknown }> => arbitrary.map((one) => ({ value: one }));
  switch (op) {
    case '>':
    case '>=':
    case '<':
    case '<=':
      return given(fc.oneof(fc.integer({ min: -2, max: 2 }), fc.constantFrom('', 'a', 'ab', 'b')));
    case 'in':
    case 'not_in':
      return given(fc.array(value, { maxLength: 3 }));
    case 'starts_with':
    case 'ends_with':
      return given(fc.constantFrom('', 'a', 'b', 'ab'));
    case 'matches':
      return given(fc.constantFrom('^a', 'b$', 'a.?b', '^[ab]*$', '^$', 'A'));
    case 'between':
      return given(range);
    case 'exists':
      return fc.constantFrom({}, { value: true }, { value: false });
    case 'changed':
      return fc.constant({});
    default:
      return given(value);
  }
}

const field = fc.tuple(fc.constantFrom(...MONITORS), fc.array(name, { minLength: 1, maxLength: 2 })).map(([monitor, path]) => [monitor, ...path].join('.'));
export const leaf: fc.Arbitrary<WrittenLeaf> = fc
  .constantFrom(...COMPARISONS)
  .chain((op) => fc.tuple(field, operand(op)).map(([written, rest]) => ({ field: written, op, ...rest })));
export const condition: fc.Arbitrary<Written> = fc.letrec<{ tree: Written }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaf,
    fc.array(tie('tree'), { minLength: 1, maxLength: 3 }).map((of) => ({ and: of })),
    fc.array(tie('tree'), { minLength: 1, maxLength: 3 }).map((of) => ({ or: of })),
    tie('tree').map((of) => ({ not: of })),
  ),
})).tree;

const WINDOWS = ['avg a.x 5m', 'max a.x 5m', 'count b.y 1h', 'percentile c.x 5m 95', 'changed a.x 5m'];
const window = fc.constantFrom(...WINDOWS).map((text) => {
  const [fn = '', source, length, p] = text.split(' ');
  return { [fn]: p === undefined ? [source, length] : [source, length, Number(p)] };
});
const NAMES = fc.constantFrom('a.x', 'b.y', 'a', 'x', 'current', 'accumulator', 'accumulator.x', 'rule.r.state', '', 'a.x.0');
const NUMERIC = ['+', '-', '*', '/', '%', 'min', 'max'];
const MANY = [...NUMERIC, '==', '===', '<', '<=', '>', '>=', 'cat', 'merge', 'and', 'or', 'if', '?:'];
const TWO = ['!=', '!==', 'in', 'substr', ...NUMERIC, '<', '>'];
const ONE = ['!', 'not', '!!', 'log', 'exists', 'cat', 'merge', '+', '-', 'max', 'or', 'if'];

/** JsonLogic of every form, three-valued parts within; some of it is refused, as `{"+": [[], 1]}` is. */
export const logic: fc.Arbitrary<unknown> = fc.letrec<{ tree: unknown; atom: unknown }>((tie) => {
  const some = (minLength: number, maxLength: number): fc.Arbitrary<unknown[]> => fc.array(tie('tree'), { minLength, maxLength });
  const known = (words: readonly string[], args: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
    fc.tuple(fc.constantFrom(...words), args).map(([op, of]) => ({ [op]: of }));
  const atom = fc.oneof(
    { weight: 2, arbitrary: scalar },
    { weight: 2, arbitrary: field.map((one) => ({ field: one })) },
    { weight: 3, arbitrary: NAMES.map((one) => ({ var: one })) },
    leaf,
    window,
    fc.array(scalar, { maxLength: 3 }),
  );
  return {
    atom,
    tree: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      atom,
      { weight: 3, arbitrary: known(MANY, some(2, 3)) },
      { weight: 2, arbitrary: known(TWO, some(2, 2)) },
      { weight: 2, arbitrary: known(ONE, some(1, 1)) },
      known(ONE, tie('tree')),
      some(0, 3),
      known(['map', 'filter', 'all', 'some', 'none'], some(2, 2)),
      known(['reduce'], some(2, 3)),
      known(['pair', 'mute'], some(0, 2)),
      fc.tuple(NAMES, tie('tree')).map(([one, rest]) => ({ var: [one, rest] })),
      tie('tree').map((of) => ({ var: [of] })),
      fc.array(name, { maxLength: 2 }).map((path) => ({ val: ['a', ...path] })),
      fc.array(NAMES, { maxLength: 2 }).map((names) => ({ missing: names })),
      tie('tree').map((of) => ({ missing: of })),
      fc.tuple(tie('tree'), fc.array(NAMES, { maxLength: 3 })).map((of) => ({ missing_some: of })),
      fc
        .constantFrom('not_in', 'contains', 'starts_with', 'ends_with', 'matches', 'between')
        .chain((op) => fc.tuple(tie('tree'), operand(op as Comparison)).map(([of, rest]) => ({ [op]: [of, rest.value] }))),
      value.map((one) => ({ preserve: one })),
    ),
  };
}).tree;

const fields = fc.dictionary(name, value, { noNullPrototype: true });
const states = fc.dictionary(fc.constantFrom(...MONITORS, 'rule:r'), fc.record({ now: fields, before: fields }, { requiredKeys: [], noNullPrototype: true }), {
  noNullPrototype: true,
});
export const world: fc.Arbitrary<World> = fc.record({
  states,
  windows: fc.dictionary(fc.constantFrom(...WINDOWS), fc.oneof(fc.integer({ min: -2, max: 2 }), value), { noNullPrototype: true }),
});

/** The custom functions of these worlds. */
export const FUNCTIONS: Readonly<Record<string, (args: readonly unknown[]) => unknown>> = {
  pair: (args) => [...args, args.length],
  mute: () => undefined,
};
/** All states that there are, by the names of their monitors. */
export const everything = (all: States): Fields => Object.fromEntries(Object.entries(all).flatMap(([one, { now }]) => (now ? [[one, now]] : [])));

/** @param tree names the windows. */
export function factsOf({ states: all, windows: come = {} }: World, tree?: Tree): Facts {
  const asked = (tree ? windows(tree) : []).map(({ fn, monitor, path, lengthMs, p }) =>
    [fn, [monitor, ...path].join('.'), lengthMs < 3_600_000 ? `${lengthMs / 60_000}m` : `${lengthMs / 3_600_000}h`, ...(p === undefined ? [] : [p])].join(' '),
  );
  return {
    now: (monitor) => all[monitor]?.now,
    before: (monitor) => all[monitor]?.before,
    window: (index) => come[asked[index] ?? ''],
    whole: () => everything(all),
    call: (one, args) => FUNCTIONS[one]?.(args),
  };
}

/** The parsed tree. @throws with the faults when there are some. */
export function parsed(json: unknown, parameters: Fields = {}): Tree {
  const { faults, ...rest } = parseCondition(json, parameters, '', Object.keys(FUNCTIONS));
  if ('condition' in rest) return rest.condition;
  throw new Error(JSON.stringify(faults));
}
/** The same of any JSON; undefined when it is refused. */
export function treeOf(json: unknown): Tree | undefined {
  const got = parseLogic(json, {}, '', Object.keys(FUNCTIONS));
  return 'condition' in got ? got.condition : undefined;
}
/** The specification's leaves, from left to right. */
export const leaves = (tree: Tree): readonly Leaf[] => nodes(tree).filter((node) => node.kind === 'leaf');
