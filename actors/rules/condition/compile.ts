/** A condition's tree into a closure, once, at load. Three-valued after Kleene: `undefined` is unknown, never silently false. Pure. */
import { closure } from './closures.ts';
import { fold } from './fold.ts';
import type { Facts } from './facts.ts';
import { at, ConditionError, refill, type Truth, truthOf } from '../values/values.ts';
import type { Tree } from './tree.ts';

export { at, ConditionError, type Facts, type Truth, truthOf };

/** What the condition comes to; `truthOf` makes a verdict of it. @throws ConditionError when it cannot be evaluated, which is not unknown. */
export type Compiled = (facts: Facts) => unknown;

export function compile(tree: Tree): Compiled {
  const evaluate = closure(fold(tree));
  return (facts) => {
    refill();
    return evaluate(facts, undefined);
  };
}
