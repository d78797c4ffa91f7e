/** A condition's JSON form into its text: canonical, with no more parentheses than it needs. What has no text is not printed. Pure. */
import { DEEPEST, LONGEST_TEXT } from '../values/values.ts';
import {
  ALSO_FUNCTIONS,
  CHAINED,
  compared,
  BEHIND_WORDS,
  isField,
  isLiteral,
  isObject,
  isOperand,
  isParameter,
  isPath,
  isTest,
  isUnary,
  type Json,
  LEVEL,
  MOST_NODES,
  RESERVED,
  SIGNS,
  TRIPLE,
  WINDOWS,
} from './shapes.ts';

interface Written {
  readonly text: string;
  readonly level: number;
}
/** How an operator is written: what stands around and between its values, and how tightly each of them has to hold together. */
interface Form {
  readonly open: string;
  readonly between: string;
  readonly close: string;
  readonly level: number;
  readonly needs: (i: number, text: string) => number;
}

/**
 * The text of a condition, for which `parseText` gives the same JSON again; but `{"op": [x]}` and `{"op": x}`, and `exists` with and without
 * `"value": true`, are the same condition, and have the same text.
 *
 * @returns undefined when there is no text for it: an object that is neither leaf nor operator, a leaf's value that is an object, a path with
 * empty names, a number that is not finite, or more than the text form's limits.
 */
export function printText(json: unknown): string | undefined {
  const text = new Printer().write(json, 1)?.text;
  return text !== undefined && text.length <= LONGEST_TEXT ? text : undefined;
}

const NAME = /^[\p{L}\p{N}_]+$/u;
/** A resource's name may have dashes in it: see the lexer. */
const RESOURCE = /^[\p{L}_][\p{L}\p{N}_]*(?:-+[\p{L}\p{N}_]+)*$/u;
const FUNCTION = /^[\p{L}_][\p{L}\p{N}_]*$/u;
const DURATION = /^(?:\d+(?:ms|[smhdw]))+$/;
/** Quotation mark, backslash, control characters, line ends, and halves of surrogate pairs. */
const ESCAPED = /['\\\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/gu;

const PREFIX_SIGNS: ReadonlySet<string> = new Set(['-', '+', '!', '!!']);
const ALWAYS = LEVEL.value + 1;

class Printer {
  #nodes = 0;

  write(json: unknown, depth: number): Written | undefined {
    if (depth > DEEPEST || ++this.#nodes > MOST_NODES) return undefined;
    if (isLiteral(json, depth)) return operand(json);
    if (Array.isArray(json)) return this.#formed(listed('[', ']'), json, depth);
    if (!isObject(json)) return undefined;
    if (isField(json)) return valued(pathText(json.field, false));
    if (isParameter(json)) return valued(pathText(json.var, true));
    const [op, ...more] = Object.keys(json);
    if (op === undefined || more.length > 0) return leaf(json);
    const inner = json[op];
    if (Array.isArray(inner)) return this.#operation(op, inner, depth);
    if (op === 'preserve') return isLiteral(inner) ? this.#formed(call(op, '...'), [inner], depth) : undefined; // nothing in it is an operator
    if (op === 'field') return undefined;
    return isObject(inner) && !isUnary(op) && op !== 'exists' ? this.#formed(call(op, '...'), [inner], depth) : this.#operation(op, [inner], depth);
  }

  #operation(op: string, given: readonly unknown[], depth: number): Written | undefined {
    const [, second] = given; // of a test it is a value, whatever it looks like
    const isValue = op === 'preserve' ? isLiteral(given) : !isTest(op) || given.length !== 2 || operandOf(second) !== undefined;
    if (!isValue) return undefined;
    return windowed(op, given) ?? this.#test(op, given, depth) ?? this.#formed(prefix(op, given) ?? infix(op, given) ?? call(op), given, depth);
  }

  /** A leaf's comparison of what is no field. */
  #test(op: string, [of, operand, ...more]: readonly unknown[], depth: number): Written | undefined {
    const hasOperand = operand !== undefined;
    if (!isTest(op) || isField(of) || of === undefined || more.length > 0 || (op === 'exists') === hasOperand) return undefined;
    const rest = restOfLeaf(op, hasOperand, operand);
    this.#nodes++; // the operand
    return rest === undefined
      ? undefined
      : this.#formed({ open: '', between: '', close: ` ${rest}`, level: LEVEL.comparison, needs: () => LEVEL.sum }, [of], depth);
  }

  #formed({ open, between, close, level, needs }: Form, items: readonly unknown[], depth: number): Written | undefined {
    const texts: string[] = [];
    for (const [i, item] of items.entries()) {
      const written = this.write(item, depth + 1);
      if (!written) return undefined;
      texts.push(written.level < needs(i, written.text) ? `(${written.text})` : written.text);
    }
    return { text: `${open}${texts.join(between)}${close}`, level };
  }
}

const listed = (open: string, close: string): Form => ({ open, between: ', ', close, level: LEVEL.value, needs: () => LEVEL.or });

/** The form that every operator has. In quotation marks it is never read as anything else. */
function call(op: string, spread = ''): Form {
  const isName = FUNCTION.test(op) && !RESERVED.has(op) && (!WINDOWS.includes(op) || ALSO_FUNCTIONS.has(op));
  return listed(`${isName ? op : quoted(op)}(${spread}`, ')');
}

