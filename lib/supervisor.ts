/** A supervisor: starts its children in order, restarts them by its strategy, stops them in reverse (OTP 25: supervisor). */
import { type Ask, call, CastMessage } from './call.ts';
import type { Child, Started } from './child.ts';
import { type AutoShutdown, type ChildSpec, isObject, type Refusal, refuseChildren } from './child-spec.ts';
import { Children, type Strategy } from './children.ts';
import { type ExitReason, isAbnormal } from './exit.ts';
import { fail, type GenServer, ignore, type Init, type Next, noreply, ok, reply, startLink, stop } from './gen-server.ts';
import type { ChildInfo, Counts, Group, Request } from './group.ts';
import type { Pid, Process, SpawnOptions } from './process.ts';
import { supervisorReport } from './report.ts';
import { addRestart, emptyWindow, type Intensity } from './restart.ts';
import { ExitMessage } from './signal.ts';
import { type SimpleChild, SimpleChildren } from './simple-children.ts';
import type { StartResult } from './start.ts';

export interface Flags extends Partial<Intensity> {
  /** Default `one_for_one`. */
  readonly strategy?: Strategy | 'simple_one_for_one';
  /** Default 1 restart … */
  readonly intensity?: number;
  /** … within 5 seconds. */
  readonly period?: number;
  /** Whether the end of significant children ends the supervisor. Default `never`. */
  readonly autoShutdown?: AutoShutdown;
}
export interface SupervisorSpec {
  readonly flags: Flags;
  readonly children: readonly ChildSpec[];
}
export type Failed = { readonly error: unknown };

/**
 * Start a supervisor linked to `parent`, and its children from the first to the last.
 *
 * @param spec what to supervise, or a function that answers it, or `ignore`, when the supervisor starts.
 * @returns `{error: ['supervisor_data', fault]}` for bad flags, `{error: ['start_spec', fault]}` for a bad child spec (nothing was started then),
 *   `{error: ['shutdown', ['failed_to_start_child', id, reason]]}` when a child did not start; those before it have been stopped again.
 */
export const startSupervisor = (
  parent: Process,
  spec: SupervisorSpec | ((self: Process) => SupervisorSpec | 'ignore'),
  options: SpawnOptions = {},
): Promise<StartResult> => startLink(parent, new Supervisor(spec), { kind: 'supervisor', ...options });

const ask = <Reply>(supervisor: Pid, request: Request): Promise<Reply> => call(supervisor, request as Ask<Reply>, Number.POSITIVE_INFINITY);

/** Add a child. `{error: 'already_present'}`, `{error: ['already_started', pid]}`, or `{error: [reason, spec]}` when it did not start. */
export const startChild = (supervisor: Pid, spec: ChildSpec): Promise<Started> => ask(supervisor, { op: 'start_child', spec });
/** simple_one_for_one: one more child; `args` follow the parent in the call of its start function. */
export const startChildWith = (supervisor: Pid, ...args: readonly unknown[]): Promise<Started> => ask(supervisor, { op: 'start_child', args });
/** Stop a child, by id, or by Pid under simple_one_for_one. Its spec stays unless it is temporary. `{error: 'not_found'}`. */
export const terminateChild = (supervisor: Pid, id: unknown): Promise<'ok' | Failed> => ask(supervisor, { op: 'terminate_child', id });
/** Start a child that stands still. `{error: 'running' | 'restarting' | 'not_found'}`, or the start's own error. */
export const restartChild = (supervisor: Pid, id: unknown): Promise<Started> => ask(supervisor, { op: 'restart_child', id });
/** Forget the spec of a child that stands still. `{error: 'running' | 'restarting' | 'not_found'}`. */
export const deleteChild = (supervisor: Pid, id: unknown): Promise<'ok' | Failed> => ask(supervisor, { op: 'delete_child', id });
export const getChildspec = (supervisor: Pid, id: unknown): Promise<{ readonly ok: ChildSpec } | Failed> => ask(supervisor, { op: 'get_childspec', id });
/** Newest first. */
export const whichChildren = (supervisor: Pid): Promise<readonly ChildInfo[]> => ask(supervisor, { op: 'which_children' });
export const countChildren = (supervisor: Pid): Promise<Counts> => ask(supervisor, { op: 'count_children' });

type Retry = { readonly tryAgain: unknown };

class Supervisor implements GenServer<Group<Child | SimpleChild>, Request, Retry> {
  readonly #spec: SupervisorSpec | ((self: Process) => SupervisorSpec | 'ignore');
  readonly #window = emptyWindow();
  #limit: Intensity = { intensity: 1, period: 5 };
  #self!: Process;

