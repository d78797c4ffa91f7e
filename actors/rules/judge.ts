/**
 * A rule's judgement: which of its alerts an event concerns, what each comes to, and when time alone may change that. Time and the monitors' states
 * are given to it, so that the rule's actor (rule.ts) and a replay of the past (simulation.ts) judge alike.
 */
import type { Event, Observation } from '../event.ts';
import { type Latest, touches } from '../feed.ts';
import { type Acked, acknowledge, type AlertState, close, type Hold, INACTIVE, isOpen } from './alert/alert-state.ts';
import type { Subject } from './alert/matchers.ts';
import type { Found } from './alert/verdict.ts';
import { type Decision, Desk } from './decisions.ts';
import type { Asked } from './condition/answers.ts';
import { Instance, type States } from './instance.ts';
import { type Program, programOf } from './program.ts';
import type { RuleConfig } from './schema.ts';

/** What it judges on. */
export interface Ground {
  latest(monitor: string): Latest | undefined;
  /** What holds the telling of an alert back at that time, from outside the rule. */
  hold(alert: Subject, atMs: number): Hold | undefined;
  /** Hears of every evaluation, and of events for which there is no room for one more alert. */
  evaluated?(found: Found, observation: Observation): void;
  unjudged?(monitor: string): void;
}
/**
 * `fill`: an alert has begun to be watched, and its windows want what they would hold. `ask`: custom functions are to be called, all together; what is
 * not answered is unknown. `later`: there is no time for that now, and the alert is to be judged again at the next tick.
 */
export type Need = { readonly fill: Instance } | { readonly ask: readonly Asked[]; later(): void };
/** A judgement asks for what it needs, and goes on when it is there. */
export type Judgement = Generator<Need, readonly Decision[], void>;

/** Alerts of one rule; monitors beyond that are not judged by it, and that is said. */
export const MOST_INSTANCES = 10_000;
/** So often one judgement may ask for more, by what was answered: in a condition calls stand within calls, and in lists one behind the other. */
const MOST_ROUNDS = 100;

const NONE: readonly never[] = [];
const AT_NO_EVENT = { monitor: undefined, error: undefined };

export class Judge {
  readonly program: Program;
  readonly desk: Desk;
  readonly #ground: Ground;
  readonly #instances = new Map<string, Instance>();
  /** The last observation of each monitor that has been judged: the next one may have changed from it. */
  readonly #judged = new Map<string, Observation>();
  /** Monitors for which there was no room. */
  readonly refused = new Set<string>();
  /** When time alone may change something next; ms since 1970. */
  wakeMs = Number.POSITIVE_INFINITY;

  /** @param needs monitors whose states the rule's actions name beside those that it reads. */
  constructor(rule: string, config: RuleConfig, needs: readonly string[], ground: Ground) {
    this.program = programOf(config, needs);
    this.desk = new Desk(rule, config, this.program);
    this.#ground = ground;
  }

