/** What the schema cannot say of a rule: its conditions, that what it names is there, and that no rule waits for itself. Pure. */
import type { Fields } from '../actors/event.ts';
import { parseCondition, type Parsed } from '../actors/rules/condition/condition.ts';
import { EACH } from '../actors/rules/program.ts';
import { parseText } from '../actors/rules/text/text.ts';
import { readsIn } from '../actors/rules/condition/tree.ts';
import { nearest } from '../actors/schema.ts';
import type { PlacedFault } from '../proto/api.ts';
import { interpolate, type Scope } from './interpolate.ts';
import { faultIn } from './node-sections.ts';
import { faultAt, isList, isMap, mapPlaced, member, type Placed, placeAt, placeOf, plain } from './placed.ts';
import { systemFaults } from './system.ts';

/** The names that a rule may use. */
export type Known = Readonly<Record<'monitor' | 'action' | 'rule' | 'function', ReadonlySet<string>>>;

const CONDITIONS = ['condition', 'clear_when'] as const;
/** What stands before the name of a rule whose state a condition reads, as if it were a monitor's. */
const RULE = 'rule:';

/** The parameters that a rule's conditions name and do not have themselves come from the configuration's own. */
export function withParameters(placed: Placed, scope: Scope, faults: PlacedFault[]): Placed {
  const own = member(placed, 'parameters');
  const needed = new Map<string, Placed>();
  for (const condition of CONDITIONS.flatMap((key) => member(placed, key) ?? []))
    mapPlaced(condition, (one) => {
      for (const name of parametersIn(one)) {
        const parameter = scope.parameters.get(name);
        if (parameter && !member(own, name)) needed.set(name, interpolate(parameter, scope, faults));
      }
      return one;
    });
  if (needed.size === 0 || !isMap(placed) || (own && !isMap(own))) return placed;
  const merged: Placed = { place: own?.place ?? placed.place, value: new Map([...needed, ...(isMap(own) ? own.value : [])]) };
  return { ...placed, value: new Map([...placed.value, ['parameters', merged]]) };
}

/** The parameters that a part of a condition may name: in a text, or in `{"var": …}`, where a leaf leaves out the word before. */
function parametersIn(part: Placed): readonly string[] {
  if (typeof part.value === 'string') {
    const read = part.value.includes(PARAMETERS) ? parseText(part.value) : undefined;
    return read && 'json' in read ? variablesIn(read.json).flatMap((name) => (name.startsWith(PARAMETERS) ? [name.slice(PARAMETERS.length)] : [])) : [];
  }
  const named = member(part, 'var')?.value;
  return typeof named === 'string' ? [named.replace(/^parameters\./, '')] : [];
}
const PARAMETERS = 'parameters.';

/** What `{"var": …}` names, anywhere in it. */
function variablesIn(json: unknown): readonly string[] {
  if (typeof json !== 'object' || json === null) return [];
  const named = 'var' in json && typeof json.var === 'string' ? [json.var] : [];
  return [...named, ...Object.values(json).flatMap(variablesIn)];
}

/** @param functions the custom functions that there are. */
function parsedOf(rule: Placed, key: (typeof CONDITIONS)[number], functions: readonly string[] | 'any'): Parsed | undefined {
  const [condition, parameters] = [member(rule, key), member(rule, 'parameters')];
  return condition && parseCondition(plain(condition), isMap(parameters) ? (plain(parameters) as Fields) : {}, `/${key}`, functions);
}

