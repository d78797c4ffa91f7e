/**
 * One instance of a rule: the windows that it keeps, the alert that it lives, and when it has to be looked at next. A rule without `for_each` has one, of
 * key ''; a rule with it has one for each monitor that matches.
 */
import type { Fields, Observation } from '../event.ts';
import { type AlertState, type HoldAt, isOpen } from './alert/alert-state.ts';
import { Answers } from './condition/answers.ts';
import type { Facts } from './condition/compile.ts';
import { at } from './values/values.ts';
import type { Window } from './condition/operators-window.ts';
import { EACH, inTrouble, type Part, type Program, verdictOf } from './program.ts';
import { judge, type Found, type Turn } from './alert/verdict.ts';
import { type Aggregate, windowOf } from './windows/windows.ts';

/** States as they were at some moment, by the name of the monitor. */
export interface States {
  now(monitor: string): unknown;
  before(monitor: string): unknown;
}
/** An evaluation, with all that came of it. */
export interface Judged {
  readonly turn: Turn;
  readonly found: Found;
  readonly error: string | undefined;
}

/** Samples that a window of one instance of many keeps apart: there may be ten thousand of them. */
const MOST_EACH = 1_000;
/** The answer of `age` grows all the time: whoever asks for it is looked at so often. */
const AGE_EVERY_MS = 1_000;

export class Instance {
  readonly key: string;
  state: AlertState;
  /** When time alone may change something next; ms since 1970. */
  wakeMs = Number.POSITIVE_INFINITY;
  /** When it last saw anything that it reads. */
  dataMs: number | null = null;
  readonly #program: Program;
  readonly #watchedMs: number;
  readonly #windows: readonly Kept[];
  readonly #condition: Ground;
  readonly #clear: Ground | undefined;
  /** Of the last judgement, where there are custom functions. */
  #answers: Answers | undefined;

  constructor(key: string, program: Program, state: AlertState, nowMs: number) {
    this.key = key;
    this.state = state;
    this.#program = program;
    this.#watchedMs = nowMs;
    const most = program.each ? MOST_EACH : undefined;
    const kept = (part: Part | undefined): readonly Kept[] =>
      !part || part.windows.length === 0
        ? NONE
        : part.windows.map((one) => [one.monitor === EACH && program.each ? key : one.monitor, one, windowOf({ ...one, most })]);
    const [condition, clear] = [kept(program.condition), kept(program.clear)];
    this.#windows = clear.length === 0 ? condition : [...condition, ...clear];
    this.#condition = new Ground(key, program, condition);
    this.#clear = program.clear && new Ground(key, program, clear);
  }

  /** The windows, each with the monitor that it is over. */
  windows(): readonly Kept[] {
    return this.#windows;
  }

  /** What a monitor has seen, for the windows over it. */
  see(monitor: string, { atMs, fields, seen }: Observation): void {
    this.dataMs = Math.max(this.dataMs ?? 0, atMs);
    for (const [over, { path }, aggregate] of this.windows()) {
      if (over !== monitor || (seen && !seen.includes(path[0] ?? ''))) continue;
      const value = at(fields, path);
      if (value !== undefined) aggregate.add(atMs, value);
    }
  }

  facts(states: States, nowMs: number): Facts {
    return this.#condition.at(states, nowMs, this.#answers);
  }

  clearFacts(states: States, nowMs: number): Facts {
    return (this.#clear ?? this.#condition).at(states, nowMs, this.#answers);
  }

  /** Begin a judgement that asks custom functions. */
  asks(): Answers {
    this.#answers = new Answers();
    return this.#answers;
  }
  /** Evaluate it for what it asks of them. */
  rehearse(states: States, nowMs: number): void {
    const { condition, clear } = this.#program;
    verdictOf(condition, this.facts(states, nowMs));
    if (clear && isOpen(this.state)) verdictOf(clear, this.clearFacts(states, nowMs));
  }

  /** Judge it as things stand; `holdAt` is what holds its telling back from outside the rule. Its own state is the caller's to change, when that is lasting. */
  judge(states: States, nowMs: number, holdAt: HoldAt): Judged {
    const { condition, clear, life } = this.#program;
    const main = verdictOf(condition, this.facts(states, nowMs));
    const end = clear && isOpen(this.state) ? verdictOf(clear, this.clearFacts(states, nowMs)) : undefined;
    const error = main.error ?? end?.error;
    const found: Found = {
      truth: main.truth,
      clear: clear ? end?.truth : null,
      failed: error !== undefined,
      dataMs: this.dataMs,
      watchedMs: this.#watchedMs,
    };
    const cause = inTrouble(this.#program.dependsOn, states.now);
    const turn = judge(this.state, found, nowMs, life, (atMs) => (cause ? { reason: 'inhibited', by: cause.name } : holdAt(atMs)));
    this.wakeMs = Math.min(turn.wakeMs ?? Number.POSITIVE_INFINITY, this.#changesMs(nowMs));
    return { turn, found, error };
  }

  #changesMs(nowMs: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const [, { fn }, aggregate] of this.windows()) {
      const changes = aggregate.nextMs(nowMs) ?? Number.POSITIVE_INFINITY;
      next = Math.min(next, fn === 'age' && changes < Number.POSITIVE_INFINITY ? Math.min(changes, nowMs + AGE_EVERY_MS) : changes);
    }
    return next;
  }
}

/** A window, the monitor that it is over, and what it holds. */
type Kept = readonly [monitor: string, window: Window, aggregate: Aggregate];
const NONE: readonly never[] = [];

/** What one of the conditions is evaluated on. One object for all its evaluations, which never overlap: most rules are judged far more often than they change. */
class Ground implements Facts {
  readonly #key: string;
  readonly #program: Program;
  readonly #windows: readonly Kept[];
  #states: States = NOWHERE;
  #nowMs = 0;
  #answers: Answers | undefined;

  constructor(key: string, program: Program, windows: readonly Kept[]) {
    this.#key = key;
    this.#program = program;
    this.#windows = windows;
  }
  at(states: States, nowMs: number, answers: Answers | undefined): this {
    this.#states = states;
    this.#nowMs = nowMs;
    this.#answers = answers;
    return this;
  }

  now(monitor: string): unknown {
    return this.#states.now(this.#named(monitor));
  }
  before(monitor: string): unknown {
    return this.#states.before(this.#named(monitor));
  }
  window(index: number): unknown {
    return this.#windows[index]?.[2].at(this.#nowMs);
  }
  whole(): Fields {
    return Object.fromEntries(this.#program.monitors.map((monitor) => [monitor, this.#states.now(monitor)]));
  }
  call(name: string, args: readonly unknown[]): unknown {
    return this.#answers?.of(name, args);
  }
  #named(monitor: string): string {
    return monitor === EACH && this.#program.each ? this.#key : monitor;
  }
}
const NOWHERE: States = { now: () => undefined, before: () => undefined };

export type { Part };
