/** The children of a simple_one_for_one supervisor: any number of one spec, told apart by their Pids. */
import { fullSpec, type Started, startChild, terminateChild } from './child.ts';
import type { AutoShutdown, ChildSpec } from './child-spec.ts';
import type { ChildInfo, Counts, Group, Request, TryAgain } from './group.ts';
import { type Pid, Process } from './process.ts';
import { supervisorReport } from './report.ts';
import { terminateTogether } from './together.ts';

/** One of them. `key` is its Pid, or, while it is restarting, the Pid that it had. */
export interface SimpleChild {
  readonly spec: ChildSpec;
  readonly key: Pid | undefined;
  readonly restarting: boolean;
  readonly args: readonly unknown[];
}

/** What OTP answers to a spec, which it cannot append to the arguments of the start function. */
class BadArg extends Error {
  override readonly name = 'BadArg';
  readonly reason = 'badarg';
}

export class SimpleChildren implements Group<SimpleChild> {
  readonly #self: Process;
  readonly #template: ChildSpec;
  readonly #autoShutdown: AutoShutdown;
  readonly #children = new Map<Pid | undefined, SimpleChild>();
  /** OTP counts these apart, and forgets to count one off that is terminated while restarting (`dynamic_restarts`). */
  #restarts = 0;

  constructor(self: Process, template: ChildSpec, autoShutdown: AutoShutdown) {
    this.#self = self;
    this.#template = template;
    this.#autoShutdown = autoShutdown;
  }

  ask(request: Request): unknown {
    switch (request.op) {
      case 'start_child':
        return request.args ? this.#add(request.args) : { error: ['EXIT', new BadArg('arguments are wanted here, and no spec')] };
      case 'which_children':
        return this.#which();
      case 'count_children':
        return this.#count();
      case 'restart_child':
      case 'delete_child':
        return { error: 'simple_one_for_one' };
      case 'terminate_child': {
        if (!(request.id instanceof Process)) return { error: 'simple_one_for_one' };
        const child = this.#children.get(request.id);
        if (child) return this.#terminate(child);
        return request.id.isAlive ? { error: 'not_found' } : 'ok'; // any dead Pid will do
      }
      case 'get_childspec': {
        const { id } = request;
        const known = id instanceof Process ? this.#children.has(id) || !id.isAlive : id === this.#template.id;
        return known ? { ok: fullSpec(this.#template) } : { error: 'not_found' };
      }
    }
  }

  byPid(pid: Pid): SimpleChild | undefined {
    const child = this.#children.get(pid);
    return child?.restarting ? undefined : child;
  }
  retrying(key: unknown): SimpleChild | undefined {
    const child = this.#children.get(key as Pid | undefined);
    return child?.restarting ? child : undefined;
  }

  forget(child: SimpleChild): void {
    this.#children.delete(child.key);
  }

  endsAll(child: SimpleChild): boolean {
    if (this.#autoShutdown === 'never' || !child.spec.significant) return false;
    return this.#autoShutdown === 'any_significant' || this.#children.size === 0;
  }

  /** supervisor:restart(simple_one_for_one, …): the new process has a new entry; a failed one waits under the Pid that it had. */
  async restart(child: SimpleChild): Promise<TryAgain> {
    if (child.restarting) this.#restarts--;
    this.#children.delete(child.key);
    const started = await startChild(this.#self, child.spec, child.args);
    if (!('error' in started)) {
      if (started.ok && child.key) started.ok.succeed(child.key);
      this.#children.set(started.ok, { ...child, key: started.ok, restarting: false }); // `ignore` leaves an entry without a Pid, as in OTP
      return undefined;
    }
    this.#restarts++;
    this.#children.set(child.key, { ...child, restarting: true });
    supervisorReport(this.#self, 'start_error', started.error, child);
    return { key: child.key };
  }

  terminateAll(): Promise<void> {
    return terminateTogether(
      this.#self,
      [...this.#children.values()].filter(({ restarting }) => !restarting).map(({ spec, key }) => ({ spec, pid: key })),
    );
  }

  async #add(args: readonly unknown[]): Promise<Started> {
    const spec = this.#template;
    const started = await startChild(this.#self, spec, args);
    if ('ok' in started && started.ok) this.#children.set(started.ok, { spec, key: started.ok, restarting: false, args });
    return started;
  }

  async #terminate(child: SimpleChild): Promise<'ok'> {
    if (child.key && !child.restarting) await terminateChild(this.#self, child.spec, child.key);
    this.forget(child);
    return 'ok';
  }

  #which(): ChildInfo[] {
    const type = this.#template.type ?? 'worker';
    return [...this.#children.values()].map(({ key, restarting }) => ({ id: undefined, pid: restarting ? 'restarting' : key, type }));
  }

  #count(): Counts {
    const all = this.#children.size;
    const supervisors = this.#template.type === 'supervisor' ? all : 0;
    return { specs: 1, active: all - this.#restarts, supervisors, workers: all - supervisors };
  }
}
