/**
 * What a rule means: the condition with its parameters put in, however it is written. Its alert's state rests on that and on nothing else, so
 * that an edit of texts, actions, severity or times leaves the state alone. Pure.
 */
import { createHash } from 'node:crypto';
import type { Comparison } from '../values/leaf.ts';
import { nameOf, nodes, type Tree } from './tree.ts';

/** Plain JSON: it is stored beside the state that was made under it. */
export interface Identity {
  readonly mode: string;
  /** As JSON: by what its instances are told apart; '' for a rule without `for_each`. */
  readonly forEach: string;
  /** Hashes of what the two mean; '' for a rule without `clear_when`. */
  readonly condition: string;
  readonly clear: string;
  /** What the condition reads, `monitor.path`; `*` where that shows only in the evaluation. */
  readonly fields: readonly string[];
}
export interface Meant {
  readonly mode: string;
  readonly forEach?: unknown;
  readonly condition: Tree;
  readonly clearWhen?: Tree | undefined;
}

export const identityOf = ({ mode, forEach, condition, clearWhen }: Meant): Identity => ({
  mode,
  forEach: forEach === undefined ? '' : JSON.stringify(canonical(forEach)),
  condition: hashOf(condition),
  clear: clearWhen ? hashOf(clearWhen) : '',
  fields: fieldsOf(condition),
});

/** `kept`: timers and episode go on · `reevaluated`: judged anew over what is stored, the episode goes on while it holds · `reset`: it is closed. */
export interface EditVerdict {
  readonly verdict: 'kept' | 'reevaluated' | 'reset';
  /** In words, for `argos plan`. */
  readonly reason: string;
}

/**
 * What becomes of a rule's state when it is edited.
 *
 * @param changed the keys of its configuration that differ, for the words.
 */
export function verdictOfEdit(before: Identity, after: Identity, changed: readonly string[] = []): EditVerdict {
  if (before.mode !== after.mode) return { verdict: 'reset', reason: `mode was ${before.mode} and is ${after.mode}: they share no state` };
  if (before.forEach !== after.forEach)
    return { verdict: 'reset', reason: `for_each was ${before.forEach || 'not there'} and is ${after.forEach || 'not there'}: its instances are others` };
  if (before.condition !== after.condition) {
    if (!share(before.fields, after.fields))
      return { verdict: 'reset', reason: `it read ${said(before.fields)} and reads ${said(after.fields)}: it is another alert, of which nobody has been told` };
    return {
      verdict: 'reevaluated',
      reason: 'the condition means something else, of the same fields: it is judged anew over what is stored, and an episode goes on while it holds',
    };
  }
  if (before.clear !== after.clear)
    return { verdict: 'reevaluated', reason: 'clear_when means something else: a running episode ends, or goes on, by the new one; nothing else is touched' };
  return { verdict: 'kept', reason: keptBecause(changed) };
}

const MOST_SAID = 5;
const TIMES: readonly string[] = ['for', 'keep_firing_for', 'cooldown', 'no_data'];
function keptBecause(changed: readonly string[]): string {
  if (changed.length === 0) return 'nothing has changed that it means';
  const times = changed.filter((key) => TIMES.includes(key));
  const same = `the condition means what it meant, though ${changed.join(', ')} changed`;
  return times.length === 0 ? same : `${same}; what has passed counts for the new ${times.join(', ')}`;
}

/** Whether one reads what the other reads, or a part of it. */
function share(before: readonly string[], after: readonly string[]): boolean {
  if (before.includes('*') || after.includes('*')) return true;
  const within = (fields: readonly string[], all: ReadonlySet<string>): boolean => fields.some((field) => prefixes(field).some((one) => all.has(one)));
  return (before.length === 0 && after.length === 0) || within(before, new Set(after)) || within(after, new Set(before));
}
const prefixes = (field: string): readonly string[] => field.split('.').map((_, i, words) => words.slice(0, i + 1).join('.'));
function said(fields: readonly string[]): string {
  const more = fields.length - MOST_SAID;
  return (fields.slice(0, MOST_SAID).join(', ') || 'nothing') + (more > 0 ? ` and ${more} more` : '');
}

function fieldsOf(tree: Tree): readonly string[] {
  const fields = nodes(tree).flatMap((node): readonly string[] => {
    if (node.kind === 'leaf' || node.kind === 'field') return [nameOf(node.monitor, node.path)];
    if (node.kind === 'window') return [nameOf(node.window.monitor, node.window.path)];
    if (node.kind === 'var' && !node.local) return [nameOf(node.name[0] ?? '*', node.name.slice(1))];
    return (node.kind === 'lookup' || node.kind === 'missing') && !node.local ? ['*'] : [];
  });
  return [...new Set(fields)].sort();
}

