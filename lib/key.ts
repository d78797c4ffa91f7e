/** Terms as keys: what is equal in Erlang is the same key here, though JavaScript tells two arrays apart that say the same. */

/** A term by which a Map finds it again: tuples (arrays) and maps (plain objects) go by what they hold, all else by what it is. */
export function keyOf(term: unknown): unknown {
  const plain = typeof term === 'string' ? !term.startsWith('\0') : !isTuple(term) && !isMap(term);
  return plain ? term : `\0${written(term)}`;
}

const isTuple = (term: unknown): term is readonly unknown[] => Array.isArray(term);
const isMap = (term: unknown): term is object => typeof term === 'object' && term !== null && Object.getPrototypeOf(term) === Object.prototype;

/** @param around what the term lies in, from the outside in: one that lies in itself is written as the place where it was met. */
function written(term: unknown, around: readonly object[] = []): string {
  if (isTuple(term) || isMap(term)) {
    const met = around.indexOf(term);
    if (met >= 0) return `^${met}`;
    const within = [...around, term];
    if (isTuple(term)) return `[${Array.from(term, (one) => written(one, within)).join()}]`; // not `map`, which leaves out what is not there
    const fields = Object.entries(term).map(([name, value]) => `${JSON.stringify(name)}:${written(value, within)}`);
    return `{${fields.sort().join()}}`;
  }
  if (typeof term === 'string') return JSON.stringify(term);
  if (typeof term === 'function' || typeof term === 'symbol' || (typeof term === 'object' && term !== null)) return `#${numberOf(term)}`;
  return typeof term === 'bigint' ? `${term}n` : String(term); // -0 is 0, as a Map has it
}

const numbers = new WeakMap<object, number>();
const symbols = new Map<symbol, number>();
let last = 0;

/** Processes, functions and the like are known by their identity: each has a number of its own. */
function numberOf(term: object | symbol): number {
  const known = typeof term === 'symbol' ? symbols.get(term) : numbers.get(term);
  if (known !== undefined) return known;
  last++;
  if (typeof term === 'symbol') symbols.set(term, last);
  else numbers.set(term, last);
  return last;
}
