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
import { interpolate, type Scope } from './interpolate.ts';
import { concat, faultAt, isMap, mapPlaced, member, merge, parsePlaced, type Placed, placeAt, placeOf, plain } from './placed.ts';
import { checkShape, type Found, resourcesOf, SECTIONS } from './sections.ts';

export type Env = Readonly<Record<string, string | undefined>>;
type Origin = Declared['origin'];
type Checked = Declared & { readonly placed: Placed };

export function declare({ sources, overlay, environment, secrets }: Wanted, env: Env): Declaration {
  const faults: PlacedFault[] = [];
  const root = environed(readAll(sources, faults), environment, faults);
  if (faults.length > 0) return { declared: [], system: {}, faults }; // what is no JSON would only bring faults that are none
  faults.push(...checkShape(root));
  const system = systemOf(root, overlay, faults);
  const scope: Scope = { parameters: parametersOf(root), env, secrets, system: { ...system } };
  const found = new Map<string, Found & { readonly origin: Origin }>();
  for (const one of resourcesOf(interpolateSections(root, scope, faults), env, faults)) {
    const key = `${one.kind}/${one.name}`;
    const twin = found.get(key);
    const { place } = one.placed;
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
  const first: Declared = { kind: 'system_config', name: 'system', type: 'system', origin: 'file', spec: system };
  return { declared: faults.length > 0 ? [] : [first, ...declared.map(({ placed: _placed, ...one }) => one).filter(isEnabled)], system, faults };
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
function environed(root: Placed, wanted: string | undefined, faults: PlacedFault[]): Placed {
  const all = member(root, 'environments');
  const name = wanted ?? member(root, 'system', 'environment')?.value;
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

function systemOf(root: Placed, overlay: readonly OverlayEntry[], faults: PlacedFault[]): SystemConfig {
  const source = overlay.find(({ kind }) => kind === 'system_config')?.source;
  const parsed = source ? parsePlaced(source) : undefined;
  faults.push(...(parsed?.faults ?? []));
  const placed = parsed?.root ? (member(parsed.root, 'system') ?? parsed.root) : (member(root, 'system') ?? placeAt({}, root.place));
  return (checkPlaced(systemSchema, placed, faults) ?? {}) as SystemConfig; // with a fault nothing is declared
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
  const isWhole =
    ['monitors', 'actions', 'rules', 'listeners'].some((key) => root.value.has(key)) || [...root.value.keys()].every((key) => SECTIONS.includes(key));
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
  return one?.placed;
}

function checkOne(
  { kind, name, placed, origin }: Found & { readonly origin: Origin },
  system: SystemConfig,
  scope: Scope,
  faults: PlacedFault[],
): readonly Checked[] {
  const type = kind === 'rule' ? 'rule' : member(placed, 'type')?.value;
  const schemas = kind === 'monitor' ? monitorSchemas : kind === 'action' ? actionSchemas : listenerSchemas;
  const known = [...schemas.keys()];
  if (typeof type !== 'string' || (kind !== 'rule' && !schemas.has(type))) {
    faults.push(
      faultAt(placeOf(placed, '/type'), `a type of ${kind}: one of ${known.join(', ')}`, type, typeof type === 'string' ? nearest(type, known) : undefined),
    );
    return [];
  }
  const schema =
    kind === 'rule'
      ? ruleSchema
      : kind === 'listener'
        ? Type.Object({ name: Type.String(), type: Type.String(), config: schemas.get(type) as TSchema })
        : (schemas.get(type) as TSchema);
  const filled = kind === 'rule' ? withParameters(placed, scope) : withSystemDefaults(placed, schema, system);
  const spec = checkPlaced(schema, filled, faults);
  if (spec === undefined) return [];
  const more = checkMore(kind, spec);
  faults.push(...more.map(({ path, expected, got, nearest: near }) => faultAt(placeOf(placed, path), expected, got, near)));
  return [{ kind, name, type, origin, spec, placed }];
}

/** `system.max_retries` and `system.timeout` are the defaults of every resource. */
function withSystemDefaults(placed: Placed, schema: TSchema, { max_retries, timeout }: SystemConfig): Placed {
  const takesTimeout = 'timeout' in ((schema as { properties?: { config?: { properties?: object } } }).properties?.config?.properties ?? {});
  const defaults = {
    ...(max_retries === undefined || !('retry_policy' in (schema as { properties: object }).properties) ? {} : { retry_policy: { max_retries } }),
    ...(timeout === undefined || !takesTimeout ? {} : { config: { timeout } }),
  };
  return merge(placeAt(defaults, placed.place), placed);
}

/** The parameters that a rule's condition names and does not have itself come from the configuration's own. */
function withParameters(placed: Placed, { parameters }: Scope): Placed {
  const own = member(placed, 'parameters');
  const needed = new Map<string, Placed>();
  const condition = member(placed, 'condition');
  if (condition)
    mapPlaced(condition, (one) => {
      const name = member(one, 'var')?.value;
      const parameter = typeof name === 'string' ? parameters.get(name.replace(/^parameters\./, '')) : undefined;
      if (parameter) needed.set(String(name).replace(/^parameters\./, ''), parameter);
      return one;
    });
  if (needed.size === 0 || !isMap(placed)) return placed;
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
      const parsed = parseCondition(rule.condition, rule.parameters);
      const read = 'condition' in parsed ? leaves(parsed.condition).map(({ monitor }) => ['monitor', monitor, '/condition'] as const) : [];
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
