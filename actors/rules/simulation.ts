/**
 * Rules on a virtual clock: what they would decide, were their monitors to see this at these times. The judgement is that of the rules' actors
 * (judge.ts); the clock stands still but for `advance`, so that a year passes in no time, and the same input always comes to the same.
 */
import type { Event, Observation } from '../event.ts';
import { type Latest, touches } from '../feed.ts';
import { type AlertState, INACTIVE } from './alert/alert-state.ts';
import type { Decision } from './decisions.ts';
import type { Instance } from './instance.ts';
import { type Ground, Judge, type Judgement, type Need } from './judge.ts';
import type { EpisodeNews, Execution } from './port.ts';
import { EACH, type Program } from './program.ts';
import type { RuleConfig } from './schema.ts';
import { at } from './values/values.ts';

export interface SimulatedRule {
  readonly name: string;
  readonly config: RuleConfig;
  /** Monitors whose states the rule's actions name beside those that it reads. */
  readonly needs?: readonly string[] | undefined;
}
/** An evaluation that changed something. */
export interface Decided {
  /** When it was, ms since 1970. */
  readonly atMs: number;
  readonly rule: string;
  readonly from: AlertState['phase'];
  readonly decision: Decision;
  /** What the rule would have owed; with `suppressed` what it would have, had nothing held it back. */
  readonly executions: readonly Execution[];
  readonly episodes: readonly EpisodeNews[];
}
/** What lies outside the rules. */
export interface Outside {
  /** What holds a telling back; left out: nothing does. */
  readonly hold?: Ground['hold'];
  /** What a custom function answers; left out: nobody does, and its value is unknown. */
  readonly answer?: (name: string, args: readonly unknown[]) => unknown;
}
interface Actor extends SimulatedRule {
  readonly judge: Judge;
  readonly phases: Map<string, AlertState['phase']>;
  tickedMs: number;
  published: boolean;
}

/** As many as the feed keeps at the most. */
const HISTORY = 200;

export class Simulation {
  /** All that has been decided and not taken, in the order of time. */
  readonly decided: Decided[] = [];
  readonly #actors: readonly Actor[];
  readonly #latest = new Map<string, { last: Observation; history: Observation[] }>();
  readonly #past: Past;
  #nowMs: number;

  readonly #outside: Outside;

