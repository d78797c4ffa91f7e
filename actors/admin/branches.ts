/**
 * Tree surgery: starts and stops the small supervisors of resources under their branches, and takes a plan back when it fails half way.
 * It remembers what runs from one incarnation of admin to the next, so that an admin that crashed touches nobody when it comes back; and it
 * does nothing at the word of one that is dead, whose promises go on all the same.
 */
import { startDynamicChild, terminateDynamicChild } from '../../lib/dynamic-supervisor.ts';
import { Exit, type ExitReason, reasonText } from '../../lib/exit.ts';
import type { ChildSpec } from '../../lib/child-spec.ts';
import type { Pid, Process } from '../../lib/process.ts';
import type { Applied, Declared, Kind, Source } from '../../proto/api.ts';
import type { Names } from '../names.ts';

/** A step of a plan, as config/diff.ts makes them. */
export interface Step {
  readonly do: 'start' | 'stop' | 'keep' | 'replace';
  readonly declared: Declared;
  readonly before?: Declared;
}

export const keyOf = ({ kind, name }: { readonly kind: Kind; readonly name: string }): string => `${kind}:${name}`;
const BRANCHES: Readonly<Partial<Record<Kind, string>>> = { monitor: 'monitors', rule: 'rules', action: 'actions', listener: 'listeners', function: 'rules' };

export class Branches {
  readonly #names: Names;
  /** The spec of a resource's own small supervisor. */
  readonly #resource: (declared: Declared) => ChildSpec;
  readonly #running = new Map<string, { readonly pid: Pid; readonly declared: Declared }>();
  /** The configuration's texts that were last accepted. */
  sources: readonly Source[] | undefined;
  /** The step that is being done just now. */
  #underWay: Promise<unknown> = Promise.resolve();

  constructor(names: Names, resource: (declared: Declared) => ChildSpec) {
    this.#names = names;
    this.#resource = resource;
  }

  /** Resolves when the last step that an admin began is done, should it have been killed in the middle of it. */
  async settled(): Promise<void> {
    await this.#underWay;
  }

  /** Start a resource; `admin` monitors its supervisor. @returns why it did not start. */
  start(admin: Process, declared: Declared): Promise<string | undefined> {
    return this.#step(admin, () => this.#start(admin, declared));
  }

  stop(admin: Process, declared: Declared): Promise<void> {
    return this.#step(admin, () => this.#stop(declared));
  }

  async #step<T>(admin: Process, work: () => Promise<T>): Promise<T> {
    if (!admin.isAlive) throw new Exit(admin.exitReason);
    const done = work();
    this.#underWay = done.catch(() => {});
    return done;
  }

  async #start(admin: Process, declared: Declared): Promise<string | undefined> {
    const branch = this.#branch(declared.kind);
    if (branch === undefined) return undefined;
    if (this.#running.get(keyOf(declared))?.pid.isAlive) return undefined; // never two of one resource
    const started = await startDynamicChild(branch, this.#resource(declared));
    if (started === 'ignore') return undefined;
    if ('error' in started) return rootCause(started.error);
    if (started.ok) {
      this.#running.set(keyOf(declared), { pid: started.ok, declared });
      admin.monitor(started.ok);
    }
    return undefined;
  }

  async #stop(declared: Declared): Promise<void> {
    const key = keyOf(declared);
    const pid = this.#running.get(key)?.pid;
    const branch = this.#branch(declared.kind);
    this.#running.delete(key);
    if (pid && branch) await terminateDynamicChild(branch, pid);
  }

  /** What runs, and its supervisors. */
  living(): readonly { readonly pid: Pid; readonly declared: Declared }[] {
    for (const [key, { pid }] of this.#running) if (!pid.isAlive) this.#running.delete(key);
    return [...this.#running.values()];
  }

  /** A resource's supervisor has ended. Answers which, unless it was stopped from here. */
  ended(pid: Pid): string | undefined {
    for (const [key, running] of this.#running) {
      if (running.pid !== pid) continue;
      this.#running.delete(key);
      return key;
    }
    return undefined;
  }

  /** Carry a plan out, or leave all as it was: when a step fails, those before it are taken back, in reverse. */
  async apply(admin: Process, plan: readonly Step[]): Promise<{ readonly ok: boolean; readonly resources: readonly Applied[] }> {
    const done: Step[] = [];
    const ran = new Set(this.living().map(({ declared }) => keyOf(declared)));
    for (const step of plan) {
      const reason = await this.#take(admin, step);
      done.push(step);
      if (reason === undefined) continue;
      const reverted: string[] = [];
      for (const one of done.toReversed()) {
        const failed = await this.#undo(admin, one, ran);
        if (failed) reverted.push(`${keyOf(one.declared)} could not be brought back: ${failed}`);
      }
      const outcome = (one: Step): Applied['outcome'] => (one === step ? 'rejected' : one.do === 'keep' || !done.includes(one) ? 'unchanged' : 'reverted');
      return {
        ok: false,
        resources: plan.map((one) => ({ ...named(one), outcome: outcome(one), ...(one === step ? { reason: [reason, ...reverted].join('; ') } : {}) })),
      };
    }
    return { ok: true, resources: plan.map((one) => ({ ...named(one), outcome: one.do === 'keep' ? 'unchanged' : 'applied' })) };
  }

  async #take(admin: Process, step: Step): Promise<string | undefined> {
    if (step.do === 'stop' || step.do === 'replace') await this.stop(admin, step.before ?? step.declared);
    return step.do === 'start' || step.do === 'replace' ? this.start(admin, step.declared) : undefined;
  }

  /** What did not run before, being quarantined, is not started by taking a plan back. */
  async #undo(admin: Process, step: Step, ran: ReadonlySet<string>): Promise<string | undefined> {
    if (step.do === 'start' || step.do === 'replace') await this.stop(admin, step.declared);
    const before = step.do === 'stop' ? step.declared : step.before;
    return before && ran.has(keyOf(before)) ? this.start(admin, before) : undefined;
  }

  #branch(kind: Kind): Pid | undefined {
    const name = BRANCHES[kind];
    return name === undefined ? undefined : this.#names.whereis(name);
  }
}

const named = ({ do: change, declared: { kind, name } }: Step): Pick<Applied, 'kind' | 'name' | 'change'> => ({ kind, name, change });

/** The innermost reason of a start that failed: `{shutdown, {failed_to_start_child, Id, Reason}}`, as deep as it goes. */
function rootCause(reason: ExitReason): string {
  if (Array.isArray(reason) && reason[0] === 'shutdown') return rootCause(reason[1]);
  if (Array.isArray(reason) && reason[0] === 'failed_to_start_child') return rootCause(reason[2]);
  return reasonText(reason);
}
