/** A condition by itself, without a node: read from either form, evaluated on plain data, explained, and written in the other form. Pure. */
import { type Compiled, compile, ConditionError } from '../actors/rules/condition/compile.ts';
import { parseLogic } from '../actors/rules/condition/condition.ts';
import { explain } from '../actors/rules/condition/explain.ts';
import { factsOf } from '../actors/rules/condition/facts.ts';
import type { Tree } from '../actors/rules/condition/tree.ts';
import { printText } from '../actors/rules/text/print.ts';
import { parseText } from '../actors/rules/text/text.ts';
import { own } from '../actors/rules/values/values.ts';
import type { Fault } from '../actors/schema.ts';
import type { ExplainedPart, PlacedFault } from '../proto/api.ts';
import { faultAt, parsePlaced, placeOf, plain } from './placed.ts';

/** A condition that may be evaluated again and again. */
export interface Condition {
  /** Its JSON form. */
  readonly json: unknown;
  readonly tree: Tree;
  readonly holds: Compiled;
}
/** What is wrong with one; lines and columns are of `source`. */
export interface Refused {
  readonly source: string;
  readonly faults: readonly PlacedFault[];
}
/** What came of an evaluation, as it is printed. `unknown`: it has no value for want of data, which is not null. */
export type Answer = { readonly result: unknown; readonly unknown?: true } | { readonly error: EvaluationError };
export interface EvaluationError {
  /** `NaN`, `Invalid Arguments`, `Unknown Operator`: JsonLogic's words. `limit`: more work than one evaluation may be. `line`: it is no request. */
  readonly type: string;
  readonly message: string;
  /** The part of the condition that failed, as a JSON pointer. */
  readonly at?: string;
}

export const isRefused = (one: Condition | Refused): one is Refused => 'faults' in one;

/**
 * A condition as a person types it: JSON where it is JSON, else the text form.
 *
 * @param data where `parameters.x` may come from: its own `parameters`.
 * @param file what the text is called in faults.
 */
export function readCondition(text: string, data: unknown, file: string): Condition | Refused {
  const { root, faults } = parsePlaced({ file, text });
  if (faults.length > 0 || !root) return text.trimStart().startsWith('{') ? { source: text, faults } : readText(text, data, file);
  const json = plain(root);
  if (isText(json)) return readText(json, data, file);
  return conditionOf(json, data, text, ({ path, expected, got, nearest }) => {
    const isOfKey = expected.startsWith('an operator') || expected.startsWith('one of the keys');
    return faultAt(placeOf(root, path, isOfKey), expected, got, nearest);
  });
}

/** The same as the configuration holds it. A text of one word is no condition: it is that word, as JsonLogic has it. */
export function readRule(rule: unknown, data: unknown): Condition | Refused {
  if (isText(rule)) return readText(rule, data, 'rule');
  return conditionOf(rule, data, '', ({ path, expected, got, nearest }) =>
    faultAt({ file: 'rule', line: 1, column: 1, pointer: path }, expected, got, nearest),
  );
}
const isText = (json: unknown): json is string => typeof json === 'string' && !/^[\p{L}\p{N}_]*$/u.test(json);

function readText(text: string, data: unknown, file: string): Condition | Refused {
  const read = parseText(text);
  if ('faults' in read)
    return {
      source: text,
      faults: read.faults.map(({ line, column, expected, got, nearest }) => faultAt({ file, line, column, pointer: '' }, expected, got, nearest)),
    };
  return conditionOf(read.json, data, text, ({ path, expected, got, nearest }) =>
    faultAt({ file, ...read.placeOf(path), pointer: path }, expected, got, nearest),
  );
}

function conditionOf(json: unknown, data: unknown, source: string, placed: (fault: Fault) => PlacedFault): Condition | Refused {
  const parsed = parseLogic(json, parametersOf(data));
  if (!('condition' in parsed)) return { source, faults: parsed.faults.map(placed) };
  return { json, tree: parsed.condition, holds: compile(parsed.condition) };
}

function parametersOf(data: unknown): Readonly<Record<string, unknown>> {
  const parameters = own(data, 'parameters');
  return typeof parameters === 'object' && parameters !== null ? Object.fromEntries(Object.entries(parameters)) : {};
}

export function evaluate({ holds }: Condition, data: unknown): Answer {
  try {
    const result = holds(factsOf(data));
    if (typeof result === 'number' && !Number.isFinite(result)) return { error: { type: 'NaN', message: 'the result is beyond the greatest number' } };
    return result === undefined ? { result: null, unknown: true } : { result };
  } catch (error) {
    if (error instanceof ConditionError) return { error: { type: error.kind, message: error.message, at: error.at } };
    throw error;
  }
}

/** Each part with what it comes to. */
export const explained = ({ tree }: Condition, data: unknown): ExplainedPart => explain(tree, factsOf(data));

/** The text form; undefined where there is none (actors/rules/text/print.ts). */
export const textOf = ({ json }: Condition): string | undefined => printText(json);

/**
 * One line of a stream, `{"rule": …, "data": …}`, into its answer, one line of JSON.
 * @param rule of lines that have none themselves.
 */
export function answerLine(line: string, rule?: unknown): string {
  try {
    return JSON.stringify(answer(line, rule));
  } catch (error) {
    if (error instanceof RangeError) return JSON.stringify(failed('limit', 'the result has too many levels'));
    throw error;
  }
}

function answer(line: string, rule: unknown): Answer {
  const request = requestOf(line, rule);
  if ('error' in request) return request;
  const { data } = request;
  const condition = readRule(request.rule, data);
  if (!isRefused(condition)) return evaluate(condition, data);
  const [first] = condition.faults;
  return failed(typeOf(first?.expected ?? ''), condition.faults.map(shown).join('; '), first?.pointer);
}

function requestOf(line: string, rule: unknown): { readonly rule: unknown; readonly data: unknown } | { readonly error: EvaluationError } {
  let request: unknown;
  try {
    request = JSON.parse(line);
  } catch (error) {
    return failed('line', error instanceof SyntaxError ? `expected JSON: ${error.message}` : String(error));
  }
  const wanted = own(request, 'rule') ?? (Object.hasOwn(Object(request), 'rule') ? null : rule);
  if (typeof request !== 'object' || request === null || wanted === undefined) return failed('line', 'expected {"rule": …, "data": …}');
  return { rule: wanted, data: own(request, 'data') };
}

const failed = (type: string, message: string, at?: string): { readonly error: EvaluationError } => ({
  error: { type, message, ...(at === undefined ? {} : { at }) },
});

/** What JsonLogic calls that which Argos refuses before it evaluates anything. */
function typeOf(expected: string): string {
  if (expected.startsWith('a number')) return 'NaN';
  return expected.startsWith('an operator,') ? 'Unknown Operator' : 'Invalid Arguments';
}

function shown({ pointer, line, column, expected, got, nearest }: PlacedFault): string {
  const where = pointer === '' ? `${line}:${column}` : pointer;
  return `${where} expected ${expected}${got === undefined ? '' : `, got ${JSON.stringify(got).slice(0, 120)}`}${nearest === undefined ? '' : ` (did you mean ${nearest}?)`}`;
}
