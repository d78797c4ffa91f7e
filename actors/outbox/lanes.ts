/** What is claimed and waits for a hand, by action, and the ways to where it goes. Says who may go next: the important first, wherever they wait. Pure but for what it keeps. */
import type { Outcome } from '../job.ts';
import type { Terms } from '../names.ts';
import type { BreakerState } from './breaker.ts';
import { Gate } from './gate.ts';
import type { Due } from './port.ts';

interface Lane {
  readonly action: string;
  terms: Terms;
  /** The important first, then as they came. */
  readonly waiting: Due[];
  readonly running: Set<Due>;
}
/** Twice as many are claimed as can run, so that the next one is there when a hand becomes free. */
const AHEAD = 2;

export class Lanes {
  readonly #lanes = new Map<string, Lane>();
  readonly #gates = new Map<string, Gate>();

  /** How many more of this action could be taken. */
  free(action: string, terms: Terms): number {
    const lane = this.#lane(action, terms);
    const taken = lane.running.size + lane.waiting.length;
    return terms.ordered ? 1 - Math.min(1, taken) : AHEAD * terms.concurrency - taken;
  }

  add(action: string, terms: Terms, due: Due): void {
    const { waiting } = this.#lane(action, terms);
    const behind = waiting.findIndex(({ priority }) => priority < due.priority);
    waiting.splice(behind === -1 ? waiting.length : behind, 0, due);
  }

  /**
   * Of all that go to this destination, the next that may go now: it counts as gone. Else when to ask again; undefined: when one has come back, or there is
   * nobody who could go.
   */
  next(destination: string, nowMs: number): { readonly due: Due; readonly terms: Terms } | { readonly atMs: number | undefined } {
    let first: Lane | undefined;
    for (const lane of this.#lanes.values()) {
      if (lane.terms.destination !== destination || lane.waiting.length === 0 || lane.running.size >= (lane.terms.ordered ? 1 : lane.terms.concurrency))
        continue;
      if (!first || (lane.waiting[0]?.priority ?? 0) > (first.waiting[0]?.priority ?? 0)) first = lane;
    }
    if (!first) return { atMs: undefined };
    const gate = this.#gate(first.terms, nowMs);
    const freeMs = gate.freeMs(nowMs);
    if (freeMs === undefined || freeMs > nowMs) return { atMs: freeMs };
    const due = first.waiting.shift() as Due;
    gate.enter(nowMs);
    first.running.add(due);
    return { due, terms: first.terms };
  }

  /** What waits and is of no use any more: it waits no longer here. */
  expired(nowMs: number): readonly Due[] {
    const gone: Due[] = [];
    for (const { waiting } of this.#lanes.values())
      for (let i = waiting.length - 1; i >= 0; i--) if ((waiting[i]?.job.expiresMs ?? Number.POSITIVE_INFINITY) <= nowMs) gone.push(...waiting.splice(i, 1));
    return gone;
  }

  /** It has come back. */
  back(due: Due, { destination }: Terms, outcome: Outcome | 'absent', nowMs: number): void {
    this.#lanes.get(due.job.action)?.running.delete(due);
    this.#gates.get(destination)?.leave(outcome, nowMs);
  }

  /** What waits for an action that is gone: it waits no longer here. */
  empty(action: string): readonly Due[] {
    return this.#lanes.get(action)?.waiting.splice(0) ?? [];
  }

  get size(): number {
    let size = 0;
    for (const { waiting, running } of this.#lanes.values()) size += waiting.length + running.size;
    return size;
  }
  /** The executions that are under way. */
  get running(): readonly Due[] {
    return [...this.#lanes.values()].flatMap(({ running }) => [...running]);
  }
  destinations(nowMs: number): readonly { readonly destination: string; readonly breaker: BreakerState }[] {
    return Array.from(this.#gates, ([destination, gate]) => ({ destination, breaker: gate.stateAt(nowMs) }));
  }

  #lane(action: string, terms: Terms): Lane {
    const lane = this.#lanes.get(action) ?? { action, terms, waiting: [], running: new Set() };
    lane.terms = terms;
    this.#lanes.set(action, lane);
    return lane;
  }
  #gate(terms: Terms, nowMs: number): Gate {
    const { destination, breaker, rate } = terms;
    const there = this.#gates.get(destination);
    if (there?.fits({ breaker, rate })) return there;
    const gate = new Gate({ breaker, rate }, nowMs); // the first of them, or one that was configured anew
    this.#gates.set(destination, gate);
    return gate;
  }
}