  constructor(spec: SupervisorSpec | ((self: Process) => SupervisorSpec | 'ignore')) {
    this.#spec = spec;
  }

  async init(self: Process): Promise<Init<AnyGroup>> {
    this.#self = self;
    self.trapExit = true;
    const spec = typeof this.#spec === 'function' ? this.#spec(self) : this.#spec;
    if (spec === 'ignore') return ignore;
    if (!isObject(spec) || !('flags' in spec)) return fail(['bad_return', spec]);
    const { flags, children } = spec;
    if (!isObject(flags)) return fail(['supervisor_data', ['invalid_type', flags]]);
    const { strategy = 'one_for_one', intensity = 1, period = 5, autoShutdown = 'never' } = flags;
    const refusal = refuseFlags({ strategy, intensity, period, autoShutdown });
    if (refusal) return fail(['supervisor_data', refusal]);
    this.#limit = { intensity, period };
    if (!Array.isArray(children as unknown) || (strategy === 'simple_one_for_one' && children.length !== 1)) return fail(['bad_start_spec', children]);
    const bad = refuseChildren(children, autoShutdown);
    if (bad) return fail(['start_spec', bad]);
    if (strategy === 'simple_one_for_one') return ok(new SimpleChildren(self, children[0] as ChildSpec, autoShutdown)); // its only one
    const group = new Children(self, strategy, autoShutdown);
    const failed = await group.startAll(children);
    if (!failed) return ok(group);
    await group.terminateAll();
    return fail(['shutdown', ['failed_to_start_child', failed.id, failed.error]]);
  }

  handleCall(request: Request, _from: unknown, group: AnyGroup): Next<AnyGroup> | Promise<Next<AnyGroup>> {
    const answer = group.ask(request);
    return answer instanceof Promise ? answer.then((value) => reply(value, group)) : reply(answer, group);
  }

  /** try_again_restart: a restart that failed comes back through the mailbox, behind whatever waits there. */
  async handleCast({ tryAgain }: Retry, group: AnyGroup): Promise<Next<AnyGroup>> {
    const child = group.retrying(tryAgain);
    return child ? this.#restart(child, group) : noreply(group);
  }

  async handleInfo(message: unknown, group: AnyGroup): Promise<Next<AnyGroup>> {
    const child = message instanceof ExitMessage && message.from ? group.byPid(message.from) : undefined;
    return child ? this.#exited(child, (message as ExitMessage).reason, group) : noreply(group);
  }

  terminate(_reason: ExitReason, group: AnyGroup): Promise<void> {
    return group.terminateAll();
  }

  /** supervisor:do_restart/3. */
  async #exited(child: AnyChild, reason: ExitReason, group: AnyGroup): Promise<Next<AnyGroup>> {
    const { restart = 'permanent' } = child.spec;
    if (restart === 'permanent' || isAbnormal(reason)) supervisorReport(this.#self, 'child_terminated', reason, child);
    if (restart === 'permanent' || (restart === 'transient' && isAbnormal(reason))) return this.#restart(child, group);
    group.forget(child);
    return group.endsAll(child) ? stop('shutdown', group) : noreply(group);
  }

  /** supervisor:restart/2: count it, and give up when there are too many. */
  async #restart(child: AnyChild, group: AnyGroup): Promise<Next<AnyGroup>> {
    if (!addRestart(this.#window, this.#self.clock.now(), this.#limit)) {
      supervisorReport(this.#self, 'shutdown', 'reached_max_restart_intensity', child);
      group.forget(child);
      return stop('shutdown', group);
    }
    const again = await group.restart(child);
    if (again) this.#self.deliver(new CastMessage({ tryAgain: again.key } satisfies Retry)); // also into a mailbox that is full
    return noreply(group);
  }
}

type AnyChild = Child | SimpleChild;
type AnyGroup = Group<AnyChild>;

const STRATEGIES: readonly unknown[] = ['one_for_one', 'one_for_all', 'rest_for_one', 'simple_one_for_one'];
const AUTO_SHUTDOWNS: readonly unknown[] = ['never', 'any_significant', 'all_significant'];

/** supervisor:check_flags/1, in its order. */
function refuseFlags({ strategy, intensity, period, autoShutdown }: Required<Flags>): Refusal | undefined {
  if (!STRATEGIES.includes(strategy)) return ['invalid_strategy', strategy];
  if (!Number.isInteger(intensity) || intensity < 0) return ['invalid_intensity', intensity];
  if (!Number.isInteger(period) || period <= 0) return ['invalid_period', period];
  return AUTO_SHUTDOWNS.includes(autoShutdown) ? undefined : ['invalid_auto_shutdown', autoShutdown];
}
