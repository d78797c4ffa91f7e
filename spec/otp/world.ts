/** What is known of a running scenario: who was started under which name, who is alive, and what has happened, in order. */
import type { ExitReason } from '../../lib/exit.ts';
import { exit, type Process, runQueue, spawn } from '../../lib/process.ts';
import type { ExitSignal } from '../../lib/signal.ts';
import type { Json } from './scenario.ts';
import { encode } from './terms.ts';
import { VirtualClock } from './virtual-clock.ts';

export type Kind = 'worker' | 'sup' | 'simple';

/** One start of a path, from the moment its init has begun. */
export interface Instance {
  readonly name: string;
  readonly path: string;
  readonly n: number;
  readonly kind: Kind;
  readonly pid: Process;
  /** The supervisor that it was started by. */
  readonly parent: Instance | undefined;
}

/** An event, or something that has no event but bears on the order of events. */
export type Happening =
  /** `left`: the living children that a supervisor leaves behind when it dies. */
  | { readonly what: 'event'; readonly of: Instance; readonly event: readonly Json[]; readonly left: readonly Instance[] }
  /** A process of no instance did something (`nostart`). */
  | { readonly what: 'note'; readonly under: Instance | undefined; readonly event: readonly Json[] }
  /** A supervisor asks a child to exit; `among` so many living ones. */
  | { readonly what: 'signal'; readonly by: Instance; readonly to: Instance; readonly among: number };

export class World {
  readonly clock = new VirtualClock(7_000_300);
  readonly root: Process;
  /** The reason of the newest `top`'s end. */
  topDown: { readonly reason: ExitReason } | undefined;
  readonly #starts = new Map<string, number>();
  readonly #byName = new Map<string, Instance>();
  readonly #byPid = new Map<Process, Instance>();
  /** In the order of their starts. */
  readonly #alive = new Set<Instance>();
  #log: Happening[] = [];

  constructor() {
    const obey = (message: unknown): void | Promise<void> => (typeof message === 'function' ? message() : undefined);
    const behave = (self: Process): typeof obey => {
      self.trapExit = true;
      return obey;
    };
    this.root = spawn(behave, { name: 'root', clock: this.clock });
  }

  /** The number of the start of `path` that begins now. */
  next(path: string): number {
    const n = (this.#starts.get(path) ?? 0) + 1;
    this.#starts.set(path, n);
    return n;
  }

  /** The init of `pid` has begun. */
  started(pid: Process, path: string, n: number, kind: Kind): void {
    const parent = pid.parent && this.#byPid.get(pid.parent);
    const one: Instance = { name: `${path}#${n}`, path, n, kind, pid, parent };
    this.#byName.set(one.name, one);
    this.#byPid.set(pid, one);
    this.#alive.add(one);
    if (path === 'top') this.topDown = undefined;
    this.#event(one, ['start', one.name]);
    if (parent) this.#watchSignals(one, parent);
    pid.onExit((reason) => {
      this.#alive.delete(one);
      if (path === 'top') this.topDown = { reason };
      this.#event(one, ['down', one.name, this.encode(reason)], this.#childrenOf(one));
    });
  }

  /** The start function of `path#n` has run and made no process. */
  notStarted(by: Process, path: string, n: number): void {
    this.#log.push({ what: 'note', under: this.#byPid.get(by), event: ['nostart', `${path}#${n}`] });
  }

  /** `terminate` of a worker was entered. */
  terminating(pid: Process, reason: ExitReason): void {
    const of = this.#byPid.get(pid);
    if (of) this.#event(of, ['term', of.name, this.encode(reason)]);
  }

  /** A worker handled an `ExitMessage`. */
  exitMessage(pid: Process, from: Process | undefined, reason: ExitReason): void {
    const of = this.#byPid.get(pid);
    if (of) this.#event(of, ['exit_msg', of.name, from ? this.nameOf(from) : '?', this.encode(reason)]);
  }

  /** `path` names the newest living instance, `path#n` exactly that one, dead or alive. */
  resolve(path: string): Instance | undefined {
    if (path.includes('#')) return this.#byName.get(path);
    return [...this.#alive].findLast((one) => one.path === path);
  }

  /** The living ones, in the order of their starts. */
  get alive(): readonly Instance[] {
    return [...this.#alive];
  }

  /** What has happened since this was asked the last time. */
  take(): readonly Happening[] {
    const log = this.#log;
    this.#log = [];
    return log;
  }

  readonly nameOf = (pid: Process): string => (pid === this.root ? 'root' : (this.#byPid.get(pid)?.name ?? '?'));
  encode(term: unknown): Json {
    return encode(term, this.nameOf);
  }

  /** Let everybody run until all is quiet; time passes only when nobody can do anything without it. */
  async quiet(): Promise<void> {
    for (let turns = 0; turns < 10_000; turns++) {
      await new Promise((resolve) => setImmediate(resolve));
      if (runQueue() === 0 && !this.clock.advance()) return;
    }
    throw new Error('this scenario never becomes quiet');
  }

  /** End everything that is left. */
  async close(): Promise<void> {
    while (this.#alive.size > 0) {
      for (const { pid } of this.#alive) {
        pid.resume();
        exit(pid, 'kill');
      }
      await this.quiet();
    }
    exit(this.root, 'kill');
    await this.quiet();
  }

  #childrenOf(parent: Instance): Instance[] {
    return this.alive.filter((one) => one.parent === parent);
  }

  #event(of: Instance, event: readonly Json[], left: readonly Instance[] = []): void {
    this.#log.push({ what: 'event', of, event, left });
  }

  /** No event tells when a supervisor signals its children, and the order of events depends on it; so the signal itself is watched. */
  #watchSignals(one: Instance, parent: Instance): void {
    const { pid } = one;
    const deliver = pid.deliverExit.bind(pid);
    pid.deliverExit = (signal: ExitSignal): void => {
      const heard = pid.isAlive && signal.from === parent.pid && !signal.linked;
      if (heard) this.#log.push({ what: 'signal', by: parent, to: one, among: this.#childrenOf(parent).length });
      deliver(signal);
    };
  }
}