  /** @param rules none reads itself, over others or not: load.ts refuses that. */
  constructor(rules: readonly SimulatedRule[], startMs: number, outside: Outside = {}) {
    const { hold = () => undefined } = outside;
    this.#nowMs = startMs;
    this.#outside = outside;
    this.#actors = rules.map((rule) => {
      const judge = new Judge(rule.name, rule.config, rule.needs ?? [], { latest: (monitor) => this.latest(monitor), hold });
      if (!judge.program.each) judge.add('', INACTIVE, startMs);
      return { ...rule, judge, phases: new Map(), tickedMs: Number.NEGATIVE_INFINITY, published: false };
    });
    this.#past = new Past(this.#actors.map(({ judge }) => judge.program));
    for (const actor of this.#actors) this.#tick(actor); // as an actor does when it starts
  }

  /** ms since 1970. */
  get nowMs(): number {
    return this.#nowMs;
  }
  /** What has been decided since the last time; it is kept no longer. */
  take(): readonly Decided[] {
    return this.decided.splice(0);
  }
  latest(monitor: string): Latest | undefined {
    return this.#latest.get(monitor);
  }
  judge(rule: string): Judge | undefined {
    return this.#actors.find(({ name }) => name === rule)?.judge;
  }

  /** What a monitor sees, at the time of its last observation. What time alone brings at that very time comes after it. @throws RangeError for the past. */
  event(event: Event): void {
    const atMs = event.observations.at(-1)?.atMs;
    if (atMs === undefined) return;
    if (atMs < this.#nowMs) throw new RangeError(`what was seen at ${atMs} comes after the clock has shown ${this.#nowMs}`);
    this.#run(atMs, false);
    this.#nowMs = atMs;
    this.#publish(event);
  }

  /** Let time pass, up to and with that time. */
  advance(toMs: number): void {
    this.#run(toMs, true);
    this.#nowMs = Math.max(this.#nowMs, toMs);
  }

  #run(toMs: number, included: boolean): void {
    for (;;) {
      const nextMs = Math.min(...this.#actors.map((actor) => this.#dueMs(actor)));
      if (included ? nextMs > toMs : nextMs >= toMs) return;
      this.#nowMs = nextMs;
      for (const actor of this.#actors) if (this.#dueMs(actor) === nextMs) this.#tick(actor);
    }
  }
  /** A tick that asks for another at the same time has it a millisecond later, as an actor's timer has. */
  #dueMs = ({ judge, tickedMs }: Actor): number => Math.max(judge.wakeMs, this.#nowMs, tickedMs + 1);

  #tick(actor: Actor): void {
    actor.tickedMs = this.#nowMs;
    this.#settle(actor, this.#served(actor.judge.tick(this.#nowMs)), !actor.published);
  }

  /** To all that read it; and what they come to to those that read them. */
  #publish(event: Event): void {
    this.#remember(event);
    for (const actor of this.#actors) if (cares(actor.judge.program, event)) this.#settle(actor, this.#served(actor.judge.event(event)));
    this.#past.add(event);
  }

  #settle(actor: Actor, decisions: readonly Decision[], publish = decisions.length > 0): void {
    const { name, judge, phases } = actor;
    for (const decision of decisions) {
      const { episodes, executions } = judge.desk.newsOf([decision], judge.main, undefined);
      this.decided.push({ atMs: this.#nowMs, rule: name, from: phases.get(decision.instance) ?? 'inactive', decision, executions, episodes });
      phases.set(decision.instance, decision.state.phase);
    }
    if (!publish && decisions.length === 0) return;
    actor.published = true;
    this.#publish({ monitor: `rule:${name}`, observations: [judge.desk.observation(judge.instances, this.#nowMs)] });
  }

  #remember({ monitor, observations }: Event): void {
    const history = this.#latest.get(monitor)?.history ?? [];
    history.push(...observations.slice(-HISTORY));
    if (history.length > HISTORY) history.splice(0, history.length - HISTORY / 2);
    const last = history.at(-1);
    if (last) this.#latest.set(monitor, { last, history });
  }

  #served(judgement: Judgement): readonly Decision[] {
    for (;;) {
      const { done, value } = judgement.next();
      if (done) return value;
      this.#answer(value);
    }
  }
  #answer(need: Need): void {
    if ('fill' in need) this.#past.fill(need.fill, this.#nowMs);
    else for (const { name, args, answer } of need.ask) answer(this.#outside.answer?.(name, args));
  }
}

const cares = ({ reads, each }: Program, { monitor, observations }: Event): boolean =>
  observations.some((one) => touches(one, reads.get(monitor)) || (each?.matches(monitor) && touches(one, each.fields)));

/** What windows over other monitors want when a new alert begins to be watched, which a node finds in its store. */
class Past {
  /** By monitor: for how long. */
  readonly #lengths = new Map<string, number>();
  readonly #seen = new Map<string, Observation[]>();

  constructor(programs: readonly Program[]) {
    for (const { each, condition, clear } of programs)
      for (const { monitor, lengthMs } of each ? [...condition.windows, ...(clear?.windows ?? [])] : [])
        if (monitor !== EACH) this.#lengths.set(monitor, Math.max(lengthMs, this.#lengths.get(monitor) ?? 0));
  }

  add({ monitor, observations }: Event): void {
    const lengthMs = this.#lengths.get(monitor);
    if (lengthMs === undefined) return;
    const seen = this.#seen.get(monitor) ?? [];
    seen.push(...observations);
    const fromMs = (seen.at(-1)?.atMs ?? 0) - lengthMs;
    const half = seen.length >> 1;
    if ((seen[half]?.atMs ?? fromMs) < fromMs) seen.splice(0, half);
    this.#seen.set(monitor, seen);
  }

  fill(instance: Instance, nowMs: number): void {
    for (const [monitor, { path, lengthMs }, aggregate] of instance.windows())
      for (const { atMs, fields, seen } of this.#seen.get(monitor) ?? []) {
        const value = atMs < nowMs - lengthMs || (seen && !seen.includes(path[0] ?? '')) ? undefined : at(fields, path);
        if (value !== undefined) aggregate.add(atMs, value);
      }
  }
}
