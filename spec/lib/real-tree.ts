/** A tree of trees.ts on `lib/`, on a clock that stands still. It writes down who starts and who ends, and starts go as a script says. */
import { type Ask, cast, type ServerRef } from '../../lib/call.ts';
import type { ChildSpec } from '../../lib/child-spec.ts';
import * as dynamic from '../../lib/dynamic-supervisor.ts';
import { Exit } from '../../lib/exit.ts';
import { fail, type GenServer, ignore, type Init, type Next, noreply, ok, reply, startLink, stop } from '../../lib/gen-server.ts';
import { exit, Process, processes, runQueue, type SpawnOptions, spawn } from '../../lib/process.ts';
import { isStarted, type StartResult } from '../../lib/start.ts';
import * as supervisor from '../../lib/supervisor.ts';
import { CountingClock } from './counting-clock.ts';
import { LATE_MS, type Spec, START_MS } from './trees.ts';

export type Op = 'start' | 'terminate' | 'restart' | 'delete' | 'which' | 'count';
/** Where somebody else may come first; `label` says who waits there. */
export type Gate = (label: string) => Promise<unknown>;
/** What a worker can be asked: to say its name, to say nothing, to crash. */
export interface Question extends Ask<string> {
  readonly to: 'answer' | 'be silent' | 'crash';
}
/** A process that has begun, alive or not. */
export interface Instance {
  readonly name: string;
  readonly path: string;
  readonly spec: Spec;
  readonly pid: Process;
}

export class RealTree {
  readonly clock = new CountingClock(START_MS);
  readonly root: Process;
  /** How the next starts of a path go: well, or with `ignore`, or with an error. */
  readonly script = new Map<string, (string | undefined)[]>();
  readonly instances = new Map<string, Instance>();
  readonly log: (readonly [what: 'start' | 'down', name: string, reason?: unknown])[] = [];
  readonly gate: Gate | undefined;
  readonly #starts = new Map<string, number>();

  /** @param gate every init and every terminate of a worker goes through it. */
  constructor(gate?: Gate) {
    this.gate = gate;
    this.root = obedient({ name: 'root', clock: this.clock });
  }

  /** Start `spec` under root. */
  async start(spec: Spec): Promise<unknown> {
    const result = await new Promise<StartResult>((resolve) => {
      this.root.deliver(async () => resolve(await this.#start(this.root, spec.id, spec)));
    });
    return plain(result === 'ignore' ? { ok: undefined } : result);
  }

  /** @param child an id, or a process under a supervisor whose children have no ids. */
  async ask(name: string, op: Op, child?: string | Process, spec?: Spec): Promise<unknown> {
    return plain(await this.#ask(this.instance(name), op, child, spec));
  }

  instance(name: string): Instance {
    const one = this.instances.get(name);
    if (!one) throw new Error(`${name} has never been started`);
    return one;
  }
  get alive(): string[] {
    return [...processes()].flatMap(({ clock, name }) => (clock === this.clock && name !== 'root' ? [name] : []));
  }

  /** Let everybody run until nobody can do anything; time passes when nobody can do anything without it. */
  async quiet(): Promise<void> {
    for (let turns = 0; turns < 10_000; turns++) {
      await new Promise((resolve) => setImmediate(resolve));
      if (runQueue() === 0 && !this.clock.advance()) return;
    }
    throw new Error('this tree never becomes quiet');
  }

  /** End whatever is left. */
  async close(): Promise<void> {
    for (let left = [this.root]; left.length > 0; left = [...processes()].filter(({ clock }) => clock === this.clock)) {
      for (const pid of left) {
        pid.resume();
        exit(pid, 'kill');
      }
      await this.quiet();
    }
  }

  #ask({ pid, path, spec: { sup } }: Instance, op: Op, child: string | Process | undefined, spec: Spec | undefined): Promise<unknown> {
    const isDynamic = sup?.strategy === 'dynamic';
    if (op === 'which') return isDynamic ? dynamic.whichDynamicChildren(pid) : supervisor.whichChildren(pid);
    if (op === 'count') return isDynamic ? dynamic.countDynamicChildren(pid) : supervisor.countChildren(pid);
    if (op === 'start' && spec) {
      if (sup?.strategy === 'simple_one_for_one') return supervisor.startChildWith(pid, spec.id);
      return isDynamic ? dynamic.startDynamicChild(pid, this.#childSpec(path, spec)) : supervisor.startChild(pid, this.#childSpec(path, spec));
    }
    if (op === 'terminate' && isDynamic && child instanceof Process) return dynamic.terminateDynamicChild(pid, child);
    if (op === 'terminate') return supervisor.terminateChild(pid, child);
    return op === 'restart' ? supervisor.restartChild(pid, child) : supervisor.deleteChild(pid, child);
  }

  #childSpec(path: string, spec: Spec): ChildSpec {
    const { id, restart, significant, stops, sup } = spec;
    const start: ChildSpec['start'] = (parent, key = id) => this.#start(parent, `${path}/${key}`, spec);
    const shutdown = stops === 'late' ? { shutdown: LATE_MS } : stops === 'brutally' ? { shutdown: 'brutal_kill' as const } : {};
    return { id, restart, significant, type: sup ? 'supervisor' : 'worker', start, ...shutdown };
  }

  async #start(parent: Process, path: string, spec: Spec): Promise<StartResult> {
    const n = (this.#starts.get(path) ?? 0) + 1;
    this.#starts.set(path, n);
    const name = `${path}#${n}`;
    const fault = this.script.get(path)?.shift();
    const begun = (pid: Process): void => this.#begun({ name, path, spec, pid });
    const { sup } = spec;
    if (!sup) return startLink(parent, new Worker(this, spec, fault, begun), { name });
    const { strategy, intensity, period, autoShutdown, template } = sup;
    if (strategy === 'dynamic') {
      if (fault !== undefined) return this.#stillborn(fault, begun);
      const result = await dynamic.startDynamicSupervisor(parent, { maxRestarts: intensity, maxSeconds: period }, { name });
      if (isStarted(result)) begun(result.ok);
      return result;
    }
    const init = (self: Process): supervisor.SupervisorSpec | 'ignore' => {
      begun(self);
      if (fault === 'ignore') return fault;
      if (fault !== undefined) throw new Exit(fault);
      const children = (template ? [template] : sup.children).map((one) => this.#childSpec(path, one));
      return { flags: { strategy, intensity, period, autoShutdown }, children };
    };
    return supervisor.startSupervisor(parent, init, { name });
  }

  #begun(one: Instance): void {
    this.instances.set(one.name, one);
    this.log.push(['start', one.name]);
    one.pid.onExit((reason) => this.log.push(['down', one.name, reason]));
  }

  /** A DynamicSupervisor has no init that could fail; another process dies in its place. */
  #stillborn(fault: string, begun: (pid: Process) => void): StartResult {
    const pid = spawn(() => {}, { clock: this.clock });
    begun(pid);
    pid.die(fault === 'ignore' ? 'normal' : fault);
    return fault === 'ignore' ? fault : { error: fault };
  }
}

class Worker implements GenServer<null, Question, unknown> {
  readonly #tree: RealTree;
  readonly #spec: Spec;
  readonly #fault: string | undefined;
  readonly #begun: (pid: Process) => void;
  #self!: Process;
  #endsItself = false;

