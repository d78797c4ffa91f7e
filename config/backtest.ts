/** A rule over stored history: the episodes that would have been, beside those that were. The clock is virtual. */
import { holdOf } from '../actors/rules/alert/silences.ts';
import { programOf } from '../actors/rules/program.ts';
import { type Decided, type SimulatedRule, Simulation } from '../actors/rules/simulation.ts';
import type { Declaration, Declared, Source } from '../proto/api.ts';
import type { Backtest, RecordedEpisode, ReplayedEpisode } from '../proto/reports.ts';
import { type HistoryQuery, type Past, queriesOf, truthsOf, withoutHistory } from './history.ts';
import { declare, type Env } from './load.ts';
import { answersOf } from './test-functions.ts';
import { rulesFor, silencesOf } from './test-run.ts';

export { Past, TooMuch, type StoredSample } from './history.ts';

/** A rule that is ready to be judged over a time. */
export interface Ready {
  readonly rule: string;
  readonly rules: readonly SimulatedRule[];
  readonly declared: readonly Declared[];
  readonly fromMs: number;
  readonly toMs: number;
  /** From then on samples are wanted: its windows and timers are to be filled at `fromMs`. */
  readonly sinceMs: number;
  readonly queries: readonly HistoryQuery[];
}
/** Begins and ends are the same to so much. */
const NEAR_MS = 1_000;

/** @param candidate the rule in the place of the one that is declared: by itself, or in a whole configuration. */
export function readyFor(
  rule: string,
  sources: readonly Source[],
  environment: string | undefined,
  candidate: Source | undefined,
  span: { readonly fromMs: number; readonly toMs: number },
  env: Env,
): Ready | { readonly faults: Declaration['faults'] } | undefined {
  const overlay = candidate ? [{ kind: 'rule' as const, name: rule, origin: 'cli' as const, source: candidate }] : [];
  const { declared, faults } = declare({ sources, overlay, environment }, env);
  if (faults.length > 0) return { faults };
  const rules = rulesFor([rule], declared);
  if (rules.length === 0) return undefined;
  const sinceMs = span.fromMs - Math.max(...rules.map(warmUpMs));
  return { rule, rules, declared, ...span, sinceMs, queries: queriesOf(rules, declared, sinceMs, span.toMs) };
}

function warmUpMs({ config }: SimulatedRule): number {
  const { condition, clear } = programOf(config, []);
  const windows = [...condition.windows, ...(clear?.windows ?? [])].map(({ lengthMs }) => lengthMs);
  return Math.max(0, ...windows) + 1_000 * (config.for + config.keep_firing_for + config.cooldown);
}

/** @param recorded the rule's episodes of that time, as the store has them. */
export async function backtest({ rule, rules, declared, fromMs, toMs, sinceMs }: Ready, past: Past, recorded: readonly RecordedEpisode[]): Promise<Backtest> {
  const programs = rules.map(({ config }) => programOf(config, []));
  const silences = silencesOf(declared);
  const simulation = new Simulation(rules, sinceMs, { hold: (alert, atMs) => holdOf(silences, alert, atMs), answer: await answersOf(declared) });
  const found = new Map<string, Episode>();
  const collect = (): void => {
    for (const one of simulation.take()) if (one.rule === rule) note(one, found);
  };
  for (const event of past.events(truthsOf(programs))) {
    simulation.event(event);
    collect();
  }
  simulation.advance(toMs);
  collect();
  const all = [...found.values()].filter(({ ended }) => ended === null || Date.parse(ended) >= fromMs);
  const left = recorded.filter(({ started, ended }) => Date.parse(started) <= toMs && (ended === null || Date.parse(ended) >= fromMs));
  const episodes = all.map((one) => beside(one, left, toMs));
  const unknown = withoutHistory(programs, past);
  return {
    rule,
    from: new Date(fromMs).toISOString(),
    to: new Date(toMs).toISOString(),
    samples: past.samples,
    episodes,
    lost: left,
    limits: [
      ...(past.samples === 0 ? ['there are no samples of what the rule reads in that time'] : []),
      ...(past.samples > 0 && unknown.length > 0
        ? [`there is no history of ${unknown.join(', ')}: only numbers and truth values are kept, and what reads them was unknown`]
        : []),
      ...(rules.length > 1
        ? [
            `the rules that it reads (${rules
              .slice(1)
              .map(({ name }) => name)
              .join(', ')}) were judged as they are written now`,
          ]
        : []),
    ],
  };
}

type Episode = Omit<ReplayedEpisode, 'beside' | 'was'>;
function note({ decision, episodes }: Decided, found: Map<string, Episode>): void {
  for (const { id, instance, severity, details, startedMs, endedMs } of episodes) {
    const there = found.get(id);
    const told = there?.told === true || decision.effect === 'fire';
    found.set(id, {
      started: new Date(startedMs).toISOString(),
      ended: endedMs === null ? null : new Date(endedMs).toISOString(),
      instance,
      severity,
      details: there?.details ?? details,
      told,
      held: told ? null : (decision.held ?? decision.state.held?.reason ?? null),
    });
  }
}

/** Takes the one on record with which it shares most of its time out of those that are left. */
function beside(one: Episode, left: RecordedEpisode[], toMs: number): ReplayedEpisode {
  const at = ({ started, ended }: RecordedEpisode): readonly [number, number] => [Date.parse(started), ended === null ? toMs : Date.parse(ended)];
  const [from, to] = at(one);
  const apart = (other: RecordedEpisode): number => Math.abs(at(other)[0] - from);
  const shared = (other: RecordedEpisode): number => Math.min(at(other)[1], to) - Math.max(at(other)[0], from);
  const ofAnEvent = (other: RecordedEpisode): boolean => from === to || at(other)[0] === at(other)[1];
  const [was] = left
    .filter((other) => other.instance === one.instance && shared(other) >= (ofAnEvent(other) ? -NEAR_MS : 0))
    .sort((a, b) => shared(b) - shared(a) || apart(a) - apart(b));
  if (!was) return { ...one, beside: 'new' };
  left.splice(left.indexOf(was), 1);
  const isSame = apart(was) <= NEAR_MS && Math.abs(at(was)[1] - to) <= NEAR_MS;
  return isSame ? { ...one, beside: 'same' } : { ...one, beside: 'shifted', was: { started: was.started, ended: was.ended } };
}
