/** `${parameters.x}`, `${env.X}`, `${secrets.x}` and `${system.x}` when the configuration loads. A string that is one whole reference takes the type of what it names. Pure. */
import { nearest } from '../actors/schema.ts';
import type { PlacedFault } from '../proto/api.ts';
import { faultAt, mapPlaced, type Placed, placeAt, plain } from './placed.ts';

/** What references may name. Values of `parameters` may hold references themselves. */
export interface Scope {
  readonly parameters: ReadonlyMap<string, Placed>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly secrets: Readonly<Record<string, string>> | undefined;
  readonly system: Readonly<Record<string, unknown>>;
}

const ROOTS: readonly string[] = ['parameters', 'env', 'secrets', 'system'];
const REFERENCE = new RegExp(`\\$\\{\\s*(${ROOTS.join('|')})\\.([^{}]+?)\\s*\\}`, 'g');
/** These are filled in when an action runs. */
const LATER = new Set(['timestamp']);

export function interpolate(placed: Placed, scope: Scope, faults: PlacedFault[]): Placed {
  const resolving = new Set<string>();

  const lookup = (root: string, path: string, at: Placed): unknown => {
    const [first = '', ...rest] = path.split('.');
    const name = root === 'parameters' ? first : path;
    const reference = `${root}.${path}`;
    const missing = (known: readonly string[]): undefined => {
      const near = nearest(name, known);
      faults.push(
        faultAt(
          at.place,
          root === 'env' ? `an environment variable ${name} that is set` : `${root}.NAME with a NAME that is declared`,
          `\${${reference}}`,
          near && `${root}.${near}`,
        ),
      );
      return undefined;
    };
    if (root === 'env') return (Object.hasOwn(scope.env, name) ? scope.env[name] : undefined) ?? missing([]);
    if (root === 'secrets' && !scope.secrets) return `(secret ${name})`;
    if (root === 'secrets' && scope.secrets) return Object.hasOwn(scope.secrets, name) ? scope.secrets[name] : missing(Object.keys(scope.secrets));
    if (root === 'system') return Object.hasOwn(scope.system, name) ? scope.system[name] : missing(Object.keys(scope.system));
    const parameter = scope.parameters.get(name);
    if (!parameter) return missing([...scope.parameters.keys()]);
    if (resolving.has(name)) {
      faults.push(faultAt(at.place, 'a reference that does not lead back to itself', `\${${reference}}`));
      return undefined;
    }
    const known = faults.length;
    resolving.add(name);
    const value = rest.reduce<unknown>(
      (value, key) => (typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined),
      plain(mapPlaced(parameter, fill)),
    );
    resolving.delete(name);
    return value === undefined && faults.length === known ? missing([]) : value; // what the parameter itself lacks has been said
  };

  const fill = (one: Placed): Placed => {
    const { value } = one;
    if (typeof value !== 'string' || !value.includes('${')) return one;
    const found = [...value.matchAll(REFERENCE)].filter(([, root, path = '']) => !(root === 'system' && LATER.has(path)));
    const [first] = found;
    if (!first) return one;
    if (found.length === 1 && first[0] === value) {
      const got = lookup(first[1] ?? '', first[2] ?? '', one);
      return got === undefined ? one : { ...one, ...placeAt(got, one.place) };
    }
    const text = value.replace(REFERENCE, (whole, root: string, path: string) => {
      if (root === 'system' && LATER.has(path)) return whole;
      const got = lookup(root, path, one);
      return typeof got === 'string' ? got : (JSON.stringify(got) ?? '');
    });
    return { ...one, value: text };
  };

  return mapPlaced(placed, fill);
}

/** A reference that nothing will fill in, because its first word is not quite one of those that are filled in when the configuration loads. */
export function misspelt(placed: Placed): readonly PlacedFault[] {
  const faults: PlacedFault[] = [];
  mapPlaced(placed, (one) => {
    for (const [reference, root = ''] of typeof one.value === 'string' ? one.value.matchAll(/\$\{\s*(\w+)\.[^{}]*\}/g) : []) {
      const near = ROOTS.includes(root) ? undefined : nearest(root, ROOTS);
      if (near) faults.push(faultAt(one.place, `a reference to one of ${ROOTS.join(', ')}`, reference, near));
    }
    return one;
  });
  return faults;
}