/** Faults of one rule, also where the schema has refused it. */
export function checkRule(rule: Placed, known: Known): readonly PlacedFault[] {
  const each = member(rule, 'for_each') !== undefined;
  const listed = (key: string): readonly Placed[] => [member(rule, key)].flatMap((one) => (isList(one) ? one.value : one ? [one] : []));
  const unknown = (kind: keyof Known, names: readonly Placed[]): readonly PlacedFault[] =>
    names.flatMap(({ value, place }) =>
      typeof value !== 'string' || known[kind].has(value)
        ? []
        : [faultAt(place, `the name of ${kind === 'action' ? 'an' : 'a'} ${kind} that is declared`, value, nearest(value, [...known[kind]]))],
    );
  const ofCondition = (key: (typeof CONDITIONS)[number]): readonly PlacedFault[] => {
    const [parsed, condition] = [parsedOf(rule, key, [...known.function]), member(rule, key)];
    if (!parsed || !condition) return [];
    if (!('condition' in parsed)) return parsed.faults.map(faultIn(rule));
    const { reads, all } = readsIn(parsed.condition);
    const named = (isRule: boolean): readonly Placed[] =>
      reads
        .filter(({ monitor }) => !(each && monitor === EACH) && monitor.startsWith(RULE) === isRule)
        .map(({ monitor, at }) => placeAt(isRule ? monitor.slice(RULE.length) : monitor, placeOf(rule, at)));
    return [
      ...unknown('monitor', named(false)),
      ...unknown('rule', named(true)),
      ...systemFaults(parsed.condition).map(faultIn(rule)),
      ...(all && !member(rule, 'monitor')
        ? [faultAt(condition.place, 'names that show before the condition is evaluated, or else `monitor`: the monitors whose events wake the rule')]
        : []),
    ];
  };
  const noData = member(rule, 'no_data');
  return [
    ...unknown('monitor', listed('monitor')),
    ...CONDITIONS.flatMap(ofCondition),
    ...unknown('monitor', dependsOn(rule, false)),
    ...unknown('rule', dependsOn(rule, true)),
    ...unknown('action', [...listed('actions'), ...listed('on_resolve')]),
    ...(noData && member(rule, 'mode')?.value === 'event' ? [faultAt(noData.place, 'no_data only with mode "alert": a silence is no event')] : []),
  ];
}

const A_RULE = 'rule.';
/** What a rule depends on: rules, without what says that they are some, or monitors. */
const dependsOn = (rule: Placed, isRule: boolean): readonly Placed[] => {
  const list = member(rule, 'depends_on');
  const names = isList(list) ? list.value : [];
  return names.flatMap(({ value, place }) =>
    typeof value === 'string' && value.startsWith(A_RULE) === isRule ? [placeAt(isRule ? value.slice(A_RULE.length) : value, place)] : [],
  );
};

/** A rule that reads a rule that reads … itself would wake itself for ever. */
export function circlesAmong(rules: readonly { readonly name: string; readonly placed: Placed }[]): readonly PlacedFault[] {
  const read = new Map(
    rules.map(({ name, placed }) => [
      name,
      [...CONDITIONS.flatMap((key) => rulesIn(parsedOf(placed, key, 'any'))), ...dependsOn(placed, true).map(({ value }) => String(value))],
    ]),
  );
  const done = new Set<string>();
  const circleFrom = (name: string, path: readonly string[]): readonly string[] | undefined => {
    if (path.includes(name)) return [...path.slice(path.indexOf(name)), name];
    if (done.has(name)) return undefined;
    for (const next of read.get(name) ?? []) {
      const circle = circleFrom(next, [...path, name]);
      if (circle) return circle;
    }
    done.add(name);
    return undefined;
  };
  return rules.flatMap(({ name, placed }) => {
    const circle = circleFrom(name, []);
    for (const one of circle ?? []) done.add(one); // one fault for each circle
    const place = (member(placed, 'condition') ?? placed).place;
    return circle ? [faultAt(place, 'rules that do not read one another in a circle', circle.join(' reads '))] : [];
  });
}

const rulesIn = (parsed: Parsed | undefined): readonly string[] =>
  parsed && 'condition' in parsed
    ? readsIn(parsed.condition).reads.flatMap(({ monitor }) => (monitor.startsWith(RULE) ? [monitor.slice(RULE.length)] : []))
    : [];
