/** Why a condition is what it is: each leaf with its value now. Pure. */
import { at, compile, type Facts, type Truth } from './compile.ts';
import { type Condition, leaves } from './condition.ts';

export interface Explained {
  /** `and`, `or`, `not`, or the leaf in words: `boiler.payload.temperature > 80`. */
  readonly text: string;
  /** null is unknown. */
  readonly truth: boolean | null;
  /** Leaves: what stands there now; left out when nothing does. */
  readonly value?: unknown;
  readonly of?: readonly Explained[];
}

export function explain(condition: Condition, facts: Facts): Explained {
  const truth = known(compile(condition)(facts));
  switch (condition.op) {
    case 'and':
    case 'or':
      return { text: condition.op, truth, of: condition.of.map((one) => explain(one, facts)) };
    case 'not':
      return { text: 'not', truth, of: [explain(condition.of, facts)] };
    default: {
      const value = at(facts.now(condition.monitor), condition.path);
      const text = `${condition.monitor}.${condition.path.join('.')} ${condition.op}${condition.value === undefined ? '' : ` ${JSON.stringify(condition.value)}`}`;
      return value === undefined ? { text, truth } : { text, truth, value };
    }
  }
}

/** What an alert's `details` say: of a firing the leaves that hold, of an end those that do not, with their values. */
export function details(condition: Condition, facts: Facts, verdict: 'firing' | 'resolved'): string {
  const telling = leaves(condition).flatMap((leaf) => {
    const { text, truth, value } = explain(leaf, facts);
    if (truth !== (verdict === 'firing')) return [];
    return [`${text} (${value === undefined ? 'nothing is there' : JSON.stringify(value)})`];
  });
  if (telling.length === 0) return 'no part of the condition tells by itself';
  return verdict === 'firing' ? telling.join(', ') : `false now: ${telling.join(', ')}`;
}

const known = (truth: Truth): boolean | null => truth ?? null;
