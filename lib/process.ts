/**
 * A process: a runner with a name, links, monitors and timers. The only file that knows nact, which wakes and never carries: one nact
 * message when an idle process gets mail, and all mail that is there is handled in that turn.
 */
import { inspect } from 'node:util';
import nact from 'nact';
import { type Clock, checkDelay, isAmount, systemClock } from './clock.ts';
import { type ExitReason, NoProc } from './exit.ts';
import { type Behaviour, Runner } from './runner.ts';
import { DownMessage, ExitMessage, ExitSignal } from './signal.ts';
import { Listener, type Watcher, Watchers } from './watcher.ts';

export type { Behaviour };
/** What a process does first. It goes on with the behaviour that this answers, or ends `normal` when there is none. */
export type Body = (self: Process) => Behaviour | void | Promise<Behaviour | void>;

export interface SpawnOptions {
  /** For people: shown in the tree, in reports and in errors. */
  readonly name?: string;
  /** `gen_server`, `supervisor`, `task`, …: shown in the tree. */
  readonly kind?: string;
  /** Ends when its link does. */
  readonly link?: boolean;
  /** Default: the clock of the process that spawns. */
  readonly clock?: Clock;
  /** At most so many messages wait; `send`, `cast` and `call` are refused one more. Signals, DOWNs, timers and the like always fit. */
  readonly maxMailbox?: number;
}

const system = nact.start();
const alive = new Set<Process>();
let serial = 0;
let dispatched = 0;

/** A process as its own code sees it; to all others it is a `Pid`. What it does once it is dead has no effect. */
export class Process extends Runner {
  readonly id = ++serial;
  readonly name: string;
  readonly kind: string;
  readonly clock: Clock;
  /** Whoever spawned it with a link; `undefined` for one that stands alone. */
  readonly parent: Process | undefined;
  /** True: exits of linked processes come as `ExitMessage`s; false: an abnormal one ends this process too. */
  trapExit = false;
  readonly startedMs: number;
  /** The reason that it ended with, once it has. */
  exitReason: ExitReason;
  /** How often its supervisor has started it anew, and what the incarnation before this one ended with. */
  restarts = 0;
  lastExit: ExitReason;
  readonly #maxMailbox: number;
  /** Made when it is first woken: one that is started and has nothing to do needs none. */
  #ref: nact.Ref<undefined> | undefined;
  #alive = true;
  #links: Set<Process> | undefined;
  #watchers: Watchers | undefined;
  #timers: Set<() => void> | undefined;
  #abort: AbortController | undefined;

  /** It has no turn yet: `wake` asks for the first one, `turn` gives it. */
  constructor(body: Body, parent: Process | undefined, options: SpawnOptions) {
    if (parent && !parent.isAlive) throw new NoProc(`${parent.name || parent.id} has ended and cannot spawn`);
    super(() => body(this));
    this.name = options.name ?? '';
    this.kind = options.kind ?? 'process';
    this.clock = options.clock ?? parent?.clock ?? systemClock;
    this.startedMs = this.clock.now();
    this.parent = options.link ? parent : undefined;
    const { maxMailbox = Number.POSITIVE_INFINITY } = options;
    if (!isAmount(maxMailbox)) throw new RangeError(`maxMailbox must be a number from 0 on, not ${inspect(maxMailbox)}`);
    this.#maxMailbox = maxMailbox;
    if (options.link && parent) this.#join(parent);
    alive.add(this);
  }

