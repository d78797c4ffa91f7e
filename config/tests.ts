/**
 * Unit tests of rules: a text into cases, and the cases run on a virtual clock over the configuration that they name. Nothing is sent anywhere, no
 * store and no node is needed, and the same texts always come to the same.
 */
import { durationMs } from '../actors/rules/condition/operators-window.ts';
import { parseSilence, type Silence } from '../actors/rules/alert/silences.ts';
import { type Fault, nearest } from '../actors/schema.ts';
import type { Declaration, PlacedFault, Source } from '../proto/api.ts';
import type { TestedCase } from '../proto/reports.ts';
import { declare, type Env } from './load.ts';
import { checkPlaced, faultIn } from './node-sections.ts';
import { faultAt, member, parsePlaced, type Placed, placeOf } from './placed.ts';
import { runCase } from './test-run.ts';
import { type TestCase, type TestFile, testFileSchema } from './test-schema.ts';
import { answersOf } from './test-functions.ts';
import { checkedTime, type Look, looksOf } from './test-steps.ts';

/** A file of tests, read. */
export interface Tests {
  readonly file: string;
  /** As it is written there; undefined: as `argos start` finds it. */
  readonly config: string | undefined;
  /** That it is not there. */
  faultOfConfig(path: string): PlacedFault;
  readonly written: TestFile;
  readonly root: Placed;
}
/** One case, ready to be run. */
export interface ReadyCase {
  readonly written: TestCase;
  readonly place: Placed;
  readonly startMs: number;
  readonly looks: readonly Look[];
  readonly silences: readonly Silence[];
}

export function readTests(source: Source): Tests | { readonly faults: readonly PlacedFault[] } {
  const { root, faults } = parsePlaced(source);
  if (!root || faults.length > 0) return { faults };
  const found: PlacedFault[] = [];
  const written = checkPlaced(testFileSchema, root, found) as TestFile | undefined;
  const faultOfConfig = (path: string): PlacedFault => faultAt(placeOf(root, '/config'), 'a configuration that is there: a file or a folder', path);
  return written ? { file: source.file, config: written.config, faultOfConfig, written, root } : { faults: found };
}

/**
 * Run the cases.
 *
 * @param sources the texts of the configuration under test.
 * @param only the name of a case, or a part of it.
 */
export async function runTests(
  { root, written }: Tests,
  sources: readonly Source[],
  env: Env,
  only?: string,
): Promise<{ readonly cases: readonly TestedCase[] } | { readonly faults: readonly PlacedFault[] }> {
  const wanted = { sources, overlay: [], environment: written.environment };
  const declaration = declare(wanted, { ...env, ...written.env }, member(root, 'parameters'));
  if (declaration.faults.length > 0) return { faults: declaration.faults };
  const faults: Fault[] = [];
  const ready = written.cases.map((one, i) => readyCase(one, i, root, faults));
  faults.push(...twins(written), ...unknownNames(written, declaration));
  if (faults.length > 0) return { faults: faults.map(faultIn(root)) };
  const answer = await answersOf(declaration.declared);
  const chosen = ready.filter(({ written: { name } }) => only === undefined || name.includes(only));
  return { cases: chosen.map((one) => runCase(one, declaration.declared, answer)) };
}

