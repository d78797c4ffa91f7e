/** Why a condition is what it is: each part with its value now, and for what is unknown the reason. Pure. */
import { RE2JS } from 're2js';
import { compile, ConditionError, type Facts } from './compile.ts';
import { closure } from './closures.ts';
import { longestSubject } from '../values/leaf.ts';
import { at, refill, truthOf } from '../values/values.ts';
import { below, type Leaf, type Test, type Tree } from './tree.ts';
import { nodeText, valueText } from './wording.ts';

export interface Explained {
  /** `and`, `or`, `not`, or the part in words: `boiler.payload.temperature > 80`. */
  readonly text: string;
  /** Where it is written, as a JSON pointer. */
  readonly at: string;
  /** null is unknown. */
  readonly truth: boolean | null;
  /** Of a leaf, what stands in its field now; of any other part, what it comes to, when that is more than its truth. Left out when nothing is there. */
  readonly value?: unknown;
  /** Why it is unknown. */
  readonly reason?: string;
  readonly of?: readonly Explained[];
}
/** What came of a part: a value, nothing, or an error. */
type Outcome = { readonly value: unknown } | { readonly error: string };

/** Parts that are not reached in an evaluation are explained as well, which costs more work than one evaluation. */
const TIMES = 4;

export function explain(tree: Tree, facts: Facts): Explained {
  const outcome = tried(() => compile(tree)(facts));
  refill(TIMES);
  return explained(tree, facts, outcome);
}

const explainPart = (node: Tree, facts: Facts): Explained => explained(node, facts, outcomeOf(node, facts));
const outcomeOf = (node: Tree, facts: Facts): Outcome => tried(() => closure(node)(facts, undefined));

function tried(evaluate: () => unknown): Outcome {
  try {
    return { value: evaluate() };
  } catch (error) {
    if (error instanceof ConditionError) return { error: error.message };
    throw error;
  }
}

function explained(node: Tree, facts: Facts, outcome: Outcome): Explained {
  const truth = 'error' in outcome ? undefined : truthOf(outcome.value);
  const value = worth(node, facts, outcome);
  const of = parts(node).map((one) => explainPart(one, facts));
  return {
    text: title(node),
    at: node.at,
    truth: truth ?? null,
    ...(value === undefined ? {} : { value }),
    ...(truth === undefined ? { reason: 'error' in outcome ? outcome.error : whyUnknown(node, facts) } : {}),
    ...(of.length > 0 ? { of } : {}),
  };
}

const title = (node: Tree): string => (isBoolean(node) ? node.op : nodeText(node));
const isBoolean = (node: Tree): node is Extract<Tree, { kind: 'logic' | 'operation' }> =>
  (node.kind === 'logic' && node.op !== 'if') || (node.kind === 'operation' && (node.op === 'not' || node.op === '!!'));

/** The parts that have a value of their own now: not the body of a `map`, which has one for each element, and no constants. */
const parts = (node: Tree): readonly Tree[] => (node.kind === 'each' ? [node.list] : below(node)).filter(({ kind }) => kind !== 'literal');

function worth(node: Tree, facts: Facts, outcome: Outcome): unknown {
  if (node.kind === 'leaf') return at(facts.now(node.monitor), node.path);
  if ('error' in outcome) return undefined;
  const isSource = ['field', 'var', 'lookup', 'window', 'call'].includes(node.kind);
  return isSource || typeof outcome.value !== 'boolean' ? outcome.value : undefined;
}

function whyUnknown(node: Tree, facts: Facts): string {
  switch (node.kind) {
    case 'leaf':
    case 'field': {
      const state = facts.now(node.monitor);
      if (state === undefined) return `no state of ${node.monitor} yet`;
      const value = at(state, node.path);
      if (value === undefined) return 'no such field yet';
      return node.kind === 'leaf' ? whyIncomparable(node, value) : 'unknown';
    }
    case 'test': {
      const outcome = outcomeOf(node.of, facts);
      return 'value' in outcome && outcome.value !== undefined ? whyIncomparable(node, outcome.value) : 'a part is unknown';
    }
    case 'window':
      return 'no data in the window';
    case 'call':
      return node.of.every((one) => truthOf(resultOf(one, facts)) !== undefined) ? 'no answer of the function' : 'a part is unknown';
    default:
      return 'a part is unknown';
  }
}

function resultOf(node: Tree, facts: Facts): unknown {
  const outcome = outcomeOf(node, facts);
  return 'value' in outcome ? outcome.value : undefined;
}

function whyIncomparable({ op, value }: Leaf | Test, got: unknown): string {
  if (op === 'changed') return 'no value before this one';
  if (op === 'matches' && typeof got === 'string')
    return `a text of more than ${longestSubject(RE2JS.compile(String(value)))} characters is not matched with this pattern`;
  return op === 'matches' || op === 'between' || op === 'contains' || op.endsWith('_with')
    ? `${kindOf(got)}: kinds cannot be compared`
    : `${kindOf(got)} and ${kindOf(value)}: kinds cannot be compared`;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return { number: 'a number', string: 'a text', boolean: 'a truth value' }[String(typeof value)] ?? 'an object';
}

/** What an alert's `details` say: of a firing the parts that hold, of an end those that do not, with their values. */
export function details(tree: Tree, facts: Facts, verdict: 'firing' | 'resolved'): string {
  refill(TIMES);
  const telling = tellers(tree).flatMap((node) => {
    const outcome = outcomeOf(node, facts);
    if ('error' in outcome || truthOf(outcome.value) !== (verdict === 'firing')) return [];
    return [`${nodeText(node)} (${weighed(node, facts).map(valueText).join(', ')})`];
  });
  if (telling.length === 0) return 'no part of the condition tells by itself';
  return verdict === 'firing' ? telling.join(', ') : `false now: ${telling.join(', ')}`;
}

/** The parts right below `and`, `or` and `not`. */
const tellers = (node: Tree): readonly Tree[] => (isBoolean(node) ? node.of.flatMap(tellers) : [node]);

/** The values that it says something of. */
function weighed(node: Tree, facts: Facts): readonly unknown[] {
  if (node.kind === 'leaf') return [at(facts.now(node.monitor), node.path)];
  const of = parts(node);
  return of.length > 0 ? of.map((one) => resultOf(one, facts)) : [resultOf(node, facts)];
}