  get isAlive(): boolean {
    return this.#alive;
  }
  get links(): readonly Process[] {
    return [...(this.#links ?? [])];
  }
  /** Those that it has spawned with a link and that are still linked. */
  get children(): readonly Process[] {
    return this.links.filter(({ parent }) => parent === this);
  }
  /** Aborted when the process ends, killed or not. Pass it to every socket, request and timer. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (!this.#alive) this.#abort.abort();
    return this.#abort.signal;
  }

  /** Put a message of somebody's into the mailbox. False when it was not taken: the process is gone or its mailbox full. */
  post(message: unknown): boolean {
    return this.queueLength < this.#maxMailbox && this.deliver(message);
  }

  /** Let `watcher` hear of this process's end, at that very moment and before anybody reacts to it. */
  watch(watcher: Watcher): void {
    if (!this.#alive) return;
    this.#watchers ??= new Watchers();
    watcher.join(this.#watchers);
  }
  /** The same by a function, which may only take note. Answers how to stop hearing. */
  onExit(listener: (reason: ExitReason) => void): () => void {
    const watcher = new Listener(listener);
    this.watch(watcher);
    return () => watcher.leave();
  }

  send(to: Process, message: unknown): boolean {
    return this.#alive && to.post(message);
  }

  /** `erlang:exit/2`: ask a process to exit; `'kill'` cannot be trapped. One to itself has done its work when this returns. */
  exit(to: Process, reason: ExitReason): void {
    if (!this.#alive) return;
    to.deliverExit(new ExitSignal(this, reason, false));
    if (to === this) this.applySignals();
  }

  /** @throws NoProc when this process has ended. */
  spawn(body: Body, options: SpawnOptions = {}): Process {
    const child = new Process(body, this, options);
    child.wake();
    return child;
  }

  /** @throws NoProc when `other` is gone and this process does not trap exits; when it does, an `ExitMessage` comes instead. */
  link(other: Process): void {
    if (!this.#alive || other === this) return;
    if (other.isAlive) this.#join(other);
    else if (this.trapExit) this.deliver(new ExitMessage(other, 'noproc'));
    else throw new NoProc(other.name || String(other.id));
  }

  unlink(other: Process): void {
    this.#links?.delete(other);
    other.#links?.delete(this);
  }

  /** A `DownMessage` comes when `other` ends, at once when it is gone. Answers the reference; `demonitor` takes it. */
  monitor(other: Process): DownMessage {
    const down = new DownMessage(other, this);
    if (!this.#alive) return down;
    if (other.isAlive) other.watch(down);
    else down.ended('noproc');
    return down;
  }

  /** Stop monitoring; a `DownMessage` that lies in the mailbox is taken out (`[flush]`). */
  demonitor(down: DownMessage): void {
    down.leave();
    this.take((message) => message === down);
  }

  /** A message to oneself, `delayMs` from now. It dies with the process. Answers how to cancel it. */
  sendAfter(delayMs: number, message: unknown): () => void {
    return this.after(delayMs, () => this.deliver(message));
  }

  /** It takes the place of `former`, which has ended: a supervisor has started it anew. */
  succeed(former: Process): void {
    this.restarts = former.restarts + 1;
    this.lastExit = former.exitReason;
  }

  /** End now, in one step: nobody else runs before all who are linked or watching have it in their mailboxes. */
  die(reason: ExitReason): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.exitReason = reason;
    alive.delete(this);
    if (this.#ref) nact.stop(this.#ref);
    if (this.turnDue) dispatched--; // nact drops the turn that was due
    this.turnDue = false;
    this.silence();
    for (const cancel of this.#timers ?? []) cancel();
    for (const other of this.#links ?? []) other.deliverExit(new ExitSignal(this, reason, true)); // before a DOWN, as Erlang's do
    this.#watchers?.ended(reason);
    this.#timers = this.#watchers = this.#links = undefined;
    this.#abort?.abort();
  }

  #join(other: Process): void {
    this.#links = (this.#links ?? new Set()).add(other);
    other.#links = (other.#links ?? new Set()).add(this);
  }

  protected after(delayMs: number, fire: () => void): () => void {
    checkDelay(delayMs);
    if (!this.#alive || delayMs === Number.POSITIVE_INFINITY) return () => {};
    this.#timers ??= new Set();
    const timers = this.#timers;
    const stop = this.clock.setTimer(delayMs, () => {
      timers.delete(cancel);
      fire();
    });
    const cancel = (): void => {
      timers.delete(cancel);
      stop();
    };
    timers.add(cancel);
    return cancel;
  }

  wake(): void {
    if (this.turnDue) return;
    this.turnDue = true;
    dispatched++;
    this.#ref ??= nact.spawn(system, this.#due.bind(this), `p${this.id}`);
    nact.dispatch(this.#ref, undefined);
  }

  #due(): void {
    dispatched--;
    this.turnDue = false;
    this.turn();
  }

  /** Reference manual, "Receiving Exit Signals": `kill` ends, `normal` from another does nothing, a trapped one becomes a message. */
  protected judge({ from, reason, linked }: ExitSignal): ExitMessage | 'drop' | 'fatal' {
    if (linked && !(from && this.#links?.delete(from))) return 'drop'; // it has unlinked meanwhile
    if (reason === 'kill' && !linked) return 'fatal';
    if (this.trapExit) return new ExitMessage(from, reason);
    return reason === 'normal' && from !== this ? 'drop' : 'fatal';
  }
}

/** A process as others see it: something to send to, to monitor, to exit. It is an incarnation: a restart makes another. */
export type Pid = Process;

/** Start a process that nobody is linked to. */
export function spawn(body: Body, options: SpawnOptions = {}): Pid {
  const process = new Process(body, undefined, options);
  process.wake();
  return process;
}

/** `erlang:exit/2` from outside any process. */
export const exit = (pid: Pid, reason: ExitReason): void => pid.deliverExit(new ExitSignal(undefined, reason, false));

/** Every living process. */
export const processes = (): IterableIterator<Process> => alive.values();

/** Processes that wait for their turn: 0, seen between two turns of the event loop, means that all is quiet but for timers. */
export const runQueue = (): number => dispatched;
