/**
 * Texts into declared resources: parse, overlay, interpolate, expand, validate. All errors come at once, each with its place, and with an
 * error nothing is declared. Boot, reload, CLI and API take this one road.
 */
import { type TSchema, Type } from 'typebox';
import { leaves, parseCondition } from '../actors/rules/condition.ts';
import type { RuleConfig } from '../actors/rules/schema.ts';
import { check, nearest } from '../actors/schema.ts';
import type { Declaration, Declared, Kind, OverlayEntry, PlacedFault, Source, Wanted } from '../proto/api.ts';
import { actionSchemas, checkMore, listenerSchemas, monitorSchemas, ruleSchema, type SystemConfig, systemSchema } from './catalogue.ts';
import { told } from './faults.ts';
import { interpolate, type Scope } from './interpolate.ts';
import { concat, faultAt, isMap, mapPlaced, member, merge, parsePlaced, type Placed, placeAt, placeOf, plain } from './placed.ts';
import { checkShape, type Found, resourcesOf, SECTIONS } from './sections.ts';

export type Env = Readonly<Record<string, string | undefined>>;
type Origin = Declared['origin'];
type Checked = Declared & { readonly placed: Placed };

export function declare({ sources, overlay, environment, secrets }: Wanted, env: Env): Declaration {
  const faults: PlacedFault[] = [];
  const read = readAll(sources, faults);
  if (faults.length > 0) return { declared: [], system: {}, faults: told(faults, secrets) }; // what is no JSON would only bring faults that are none
  const scopeOf = (parameters: Placed, system: object): Scope => ({ parameters: parametersOf(parameters), env, secrets, system: { ...system } });
  const root = environed(read, environment, scopeOf(read, {}), faults);
  faults.push(...checkShape(root));
  const own = overlay.findLast(({ kind }) => kind === 'system_config');
  const system = systemOf(root, own?.source, scopeOf(root, {}), faults);
  const scope = scopeOf(root, system);
  const found = new Map<string, Found & { readonly origin: Origin }>();
  for (const one of resourcesOf(interpolateSections(root, scope, faults), env, faults)) {
    const { place } = one.placed;
    const key = `${one.kind}/${one.name || JSON.stringify(place)}`; // that the name is missing is said below
    const twin = found.get(key);
    if (twin)
      faults.push(
        faultAt(place, `a name of its own: ${one.kind} ${one.name} is defined in ${twin.placed.place.file}:${twin.placed.place.line} already`, one.name),
      );
    else found.set(key, { ...one, origin: 'file' });
  }
  for (const entry of overlay) {
    if (entry.kind === 'system_config') continue;
    const key = `${entry.kind}/${entry.name}`;
    const placed = entry.source && resourceIn(entry.source, entry, scope, env, faults);
    if (placed) found.set(key, { kind: entry.kind, name: entry.name, placed, origin: entry.origin });
    else if (!entry.source) found.delete(key);
  }
  const declared = [...found.values()].flatMap((one) => checkOne(one, system, scope, faults));
  faults.push(...checkReferences(declared, [...found.values()]));
  const first: Declared = { kind: 'system_config', name: 'system', type: 'system', origin: own?.source ? own.origin : 'file', spec: system };
  const all = [first, ...declared.map(({ placed: _placed, ...one }) => one).filter(isEnabled)];
  return { declared: faults.length > 0 ? [] : all, system, faults: told(faults, secrets) };
}

const isEnabled = ({ kind, spec }: Declared): boolean => kind !== 'listener' || (spec as { config: { enabled?: boolean } }).config.enabled !== false;

function readAll(sources: readonly Source[], faults: PlacedFault[]): Placed {
  const empty = placeAt({}, { file: sources[0]?.file ?? 'no file', line: 1, column: 1, pointer: '' });
  return sources.reduce((all, source) => {
    const { root, faults: found } = parsePlaced(source);
    faults.push(...found);
    if (root && !isMap(root)) faults.push(faultAt(root.place, 'an object', plain(root)));
    return isMap(root) ? concat(all, root) : all;
  }, empty);
}

/** `environments.NAME` merged over the rest. */
function environed(root: Placed, wanted: string | undefined, scope: Scope, faults: PlacedFault[]): Placed {
  const all = member(root, 'environments');
  const written = member(root, 'system', 'environment');
  const name = wanted ?? (written && plain(interpolate(written, scope, []))); // its faults are told with those of `system`
  const over = typeof name === 'string' ? member(all, name) : undefined;
  const known = isMap(all) ? [...all.value.keys()] : [];
  if (wanted !== undefined && !over)
    faults.push(
      faultAt(all?.place ?? root.place, `environments.${wanted}, which --env asks for; there is ${known.join(', ') || 'none'}`, wanted, nearest(wanted, known)),
    );
  const merged = over ? merge(root, over) : root;
  if (wanted === undefined || !isMap(merged)) return merged;
  const { place } = merged;
  return merge(merged, placeAt({ system: { environment: wanted } }, place));
}

