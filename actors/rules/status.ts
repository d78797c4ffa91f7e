/** How a rule stands, in answer to whoever asks: `argos explain rule NAME`. */
import type { AlertDetail, RuleChange, RuleDetail } from '../../proto/api.ts';
import { isOpen } from './alert/alert-state.ts';
import { explain } from './condition/explain.ts';
import type { Instance, States } from './instance.ts';
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
  acknowledged: null,
  timers: {},
  dataAge: null,
  explanation: null,
  changes: [],
};

export function statusOf(rule: string, program: Program, instances: readonly Instance[], states: States, changes: readonly RuleChange[]): RuleDetail {
  const nowMs = Date.now();
  const detail = (instance: Instance): AlertDetail => {
    const { key, state, dataMs } = instance;
    return {
      phase: state.phase,
      since: new Date(state.sinceMs).toISOString(),
      episode: isOpen(state) ? `${rule}${key === '' ? '' : `/${key}`}#${state.episodes}@${state.firingMs}` : null,
      lastTold: state.toldMs === null ? null : new Date(state.toldMs).toISOString(),
      held: state.held?.reason ?? null,
      acknowledged: state.acked ? { at: new Date(state.acked.atMs).toISOString(), by: state.acked.by, comment: state.acked.comment } : null,
      timers: timersOf(instance, program, nowMs),
      dataAge: dataMs === null ? null : Math.max(0, nowMs - dataMs) / 1_000,
      explanation: explain(program.condition.tree, instance.facts(states, nowMs)),
      ...(program.clear ? { clearWhen: explain(program.clear.tree, instance.clearFacts(states, nowMs)) } : {}),
      changes: changes.filter(({ instance: of }) => of === key),
    };
  };
  const [first, ...rest] = instances.toSorted((a, b) => ORDER.indexOf(a.state.phase) - ORDER.indexOf(b.state.phase));
  const worst = first ? detail(first) : NOTHING;
  if (!program.each) return worst;
  const shown = first ? [first, ...rest].slice(0, MOST_SHOWN) : [];
  return { ...worst, changes, instances: Object.fromEntries(shown.map((one) => [one.key, detail(one)])) };
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