function prefix(op: string, given: readonly unknown[]): Form | undefined {
  if (given.length !== 1) return undefined;
  if (op === 'not') return { open: 'not ', between: '', close: '', level: LEVEL.not, needs: () => LEVEL.not };
  if (!PREFIX_SIGNS.has(op)) return undefined;
  const joins = op === '-' ? /^\d/ : op === '!' ? /^!/ : undefined; // -5 is a number and -(5) an operator, !! one operator and !(!x) two
  return { open: op, between: '', close: '', level: LEVEL.prefix, needs: (_, text) => (joins?.test(text) ? ALWAYS : LEVEL.prefix) };
}

function infix(op: string, given: readonly unknown[]): Form | undefined {
  const level = op === 'and' || op === 'or' ? LEVEL[op] : op === 'in' ? LEVEL.comparison : SIGNS.get(op);
  const [first, second, ...more] = given;
  if (level === undefined || second === undefined) return undefined;
  const form = { open: '', between: ` ${op} `, close: '', level, needs: () => level + 1 };
  if (level < LEVEL.comparison) return form;
  if (level === LEVEL.comparison) {
    if (more.length === 0) return Object.hasOwn(compared(op, first, second), 'field') ? undefined : form; // it would be read as a leaf
    return TRIPLE.has(op) && more.length === 1 ? form : undefined;
  }
  if (more.length > 0 && !CHAINED.has(op)) return undefined;
  const mayMerge = CHAINED.has(op) && isObject(first) && Object.hasOwn(first, op);
  return { ...form, needs: (i) => (i === 0 && !mayMerge ? level : level + 1) };
}

/** A window, where it is written as the text form has it. */
function windowed(op: string, [source, length, percent, ...more]: readonly unknown[]): Written | undefined {
  const path = isField(source) ? source.field : source;
  if (!WINDOWS.includes(op) || !isPath(path) || more.length > 0 || (op === 'percentile') !== (percent !== undefined)) return undefined;
  const isLength = typeof length === 'string' ? DURATION.test(length) : isParameter(length) && !ALSO_FUNCTIONS.has(op);
  const isPercent = percent === undefined || isParameter(percent) || (typeof percent === 'number' && operand(percent)?.level === LEVEL.value);
  if (!isLength || !isPercent) return undefined;
  const lengthText = isParameter(length) ? pathText(length.var, true) : length;
  const percentText = percent === undefined ? [] : [operand(percent)?.text];
  return valued(`${op}(${[pathText(path, false), lengthText, ...percentText].join(', ')})`);
}

function leaf({ field, op, value, ...more }: Json): Written | undefined {
  if (!isPath(field) || typeof op !== 'string' || Object.keys(more).length > 0) return undefined;
  const rest = restOfLeaf(op, value !== undefined, value);
  return rest === undefined ? undefined : { text: `${pathText(field, false)} ${rest}`, level: LEVEL.comparison };
}

/** What stands behind the path. */
function restOfLeaf(op: string, hasValue: boolean, value: unknown): string | undefined {
  if (op === 'changed') return hasValue ? undefined : op;
  if (op === 'exists') return !hasValue || value === true ? op : value === false ? 'not exists' : undefined;
  if (op === 'between') {
    const [low, high, ...more] = Array.isArray(value) ? value.map(operand) : [];
    return low && high && more.length === 0 && isLiteral(value) ? `${op} ${low.text} and ${high.text}` : undefined;
  }
  const isSign = SIGNS.get(op) === LEVEL.comparison && op !== '===' && op !== '!==';
  if (!(isSign || BEHIND_WORDS.includes(op))) return undefined;
  const text = operandOf(value)?.text;
  return text && `${op === 'not_in' ? 'not in' : op} ${text}`;
}

const operandOf = (value: unknown): Written | undefined => shortParameter(value) ?? operand(value);

/** In a leaf's value a parameter may leave out the word `parameters`. */
function shortParameter(value: unknown): Written | undefined {
  const name = isObject(value) && Object.keys(value).length === 1 && typeof value.var === 'string' ? value.var : undefined;
  const path = `parameters.${name}`;
  return name === undefined || name.startsWith('parameters.') || !isPath(path) ? undefined : valued(pathText(path, true));
}

/** A value that is written out, or a parameter. */
function operand(json: unknown): Written | undefined {
  if (!isOperand(json)) return undefined;
  if (isParameter(json)) return valued(pathText(json.var, true));
  if (Array.isArray(json)) return valued(`[${json.map((one) => operand(one)?.text).join(', ')}]`);
  if (typeof json === 'string') return valued(quoted(json));
  const isNegative = typeof json === 'number' && (json < 0 || Object.is(json, -0));
  return { text: Object.is(json, -0) ? '-0' : String(json), level: isNegative ? LEVEL.prefix : LEVEL.value };
}

/** @param isOfParameters else a field, of which a monitor may have that name. */
function pathText(path: string, isOfParameters: boolean): string {
  const [first = '', ...rest] = path.split('.');
  const isBare = RESOURCE.test(first) && isOfParameters === (first === 'parameters');
  const names = rest.map((name, i) => {
    const isRule = first === 'rule' && i === 0 && rest.length > 1 && RESOURCE.test(name);
    return isRule || NAME.test(name) ? name : quoted(name);
  });
  return [isBare ? first : quoted(first), ...names].join('.');
}

/** In single quotation marks: a condition's text stands in a JSON string. */
const quoted = (text: string): string => `'${text.replace(ESCAPED, escaped)}'`;

function escaped(character: string): string {
  const sign = SIGN_OF.get(character);
  return sign ?? (character === "'" || character === '\\' ? `\\${character}` : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

const SIGN_OF: ReadonlyMap<string, string> = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['\b', '\\b'],
  ['\f', '\\f'],
]);

const valued = (text: string): Written => ({ text, level: LEVEL.value });