  get instances(): readonly Instance[] {
    return [...this.#instances.values()];
  }
  /** The alert of a rule without `for_each`. */
  get main(): AlertState {
    return this.#instances.get('')?.state ?? INACTIVE;
  }
  /** Watch one alert. It is judged at the next tick. */
  add(key: string, state: AlertState, nowMs: number): Instance {
    const instance = new Instance(key, this.program, state, nowMs);
    instance.wakeMs = 0;
    this.wakeMs = 0;
    this.#instances.set(key, instance);
    this.refused.delete(key);
    return instance;
  }
  get(key: string): Instance | undefined {
    return this.#instances.get(key);
  }
  remove(key: string): void {
    this.#instances.delete(key);
    this.refused.delete(key);
  }

  /** What holds alerts back may be another: those that are held are judged at the next tick. */
  reconsider(): void {
    for (const instance of this.#instances.values()) if (instance.state.held) this.#again(instance);
  }
  #again(instance: Instance): void {
    instance.wakeMs = 0;
    this.wakeMs = 0;
  }

  /** Somebody has seen to what fires: that alert, or all of the rule's. */
  acknowledge(key: string | undefined, acked: Acked): readonly Decision[] {
    const open = this.instances.filter((one) => isOpen(one.state) && !one.state.acked && (key === undefined || one.key === key));
    const states = this.states();
    return open.flatMap((one) =>
      this.desk.decide(one, { state: acknowledge(one.state, acked), effect: undefined, wakeMs: undefined, cause: 'condition' }, states, {
        ...AT_NO_EVENT,
        observation: { atMs: acked.atMs, fields: {} },
        nowMs: acked.atMs,
      }),
    );
  }

  /** All that one event changes, at once; undefined for a rule that may need something for it. */
  plain({ monitor, observations, seq }: Event): readonly Decision[] | undefined {
    const { each, asks, looksBack, reads } = this.program;
    if (each || asks) return undefined;
    let decisions: readonly Decision[] = NONE;
    let previous = looksBack ? (this.#judged.get(monitor) ?? this.#before(monitor, observations[0])) : undefined;
    for (const observation of observations) {
      const states = this.#states(monitor, observation, previous);
      previous = observation;
      if (!touches(observation, reads.get(monitor))) continue;
      for (const instance of this.#instances.values()) {
        instance.see(monitor, observation, seq);
        const found = this.#judge(instance, states, monitor, observation);
        if (found.length > 0) decisions = [...decisions, ...found];
      }
    }
    if (looksBack && previous) this.#judged.set(monitor, previous);
    return decisions;
  }
  /** All that one event changes. */
  *event({ monitor, observations, seq }: Event): Judgement {
    const decisions: Decision[] = [];
    let previous = this.#judged.get(monitor) ?? this.#before(monitor, observations[0]);
    for (const observation of observations) {
      const states = this.#states(monitor, observation, previous);
      for (const instance of yield* this.#concerned(monitor, observation)) {
        instance.see(monitor, observation, seq);
        const late = this.program.asks && (yield* this.#asked(instance, states, nowOf(instance, monitor, observation)));
        decisions.push(...this.#judge(instance, states, monitor, observation));
        if (late) this.#again(instance);
      }
      previous = observation;
    }
    if (previous) this.#judged.set(monitor, previous);
    return decisions;
  }

  /** All that has changed by time alone. */
  *tick(nowMs: number): Judgement {
    const due = this.instances.filter(({ wakeMs }) => wakeMs <= nowMs);
    for (const one of due) one.wakeMs = Number.POSITIVE_INFINITY;
    const states = this.states();
    const decisions: Decision[] = [];
    for (const one of this.program.life.mode === 'event' ? [] : due) {
      const late = this.program.asks && (yield* this.#asked(one, states, nowMs));
      decisions.push(...this.#judge(one, states, undefined, { atMs: nowMs, fields: {} }));
      if (late) this.#again(one);
    }
    this.wakeMs = Number.POSITIVE_INFINITY;
    for (const { wakeMs } of this.#instances.values()) this.wakeMs = Math.min(this.wakeMs, wakeMs);
    return decisions;
  }

  /** What it judged means something else now, or is gone: alerts that are open end, and who was told is told. */
  close(instances: readonly Instance[], reason: string, nowMs: number): readonly Decision[] {
    const states = this.states();
    return instances.flatMap((instance) =>
      this.desk.decide(instance, { ...close(instance.state, nowMs), cause: 'condition' }, states, {
        ...AT_NO_EVENT,
        observation: { atMs: nowMs, fields: {} },
        nowMs,
        reason,
      }),
    );
  }

  /** The monitors' states as they are; or as they were when this monitor saw that. */
  states(): States {
    return this.#states();
  }

  #states(monitor?: string, observation?: Observation, previous?: Observation): States {
    const { latest } = this.#ground;
    return {
      now: (name) => (name === monitor ? observation?.fields : latest(name)?.last.fields),
      before: (name) => (name === monitor ? previous?.fields : latest(name)?.history.at(-2)?.fields),
    };
  }

  /** One evaluation of one alert. Answers what it changed. */
  #judge(instance: Instance, states: States, monitor: string | undefined, observation: Observation): readonly Decision[] {
    const nowMs = nowOf(instance, monitor, observation);
    const { turn, found, error } = instance.judge(states, nowMs, (atMs) => this.#ground.hold(this.desk.subjectOf(instance), atMs));
    this.#ground.evaluated?.(found, observation);
    this.wakeMs = Math.min(this.wakeMs, instance.wakeMs);
    return this.desk.decide(instance, turn, states, { monitor, observation, nowMs, error });
  }

  /** Have custom functions asked what this judgement asks of them. Answers whether it is to be made again, because there was no time. */
  *#asked(instance: Instance, states: States, nowMs: number): Generator<Need, boolean, void> {
    const answers = instance.asks();
    let late = false;
    const later = (): void => {
      late = true;
    };
    for (let round = 0; round < MOST_ROUNDS; round++) {
      instance.rehearse(states, nowMs);
      const ask = answers.take();
      if (ask.length === 0) break;
      yield { ask, later };
    }
    return late;
  }

  /** The instances that an observation concerns: that of its monitor, and, when others are read as well, all. */
  *#concerned(monitor: string, observation: Observation): Generator<Need, readonly Instance[], void> {
    const { each, reads } = this.program;
    if (touches(observation, reads.get(monitor))) return this.instances;
    if (!each?.matches(monitor) || !touches(observation, each.fields)) return [];
    const there = this.#instances.get(monitor);
    if (there) return [there];
    if (this.#instances.size >= MOST_INSTANCES) {
      if (this.refused.size < MOST_INSTANCES) this.refused.add(monitor);
      this.#ground.unjudged?.(monitor);
      return [];
    }
    const fresh = this.add(monitor, INACTIVE, observation.atMs);
    yield { fill: fresh };
    return [fresh];
  }

  /** What the monitor had seen before this, as far as its history still has it. */
  #before(monitor: string, observation: Observation | undefined): Observation | undefined {
    const history = this.#ground.latest(monitor)?.history ?? [];
    return observation && history[history.indexOf(observation) - 1];
  }
}

/** When it is judged: an alert does not go back in time. */
const nowOf = ({ state }: Instance, monitor: string | undefined, { atMs }: Observation): number =>
  monitor === undefined ? atMs : Math.max(atMs, state.sinceMs);
