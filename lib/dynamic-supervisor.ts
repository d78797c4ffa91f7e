/** Any number of children, each of its own spec, started on demand and in no order (Elixir 1.14: DynamicSupervisor). */
import { type Ask, call, cast } from './call.ts';
import { type Child, type Started, startChild as start, terminateChild as terminate } from './child.ts';
import { type ChildSpec, refuseChild } from './child-spec.ts';
import { type ExitReason, isAbnormal } from './exit.ts';
import { fail, type GenServer, type Init, type Next, noreply, ok, reply, startLink, stop } from './gen-server.ts';
import type { ChildInfo, Counts } from './group.ts';
import type { Pid, Process, SpawnOptions } from './process.ts';
import { supervisorReport } from './report.ts';
import { addRestart, emptyWindow } from './restart.ts';
import { ExitMessage } from './signal.ts';
import type { StartResult } from './start.ts';
import { terminateTogether } from './together.ts';

export interface DynamicFlags {
  /** Default 3 restarts of all children together … */
  readonly maxRestarts?: number;
  /** … within 5 seconds. */
  readonly maxSeconds?: number;
  /** Default: any number. A restarting child counts. */
  readonly maxChildren?: number;
  /** Given to every start function after the parent. */
  readonly extraArguments?: readonly unknown[];
}

type Request =
  | { readonly op: 'start_child'; readonly spec: ChildSpec }
  | { readonly op: 'terminate_child'; readonly pid: Pid }
  | { readonly op: 'which_children' | 'count_children' };
type Retry = { readonly tryAgain: Pid };
const ask = <Reply>(supervisor: Pid, request: Request): Promise<Reply> => call(supervisor, request as Ask<Reply>, Number.POSITIVE_INFINITY);

/** Start one without children, linked to `parent`. `{error: fault}` for bad flags. */
export const startDynamicSupervisor = (parent: Process, flags: DynamicFlags = {}, options: SpawnOptions = {}): Promise<StartResult> =>
  startLink(parent, new DynamicSupervisor(flags), { kind: 'supervisor', ...options });

/** Start one more child. `{error: 'max_children'}`, the start's own error, or the fault of the spec. */
export async function startDynamicChild(supervisor: Pid, spec: ChildSpec): Promise<Started | 'ignore'> {
  const refusal = refuseChild(spec, 'never'); // in the caller, as in Elixir: a bad spec never reaches the supervisor
  return refusal ? { error: refusal } : ask(supervisor, { op: 'start_child', spec });
}
/** Stop a child for good, whatever its restart type. */
export const terminateDynamicChild = (supervisor: Pid, pid: Pid): Promise<'ok' | { readonly error: 'not_found' }> =>
  ask(supervisor, { op: 'terminate_child', pid });
export const whichDynamicChildren = (supervisor: Pid): Promise<readonly ChildInfo[]> => ask(supervisor, { op: 'which_children' });
export const countDynamicChildren = (supervisor: Pid): Promise<Counts> => ask(supervisor, { op: 'count_children' });

type Children = Map<Pid, Child>;

class DynamicSupervisor implements GenServer<Children, Request, Retry> {
  readonly #limit: { readonly intensity: number; readonly period: number };
  readonly #maxChildren: number;
  readonly #extra: readonly unknown[];
  readonly #window = emptyWindow();
  #self!: Process;

  constructor({ maxRestarts = 3, maxSeconds = 5, maxChildren = Number.POSITIVE_INFINITY, extraArguments = [] }: DynamicFlags) {
    this.#limit = { intensity: maxRestarts, period: maxSeconds };
    this.#maxChildren = maxChildren;
    this.#extra = extraArguments;
  }

  init(self: Process): Init<Children> {
    this.#self = self;
    self.trapExit = true;
    const { intensity, period } = this.#limit;
    if (!Number.isInteger(intensity) || intensity < 0) return fail(['invalid_intensity', intensity]);
    if (!Number.isInteger(period) || period <= 0) return fail(['invalid_period', period]);
    if (this.#maxChildren !== Number.POSITIVE_INFINITY && !(Number.isInteger(this.#maxChildren) && this.#maxChildren >= 0))
      return fail(['invalid_max_children', this.#maxChildren]);
    return ok(new Map());
  }

  async handleCall(request: Request, _from: unknown, children: Children): Promise<Next<Children>> {
    return reply(await this.#answer(request, children), children);
  }

  async #answer(request: Request, children: Children): Promise<unknown> {
    switch (request.op) {
      case 'start_child':
        return this.#start(request.spec, children);
      case 'terminate_child': {
        const child = children.get(request.pid);
        if (!child) return { error: 'not_found' };
        if (!child.restarting) await terminate(this.#self, child.spec, request.pid);
        children.delete(request.pid);
        return 'ok';
      }
      case 'which_children':
        return [...children.values()].map(
          ({ spec, pid, restarting }): ChildInfo => ({ id: undefined, pid: restarting ? 'restarting' : pid, type: spec.type ?? 'worker' }),
        );
      case 'count_children': {
        const all = [...children.values()];
        const supervisors = all.filter(({ spec }) => spec.type === 'supervisor').length;
        return {
          specs: all.length,
          active: all.filter(({ restarting }) => !restarting).length,
          supervisors,
          workers: all.length - supervisors,
        } satisfies Counts;
      }
    }
  }

  async #start(spec: ChildSpec, children: Children): Promise<Started | 'ignore'> {
    if (children.size >= this.#maxChildren) return { error: 'max_children' };
    const started = await start(this.#self, spec, this.#extra);
    if ('error' in started) supervisorReport(this.#self, 'start_error', started.error, { spec });
    else if (started.ok) children.set(started.ok, { spec, pid: started.ok, restarting: false });
    else return 'ignore';
    return started;
  }

  async handleCast({ tryAgain }: Retry, children: Children): Promise<Next<Children>> {
    const child = children.get(tryAgain);
    return child?.restarting ? this.#restart(tryAgain, child, children) : noreply(children);
  }

  async handleInfo(message: unknown, children: Children): Promise<Next<Children>> {
    if (!(message instanceof ExitMessage) || !message.from) return noreply(children);
    const { from, reason } = message;
    const child = children.get(from);
    if (!child || child.restarting) return noreply(children);
    const { restart = 'permanent' } = child.spec;
    if (restart === 'permanent' || isAbnormal(reason)) supervisorReport(this.#self, 'child_terminated', reason, child);
    if (restart === 'permanent' || (restart === 'transient' && isAbnormal(reason))) return this.#restart(from, child, children);
    children.delete(from);
    return noreply(children);
  }

  terminate(_reason: ExitReason, children: Children): Promise<void> {
    return terminateTogether(
      this.#self,
      [...children.values()].filter(({ restarting }) => !restarting),
    );
  }

  async #restart(old: Pid, child: Child, children: Children): Promise<Next<Children>> {
    if (!addRestart(this.#window, this.#self.clock.now(), this.#limit)) {
      supervisorReport(this.#self, 'shutdown', 'reached_max_restart_intensity', child);
      children.delete(old);
      return stop('shutdown', children);
    }
    const started = await start(this.#self, child.spec, this.#extra);
    if ('error' in started) {
      supervisorReport(this.#self, 'start_error', started.error, child);
      children.set(old, { ...child, restarting: true });
      cast<Retry>(this.#self, { tryAgain: old });
      return noreply(children);
    }
    children.delete(old);
    if (started.ok) children.set(started.ok, { spec: child.spec, pid: started.ok, restarting: false });
    return noreply(children);
  }
}
