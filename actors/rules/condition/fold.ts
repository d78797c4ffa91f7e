/** What a part of a tree comes to whatever the facts are is computed once, at load: parameters are constants. The meaning stays. Pure. */
import { closure } from './closures.ts';
import { factsOf } from './facts.ts';
import { ConditionError, refill, truthy } from '../values/values.ts';
import type { Literal, Logic, Tree } from './tree.ts';

/** The same tree with its constant parts as literals; a part that can only fail stays, to fail where it is needed. */
export function fold(node: Tree): Tree {
  switch (node.kind) {
    case 'list':
    case 'operation':
      return computed({ ...node, of: node.of.map(fold) });
    case 'call':
      return { ...node, of: node.of.map(fold) };
    case 'logic':
      return node.op === 'if' ? chosen({ ...node, of: node.of.map(fold) }) : shortened({ ...node, of: node.of.map(fold) });
    case 'test':
      return computed({ ...node, of: fold(node.of) });
    case 'var':
      return node.or ? { ...node, or: fold(node.or) } : node;
    case 'lookup':
      return { ...node, name: fold(node.name), ...(node.or ? { or: fold(node.or) } : {}) };
    case 'missing':
      return { ...node, names: fold(node.names), ...(node.least ? { least: fold(node.least) } : {}) };
    case 'each':
      return { ...node, list: fold(node.list), body: fold(node.body), ...(node.from ? { from: fold(node.from) } : {}) };
    default:
      return node;
  }
}

const isLiteral = (node: Tree): node is Literal => node.kind === 'literal';

function computed(node: Extract<Tree, { kind: 'list' | 'operation' | 'test' }>): Tree {
  if (!(node.kind === 'test' ? isLiteral(node.of) : node.of.every(isLiteral))) return node;
  refill();
  try {
    const value = closure(node)(factsOf(undefined), undefined);
    return value === undefined ? node : { kind: 'literal', value, at: node.at };
  } catch (error) {
    if (error instanceof ConditionError) return node;
    throw error;
  }
}

/** `and` and `or` without the constants that decide nothing, and without what stands behind one that does. */
function shortened(node: Logic): Tree {
  const of: Tree[] = [];
  for (const [i, one] of node.of.entries()) {
    const decides = isLiteral(one) && truthy(one.value) === (node.op === 'or');
    if (!isLiteral(one) || decides || i === node.of.length - 1) of.push(one);
    if (decides) break;
  }
  const [only] = of;
  return only && of.length === 1 ? only : { ...node, of };
}

/** `if` without the branches that are never taken. */
function chosen(node: Logic): Tree {
  const [first, then, ...rest] = node.of;
  if (!first) return { kind: 'literal', value: null, at: node.at };
  if (!then) return first;
  if (!isLiteral(first)) return node;
  return truthy(first.value) ? then : chosen({ ...node, of: rest });
}