function readyCase(written: TestCase, i: number, root: Placed, faults: Fault[]): ReadyCase {
  const path = `/cases/${i}`;
  const startMs = Date.parse(written.start);
  if (Number.isNaN(startMs)) faults.push({ path: `${path}/start`, expected: 'a time of the calendar, in ISO 8601', got: written.start });
  const silences = written.silences.flatMap((one, j) => {
    const parsed = parseSilence(absolute(one, j, startMs), `${path}/silences/${j}`);
    faults.push(...parsed.faults);
    return 'silence' in parsed ? [parsed.silence] : [];
  });
  for (const [j, { at, from, not_fired }] of written.expect.entries()) {
    const place = `${path}/expect/${j}`;
    checkedTime(at, `${place}/at`, faults);
    checkedTime(from ?? '0s', `${place}/from`, faults);
    if (not_fired === false) faults.push({ path: `${place}/not_fired`, expected: 'true, or names of actions', got: false });
  }
  const place = { place: placeOf(root, path), value: null };
  return { written, place: placedAt(root, i) ?? place, startMs, looks: looksOf(written.steps, `${path}/steps`, faults), silences };
}
const placedAt = (root: Placed, i: number): Placed | undefined => {
  const cases = member(root, 'cases')?.value;
  return Array.isArray(cases) ? (cases as readonly Placed[])[i] : undefined;
};

/** Of a silence the times since the start as times of the calendar. */
function absolute(silence: Readonly<Record<string, unknown>>, i: number, startMs: number): object {
  const time = (value: unknown): unknown => {
    const ms = value === '0s' ? 0 : durationMs(value);
    return ms === undefined || Number.isNaN(startMs) ? value : new Date(startMs + ms).toISOString();
  };
  const times = Object.entries(silence).map(([key, value]) => [key, key === 'starts' || key === 'ends' ? time(value) : value]);
  return { name: `silence_${i + 1}`, ...Object.fromEntries(times) };
}

const twins = ({ cases }: TestFile): readonly Fault[] =>
  cases.flatMap(({ name }, i) =>
    cases.findIndex((one) => one.name === name) === i ? [] : [{ path: `/cases/${i}/name`, expected: 'a name of its own', got: name }],
  );

/** What a case names is declared: a word that is not would make a test that cannot fail. */
function unknownNames({ cases }: TestFile, { declared }: Declaration): readonly Fault[] {
  const names = (kind: string): readonly string[] => declared.filter((one) => one.kind === kind).map(({ name }) => name);
  const known = { monitor: [...names('monitor'), 'system'], rule: names('rule'), action: names('action') };
  const each = new Set(declared.filter(({ spec }) => typeof spec === 'object' && spec !== null && 'for_each' in spec).map(({ name }) => name));
  const check = (kind: keyof typeof known, name: string | undefined, path: string): readonly Fault[] =>
    name === undefined || known[kind].includes(name)
      ? []
      : [{ path, expected: `the name of ${kind === 'action' ? 'an' : 'a'} ${kind} that is declared`, got: name, nearest: nearest(name, known[kind]) }];
  return cases.flatMap(({ steps, expect }, i) => [
    ...steps.flatMap(({ monitor }, j) => check('monitor', monitor, `/cases/${i}/steps/${j}/monitor`)),
    ...expect.flatMap(({ rule, instance, state, held, states, actions, fired, not_fired, suppressed }, j) => {
      const path = `/cases/${i}/expect/${j}`;
      const listed = Object.entries({ actions, fired, not_fired: Array.isArray(not_fired) ? not_fired : [], suppressed }).flatMap(([key, list = []]) =>
        list.flatMap((one, k) =>
          typeof one === 'string' ? check('action', one, `${path}/${key}/${k}`) : check('action', one.action, `${path}/${key}/${k}/action`),
        ),
      );
      const oneOfMany = each.has(rule) && instance === undefined && (state !== undefined || held !== undefined);
      const noneOfMany = known.rule.includes(rule) && !each.has(rule) && (instance !== undefined || states !== undefined);
      return [
        ...check('rule', rule, `${path}/rule`),
        ...listed,
        ...(oneOfMany ? [{ path: `${path}/instance`, expected: `the monitor whose alert is meant: rule ${rule} has for_each (or use \`states\`)` }] : []),
        ...(noneOfMany
          ? [
              {
                path: `${path}/${instance === undefined ? 'states' : 'instance'}`,
                expected: `\`state\` alone: rule ${rule} has no for_each`,
                got: instance ?? states,
              },
            ]
          : []),
      ];
    }),
  ]);
}
