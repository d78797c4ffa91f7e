/** What comes of an evaluation that changed something: the alert's new state, what is told and owed, what is on record. Pure but for what it keeps. */
import type { Alert } from '../alert.ts';
import type { Fields, Observation } from '../event.ts';
import type { Mark } from '../inbox.ts';
import type { Job } from '../job.ts';
import { type AlertState, type Effect, INACTIVE, isOpen } from './alert/alert-state.ts';
import type { Subject } from './alert/matchers.ts';
import { details } from './condition/explain.ts';
import type { Instance, States } from './instance.ts';
import type { RuleChange } from '../../proto/api.ts';
import type { Execution, InstanceState, News } from './port.ts';
import type { Program } from './program.ts';
import type { RuleConfig } from './schema.ts';
import type { Turn } from './alert/verdict.ts';

/** One alert's step, to be made lasting. */
export interface Decision {
  readonly instance: string;
  readonly state: AlertState;
  readonly effect: Effect | undefined;
  /** Of `suppress`: what held it back. */
  readonly held: string | undefined;
  readonly alert: Alert;
  /** For the node's log; undefined when there is nothing to say. */
  readonly said: string | undefined;
}
interface Circumstances {
  readonly monitor: string | undefined;
  readonly observation: Observation;
  readonly nowMs: number;
  /** Why it could not be evaluated. */
  readonly error: string | undefined;
  /** Why it ends, when it is not the condition that ended. */
  readonly reason?: string;
}

const holds = ({ phase }: AlertState): boolean => phase === 'firing' || phase === 'pending';
const SAID: Readonly<Record<Effect, string>> = { fire: 'firing', resolve: 'resolved', suppress: 'ended untold' };
const MOST_CHANGES = 50;

export class Desk {
  readonly #rule: string;
  readonly #config: RuleConfig;
  readonly #program: Program;
  /** The last evaluations that changed something, newest first. */
  readonly changes: RuleChange[] = [];

  constructor(rule: string, config: RuleConfig, program: Program) {
    this.#rule = rule;
    this.#config = config;
    this.#program = program;
  }

  /** Take the step, if there is one. */
  decide(instance: Instance, { state: next, effect, held, cause }: Turn, states: States, circumstances: Circumstances): readonly Decision[] {
    const before = instance.state;
    if (next === before) return [];
    const state = next.episodes > before.episodes ? { ...next, monitor: circumstances.monitor } : next;
    instance.state = state;
    const alert = this.#alert(instance, effect === 'resolve' ? 'resolved' : 'firing', states, circumstances, cause);
    if (before.phase !== state.phase || effect) {
      const { details: text } = alert;
      const one = { at: new Date(circumstances.nowMs).toISOString(), instance: instance.key, from: before.phase, to: state.phase };
      this.changes.unshift({ ...one, cause: circumstances.reason === undefined ? cause : 'edit', details: text });
      this.changes.splice(MOST_CHANGES);
    }
    return [{ instance: instance.key, state, effect, held: held?.reason, alert, said: effect && SAID[effect] }];
  }

  /** All that a number of decisions change, of each instance the last state. */
  newsOf(decisions: readonly Decision[], main: AlertState, read: Mark | undefined, parted: readonly string[] = []): News {
    const last = new Map<string, InstanceState>(decisions.map(({ instance, state }) => [instance, { instance, state }]));
    for (const instance of parted) last.set(instance, { instance, state: null });
    return {
      state: { ...(this.#program.each ? INACTIVE : main), ...(read ? { read } : {}), meant: this.#program.identity, config: this.#config },
      instances: this.#program.each ? [...last.values()].filter(({ instance }) => instance !== '') : [],
      episodes: decisions.flatMap(({ effect, instance, state, alert }) =>
        effect === undefined && state.phase !== 'firing'
          ? []
          : [
              {
                id: alert.episode,
                instance,
                severity: alert.severity,
                details: alert.details,
                startedMs: state.firingMs,
                endedMs: isOpen(state) ? null : alert.atMs,
              },
            ],
      ),
      executions: decisions.flatMap((one) => this.#executions(one)),
    };
  }

  #executions({ effect, alert, held }: Decision): readonly Execution[] {
    if (!effect) return [];
    return (effect === 'resolve' ? this.#config.on_resolve : this.#config.actions).map((action): Execution => {
      const job: Job = { id: `${alert.episode}/${alert.state}/${action}`, action, alert, createdMs: alert.atMs };
      return effect === 'suppress' ? { job, suppressed: held ?? 'cooldown' } : { job };
    });
  }

  #alert(instance: Instance, verdict: Alert['state'], states: States, { monitor, observation, nowMs, error, reason }: Circumstances, cause: string): Alert {
    const { description, severity, labels, parameters } = this.#config;
    const { condition, each, life, monitors } = this.#program;
    const shown = each && instance.key !== '' ? [...monitors, instance.key] : monitors;
    const facts = instance.facts(states, nowMs);
    const why = {
      condition: () => details(condition.tree, facts, life.mode === 'event' || holds(instance.state) ? 'firing' : 'resolved'),
      no_data: () => 'nothing has come for too long',
      error: () => error ?? '',
    };
    return {
      rule: this.#rule,
      description,
      severity,
      labels,
      state: verdict,
      episode: this.episodeOf(instance),
      sinceMs: instance.state.firingMs,
      atMs: observation.atMs,
      details: reason ?? why[cause as keyof typeof why](),
      monitor: monitor ?? instance.state.monitor ?? (instance.key || shown[0]),
      monitors: Object.fromEntries(shown.flatMap((name) => (states.now(name) ? [[name, states.now(name) as Fields]] : []))),
      event: observation.fields,
      parameters,
    };
  }

  /** The same decision, made again after a crash, has the same name; so do its executions. */
  episodeOf({ key, state }: Instance): string {
    return `${this.#rule}${key === '' ? '' : `/${key}`}#${state.episodes}@${state.firingMs}`;
  }

  /** What a silence can tell it by. */
  subjectOf({ key }: Instance): Subject {
    const { severity, labels } = this.#config;
    return { rule: this.#rule, instance: key, severity, monitors: key === '' ? this.#program.monitors : [key], labels };
  }

  /** How the rule stands, for other rules: `rule.NAME.firing`. */
  observation(instances: readonly Instance[], nowMs: number): Observation {
    const firing = instances.filter(({ state }) => isOpen(state));
    const worst = firing[0] ?? instances.find(({ state }) => state.phase === 'pending') ?? instances[0];
    const { phase = 'inactive', sinceMs = 0 } = worst?.state ?? {};
    return { atMs: nowMs, fields: { state: phase, firing: firing.length > 0, count: firing.length, since: sinceMs, severity: this.#config.severity } };
  }
}
