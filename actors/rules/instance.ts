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
  readonly #condition: readonly Aggregate[];
  readonly #clear: readonly Aggregate[];
  /** Of the last judgement, where there are custom functions. */
  #answers: Answers | undefined;

  constructor(key: string, program: Program, state: AlertState, nowMs: number) {
    this.key = key;
    this.state = state;
    this.#program = program;
    this.#watchedMs = nowMs;
    this.#condition = program.condition.windows.map(windowOf);
    this.#clear = program.clear?.windows.map(windowOf) ?? [];
  }

  /** The windows, each with the monitor that it is over. */
  *windows(): Generator<readonly [monitor: string, window: Window, aggregate: Aggregate]> {
    const { condition, clear } = this.#program;
    for (const [part, aggregates] of [[condition, this.#condition] as const, [clear, this.#clear] as const])
      for (const [i, window] of (part?.windows ?? []).entries())
        yield [window.monitor === EACH && this.#program.each ? this.key : window.monitor, window, aggregates[i] as Aggregate];
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
    return this.#facts(states, nowMs, this.#condition);
  }

  clearFacts(states: States, nowMs: number): Facts {
    return this.#facts(states, nowMs, this.#clear);
  }

  /** Begin a judgement that asks custom functions. */
  asks(): Answers {
    this.#answers = new Answers();
    return this.#answers;
  }
  /** Evaluate it for what it asks of them. */
  rehearse(states: States, nowMs: number): void {
    const { condition, clear } = this.#program;
    verdictOf(condition, this.#facts(states, nowMs, this.#condition));
    if (clear && isOpen(this.state)) verdictOf(clear, this.#facts(states, nowMs, this.#clear));
  }

  /** Judge it as things stand; `holdAt` is what holds its telling back from outside the rule. Its own state is the caller's to change, when that is lasting. */
  judge(states: States, nowMs: number, holdAt: HoldAt): Judged {
    const { condition, clear, life } = this.#program;
    const main = verdictOf(condition, this.#facts(states, nowMs, this.#condition));
    const end = clear && isOpen(this.state) ? verdictOf(clear, this.#facts(states, nowMs, this.#clear)) : undefined;
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

  #facts(states: States, nowMs: number, aggregates: readonly Aggregate[]): Facts {
    const named = (monitor: string): string => (monitor === EACH && this.#program.each ? this.key : monitor);
    return {
      now: (monitor) => states.now(named(monitor)),
      before: (monitor) => states.before(named(monitor)),
      window: (index) => aggregates[index]?.at(nowMs),
      whole: () => Object.fromEntries(this.#program.monitors.map((monitor): readonly [string, unknown] => [monitor, states.now(monitor)])) satisfies Fields,
      call: (name, args) => this.#answers?.of(name, args),
    };
  }
}

export type { Part };
