/** Random conditions as they are written, and random states to judge them on. */
import fc from 'fast-check';
import type { Fields } from '../../actors/event.ts';
import type { Facts } from '../../actors/rules/compile.ts';
import { COMPARISONS, type Comparison, type Condition, parseCondition } from '../../actors/rules/condition.ts';

export interface WrittenLeaf {
  readonly field: string;
  readonly op: Comparison;
  readonly value?: unknown;
}
export type Written = { readonly and: readonly Written[] } | { readonly or: readonly Written[] } | { readonly not: Written } | WrittenLeaf;
/** The state of each monitor now, and the one before. */
export type World = Readonly<Record<string, { readonly now?: Fields; readonly before?: Fields }>>;

const MONITORS = ['a', 'b', 'c'] as const;
const name = fc.constantFrom('x', 'y', '0');
const scalar = fc.oneof(fc.integer({ min: -2, max: 2 }), fc.constantFrom('', 'a', 'ab', 'b', 'ba'), fc.boolean(), fc.constant(null));
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

export const leaf: fc.Arbitrary<WrittenLeaf> = fc.constantFrom(...COMPARISONS).chain((op) =>
  fc.tuple(fc.constantFrom(...MONITORS), fc.array(name, { minLength: 1, maxLength: 2 }), operand(op)).map(([monitor, path, rest]) => ({
    field: [monitor, ...path].join('.'),
    op,
    ...rest,
  })),
);
export const condition: fc.Arbitrary<Written> = fc.letrec<{ tree: Written }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaf,
    fc.array(tie('tree'), { minLength: 1, maxLength: 3 }).map((of) => ({ and: of })),
    fc.array(tie('tree'), { minLength: 1, maxLength: 3 }).map((of) => ({ or: of })),
    tie('tree').map((of) => ({ not: of })),
  ),
})).tree;

const fields = fc.dictionary(name, value, { noNullPrototype: true });
export const world: fc.Arbitrary<World> = fc.dictionary(
  fc.constantFrom(...MONITORS),
  fc.record({ now: fields, before: fields }, { requiredKeys: [], noNullPrototype: true }),
  {
    noNullPrototype: true,
  },
);

export const factsOf = (states: World): Facts => ({ now: (monitor) => states[monitor]?.now, before: (monitor) => states[monitor]?.before });

/** The parsed tree. @throws with the faults when there are some. */
export function parsed(json: unknown, parameters: Fields = {}): Condition {
  const { faults, ...rest } = parseCondition(json, parameters);
  if ('condition' in rest) return rest.condition;
  throw new Error(JSON.stringify(faults));
}
