/**
 * Texts into declared resources: parse, overlay, interpolate, expand, validate. All errors come at once, each with its place, and with an
 * error nothing is declared. Boot, reload, CLI and API take this one road.
 */
import { type Static, type TSchema, Type } from 'typebox';
import { nearest } from '../actors/schema.ts';
import type { Declaration, Declared, Kind, PlacedFault, Source, Wanted } from '../proto/api.ts';
import { actionSchemas, checkMore, functionSchema, listenerSchemas, monitorSchemas, ruleSchema, silenceSchema, type SystemConfig } from './catalogue.ts';
import { told } from './faults.ts';
import { functionOf } from './functions.ts';
import { interpolate, misspelt, type Scope } from './interpolate.ts';
import { concat, faultAt, isMap, member, merge, parsePlaced, type Placed, placeAt, placeOf, plain } from './placed.ts';
import { monitorsNamed, withNeeds } from './needs.ts';
import { checkPlaced, faultIn, retentionOf, storeOf, systemOf } from './node-sections.ts';
import { checkRule, circlesAmong, type Known, withParameters } from './rules.ts';
import { checkShape, type Found, resourcesOf, SECTIONS } from './sections.ts';
import { SYSTEM } from './system.ts';

export type Env = Readonly<Record<string, string | undefined>>;
type Origin = Declared['origin'];

/** @param parameters values in the place of the configuration's own, for a test. */
export function declare({ sources, overlay, environment, secrets }: Wanted, env: Env, parameters?: Placed): Declaration {
  const faults: PlacedFault[] = [];
  const read = readAll(sources, faults);
  const nothing = (): Declaration => ({ declared: [], system: {}, store: {}, retention: {}, faults: told(faults, secrets ?? {}) });
  if (faults.length > 0) return nothing(); // what is no JSON would only bring faults that are none
  const scopeOf = (parameters: Placed, system: object): Scope => ({ parameters: parametersOf(parameters), env, secrets, system: { ...system } });
  const written = environed(read, environment, scopeOf(read, {}), faults);
  for (const [name, { keyPlace, place }] of isMap(parameters) ? parameters.value : [])
    if (!parametersOf(written).has(name))
      faults.push(faultAt(keyPlace ?? place, 'a name of `parameters` of the configuration', name, nearest(name, [...parametersOf(written).keys()])));
  const root = parameters ? merge(written, { place: written.place, value: new Map([['parameters', parameters]]) }) : written;
  faults.push(...checkShape(root));
  const own = overlay.findLast(({ kind }) => kind === 'system_config');
  const system = systemOf(root, own?.source, scopeOf(root, {}), faults);
  const scope = scopeOf(root, system);
  const store = storeOf(root, scope, faults);
  const retention = retentionOf(root, scope, faults);
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
  const names = (kind: Kind): ReadonlySet<string> => new Set([...found.values()].filter((one) => one.kind === kind).map(({ name }) => name));
  const known: Known = { monitor: new Set([...names('monitor'), SYSTEM]), action: names('action'), rule: names('rule'), function: names('function') };
  const declared = [...found.values()].flatMap((one) => checkOne(one, known, system, scope, faults));
  faults.push(...circlesAmong([...found.values()].filter(({ kind }) => kind === 'rule')));
  const first: Declared = { kind: 'system_config', name: 'system', type: 'system', origin: own?.source ? own.origin : 'file', spec: system };
  for (const one of declared.filter(({ kind }) => kind === 'action')) {
    const unknown = monitorsNamed(one).filter((name) => !known.monitor.has(name));
    const [place, monitors] = [found.get(`action/${one.name}`)?.placed.place, [...known.monitor]];
    if (place)
      faults.push(
        ...unknown.map((name) => faultAt(place, 'templates that name monitors which are declared', `\${monitors.${name}…}`, nearest(name, monitors))),
      );
  }
  const all = [first, ...withNeeds(declared).filter(isEnabled)];
  return faults.length > 0 ? { ...nothing(), store, retention } : { declared: all, system, store, retention, faults: [] };
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

const parametersOf = (root: Placed): ReadonlyMap<string, Placed> => {
  const parameters = member(root, 'parameters');
  return isMap(parameters) ? parameters.value : new Map();
};

/** Everything but the parameters themselves, which are filled in where they are named, and the overlays that were not chosen. */
function interpolateSections(root: Placed, scope: Scope, faults: PlacedFault[]): Placed {
  if (!isMap(root)) return root;
  const kept = ['parameters', 'environments', 'system', 'store', 'retention'];
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
  silence: new Map([['silence', silenceSchema]]),
  function: new Map([['function', functionSchema]]),
  system_config: new Map(),
};

function checkOne(
  { kind, name, placed, origin }: Found & { readonly origin: Origin },
  known: Known,
  system: SystemConfig,
  scope: Scope,
  faults: PlacedFault[],
): readonly Declared[] {
  const type = kind === 'rule' || kind === 'silence' || kind === 'function' ? kind : member(placed, 'type')?.value;
  const types = [...SCHEMAS[kind].keys()];
  const schema = typeof type === 'string' ? SCHEMAS[kind].get(type) : undefined;
  if (typeof type !== 'string' || !schema) {
    faults.push(
      faultAt(placeOf(placed, '/type'), `a type of ${kind}: one of ${types.join(', ')}`, type, typeof type === 'string' ? nearest(type, types) : undefined),
    );
    return [];
  }
  if (kind !== 'action') faults.push(...misspelt(placed)); // an action's templates have a check of their own
  const filled = kind === 'rule' ? withParameters(placed, scope, faults) : withSystemDefaults(placed, schema, system);
  const spec = checkPlaced(schema, filled, faults);
  if (kind === 'monitor' && name === SYSTEM) faults.push(faultAt(placeOf(placed, '/name'), `another name: the monitor \`${SYSTEM}\` is Argos itself`, name));
  if (kind === 'function') return declaredFunction({ kind, name, placed: filled, origin }, spec, faults);
  if (kind === 'rule') faults.push(...checkRule(filled, known));
  else if (spec !== undefined) faults.push(...checkMore(kind, spec).map(faultIn(filled)));
  return spec === undefined ? [] : [{ kind, name, type, origin, spec }];
}

function declaredFunction({ kind, name, placed, origin }: Found & { readonly origin: Origin }, checked: unknown, faults: PlacedFault[]): readonly Declared[] {
  const spec = checked === undefined ? undefined : functionOf(placed, checked as Static<typeof functionSchema>, faults);
  return spec ? [{ kind, name, type: kind, origin, spec }] : [];
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