/** The number says by which form: another one is another meaning of every rule. */
const hashOf = (tree: Tree): string =>
  createHash('sha256')
    .update(`1 ${formOf(tree).text}`)
    .digest('base64url')
    .slice(0, 22);

/** A tree as a text, without where it is written. Trees that mean the same by the rules below have the same. */
interface Form {
  readonly text: string;
  /** It comes to nothing but true, false and unknown, and does not fail. */
  readonly isBoolean: boolean;
  /** Of a Boolean `and`, `or`, `not`: which it is, and of what. */
  readonly op?: string;
  readonly of?: readonly Form[];
}

function formOf(node: Tree): Form {
  switch (node.kind) {
    case 'literal':
      return { text: json(canonical(node.value)), isBoolean: typeof node.value === 'boolean' };
    case 'list':
      return { text: `[${node.of.map((one) => formOf(one).text).join(',')}]`, isBoolean: false }; // of literals: as the literal list
    case 'leaf':
      return leaf(node.op, node.value, node.monitor, node.path);
    case 'test':
      if (node.of.kind === 'field') return leaf(node.op, node.value, node.of.monitor, node.of.path);
      return { ...form('test', json(node.op), json(operand(node.op, node.value)), formOf(node.of)), isBoolean: node.of.kind === 'window' };
    case 'field':
      return form('field', json([node.monitor, ...node.path]));
    case 'var':
      return form('var', json(node.local), json(node.name), node.or && formOf(node.or));
    case 'lookup':
      return form('lookup', json(node.local), json(node.dotted), formOf(node.name), node.or && formOf(node.or));
    case 'missing':
      return form('missing', json(node.local), formOf(node.names), node.least && formOf(node.least));
    case 'logic':
      return node.op === 'if' ? form('if', ...node.of.map(formOf)) : junction(node.op, node.of.map(formOf));
    case 'operation': {
      const of = node.of.map(formOf);
      return node.op === 'not' && !node.spread ? negation(of) : form('operation', json(node.op), json(node.spread), ...of);
    }
    case 'each':
      return form('each', json(node.op), formOf(node.list), formOf(node.body), node.from && formOf(node.from));
    case 'window':
      return form('window', json(canonical(node.window)));
    case 'call':
      return form('call', json(node.name), ...node.of.map(formOf));
  }
}

const form = (kind: string, ...parts: readonly (Form | string | undefined)[]): Form => ({
  text: `(${kind} ${parts.map((part) => (typeof part === 'string' ? part : (part?.text ?? 'none'))).join(' ')})`,
  isBoolean: false,
});
const leaf = (op: Comparison, value: unknown, monitor: string, path: readonly string[]): Form => ({
  ...form('leaf', json(op), json(operand(op, value)), json([monitor, ...path])),
  isBoolean: true,
});

/** Of what is true, false or unknown, order, brackets and repetition do not matter. Of other values the first that decides is the result. */
function junction(op: 'and' | 'or', of: readonly Form[]): Form {
  const [only] = of;
  if (only && of.length === 1) return only;
  if (!of.every(({ isBoolean }) => isBoolean)) return form(op, ...of);
  const parts = new Map(of.flatMap((one) => (one.op === op ? (one.of ?? []) : [one])).map((one) => [one.text, one]));
  const sorted = [...parts.values()].sort((a, b) => (a.text < b.text ? -1 : 1));
  return sorted.length === 1 && sorted[0] ? sorted[0] : { ...form(op, ...sorted), isBoolean: true, op, of: sorted };
}

/** What is negated twice is what it was. */
function negation(of: readonly Form[]): Form {
  const [only] = of;
  if (only?.op === 'not' && only.of?.[0]) return only.of[0];
  return only?.isBoolean ? { ...form('not', only), isBoolean: true, op: 'not', of } : form('not', ...of);
}

/** What stands beside a comparison. In a list of which one is sought, order and repetition do not matter. */
function operand(op: Comparison, value: unknown): unknown {
  if (op === 'exists') return value !== false;
  if (op === 'changed') return null;
  if ((op !== 'in' && op !== 'not_in') || !Array.isArray(value)) return canonical(value);
  return [...new Set(value.map((one) => JSON.stringify(canonical(one))))].sort();
}

/** A JSON value in which neither the order of keys nor the spelling of numbers shows. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value === 'number' && !Number.isFinite(value)) return { number: String(value) }; // 1e999 is JSON
  if (typeof value !== 'object' || value === null) return value;
  return {
    object: Object.entries(value)
      .filter(([, one]) => one !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, one]) => [key, canonical(one)]),
  };
}
const json = (value: unknown): string => JSON.stringify(value);
