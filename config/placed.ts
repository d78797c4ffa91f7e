/** JSON with comments as a tree in which every value knows where it was written, through merging, interpolation and expansion. Pure. */
import { createScanner, type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import { escapePointer } from '../actors/schema.ts';
import type { PlacedFault, Source } from '../proto/api.ts';

/** Lines and columns count from 1; `pointer` leads there in its own file. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly pointer: string;
}
export interface Placed {
  readonly place: Place;
  /** Where its key stands, for a member of an object. */
  readonly keyPlace?: Place;
  readonly value: string | number | boolean | null | readonly Placed[] | ReadonlyMap<string, Placed>;
}

interface PlacedMap extends Placed {
  readonly value: ReadonlyMap<string, Placed>;
}
interface PlacedList extends Placed {
  readonly value: readonly Placed[];
}

export const faultAt = ({ file, line, column, pointer }: Place, expected: string, got?: unknown, nearest?: string): PlacedFault => ({
  file,
  line,
  column,
  pointer,
  expected,
  ...(got === undefined ? {} : { got }),
  ...(nearest === undefined ? {} : { nearest }),
});

/** Parse one file: its tree, as far as there is one, and what is wrong with its JSON. */
export function parsePlaced({ file, text }: Source): { readonly root: Placed | undefined; readonly faults: readonly PlacedFault[] } {
  const lines = lineStarts(text);
  const place = (offset: number, pointer: string): Place => ({ file, pointer, ...position(lines, offset) });
  const deep = tooDeep(text);
  if (deep !== undefined) return { root: undefined, faults: [faultAt(place(deep, ''), `JSON of at most ${DEEPEST} levels`)] };
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, { allowTrailingComma: true, disallowComments: false });
  const faults = errors.map(({ error, offset }) => faultAt(place(offset, ''), `JSON with comments (${printParseErrorCode(error)})`));
  const convert = (node: Node, pointer: string, keyPlace?: Place): Placed => {
    const at = { place: place(node.offset, pointer), ...(keyPlace ? { keyPlace } : {}) };
    if (node.type === 'array') return { ...at, value: (node.children ?? []).map((child, i) => convert(child, `${pointer}/${i}`)) };
    if (node.type !== 'object') return { ...at, value: node.value as string | number | boolean | null };
    const members = new Map<string, Placed>();
    for (const { children: [key, value] = [] } of node.children ?? []) {
      if (!key || !value) continue;
      const name = String(key.value);
      const here = `${pointer}/${escapePointer(name)}`;
      if (members.has(name)) faults.push(faultAt(place(key.offset, here), 'this key once only', name));
      members.set(name, convert(value, here, place(key.offset, here)));
    }
    return { ...at, value: members };
  };
  if (!tree && faults.length === 0) faults.push(faultAt(place(0, ''), 'a configuration: the file is empty'));
  return { root: tree && convert(tree, ''), faults };
}

export const isMap = (placed: Placed | undefined): placed is PlacedMap => placed?.value instanceof Map;
export const isList = (placed: Placed | undefined): placed is PlacedList => Array.isArray(placed?.value);
export const member = (placed: Placed | undefined, ...keys: readonly string[]): Placed | undefined =>
  keys.reduce<Placed | undefined>((at, key) => (isMap(at) ? at.value.get(key) : undefined), placed);
export const items = (placed: Placed | undefined): readonly Placed[] => (isList(placed) ? placed.value : []);

/** The plain JSON value. */
export function plain({ value }: Placed): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, one]) => [key, plain(one)]));
  return value;
}

/** Another tree in which `change` has replaced values, from the leaves up. */
export function mapPlaced(placed: Placed, change: (one: Placed) => Placed): Placed {
  const { value } = placed;
  if (Array.isArray(value)) return change({ ...placed, value: value.map((one) => mapPlaced(one, change)) });
  if (value instanceof Map) return change({ ...placed, value: new Map([...value].map(([key, one]) => [key, mapPlaced(one, change)])) });
  return change(placed);
}

/** A plain value as a tree that stands, as a whole, at one place. */
export function placeAt(value: unknown, place: Place): Placed {
  if (Array.isArray(value)) return { place, value: value.map((one) => placeAt(one, place)) };
  if (typeof value === 'object' && value !== null) return { place, value: new Map(Object.entries(value).map(([key, one]) => [key, placeAt(one, place)])) };
  return { place, value: typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null };
}

/** The place of `pointer` below `placed`: of the key for an unknown key, else of the value; of the nearest thing above when it is missing. */
export function placeOf(placed: Placed, pointer: string, ofKey = false): Place {
  let at = placed;
  const keys = pointer
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  for (const [i, key] of keys.entries()) {
    const next = isMap(at) ? at.value.get(key) : isList(at) ? at.value[Number(key)] : undefined;
    if (!next) return { ...at.place, pointer: [at.place.pointer, ...keys.slice(i).map(escapePointer)].join('/') };
    at = next;
  }
  return ofKey && at.keyPlace ? at.keyPlace : at.place;
}

/** `over` on top of `base`: objects member by member, lists of named things by name, all else replaced (`environments.NAME`). */
export function merge(base: Placed, over: Placed): Placed {
  if (isMap(base) && isMap(over)) {
    const members = new Map(base.value);
    for (const [key, value] of over.value) {
      const there = members.get(key);
      members.set(key, there ? merge(there, value) : value);
    }
    return { ...base, value: members };
  }
  if (!isList(base) || !isList(over) || ![...base.value, ...over.value].every((one) => nameOf(one) !== undefined)) return over;
  const left = new Map(over.value.toReversed().map((one) => [nameOf(one), one])); // of twins the first one; the other stays, to be found as a twin
  const used = new Set<Placed>();
  const merged = base.value.map((one) => {
    const change = left.get(nameOf(one));
    if (!change || used.has(change)) return one;
    used.add(change);
    return merge(one, change);
  });
  return { ...base, value: [...merged, ...over.value.filter((one) => !used.has(one))] };
}

/** One file after another, of a directory: lists go on, objects come together, a later scalar wins. */
export function concat(base: Placed, next: Placed): Placed {
  if (isList(base) && isList(next)) return { ...base, value: [...base.value, ...next.value] };
  if (!isMap(base) || !isMap(next)) return next;
  const members = new Map(base.value);
  for (const [key, value] of next.value) {
    const there = members.get(key);
    members.set(key, there ? concat(there, value) : value);
  }
  return { ...base, value: members };
}

const nameOf = (placed: Placed): unknown => member(placed, 'name')?.value ?? member(placed, 'name_pattern')?.value;

/** What is nested deeper would exhaust the stack of whoever walks it. */
const DEEPEST = 256;
function tooDeep(text: string): number | undefined {
  const scanner = createScanner(text, true);
  let depth = 0;
  while (scanner.getPosition() < text.length) {
    scanner.scan();
    const token = scanner.getTokenLength() === 1 ? text[scanner.getTokenOffset()] : '';
    if (token === '[' || token === '{') depth++;
    else if (token === ']' || token === '}') depth--;
    if (depth > DEEPEST) return scanner.getTokenOffset();
  }
  return undefined;
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) starts.push(i + 1);
  return starts;
}

function position(starts: readonly number[], offset: number): { line: number; column: number } {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
}
