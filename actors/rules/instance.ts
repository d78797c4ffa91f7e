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
  /** When it last saw anything that it reads; NaN for never. A number always: what is written for every event is to leave no garbage. */
  #dataMs = Number.NaN;
  #filledSeq = 0;
  #filledMs: ReadonlyMap<string, number> | undefined;
  readonly #program: Program;
  readonly #watchedMs: number;
  readonly #windows: readonly Kept[];
  readonly #condition: readonly Kept[];
  readonly #clear: readonly Kept[];
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
    this.#condition = condition;
    this.#clear = clear;
  }

  /** The windows, each with the monitor that it is over. */
  windows(): readonly Kept[] {
    return this.#windows;
  }

  /** When it last saw anything that it reads; null for never. */
  get dataMs(): number | null {
    return Number.isNaN(this.#dataMs) ? null : this.#dataMs;
  }
  /**
   * What its windows hold of the past has been read from the store: of listeners all up to this batch, of monitors that watch by themselves up to that time. What
   * comes of it once more, from an inbox or from before a crash, is in the windows already.
   */
  filled(upToSeq: number, upToMs: ReadonlyMap<string, number>): void {
    this.#filledSeq = upToSeq;
    this.#filledMs = upToMs;
  }
  #holds(monitor: string, atMs: number, seq: number | undefined): boolean {
    return seq === undefined ? atMs <= (this.#filledMs?.get(monitor) ?? 0) : seq <= this.#filledSeq;
  }

  /** What a monitor has seen, for the windows over it. @param seq of the stored batch that brought it. */
  see(monitor: string, { atMs, fields, seen }: Observation, seq?: number): void {
    const { isData } = this.#program;
    if (isData === undefined || isData(monitor)) this.#dataMs = Math.max(this.dataMs ?? 0, atMs);
    if (this.#windows.length === 0 || this.#holds(monitor, atMs, seq)) return;
    for (const [over, { path }, aggregate] of this.windows()) {
      if (over !== monitor || (seen && !seen.includes(path[0] ?? ''))) continue;
      const value = at(fields, path);
      if (value !== undefined) aggregate.add(atMs, value);
    }
  }

  facts(states: States, nowMs: number): Facts {
    return this.#facts(new Ground(), states, nowMs, this.#condition);
  }

  clearFacts(states: States, nowMs: number): Facts {
    return this.#facts(new Ground(), states, nowMs, this.#clear);
  }
  #facts(ground: Ground, states: States, nowMs: number, windows: readonly Kept[]): Facts {
    return ground.at(this.#program.each ? this.key : EACH, this.#program, windows, states, nowMs, this.#answers);
  }

  /** Begin a judgement that asks custom functions. */
  asks(): Answers {
    this.#answers = new Answers();
    return this.#answers;
  }
  /** Evaluate it for what it asks of them. */
  rehearse(states: States, nowMs: number): void {
    const { condition, clear } = this.#program;
    verdictOf(condition, this.#facts(GROUND, states, nowMs, this.#condition));
    if (clear && isOpen(this.state)) verdictOf(clear, this.#facts(GROUND, states, nowMs, this.#clear));
  }

  /** Judge it as things stand; `holdAt` is what holds its telling back from outside the rule. Its own state is the caller's to change, when that is lasting. */
  judge(states: States, nowMs: number, holdAt: HoldAt): Judged {
    const { condition, clear, life } = this.#program;
    const main = verdictOf(condition, this.#facts(GROUND, states, nowMs, this.#condition));
    const end = clear && isOpen(this.state) ? verdictOf(clear, this.#facts(GROUND, states, nowMs, this.#clear)) : undefined;
    const error = main.error ?? end?.error;
    const found: Found = {
      truth: main.truth,
      clear: clear ? end?.truth : null,
      failed: error !== undefined,
      dataMs: this.dataMs,
      watchedMs: this.#watchedMs,
    };
    const { dependsOn } = this.#program;
    const cause = dependsOn.length === 0 ? undefined : inTrouble(dependsOn, states.now);
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

/** What one of the conditions is evaluated on. */
class Ground implements Facts {
  /** What `EACH` stands for. */
  #key = EACH;
  #program: Program | undefined;
  #windows: readonly Kept[] = NONE;
  #states: States | undefined;
  #nowMs = 0;
  #answers: Answers | undefined;

  at(key: string, program: Program, windows: readonly Kept[], states: States, nowMs: number, answers: Answers | undefined): this {
    this.#key = key;
    this.#program = program;
    this.#windows = windows;
    this.#states = states;
    this.#nowMs = nowMs;
    this.#answers = answers;
    return this;
  }

  now(monitor: string): unknown {
    return this.#states?.now(monitor === EACH ? this.#key : monitor);
  }
  before(monitor: string): unknown {
    return this.#states?.before(monitor === EACH ? this.#key : monitor);
  }
  window(index: number): unknown {
    return this.#windows[index]?.[2].at(this.#nowMs);
  }
  whole(): Fields {
    return Object.fromEntries((this.#program?.monitors ?? []).map((monitor) => [monitor, this.#states?.now(monitor)]));
  }
  call(name: string, args: readonly unknown[]): unknown {
    return this.#answers?.of(name, args);
  }
}
/** For all judgements, which never overlap: what is new for each of a hundred thousand a second, or written into an old object, is the collector's work. */
const GROUND = new Ground();

export type { Part };
