/** How a rule stands, in answer to whoever asks: `argos explain rule NAME`. */
import type { AlertDetail, RuleChange, RuleDetail } from '../../proto/api.ts';
import { isOpen } from './alert/alert-state.ts';
import { explain } from './condition/explain.ts';
import type { Instance, States } from './instance.ts';
import type { Judge } from './judge.ts';
import type { Program } from './program.ts';

const ORDER = ['firing', 'recovering', 'pending', 'inactive'];
/** Of more instances those that matter most are shown. */
const MOST_SHOWN = 100;
const NOTHING: AlertDetail = {
  phase: 'inactive',
  since: new Date(0).toISOString(),
  episode: null,
  lastTold: null,
  held: null,
  heldBy: null,
  acknowledged: null,
  timers: {},
  dataAge: null,
  explanation: null,
  changes: [],
};

export function statusOf(rule: string, judge: Judge): RuleDetail {
  const { program, instances, desk, refused } = judge;
  const [states, nowMs] = [judge.states(), Date.now()];
  const detail = (instance: Instance): AlertDetail => detailOf(rule, program, instance, states, desk.changes, nowMs);
  const sorted = instances.toSorted((a, b) => ORDER.indexOf(a.state.phase) - ORDER.indexOf(b.state.phase));
  const [first] = sorted;
  const worst = first ? detail(first) : NOTHING;
  if (!program.each) return worst;
  const shown = Object.fromEntries(sorted.slice(0, MOST_SHOWN).map((one) => [one.key, detail(one)]));
  return { ...worst, changes: desk.changes, instances: shown, count: sorted.length, refused: refused.size };
}

/** One of its alerts; undefined when there is none of that key. */
export function alertStatusOf(rule: string, judge: Judge, key: string): AlertDetail | undefined {
  const instance = judge.get(key);
  return instance && detailOf(rule, judge.program, instance, judge.states(), judge.desk.changes, Date.now());
}

function detailOf(rule: string, program: Program, instance: Instance, states: States, changes: readonly RuleChange[], nowMs: number): AlertDetail {
  const { key, state, dataMs } = instance;
  return {
    phase: state.phase,
    since: new Date(state.sinceMs).toISOString(),
    episode: isOpen(state) ? `${rule}${key === '' ? '' : `/${key}`}#${state.episodes}@${state.firingMs}` : null,
    lastTold: state.toldMs === null ? null : new Date(state.toldMs).toISOString(),
    held: state.held?.reason ?? null,
    heldBy: state.held?.by ?? null,
    acknowledged: state.acked ? { at: new Date(state.acked.atMs).toISOString(), by: state.acked.by, comment: state.acked.comment } : null,
    timers: timersOf(instance, program, nowMs),
    dataAge: dataMs === null ? null : Math.max(0, nowMs - dataMs) / 1_000,
    explanation: explain(program.condition.tree, instance.facts(states, nowMs)),
    ...(program.clear ? { clearWhen: explain(program.clear.tree, instance.clearFacts(states, nowMs)) } : {}),
    changes: changes.filter(({ instance: of }) => of === key),
  };
}

function timersOf({ state }: Instance, { life }: Program, nowMs: number): AlertDetail['timers'] {
  const { phase, sinceMs, toldMs } = state;
  const running = (name: string, fromMs: number, ofMs: number): AlertDetail['timers'] =>
    nowMs < fromMs + ofMs ? { [name]: { passed: Math.max(0, nowMs - fromMs) / 1_000, of: ofMs / 1_000 } } : {};
  return {
    ...(phase === 'pending' ? running('for', sinceMs, life.forMs) : {}),
    ...(phase === 'recovering' ? running('keep_firing_for', sinceMs, life.keepFiringForMs) : {}),
    ...(toldMs === null ? {} : running('cooldown', toldMs, life.cooldownMs)),
  };
}
