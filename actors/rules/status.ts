/** How a rule stands, in answer to whoever asks: `argos describe rule NAME`. */
import { isOpen } from './alert-state.ts';
import { explain } from './explain.ts';
import type { Instance, States } from './instance.ts';
import type { Change, RuleStatus } from './port.ts';
import type { Program } from './program.ts';

const ORDER = ['firing', 'recovering', 'pending', 'inactive'];
/** Of more instances those that matter most are shown. */
const MOST_SHOWN = 100;

export function statusOf(rule: string, program: Program, instances: readonly Instance[], states: States, changes: readonly Change[]): RuleStatus {
  const one = ({ key, state }: Instance): Omit<RuleStatus, 'instances' | 'explanation' | 'changes'> => ({
    phase: state.phase,
    since: new Date(state.sinceMs).toISOString(),
    episode: isOpen(state) ? `${rule}${key === '' ? '' : `/${key}`}#${state.episodes}@${state.firingMs}` : null,
    lastTold: state.toldMs === null ? null : new Date(state.toldMs).toISOString(),
    held: state.held?.reason ?? null,
  });
  const full = (instance: Instance): Omit<RuleStatus, 'instances'> => ({
    ...one(instance),
    explanation: explain(program.condition.tree, instance.facts(states, Date.now())),
    changes: changes.filter(({ instance: key }) => key === instance.key),
  });
  const sorted = instances.toSorted((a, b) => ORDER.indexOf(a.state.phase) - ORDER.indexOf(b.state.phase));
  const [first] = sorted;
  if (!first)
    return { phase: 'inactive', since: new Date(0).toISOString(), episode: null, lastTold: null, held: null, explanation: null, instances: {}, changes: [] };
  if (!program.each) return { ...full(first), changes };
  return { ...full(first), changes, instances: Object.fromEntries(sorted.slice(0, MOST_SHOWN).map((instance) => [instance.key, full(instance)])) };
}