function systemOf(root: Placed, source: OverlayEntry['source'] | undefined, scope: Scope, faults: PlacedFault[]): SystemConfig {
  const parsed = source ? parsePlaced(source) : undefined;
  faults.push(...(parsed?.faults ?? []));
  const placed = parsed?.root ? (member(parsed.root, 'system') ?? parsed.root) : (member(root, 'system') ?? placeAt({}, root.place));
  return (checkPlaced(systemSchema, interpolate(placed, scope, faults), faults) ?? {}) as SystemConfig; // with a fault nothing is declared
}

const parametersOf = (root: Placed): ReadonlyMap<string, Placed> => {
  const parameters = member(root, 'parameters');
  return isMap(parameters) ? parameters.value : new Map();
};

/** Everything but the parameters themselves, which are filled in where they are named, and the overlays that were not chosen. */
function interpolateSections(root: Placed, scope: Scope, faults: PlacedFault[]): Placed {
  if (!isMap(root)) return root;
  const kept = ['parameters', 'environments', 'system'];
  return { ...root, value: new Map([...root.value].map(([key, value]) => [key, kept.includes(key) ? value : interpolate(value, scope, faults)])) };
}

/** The resource that a text holds: it itself, or a whole configuration in which it is found by name, with that one's own parameters. */
function resourceIn(
  source: Source,
  { kind, name }: { readonly kind: Kind; readonly name: string },
  scope: Scope,
  env: Env,
  faults: PlacedFault[],
): Placed | undefined {
  const { root, faults: found } = parsePlaced(source);
  faults.push(...found);
  if (!root) return undefined;
  if (!isMap(root)) {
    faults.push(faultAt(root.place, `a ${kind}, or a configuration that holds it`, plain(root)));
    return undefined;
  }
  const isWhole = ['monitors', 'actions', 'listeners'].some((key) => isMap(member(root, key))) || [...root.value.keys()].every((key) => SECTIONS.includes(key)); // a rule has `actions` too: a list
  if (!isWhole) {
    const given = member(root, 'name');
    if (given && given.value !== name) faults.push(faultAt(given.place, `the name ${name}, which the command gives`, given.value));
    const named = given ? root : { ...root, value: new Map([...root.value, ['name', placeAt(name, root.place)]]) };
    return interpolate(named, scope, faults);
  }
  const own = { ...scope, parameters: new Map([...scope.parameters, ...parametersOf(root)]) };
  const all = resourcesOf(interpolateSections(root, own, faults), env, faults).filter((one) => one.kind === kind);
  const one = all.find((candidate) => candidate.name === name);
  if (!one)
    faults.push(
      faultAt(
        root.place,
        `a ${kind} named ${name}; there is ${all.map((each) => each.name).join(', ') || 'none'}`,
        name,
        nearest(
          name,
          all.map((each) => each.name),
        ),
      ),
    );
  return one && withParameters(one.placed, own, faults);
}

const SCHEMAS: Readonly<Record<Kind, ReadonlyMap<string, TSchema>>> = {
  monitor: monitorSchemas,
  action: actionSchemas,
  rule: new Map([['rule', ruleSchema]]),
  listener: new Map([...listenerSchemas].map(([type, config]) => [type, Type.Object({ name: Type.String(), type: Type.String(), config })])),
  system_config: new Map(),
};

function checkOne(
  { kind, name, placed, origin }: Found & { readonly origin: Origin },
  system: SystemConfig,
  scope: Scope,
  faults: PlacedFault[],
): readonly Checked[] {
  const type = kind === 'rule' ? 'rule' : member(placed, 'type')?.value;
  const known = [...SCHEMAS[kind].keys()];
  const schema = typeof type === 'string' ? SCHEMAS[kind].get(type) : undefined;
  if (typeof type !== 'string' || !schema) {
    faults.push(
      faultAt(placeOf(placed, '/type'), `a type of ${kind}: one of ${known.join(', ')}`, type, typeof type === 'string' ? nearest(type, known) : undefined),
    );
    return [];
  }
  if (kind !== 'action') faults.push(...misspelt(placed)); // an action's templates have a check of their own
  const filled = kind === 'rule' ? withParameters(placed, scope, faults) : withSystemDefaults(placed, schema, system);
  const spec = checkPlaced(schema, filled, faults);
  if (spec === undefined) return [];
  const more = checkMore(kind, spec);
  faults.push(...more.map(({ path, expected, got, nearest: near }) => faultAt(placeOf(placed, path), expected, got, near)));
  return [{ kind, name, type, origin, spec, placed }];
}

