/** The parts of a condition in words, for people: short, in the manner of the text form (text.ts), and not meant to be read back. Pure. */
import { nameOf, type Operation, type Tree, windowText } from './tree.ts';

const LONGEST = 200;
const INFIX: ReadonlySet<string> = new Set(['==', '!=', '===', '!==', '>', '>=', '<', '<=', '+', '-', '*', '/', '%', 'in']);

/** A value as JSON, cut when it is long. */
export function valueText(value: unknown): string {
  if (value === undefined) return 'nothing is there';
  try {
    return cut(JSON.stringify(value));
  } catch (error) {
    if (error instanceof RangeError) return 'a value of thousands of levels'; // more than the stack holds; it came from outside
    throw error;
  }
}
export const nodeText = (node: Tree): string => cut(whole(node));

const cut = (text: string): string => (text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text);
const list = (of: readonly Tree[]): string => of.map(whole).join(', ');
/** What has an operator between its operands stands in brackets within another such. */
const inner = (node: Tree): string =>
  node.kind === 'leaf' ||
  node.kind === 'test' ||
  (node.kind === 'logic' && node.op !== 'if') ||
  (node.kind === 'operation' && INFIX.has(node.op) && node.of.length > 1)
    ? `(${whole(node)})`
    : whole(node);

function whole(node: Tree): string {
  switch (node.kind) {
    case 'literal':
      return valueText(node.value);
    case 'list':
      return `[${list(node.of)}]`;
    case 'field':
      return nameOf(node.monitor, node.path);
    case 'leaf':
    case 'test': {
      const of = node.kind === 'leaf' ? nameOf(node.monitor, node.path) : inner(node.of);
      return node.value === undefined ? `${of} ${node.op}` : `${of} ${node.op} ${valueText(node.value)}`;
    }
    case 'var': {
      const [monitor = '', ...path] = node.name;
      return `var(${JSON.stringify(node.local ? node.name.join('.') : nameOf(monitor, path))}${node.or ? `, ${whole(node.or)}` : ''})`;
    }
    case 'lookup':
      return `${node.dotted ? 'var' : 'val'}(${whole(node.name)}${node.or ? `, ${whole(node.or)}` : ''})`;
    case 'missing':
      return node.least ? `missing_some(${whole(node.least)}, ${whole(node.names)})` : `missing(${whole(node.names)})`;
    case 'window':
      return windowText(node.window);
    case 'call':
      return `${node.name}(${list(node.of)})`;
    case 'logic':
      return node.op === 'if' ? `if(${list(node.of)})` : node.of.map(inner).join(` ${node.op} `);
    case 'operation':
      return operation(node);
    case 'each':
      return `${node.op}(${list(node.from ? [node.list, node.body, node.from] : [node.list, node.body])})`;
  }
}

function operation({ op, of }: Operation): string {
  const [only] = of;
  if (INFIX.has(op) && of.length > 1) return of.map(inner).join(` ${op} `);
  if (only && of.length === 1 && (op === 'not' || op === '!!' || op === '-')) return `${op === 'not' ? 'not ' : op}${inner(only)}`;
  return `${op}(${list(of)})`;
}
