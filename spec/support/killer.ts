/** Kills processes of a node at random moments, and keeps within what its supervisors are to bear. */
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { exit } from '../../lib/process.ts';
import type { InsideNode } from './inside.ts';

export interface Kill {
  /** Whom; `again`: whoever was killed last, who is on the way back perhaps. */
  readonly name: string;
  /** The resource whose turn it is when that one is away, or has died often enough. */
  readonly otherwise: string;
  readonly reason: 'kill' | 'boom' | 'error';
  /** What passes before the next one: turns of the event loop, and milliseconds when there are any. */
  readonly turns: number;
  readonly ms: number;
}

export interface Killed {
  stages: number;
  resources: number;
  supervisors: number;
}

const STAGES: readonly string[] = ['store', 'secrets', 'actions', 'outbox', 'rules', 'monitors', 'listeners', 'admin'];
/** The root bears ten deaths of stages in a minute (supervisors/argos.ts); one may need a second try to come back. */
const MOST_STAGES = 8;
/** A resource's own supervisor bears five (supervisors/resource.ts); more than that, and the end of the supervisor itself, is quarantine. */
const MOST_CRASHES = 5;
const MINUTE_MS = 61_000;
/** So often something may be driven into quarantine, where it stays for 10 s at the least. */
const PARK_EVERY_MS = 15_000;
/** A process that is younger may be starting still. */
const STARTING_MS = 500;

export class Killer {
  readonly #node: InsideNode;
  readonly #past = new Map<string, number[]>();
  /** How many were killed of what kind. */
  readonly killed: Killed;
  /** Resources that were given reason to stand in quarantine. */
  readonly driven = new Set<string>();

  constructor(node: InsideNode, killed: Killed) {
    this.#node = node;
    this.killed = killed;
  }

  /** One to six kills of these names; stages and resources come up more often than the supervisors between them. */
  static kills(names: readonly string[]): fc.Arbitrary<readonly Kill[]> {
    const of = (wanted: (name: string) => boolean): fc.Arbitrary<string> => fc.constantFrom(...names.filter(wanted));
    const resource = of((one) => one.includes(':') && !one.endsWith(' supervisor'));
    const name = fc.oneof(
      { weight: 5, arbitrary: resource },
      { weight: 3, arbitrary: of((one) => STAGES.includes(one)) },
      { weight: 1, arbitrary: fc.constant('store') }, // its death is the one that acknowledgements must not come before
      { weight: 2, arbitrary: of((one) => one.endsWith(' supervisor')) },
      { weight: 4, arbitrary: fc.constant('again') },
    );
    const reason = fc.oneof(
      { weight: 4, arbitrary: fc.constant('kill' as const) },
      { weight: 1, arbitrary: fc.constantFrom('boom' as const, 'error' as const) },
    );
    const kill = fc.record({ name, otherwise: resource, reason, turns: fc.nat(30), ms: fc.oneof(fc.constant(0), fc.nat(150)) });
    return fc.array(kill, { minLength: 1, maxLength: 6, size: 'max' });
  }

  async run(kills: readonly Kill[]): Promise<void> {
    let last = '';
    for (const { name, otherwise, reason, turns, ms } of kills) {
      const wanted = name === 'again' ? last : name;
      last = this.#kill(wanted, reason) ? wanted : otherwise;
      if (last !== wanted) this.#kill(otherwise, reason);
      for (let i = 0; i < turns; i++) await turn();
      if (ms > 0) await sleep(ms);
    }
  }

  /** Whether it was there to be killed. Who traps exits takes note of any reason but `kill`, and goes on, as in OTP. */
  #kill(name: string, reason: Kill['reason']): boolean {
    if (!this.#node.names().includes(name)) return false;
    const victim = this.#node.process(name);
    const ends = reason === 'kill' || !victim.trapExit;
    if (ends && !this.#may(name)) return false;
    if (ends && victim.clock.now() - victim.startedMs < STARTING_MS) this.driven.add(name); // a resource that does not start is quarantined at once
    exit(victim, reason === 'error' ? new Error('boom') : reason);
    return ends;
  }

  #may(name: string): boolean {
    if (STAGES.includes(name)) return this.#take('stage', MOST_STAGES, MINUTE_MS) && ++this.killed.stages > 0;
    if (!name.endsWith(' supervisor') && this.#take(name, MOST_CRASHES, MINUTE_MS)) return ++this.killed.resources > 0;
    if (!this.#take('park', 1, PARK_EVERY_MS)) return false;
    this.driven.add(name.replace(/ supervisor$/, ''));
    return name.endsWith(' supervisor') ? ++this.killed.supervisors > 0 : ++this.killed.resources > 0;
  }

  /** Whether it may happen once more: no more than `most` times within `withinMs`. */
  #take(what: string, most: number, withinMs: number): boolean {
    const now = performance.now();
    const recent = (this.#past.get(what) ?? []).filter((at) => at > now - withinMs);
    if (recent.length < most) recent.push(now);
    else return false;
    this.#past.set(what, recent);
    return true;
  }
}