/** `system.max_retries` and `system.timeout` are the defaults of every resource. */
function withSystemDefaults(placed: Placed, schema: TSchema, { max_retries, timeout }: SystemConfig): Placed {
  const takesTimeout = 'timeout' in ((schema as { properties?: { config?: { properties?: object } } }).properties?.config?.properties ?? {});
  const takesRetries = 'retry_policy' in (schema as { properties: object }).properties;
  const under = (key: string, value: object): [string, Placed] => [key, placeAt(value, placeOf(placed, `/${key}`))];
  const defaults = [
    ...(max_retries === undefined || !takesRetries ? [] : [under('retry_policy', { max_retries })]),
    ...(timeout === undefined || !takesTimeout ? [] : [under('config', { timeout })]),
  ];
  return merge({ place: placed.place, value: new Map(defaults) }, placed);
}

/** A reference that nothing will fill in, because its first word is not quite one of those that are filled in when the configuration loads. */
function misspelt(placed: Placed): readonly PlacedFault[] {
  const roots = ['parameters', 'env', 'secrets', 'system'];
  const faults: PlacedFault[] = [];
  mapPlaced(placed, (one) => {
    for (const [reference, root = ''] of typeof one.value === 'string' ? one.value.matchAll(/\$\{\s*(\w+)\.[^{}]*\}/g) : []) {
      const near = roots.includes(root) ? undefined : nearest(root, roots);
      if (near) faults.push(faultAt(one.place, `a reference to one of ${roots.join(', ')}`, reference, near));
    }
    return one;
  });
  return faults;
}

/** The parameters that a rule's condition names and does not have itself come from the configuration's own. */
function withParameters(placed: Placed, scope: Scope, faults: PlacedFault[]): Placed {
  const own = member(placed, 'parameters');
  const needed = new Map<string, Placed>();
  const condition = member(placed, 'condition');
  if (condition)
    mapPlaced(condition, (one) => {
      const named = member(one, 'var')?.value;
      const name = typeof named === 'string' ? named.replace(/^parameters\./, '') : '';
      const parameter = scope.parameters.get(name);
      if (parameter && !member(own, name)) needed.set(name, interpolate(parameter, scope, faults));
      return one;
    });
  if (needed.size === 0 || !isMap(placed) || (own && !isMap(own))) return placed;
  const merged: Placed = { place: own?.place ?? placed.place, value: new Map([...needed, ...(isMap(own) ? own.value : [])]) };
  return { ...placed, value: new Map([...placed.value, ['parameters', merged]]) };
}

function checkPlaced(schema: TSchema, placed: Placed, faults: PlacedFault[]): unknown {
  const checked = check(schema, plain(placed));
  if ('value' in checked) return checked.value;
  faults.push(
    ...checked.faults.map(({ path, expected, got, nearest: near }) =>
      faultAt(placeOf(placed, path, expected.startsWith('one of the keys')), expected, got, near),
    ),
  );
  return undefined;
}

/** Rules name monitors and actions: those have to be there. */
function checkReferences(declared: readonly Checked[], found: readonly Found[]): readonly PlacedFault[] {
  const names = (kind: Kind): string[] => found.filter((one) => one.kind === kind).map(({ name }) => name);
  const [monitors, actions] = [names('monitor'), names('action')];
  return declared
    .filter(({ kind }) => kind === 'rule')
    .flatMap(({ spec, placed }) => {
      const rule = spec as RuleConfig;
      const parsed = parseCondition(rule.condition, rule.parameters, '/condition');
      const read = 'condition' in parsed ? leaves(parsed.condition).map(({ monitor, at }) => ['monitor', monitor, `${at}/field`] as const) : [];
      const listed =
        rule.monitor === undefined
          ? []
          : [rule.monitor].flat().map((name, i) => ['monitor', name, Array.isArray(rule.monitor) ? `/monitor/${i}` : '/monitor'] as const);
      const asked = (['actions', 'on_resolve'] as const).flatMap((key) => rule[key].map((name, i) => ['action', name, `/${key}/${i}`] as const));
      return [...listed, ...read, ...asked].flatMap(([kind, name, path]) => {
        const known = kind === 'monitor' ? monitors : actions;
        return known.includes(name) ? [] : [faultAt(placeOf(placed, path), `the name of a ${kind} that is declared`, name, nearest(name, known))];
      });
    });
}
