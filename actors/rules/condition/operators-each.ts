/** JsonLogic's operators over the elements of a list, three-valued: `all`, `some` and `none` are Kleene's `and` and `or` over them. Pure. */
import type { Evaluate } from './closures.ts';
import type { Each } from './operators.ts';
import { type Fail, spend, truthy } from '../values/values.ts';

/**
 * @param body is asked of each element; of `{current, accumulator}` by `reduce`, which begins with `from`.
 * @param steps what one such costs at the least.
 */
export function iteration(
  op: Each,
  { list, body, from, steps }: { readonly list: Evaluate; readonly body: Evaluate; readonly from: Evaluate; readonly steps: number },
  fail: Fail,
): Evaluate {
  /** What is no list has no elements. */
  const over =
    (visit: (items: readonly unknown[], each: (item: unknown) => unknown) => unknown): Evaluate =>
    (facts, local) => {
      const items = list(facts, local);
      if (items === undefined) return undefined;
      return visit(Array.isArray(items) ? items : [], (item) => {
        spend(steps, fail);
        return body(facts, item);
      });
    };
  switch (op) {
    case 'map':
      return over((items, each) => whole(items.map(each)));
    case 'filter':
      return over((items, each) => {
        const holds = whole(items.map(each));
        return holds && items.filter((_, i) => truthy(holds[i]));
      });
    case 'all':
      return over((items, each) => items.length > 0 && opposite(some(items, (item) => opposite(each(item)))));
    case 'some':
      return over((items, each) => some(items, each));
    case 'none':
      return over((items, each) => opposite(some(items, each)));
    case 'reduce':
      return (facts, local) => {
        const items = list(facts, local);
        let accumulator = items === undefined ? undefined : from(facts, local);
        for (const current of Array.isArray(items) ? items : []) {
          if (accumulator === undefined) return undefined;
          spend(steps, fail);
          accumulator = body(facts, { current, accumulator });
        }
        return accumulator;
      };
  }
}

/** Undefined when a part is unknown. */
const whole = (values: readonly unknown[]): readonly unknown[] | undefined => (values.includes(undefined) ? undefined : values);
const opposite = (value: unknown): boolean | undefined => (value === undefined ? undefined : !truthy(value));

/** True as soon as one holds; unknown when none does and one is unknown. */
function some(items: readonly unknown[], each: (item: unknown) => unknown): boolean | undefined {
  let unknown = false;
  for (const item of items) {
    const value = each(item);
    if (value === undefined) unknown = true;
    else if (truthy(value)) return true;
  }
  return unknown ? undefined : false;
}
