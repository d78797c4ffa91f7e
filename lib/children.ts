/** The children of a one_for_one, one_for_all or rest_for_one supervisor, in start order. Restart is a table of strategies, one row each. */
import { type Child, fullSpec, isTemporary, type Started, startChild, terminateChild } from './child.ts';
import { type AutoShutdown, type ChildSpec, refuseChild } from './child-spec.ts';
import type { ExitReason } from './exit.ts';
import type { ChildInfo, Counts, Group, Request, TryAgain } from './group.ts';
import { keyOf } from './key.ts';
import type { Pid, Process } from './process.ts';
import { supervisorReport } from './report.ts';

export type Strategy = 'one_for_one' | 'one_for_all' | 'rest_for_one';

export class Children implements Group<Child> {
  readonly #self: Process;
  readonly #strategy: Strategy;
  readonly #autoShutdown: AutoShutdown;
  /** A Map keeps the order of insertion: start order. A restarted child keeps its place, a deleted and added one goes last. */
  readonly #children = new Map<unknown, Child>();
  readonly #byPid = new Map<Pid, Child>();

  constructor(self: Process, strategy: Strategy, autoShutdown: AutoShutdown) {
    this.#self = self;
    this.#strategy = strategy;
    this.#autoShutdown = autoShutdown;
  }

  ask(request: Request): unknown {
    switch (request.op) {
      case 'start_child':
        return this.#add(request.spec as ChildSpec);
      case 'which_children':
        return this.#which();
      case 'count_children':
        return this.#count();
    }
    const child = this.#children.get(keyOf(request.id));
    if (!child) return { error: 'not_found' };
    const standing = child.restarting ? 'restarting' : child.pid ? 'running' : undefined;
    switch (request.op) {
      case 'terminate_child':
        return this.#terminate(child);
      case 'restart_child':
        return standing ? { error: standing } : this.#start(child);
      case 'delete_child':
        if (!standing) this.#children.delete(keyOf(request.id));
        return standing ? { error: standing } : 'ok';
      case 'get_childspec':
        return { ok: fullSpec(child.spec) };
    }
  }

  async #add(spec: ChildSpec): Promise<unknown> {
    const refusal = refuseChild(spec, this.#autoShutdown);
    if (refusal) return { error: refusal };
    const there = this.#children.get(keyOf(spec.id));
    if (there) return { error: there.pid && !there.restarting ? ['already_started', there.pid] : 'already_present' };
    const started = await this.#startNew(spec);
    return 'error' in started ? { error: [started.error, spec] } : started;
  }

  /** Start them one after another. The first that fails is answered; those before it are up. */
  async startAll(specs: Iterable<ChildSpec>): Promise<{ readonly id: unknown; readonly error: ExitReason } | undefined> {
    for (const spec of specs) {
      const started = await this.#startNew(spec);
      if (!('error' in started)) continue;
      supervisorReport(this.#self, 'start_error', started.error, { spec });
      return { id: spec.id, error: started.error };
    }
    return undefined;
  }

  byPid(pid: Pid): Child | undefined {
    return this.#byPid.get(pid);
  }
  retrying(id: unknown): Child | undefined {
    const child = this.#children.get(keyOf(id));
    return child?.restarting ? child : undefined;
  }

  /** It has no process any more; a temporary one is forgotten (supervisor:del_child/2). */
  forget(child: Child): void {
    this.#set(child, undefined);
    if (isTemporary(child.spec)) this.#children.delete(keyOf(child.spec.id));
  }

  async restart(child: Child): Promise<TryAgain> {
    const all = [...(this.#strategy === 'one_for_one' ? [] : this.#children.values())];
    switch (this.#strategy) {
      case 'one_for_one': {
        const started = await this.#start(child);
        if (!('error' in started)) return undefined;
        supervisorReport(this.#self, 'start_error', started.error, child);
        this.#restarting(child);
        return { key: child.spec.id };
      }
      case 'one_for_all':
        return this.#restartGroup(child, all);
      case 'rest_for_one':
        return this.#restartGroup(child, all.slice(all.indexOf(child)));
    }
  }

  /** supervisor:restart_multiple_children/3: stop the group from the last to the first, start it from the first to the last. */
  async #restartGroup(child: Child, group: readonly Child[]): Promise<TryAgain> {
    const { pid: old } = child;
    this.#set(child, undefined);
    for (const one of group.toReversed()) await this.#terminate(one);
    for (const one of group) {
      if (isTemporary(one.spec)) continue;
      const started = await this.#start(one);
      if (!('error' in started)) continue;
      supervisorReport(this.#self, 'start_error', started.error, { spec: one.spec });
      if (one === child) one.pid = old;
      this.#restarting(one);
      return { key: one.spec.id };
    }
    return undefined;
  }

  async terminateAll(): Promise<void> {
    for (const child of [...this.#children.values()].toReversed()) await this.#terminate(child);
  }

  /** Whether the end of this child is the end of its supervisor (supervisor:do_auto_shutdown/2). */
  endsAll(child: Child): boolean {
    if (this.#autoShutdown === 'never' || !child.spec.significant) return false;
    if (this.#autoShutdown === 'any_significant') return true;
    return ![...this.#children.values()].some(({ spec, pid, restarting }) => spec.significant && (pid || restarting));
  }

  /** Newest first, as OTP has it. */
  #which(): ChildInfo[] {
    const info = ({ spec, pid, restarting }: Child): ChildInfo => ({ id: spec.id, pid: restarting ? 'restarting' : pid, type: spec.type ?? 'worker' });
    return [...this.#children.values()].toReversed().map(info);
  }

  #count(): Counts {
    const all = [...this.#children.values()];
    const supervisors = all.filter(({ spec }) => spec.type === 'supervisor').length;
    const active = all.filter(({ pid, restarting }) => !restarting && pid?.isAlive).length;
    return { specs: all.length, active, supervisors, workers: all.length - supervisors };
  }

  /** Start one more. Nothing is kept of a temporary one that was ignored, nor of one that failed. */
  async #startNew(spec: ChildSpec): Promise<Started> {
    const started = await startChild(this.#self, spec);
    if ('error' in started || (started.ok === undefined && isTemporary(spec))) return started;
    const child: Child = { spec, pid: undefined, restarting: false };
    this.#children.set(keyOf(spec.id), child);
    this.#set(child, started.ok);
    return started;
  }

  /** Start a child that has its place already. */
  async #start(child: Child): Promise<Started> {
    const started = await startChild(this.#self, child.spec);
    if ('ok' in started) this.#set(child, started.ok);
    return started;
  }

  /** Shut one down; its spec stays, unless it is temporary. A retry of its restart is cancelled by this. */
  async #terminate(child: Child): Promise<'ok'> {
    if (child.pid && !child.restarting) await terminateChild(this.#self, child.spec, child.pid);
    this.forget(child);
    return 'ok';
  }

  #restarting(child: Child): void {
    if (child.pid) this.#byPid.delete(child.pid);
    child.restarting = true;
  }

  #set(child: Child, pid: Pid | undefined): void {
    if (child.pid) {
      this.#byPid.delete(child.pid);
      child.former = child.pid;
    }
    if (pid) this.#byPid.set(pid, child);
    if (pid && child.former) {
      pid.succeed(child.former);
      child.former = undefined; // a dead process is kept no longer than it has to be
    }
    child.pid = pid;
    child.restarting = false;
  }
}
