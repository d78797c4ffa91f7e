/** Any number of children, each of its own spec, started on demand and in no order (Elixir 1.14: DynamicSupervisor). */
import { type Ask, call, CastMessage } from './call.ts';
import { type Child, type Started, startChild as start, terminateChild as terminate } from './child.ts';
import { type ChildSpec, isObject, type Refusal, refuseChild } from './child-spec.ts';
import { type ExitReason, isAbnormal, reasonOf } from './exit.ts';
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

/** Start one without children, linked to `parent`. `{error: ['supervisor_data', fault]}` for bad flags. */
export const startDynamicSupervisor = (parent: Process, flags: DynamicFlags = {}, options: SpawnOptions = {}): Promise<StartResult> =>
  startLink(parent, new DynamicSupervisor(flags), { kind: 'supervisor', ...options });

/** Start one more child. `{error: 'max_children'}`, the start's own error, or the fault of the spec. */
export function startDynamicChild(supervisor: Pid, spec: ChildSpec): Promise<Started | 'ignore'> {
  const refusal = refuseChild(spec, 'never'); // in the caller, as in Elixir: a bad spec never reaches the supervisor
  return refusal ? Promise.resolve({ error: refusal }) : ask(supervisor, { op: 'start_child', spec });
}
/** Stop a child for good, whatever its restart type. */
export const terminateDynamicChild = (supervisor: Pid, pid: Pid): Promise<'ok' | { readonly error: 'not_found' }> =>
  ask(supervisor, { op: 'terminate_child', pid });
export const whichDynamicChildren = (supervisor: Pid): Promise<readonly ChildInfo[]> => ask(supervisor, { op: 'which_children' });
export const countDynamicChildren = (supervisor: Pid): Promise<Counts> => ask(supervisor, { op: 'count_children' });

type Children = Map<Pid, Child>;

const isCount = (value: number): boolean => Number.isInteger(value) && value >= 0;
/** DynamicSupervisor.start_child/3: what a start function throws is its error as it stands, where supervisor marks it as an `EXIT`. */
const plainly = (thrown: unknown): StartResult => ({ error: reasonOf(thrown) });

class DynamicSupervisor implements GenServer<Children, Request, Retry> {
  readonly #flags: DynamicFlags;
  readonly #limit: { readonly intensity: number; readonly period: number };
  readonly #maxChildren: number;
  readonly #extra: readonly unknown[];
  readonly #window = emptyWindow();
  #self!: Process;

  constructor(flags: DynamicFlags) {
    const given = isObject(flags) ? flags : {};
    const { maxRestarts = 3, maxSeconds = 5, maxChildren = Number.POSITIVE_INFINITY, extraArguments = [] } = given;
    this.#flags = flags;
    this.#limit = { intensity: maxRestarts, period: maxSeconds };
    this.#maxChildren = maxChildren;
    this.#extra = extraArguments;
  }

  init(self: Process): Init<Children> {
    this.#self = self;
    self.trapExit = true;
    const refusal = this.#refuseFlags();
    return refusal ? fail(['supervisor_data', refusal]) : ok(new Map());
  }

  /** DynamicSupervisor.init/2, in its order; the faults have OTP's names. */
  #refuseFlags(): Refusal | undefined {
    if (!isObject(this.#flags)) return ['invalid_type', this.#flags];
    const { intensity, period } = this.#limit;
    if (!isCount(intensity)) return ['invalid_intensity', intensity];
    if (!isCount(period) || period === 0) return ['invalid_period', period];
    if (this.#maxChildren !== Number.POSITIVE_INFINITY && !isCount(this.#maxChildren)) return ['invalid_max_children', this.#maxChildren];
    return Array.isArray(this.#extra) ? undefined : ['invalid_extra_arguments', this.#extra];
  }

  handleCall(request: Request, _from: unknown, children: Children): Next<Children> | Promise<Next<Children>> {
    switch (request.op) {
      case 'start_child':
        return this.#start(request.spec, children);
      case 'terminate_child':
        return this.#terminate(request.pid, children);
      case 'which_children':
        return reply([...children.values()].map(infoOf), children);
      case 'count_children':
        return reply(countOf([...children.values()]), children);
    }
  }

  async #start(spec: ChildSpec, children: Children): Promise<Next<Children>> {
    if (children.size >= this.#maxChildren) return reply({ error: 'max_children' }, children);
    const started = await start(this.#self, spec, this.#extra, plainly);
    if ('error' in started) return reply(started, children);
    if (!started.ok) return reply('ignore', children);
    children.set(started.ok, { spec, pid: started.ok, restarting: false });
    return reply(started, children);
  }

  async #terminate(pid: Pid, children: Children): Promise<Next<Children>> {
    const child = children.get(pid);
    if (!child) return reply({ error: 'not_found' }, children);
    if (!child.restarting) await terminate(this.#self, child.spec, pid);
    children.delete(pid);
    return reply('ok', children);
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
    const started = await start(this.#self, child.spec, this.#extra, plainly);
    if ('error' in started) {
      supervisorReport(this.#self, 'start_error', started.error, child);
      children.set(old, { ...child, restarting: true });
      this.#self.deliver(new CastMessage({ tryAgain: old } satisfies Retry)); // also into a mailbox that is full
      return noreply(children);
    }
    children.delete(old);
    started.ok?.succeed(old);
    if (started.ok) children.set(started.ok, { spec: child.spec, pid: started.ok, restarting: false });
    return noreply(children);
  }
}

const infoOf = ({ spec, pid, restarting }: Child): ChildInfo => ({ id: undefined, pid: restarting ? 'restarting' : pid, type: spec.type ?? 'worker' });

function countOf(all: readonly Child[]): Counts {
  const supervisors = all.filter(({ spec }) => spec.type === 'supervisor').length;
  return { specs: all.length, active: all.filter(({ restarting }) => !restarting).length, supervisors, workers: all.length - supervisors };
}
