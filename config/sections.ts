/** A configuration's tree into its resources: which sections there are, bulk entries expanded. Pure. */
import { Type } from 'typebox';
import { check, nearest } from '../actors/schema.ts';
import { listenerSchemas, listenerType, monitorType } from './catalogue.ts';
import type { Kind, PlacedFault } from '../proto/api.ts';
import { functionsIn } from './functions.ts';
import { faultAt, isList, isMap, items, mapPlaced, member, type Placed, placeAt, placeOf, plain } from './placed.ts';

/** One resource before it is checked. Listeners have the shape of the others: name, type, config. */
export interface Found {
  readonly kind: Kind;
  readonly name: string;
  readonly placed: Placed;
}

const entries = Type.Optional(Type.Array(Type.Object({})));
const groups = Type.Optional(Type.Object({ single: entries, bulk: entries }, { additionalProperties: false }));
const object = Type.Optional(Type.Object({}));
/** The sections; what stands in them is checked one by one. */
const shape = Type.Object(
  {
    $schema: Type.Optional(Type.String()),
    system: object,
    store: object,
    retention: object,
    parameters: object,
    listeners: Type.Optional(Type.Object(Object.fromEntries([...listenerSchemas.keys()].map((name) => [name, object])), { additionalProperties: false })),
    monitors: groups,
    actions: groups,
    rules: entries,
    silences: entries,
    functions: Type.Optional(Type.Record(Type.String(), Type.Object({}))),
    environments: Type.Optional(Type.Record(Type.String(), Type.Object({}))),
  },
  { additionalProperties: false },
);
export const SECTIONS = Object.keys(shape.properties);

export function checkShape(root: Placed): readonly PlacedFault[] {
  return check(shape, plain(root)).faults.map(({ path, expected, got, nearest: near }) =>
    faultAt(placeOf(root, path, expected.startsWith('one of the keys')), expected, got, near),
  );
}

/** Every resource of a tree, in the order in which it is written. */
export function resourcesOf(root: Placed, env: Readonly<Record<string, string | undefined>>, faults: PlacedFault[]): readonly Found[] {
  const found = (kind: Kind, placed: Placed): Found => ({ kind, name: String(member(placed, 'name')?.value ?? ''), placed });
  const bulk = (kind: 'monitor' | 'action', section: string): Found[] =>
    entriesOf(member(root, section, 'bulk'))
      .flatMap((entry) => expand(kind, entry, faults))
      .map((one) => found(kind, one));
  return [
    ...entriesOf(member(root, 'monitors', 'single')).map((one) => found('monitor', one)),
    ...bulk('monitor', 'monitors'),
    ...entriesOf(member(root, 'actions', 'single')).map((one) => found('action', one)),
    ...bulk('action', 'actions'),
    ...entriesOf(member(root, 'rules')).map((one) => found('rule', one)),
    ...entriesOf(member(root, 'silences')).map((one) => found('silence', one)),
    ...functionsIn(root).map((one): Found => ({ kind: 'function', ...one })),
    ...listeners(root, env),
  ];
}

/** What is no object, the shape has refused. */
const entriesOf = (list: Placed | undefined): readonly Placed[] => items(list).filter(isMap);

/** A bulk entry into one resource for each element of its array-valued field; `{i}` counts from 1 in every text of it. */
function expand(kind: 'monitor' | 'action', entry: Placed, faults: PlacedFault[]): readonly Placed[] {
  const config = member(entry, 'config');
  const pattern = member(entry, 'name_pattern');
  const type = String(member(entry, 'type')?.value);
  if (typeof pattern?.value !== 'string' || !pattern.value.includes('{i}')) {
    faults.push(faultAt(pattern?.place ?? placeOf(entry, '/name_pattern'), 'a name with {i} in it', pattern?.value));
    return [];
  }
  const lists = isMap(config) ? [...config.value].filter(([, value]) => isList(value)).map(([key]) => key) : [];
  const bulkField = member(entry, 'bulk_field');
  const usual = (kind === 'monitor' ? monitorType(type)?.bulkField : undefined) ?? (lists.length === 1 ? lists[0] : undefined);
  const field = bulkField === undefined ? usual : String(bulkField.value);
  if (field === undefined || !lists.includes(field)) {
    faults.push(
      faultAt(
        bulkField?.place ?? config?.place ?? entry.place,
        `bulk_field: the field of config that holds the list, one of ${lists.join(', ') || '(config has no list)'}`,
        bulkField?.value,
        field === undefined ? undefined : nearest(field, lists),
      ),
    );
    return [];
  }
  const name = pattern;
  return items(member(config, field)).map((element, i) => {
    const members = new Map([...(isMap(entry) ? entry.value : [])].filter(([key]) => key !== 'name_pattern' && key !== 'bulk_field'));
    if (isMap(config)) members.set('config', { ...config, value: new Map([...config.value, [field, element]]) });
    members.set('name', name);
    return mapPlaced({ ...entry, value: members }, (one) =>
      typeof one.value === 'string' ? { ...one, value: one.value.replaceAll('{i}', String(i + 1)) } : one,
    );
  });
}

/** Every protocol listens unless it is switched off; environment variables stand over the file. */
function listeners(root: Placed, env: Readonly<Record<string, string | undefined>>): readonly Found[] {
  return [...listenerSchemas.keys()].map((type) => {
    const written = member(root, 'listeners', type);
    const members = new Map(isMap(written) ? written.value : []);
    for (const [variable, key] of Object.entries(listenerType(type)?.env ?? {})) {
      const text = env[variable];
      if (text !== undefined && text !== '') members.set(key, placeAt(scalar(text), { file: 'environment', line: 1, column: 1, pointer: variable }));
    }
    const place = written?.place ?? root.place;
    const value = new Map<string, Placed>([
      ['name', placeAt(type, place)],
      ['type', placeAt(type, place)],
      ['config', { place, value: members }],
    ]);
    return { kind: 'listener', name: type, placed: { place, value } };
  });
}

const scalar = (text: string): unknown => (text === 'true' ? true : text === 'false' ? false : /^\d+$/.test(text) ? Number(text) : text);