  constructor(tree: RealTree, spec: Spec, fault: string | undefined, begun: (pid: Process) => void) {
    this.#tree = tree;
    this.#spec = spec;
    this.#fault = fault;
    this.#begun = begun;
  }

  init(self: Process): Init<null> | Promise<Init<null>> {
    this.#self = self;
    self.trapExit = this.#spec.traps || this.#spec.stops === 'late';
    this.#begun(self);
    const fault = this.#fault;
    const result = fault === undefined ? ok(null) : fault === 'ignore' ? ignore : fail(fault);
    return this.#tree.gate?.(`init of ${self.name}`).then(() => result) ?? result;
  }

  /** A cast is the reason to end with. */
  handleCast(reason: unknown): Next<null> {
    this.#endsItself = true;
    return stop(reason, null);
  }

  handleCall({ to }: Question): Next<null> {
    this.#endsItself = to === 'crash';
    if (to === 'crash') return stop('crash', null);
    return to === 'answer' ? reply(this.#self.name, null) : noreply(null);
  }

  async terminate(reason: unknown): Promise<void> {
    if (this.#tree.gate) await this.#tree.gate(`end of ${this.#self.name}`);
    if (this.#spec.stops === 'late' && reason === 'shutdown' && !this.#endsItself) await new Promise(() => {});
  }
}

/** A process that does what it is sent, and lives on when those end that it is linked to. */
export function obedient(options: SpawnOptions): Process {
  const obey = (message: unknown): void | Promise<void> => (typeof message === 'function' ? message() : undefined);
  const trapping = (self: Process): typeof obey => {
    self.trapExit = true;
    return obey;
  };
  return spawn(trapping, options);
}

/** A worker ends by itself, unless it is to be killed; a supervisor gets an exit signal from somebody. */
export const crash = ({ pid, spec }: Instance, reason: unknown): void => {
  if (reason === 'kill' || spec.sup) exit(pid, reason);
  else cast(pid as ServerRef<never, unknown>, reason); // a Worker, which takes any reason
};

/** An answer as plain data: processes by name, the spec in an error by its id. */
export function plain(term: unknown): unknown {
  if (Array.isArray(term)) return term.map(plain);
  if (typeof term !== 'object' || term === null) return term;
  if ('name' in term) return term.name;
  if ('start' in term && 'id' in term) return term.id;
  if ('type' in term && 'id' in term && 'pid' in term) return [term.id, plain(term.pid)];
  return Object.fromEntries(Object.entries(term).map(([key, value]) => [key, plain(value)]));
}
