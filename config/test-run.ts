/** One test case, run: its looks and its expectations in the order of time, on a virtual clock. Pure. */
import type { Fields } from '../actors/event.ts';
import type { Job } from '../actors/job.ts';
import { holdOf, parseSilence, type Silence } from '../actors/rules/alert/silences.ts';
import { explain } from '../actors/rules/condition/explain.ts';
import { programOf } from '../actors/rules/program.ts';
import type { RuleConfig } from '../actors/rules/schema.ts';
import { type Decided, type Outside, type SimulatedRule, Simulation } from '../actors/rules/simulation.ts';
import type { Declared, ExplainedPart } from '../proto/api.ts';
import type { TestedCase, TestFailure } from '../proto/reports.ts';
import { actionType } from './catalogue.ts';
import { type Placed, placeOf } from './placed.ts';
import { type Carried, unmet } from './test-expect.ts';
import type { Expectation } from './test-schema.ts';
import { type Look, timeOf, timeText } from './test-steps.ts';

interface Case {
  readonly written: { readonly name: string; readonly expect: readonly Expectation[] };
  readonly place: Placed;
  readonly startMs: number;
  readonly looks: readonly Look[];
  readonly silences: readonly Silence[];
}

export function runCase(
  { written: { name, expect }, place, startMs, looks, silences }: Case,
  declared: readonly Declared[],
  answer: NonNullable<Outside['answer']>,
): TestedCase {
  const all = [...silences, ...silencesOf(declared)];
  const rules = rulesFor(
    expect.map(({ rule }) => rule),
    declared,
  );
  const simulation = new Simulation(rules, startMs, { hold: (alert, atMs) => holdOf(all, alert, atMs), answer });
  const pushed = new Set(declared.filter(({ kind, type }) => kind === 'monitor' && type === 'push').map((one) => one.name));
  let next = 0;
  const failures: TestFailure[] = [];
  const inTime = expect.map((one, i) => ({ one, at: timeOf(one.at), i })).sort((a, b) => a.at - b.at);
  for (const { one, at, i } of inTime) {
    for (let look = looks[next]; look && look.atMs <= at; look = looks[++next]) see(simulation, look, startMs, pushed);
    simulation.advance(startMs + at);
    const lastMs = Math.max(-1, ...inTime.filter((other) => other.one.rule === one.rule && other.at < at).map((other) => other.at));
    const fromMs = one.from === undefined ? lastMs + 1 : timeOf(one.from);
    const { line, column } = placeOf(place, `/expect/${i}`);
    const explained = explanationOf(simulation, one);
    const found = unmet(one, cameOf(simulation, one, startMs + fromMs, startMs, declared));
    for (const not of found) failures.push({ line, column, at: one.at, rule: one.rule, ...not, ...(explained ? { explanation: explained } : {}) });
  }
  return { name, line: place.place.line, failures };
}

export const silencesOf = (declared: readonly Declared[]): readonly Silence[] =>
  declared.flatMap(({ kind, spec }): readonly Silence[] => {
    if (kind !== 'silence') return [];
    const parsed = parseSilence(spec);
    return 'silence' in parsed ? [parsed.silence] : []; // load.ts has refused those with faults
  });

/** The rules, and those that they read, and those that these read. */
export function rulesFor(names: readonly string[], declared: readonly Declared[]): readonly SimulatedRule[] {
  const all = new Map(declared.filter(({ kind }) => kind === 'rule').map((one) => [one.name, one]));
  const wanted = new Map<string, SimulatedRule>();
  const want = (name: string): void => {
    const one = all.get(name);
    if (!one || wanted.has(name)) return;
    const config = one.spec as RuleConfig; // load.ts has checked it
    wanted.set(name, { name, config, needs: one.needs });
    for (const monitor of programOf(config, []).reads.keys()) if (monitor.startsWith(RULE)) want(monitor.slice(RULE.length));
  };
  for (const name of names) want(name);
  return [...wanted.values()];
}
const RULE = 'rule:';

/** As its actor would publish it: a push monitor's item is new in each of its fields, of any other what was looked at. */
function see(simulation: Simulation, { atMs, monitor, fields, path, value }: Look, startMs: number, pushed: ReadonlySet<string>): void {
  const state = simulation.latest(monitor)?.last.fields ?? {};
  const brought = fields ?? withPath(state, path ?? [], value);
  const whole: Fields = { ...state, ...brought, ...(pushed.has(monitor) ? { up: true } : {}) };
  const seen = pushed.has(monitor) ? {} : { seen: Object.keys(brought) };
  simulation.event({ monitor, observations: [{ atMs: startMs + atMs, fields: whole, ...seen }] });
}

/** The field in which the path begins, with the value at its end. */
export function withPath(state: Fields, [first = '', ...rest]: readonly string[], value: unknown): Fields {
  const there = Object.hasOwn(state, first) ? state[first] : undefined;
  const inner = typeof there === 'object' && there !== null && !Array.isArray(there) ? (there as Fields) : {};
  return Object.fromEntries([[first, rest.length === 0 ? value : { ...inner, ...withPath(inner, rest, value) }]]);
}

function cameOf(simulation: Simulation, { rule, instance }: Expectation, fromMs: number, startMs: number, declared: readonly Declared[]) {
  const alerts = new Map(simulation.judge(rule)?.instances.map(({ key, state }) => [key, state]));
  const mine = (one: Decided): boolean => one.rule === rule && one.atMs >= fromMs && (instance === undefined || one.decision.instance === instance);
  const carried = simulation.decided.filter(mine).flatMap(({ atMs, decision, executions }) =>
    executions.map(
      ({ job, suppressed }): Carried => ({
        action: job.action,
        state: job.alert.state,
        instance: decision.instance,
        at: timeText(atMs - startMs),
        payload: payloadOf(job, declared),
        alert: job.alert,
        suppressed,
      }),
    ),
  );
  return { alerts, carried };
}

/** What the receiver would be sent; or why nothing can be. */
function payloadOf(job: Job, declared: readonly Declared[]): unknown {
  const action = declared.find(({ kind, name }) => kind === 'action' && name === job.action);
  const { config } = (action?.spec ?? {}) as { readonly config?: unknown };
  try {
    const payload = actionType(action?.type ?? '')?.shown(config as never, job);
    return typeof payload?.body === 'string' ? { ...payload, body: parsed(payload.body) } : payload;
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}
function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}

function explanationOf(simulation: Simulation, { rule, instance, states = {} }: Expectation): ExplainedPart | undefined {
  const judge = simulation.judge(rule);
  const key = instance ?? Object.keys(states)[0] ?? '';
  const one = judge?.instances.find((each) => each.key === key) ?? judge?.instances[0];
  return judge && one && explain(judge.program.condition.tree, one.facts(judge.states(), simulation.nowMs));
}
