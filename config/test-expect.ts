/** What is expected of a rule at a time, compared with what came of it. Pure. */
import type { AlertState } from '../actors/rules/alert/alert-state.ts';
import type { TestFailure } from '../proto/reports.ts';
import type { Expectation, ExpectedAction } from './test-schema.ts';
import { timeOf, timeText } from './test-steps.ts';

/** An action that was carried out; or that would have been. */
export interface Carried {
  readonly action: string;
  readonly state: 'firing' | 'resolved';
  readonly instance: string;
  /** Since the start of the case, `1m30s`. */
  readonly at: string;
  readonly payload: unknown;
  readonly alert: unknown;
  /** What held it back until its end. */
  readonly suppressed?: string | undefined;
}
/** What came of a rule until then. */
export interface Came {
  readonly alerts: ReadonlyMap<string, AlertState>;
  /** Since the last expectation. */
  readonly carried: readonly Carried[];
}
type Unmet = Pick<TestFailure, 'what' | 'expected' | 'got' | 'instance'>;

/** Every part of it that is not met. */
export function unmet(expected: Expectation, { alerts, carried }: Came): readonly Unmet[] {
  const { instance = '', state, states = {}, held, actions, fired, not_fired, suppressed } = expected;
  const done = carried.filter((one) => one.suppressed === undefined);
  const ended = carried.filter((one) => one.suppressed !== undefined);
  const phase = (key: string): string => alerts.get(key)?.phase ?? 'inactive';
  const not: Unmet[] = [];
  if (state !== undefined && phase(instance) !== state)
    not.push({ what: 'state', expected: state, got: phase(instance), ...(instance === '' ? {} : { instance }) });
  for (const [key, wanted] of Object.entries(states)) if (phase(key) !== wanted) not.push({ what: 'states', expected: wanted, got: phase(key), instance: key });
  const reason = alerts.get(instance)?.held?.reason ?? null;
  if (held !== undefined && held !== reason) not.push({ what: 'held', expected: held, got: reason });
  if (actions && !(actions.length === done.length && actions.every((one, i) => isAction(one, done[i]))))
    not.push({ what: 'actions', expected: actions, got: shown(done, actions) });
  if (fired && !allAmong(fired, done)) not.push({ what: 'fired', expected: fired, got: shown(done, fired) });
  const unwanted = done.filter(({ action }) => not_fired === true || (Array.isArray(not_fired) && not_fired.includes(action)));
  if (unwanted.length > 0) not.push({ what: 'not_fired', expected: not_fired, got: shown(unwanted, []) });
  if (suppressed && !(suppressed.length === ended.length && suppressed.every(({ reason: why, ...rest }, i) => isPart({ ...rest, suppressed: why }, ended[i]))))
    not.push({
      what: 'suppressed',
      expected: suppressed,
      got: ended.map((one) => ({ action: one.action, reason: one.suppressed, ...(one.instance === '' ? {} : { instance: one.instance }) })),
    });
  return not;
}

/** A part of it: of objects the keys that are named, of lists each in its place, else what is equal. What is undefined is not asked for. */
export function isPart(expected: unknown, got: unknown): boolean {
  if (Array.isArray(expected)) return Array.isArray(got) && got.length === expected.length && expected.every((one, i) => isPart(one, got[i]));
  if (typeof expected !== 'object' || expected === null) return Object.is(expected, got) || (expected === 0 && got === 0);
  if (typeof got !== 'object' || got === null || Array.isArray(got)) return false;
  return Object.entries(expected).every(([key, one]) => one === undefined || (Object.hasOwn(got, key) && isPart(one, got[key as keyof typeof got])));
}

const isAction = (expected: ExpectedAction, got: Carried | undefined): boolean =>
  got !== undefined &&
  (typeof expected === 'string' ? expected === got.action : isPart({ ...expected, at: expected.at && timeText(timeOf(expected.at)) }, got));

/** Whether each of them can be another one of those: a matching, found by augmenting paths. */
function allAmong(expected: readonly ExpectedAction[], done: readonly Carried[]): boolean {
  const taken = new Map<number, number>();
  const place = (i: number, tried: Set<number>): boolean =>
    done.some((one, j) => {
      const wanted = expected[i];
      if (tried.has(j) || wanted === undefined || !isAction(wanted, one)) return false;
      tried.add(j);
      const by = taken.get(j);
      if (by !== undefined && !place(by, tried)) return false;
      taken.set(j, i);
      return true;
    });
  return expected.every((_, i) => place(i, new Set()));
}

/** As it is expected: no more of it is shown than is asked for. */
function shown(carried: readonly Carried[], expected: readonly ExpectedAction[]): readonly unknown[] {
  const asks = (key: 'payload' | 'alert'): boolean => expected.some((one) => typeof one === 'object' && one[key] !== undefined);
  return carried.map(({ action, state, at, instance, payload, alert }) => ({
    action,
    state,
    at,
    ...(instance === '' ? {} : { instance }),
    ...(asks('payload') ? { payload } : {}),
    ...(asks('alert') ? { alert } : {}),
  }));
}
