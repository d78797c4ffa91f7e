/** The JSON of a condition as its text is read: each part with its place, and how much it is. Pure. */
import { DEEPEST } from '../values/values.ts';
import { compared, isField, isObject, isUnary, tested, unary } from './shapes.ts';

export interface Node {
  /** undefined: a fault has been told of it. */
  readonly json: unknown;
  /** Where it begins in the text. */
  readonly at: number;
  /** Levels of parts; a leaf is one. */
  readonly depth: number;
  /** Parts; a leaf is one. */
  readonly size: number;
}

type Places = ReadonlyMap<string, number>;

/** Makes the nodes of one text and remembers where they stand. */
export class Nodes {
  /** Of each object and list the places of what is in it. */
  readonly #places = new Map<object, Places>();
  readonly #tooDeep: (at: number) => void;

  constructor(tooDeep: (at: number) => void) {
    this.#tooDeep = tooDeep;
  }

  simple(json: unknown, at: number): Node {
    return { json, at, depth: 1, size: 1 };
  }

  /** A list of plain values is one part, however long. */
  list(items: readonly Node[], at: number): Node {
    const list = this.#around(this.#array(items), at, items);
    return items.every(({ json, size }) => size === 1 && !isObject(json)) ? { ...list, size: 1 } : list;
  }

  operation(op: string, at: number, items: readonly Node[]): Node {
    const [only, ...more] = items;
    if (isUnary(op) && only && more.length === 0) return this.unary(op, at, only);
    return this.#around(this.#placed({ [op]: this.#array(items) }, new Map([[op, at]])), at, items);
  }

  /** The same for an operator that stands between its values. @param at where. */
  infix(op: string, at: number, items: readonly Node[]): Node {
    return { ...this.operation(op, at, items), at: items[0]?.at ?? at };
  }

  unary(op: string, at: number, of: Node): Node {
    return this.#around(this.#placed(unary(op, of.json), new Map([[op, of.at]])), at, [of]);
  }

  comparison(op: string, at: number, left: Node, right: Node): Node {
    const json = compared(op, left.json, right.json);
    if (!isLeaf(json)) return this.infix(op, at, [left, right]);
    const [field, value] = isField(left.json) ? [left, right] : [right, left];
    return this.leaf(field, json.op, at, value);
  }

  /** @param right an operand. */
  test(op: string, at: number, left: Node, right: Node): Node {
    if (isLeaf(tested(op, left.json, right.json))) return this.leaf(left, op, at, right);
    return this.infix(op, at, [left, { ...right, depth: 1, size: 1 }]);
  }

  /** An operator whose operands are the elements of the one list that it is given. */
  spread(op: string, at: number, of: Node): Node {
    return this.#around(this.#placed({ [op]: of.json }, new Map([[op, of.at]])), at, [of]);
  }

  /** The specification's leaf. @param field a node that isField. */
  leaf(field: Node, op: string, at: number, value?: Node): Node {
    const json = { ...(isField(field.json) ? field.json : {}), op, ...(value && { value: value.json }) };
    return this.simple(this.#placed(json, new Map(Object.entries({ field: field.at, op: at, value: value?.at ?? at }))), Math.min(field.at, value?.at ?? at));
  }

  /** A window over a path: `{"avg": ["monitor.path", "5m"]}`. */
  window(name: string, at: number, items: readonly Node[]): Node {
    return this.simple(this.#placed({ [name]: this.#array(items) }, new Map([[name, at]])), at);
  }

  /** Where the part at a JSON pointer (RFC 6901) stands; what has no place of its own stands where that stands in which it is. */
  placeOf(root: Node, pointer: string): number {
    let at = root.at;
    let json: unknown = root.json;
    for (const step of pointer.split('/').slice(1)) {
      const key = step.replaceAll('~1', '/').replaceAll('~0', '~');
      if (typeof json !== 'object' || json === null || !Object.hasOwn(json, key)) break;
      at = this.#places.get(json)?.get(key) ?? at;
      json = Reflect.get(json, key);
    }
    return at;
  }

  #array(items: readonly Node[]): readonly unknown[] {
    return this.#placed(
      items.map(({ json }) => json),
      new Map(items.map(({ at }, i) => [String(i), at])),
    );
  }

  #placed<T extends object>(json: T, places: Places): T {
    this.#places.set(json, places);
    return json;
  }

  #around(json: unknown, at: number, items: readonly Node[]): Node {
    let [depth, size] = [1, 1];
    for (const item of items) {
      depth = Math.max(depth, item.depth + 1);
      size += item.size;
    }
    if (depth > DEEPEST) this.#tooDeep(at);
    return { json, at, depth, size };
  }
}

const isLeaf = (json: object): json is { readonly op: string } => Object.hasOwn(json, 'field');
