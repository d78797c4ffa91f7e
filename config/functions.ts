/** `functions`: what the schema cannot say of a custom function, and where its module is. It reads the module, and has it loaded in a thread. */
import { dirname, resolve } from 'node:path';
import type { Static } from 'typebox';
import { exportsOf, type Looked } from '../actors/functions/probe.ts';
import type { FunctionConfig, functionSchema } from '../actors/functions/schema.ts';
import { isOperator } from '../actors/rules/condition/condition.ts';
import { RESERVED } from '../actors/rules/text/shapes.ts';
import { nearest } from '../actors/schema.ts';
import type { PlacedFault } from '../proto/api.ts';
import { faultAt, isMap, member, type Placed, placeAt, placeOf } from './placed.ts';

/** The entries, as resources are: each with its name in it. */
export function functionsIn(root: Placed): readonly { readonly name: string; readonly placed: Placed }[] {
  const section = member(root, 'functions');
  return [...(isMap(section) ? section.value : [])].flatMap(([name, placed]) =>
    isMap(placed) ? [{ name, placed: { ...placed, value: new Map([...placed.value, ['name', placeAt(name, placed.keyPlace ?? placed.place)]]) } }] : [],
  );
}

/** Of an entry that fits its schema. Undefined, and a fault at its place, when it cannot be. */
export function functionOf(placed: Placed, written: Static<typeof functionSchema>, faults: PlacedFault[]): FunctionConfig | undefined {
  const { name, export: exported = name } = written;
  const at = (key: string, expected: string, got: unknown, near?: string): undefined =>
    void faults.push(faultAt(placeOf(placed, member(placed, key) ? `/${key}` : '/module'), expected, got, near));
  if (isOperator(name) || RESERVED.has(name)) return at('name', 'a name that is no operator', name);
  const twin = isMap(placed) && [...placed.value.values()].find(({ place }) => place.file !== placed.place.file && !place.pointer.startsWith('/environments/'));
  if (twin) return at('name', `a name of its own: function ${name} is defined in ${twin.place.file}:${twin.place.line}, too`, name);
  const file = placeOf(placed, '/module').file;
  const module = resolve(dirname(file), written.module);
  const looked: Looked = exportsOf(module);
  if ('fault' in looked) return at('module', `a module that can be loaded (${looked.fault})`, written.module);
  if (looked.exports[exported] === 'function') return { ...written, module, export: exported, revision: looked.revision };
  const functions = Object.keys(looked.exports).filter((one) => looked.exports[one] === 'function');
  return at('export', `a function that the module exports: ${functions.join(', ') || 'there is none'}`, exported, nearest(exported, functions));
}
