/**
 * A process: a mailbox, links, monitors and a turn now and then. The only file that knows nact, which wakes and never carries:
 * one nact message when an idle process gets mail, and all mail that is there is handled in that turn, within a budget.
 *
 * A signal is never applied by the one who sends it. It lies in the receiver's mailbox in sending order, and the receiver
 * applies it in its own turn, also while a handler of it is still awaiting something.
 */
import nact from 'nact';
import { type Clock, systemClock } from './clock.ts';
import { type ExitReason, NoProc, reasonOf } from './exit.ts';
import { Mailbox } from './mailbox.ts';
import { DownMessage, ExitMessage, ExitSignal } from './signal.ts';

/** Handles one message. While its promise is pending the process takes no other. What it throws ends the process. */
export type Behaviour = (message: unknown) => void | Promise<void>;
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
  /** At most so many messages wait; `send` answers false for one more. Signals always fit. */
  readonly maxMailbox?: number;
}

/** Messages that one process may handle before the others get their turn. */
const BUDGET = 1_000;
const system = nact.start();
const alive = new Set<Process>();
let serial = 0;
let dispatched = 0;

interface Waiter {
  readonly match: (message: unknown) => boolean;
  readonly resolve: (message: unknown) => void;
  readonly cancel: () => void;
}

/** A process as its own code sees it; to all others it is a `Pid`. What it does once it is dead has no effect. */
export class Process {
  readonly id = ++serial;
  readonly name: string;
  readonly kind: string;
  readonly clock: Clock;
  /** Whoever spawned it with a link; `undefined` for one that stands alone. */
  readonly parent: Process | undefined;
  /** True: exits of linked processes come as `ExitMessage`s; false: an abnormal one ends this process too. */
  trapExit = false;
  readonly startedMs: number;
  handled = 0;
  busyMs = 0;
  /** The reason that it ended with, once it has. */
  exitReason: ExitReason;
  readonly #mail: Mailbox;
  readonly #ref: nact.Ref<undefined>;
  #body: Body | undefined;
  #behaviour: Behaviour | undefined;
  #alive = true;
  #dispatched = false;
  #running = false;
  #busy = false;
  #suspended = false;
  #left = 0;
  #waiter: Waiter | undefined;
  #links: Set<Process> | undefined;
  #watchers: Set<(reason: ExitReason) => void> | undefined;
  #timers: Set<() => void> | undefined;
  #abort: AbortController | undefined;

  constructor(body: Body, parent: Process | undefined, options: SpawnOptions) {
    this.#body = body;
    this.name = options.name ?? '';
    this.kind = options.kind ?? 'process';
    this.clock = options.clock ?? parent?.clock ?? systemClock;
    this.startedMs = this.clock.now();
    this.parent = options.link ? parent : undefined;
    this.#mail = new Mailbox(options.maxMailbox);
    if (options.link && parent) this.#join(parent);
    this.#ref = nact.spawnStateless(system, () => this.#turn(), `p${this.id}`);
    alive.add(this);
    this.#wake();
  }

  get isAlive(): boolean {
    return this.#alive;
  }
  /** `running` (has mail or a handler in flight) · `waiting` · `suspended` · `exited`. */
  get status(): 'running' | 'waiting' | 'suspended' | 'exited' {
    if (!this.#alive) return 'exited';
    if (this.#suspended) return 'suspended';
    return this.#busy || this.#mail.length > 0 ? 'running' : 'waiting';
  }
  /** Messages waiting in the mailbox: the figure that back-pressure reads. */
  get queueLength(): number {
    return this.#mail.length;
  }
  get links(): readonly Process[] {
    return [...(this.#links ?? [])];
  }
  /** Aborted when the process ends, killed or not. Pass it to every socket, request and timer. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (!this.#alive) this.#abort.abort();
    return this.#abort.signal;
  }

  /** Put a message into this process's mailbox. Answers false when it was not taken: the process is gone or its mailbox full. */
  deliver(message: unknown): boolean {
    if (!this.#alive || !this.#mail.push(message)) return false;
    if (!this.#running && !this.#suspended && (!this.#busy || this.#waiter)) this.#wake();
    return true;
  }

  /** Put an exit signal into this process's mailbox; it applies it in its own turn. */
  deliverExit(signal: ExitSignal): void {
    if (!this.#alive) return;
    this.#mail.pushSignal(signal);
    if (!this.#running) this.#wake();
  }

  /** Hear of this process's end, at that very moment and before anybody reacts to it; `listener` may only take note. */
  onExit(listener: (reason: ExitReason) => void): () => void {
    this.#watchers ??= new Set();
    const watchers = this.#watchers.add(listener);
    return () => {
      watchers.delete(listener);
    };
  }

  send(to: Process, message: unknown): boolean {
    return this.#alive && to.deliver(message);
  }

  /** `erlang:exit/2`: ask a process to exit; `'kill'` cannot be trapped. One to itself has done its work when this returns. */
  exit(to: Process, reason: ExitReason): void {
    if (!this.#alive) return;
    to.deliverExit(new ExitSignal(this, reason, false));
    if (to === this) this.#applySignals();
  }

  spawn(body: Body, options: SpawnOptions = {}): Process {
    if (!this.#alive) throw new NoProc(`${this.name || this.id} has ended and cannot spawn`);
    return new Process(body, this, options);
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
    const down = new DownMessage(other);
    if (!this.#alive) return down;
    const tell = (reason: ExitReason): void => {
      down.reason = reason;
      this.deliver(down);
    };
    if (other.isAlive) down.cancel = other.onExit(tell);
    else tell('noproc');
    return down;
  }

  /** Stop monitoring; a `DownMessage` that lies in the mailbox is taken out (`[flush]`). */
  demonitor(down: DownMessage): void {
    down.cancel();
    this.take((message) => message === down);
  }

  /** Take the first message that matches out of the mailbox, if it is there already. */
  take(match: (message: unknown) => boolean): unknown {
    this.#applySignals();
    return this.#mail.take(match);
  }

  /** A message to oneself, `delayMs` from now. It dies with the process. Answers how to cancel it. */
  sendAfter(delayMs: number, message: unknown): () => void {
    return this.#after(delayMs, () => this.deliver(message));
  }

  /**
   * The first message that matches, waiting for it if need be; all others stay where they are. Never settles once the process is dead.
   * @param timeoutMs `Infinity` waits for ever. Undefined is answered when the time is over.
   */
  receive<T>(match: (message: unknown) => message is T, timeoutMs?: number): Promise<T | undefined>;
  receive(match: (message: unknown) => boolean, timeoutMs = Number.POSITIVE_INFINITY): Promise<unknown> {
    const found = this.take(match);
    if (!this.#alive) return new Promise(() => {});
    if (found !== undefined) return Promise.resolve(found);
    return new Promise((resolve) => {
      const settle = (message: unknown): void => {
        this.#waiter = undefined;
        cancel();
        resolve(message);
      };
      const cancel = this.#after(timeoutMs, () => settle(undefined));
      this.#waiter = { match, resolve: settle, cancel };
    });
  }

  /** `erlang:suspend_process/1`: its mailbox fills and nothing is handled; a signal that ends it still does. */
  suspend(): void {
    this.#suspended = true;
  }
  resume(): void {
    this.#suspended = false;
    if (this.#mail.length > 0) this.#wake();
  }

  /** End now, in one step: nobody else runs before all who are linked or watching have it in their mailboxes. */
  die(reason: ExitReason): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.exitReason = reason;
    alive.delete(this);
    nact.stop(this.#ref);
    if (this.#dispatched) dispatched--; // nact drops the turn that was due
    this.#dispatched = false;
    this.#mail.clear();
    this.#body = this.#behaviour = this.#waiter = undefined;
    for (const cancel of this.#timers ?? []) cancel();
    for (const tell of this.#watchers ?? []) tell(reason);
    for (const other of this.#links ?? []) other.deliverExit(new ExitSignal(this, reason, true));
    this.#timers = this.#watchers = this.#links = undefined;
    this.#abort?.abort();
  }

  #join(other: Process): void {
    this.#links = (this.#links ?? new Set()).add(other);
    other.#links = (other.#links ?? new Set()).add(this);
  }

  #after(delayMs: number, fire: () => void): () => void {
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

  #wake(): void {
    if (this.#dispatched) return;
    this.#dispatched = true;
    dispatched++;
    nact.dispatch(this.#ref, undefined);
  }

  #turn(): void {
    dispatched--;
    this.#dispatched = false;
    this.#left = BUDGET;
    this.#run();
  }

  /** Signals first, then message by message until a handler has to wait or the budget is spent, then whoever waits inside a handler. */
  #run(): void {
    if (!this.#alive) return;
    const began = performance.now();
    this.#running = true;
    this.#applySignals();
    while (this.#alive && !this.#busy && !this.#suspended && this.#left-- > 0) {
      if (!this.#behaviour) this.#begin();
      else if (this.#mail.length > 0) this.#handle(this.#behaviour, this.#mail.shift());
      else break;
      this.#applySignals();
    }
    if (this.#waiter && !this.#suspended) this.#offer(this.#waiter);
    this.#running = false;
    this.busyMs += performance.now() - began;
    if (this.#alive && !this.#busy && !this.#suspended && (this.#mail.length > 0 || !this.#behaviour)) this.#wake();
  }

  #begin(): void {
    const go = (behaviour: Behaviour | void): void => {
      if (behaviour) this.#behaviour = behaviour;
      else this.die('normal');
    };
    try {
      const first = this.#body?.(this);
      if (first instanceof Promise) this.#await(first.then(go));
      else go(first);
    } catch (thrown) {
      this.die(reasonOf(thrown));
    }
  }

  #handle(behaviour: Behaviour, message: unknown): void {
    this.handled++;
    try {
      const pending = behaviour(message);
      if (pending !== undefined) this.#await(pending);
    } catch (thrown) {
      this.die(reasonOf(thrown));
    }
  }

  #await(pending: Promise<void>): void {
    this.#busy = true;
    pending.then(
      () => {
        this.#busy = false;
        if (this.#left > 0) this.#run();
        else if (this.#alive) this.#wake();
      },
      (thrown: unknown) => this.die(reasonOf(thrown)),
    );
  }

  #offer(waiter: Waiter): void {
    const message = this.#mail.take(waiter.match);
    if (message !== undefined) waiter.resolve(message);
  }

  /** Reference manual, "Receiving Exit Signals": `kill` ends, `normal` from another does nothing, a trapped one becomes a message. */
  #applySignals(): void {
    if (this.#mail.signals === 0) return;
    const fatal = this.#mail.applySignals(({ from, reason, linked }) => {
      if (linked && !this.#links?.delete(from as Process)) return 'drop';
      if (reason === 'kill' && !linked) return 'fatal';
      if (this.trapExit) return new ExitMessage(from, reason);
      return reason === 'normal' && from !== this ? 'drop' : 'fatal';
    });
    if (fatal) this.die(fatal.reason === 'kill' && !fatal.linked ? 'killed' : fatal.reason);
  }
}

/** A process as others see it: something to send to, to monitor, to exit. It is an incarnation: a restart makes another. */
export type Pid = Process;

/** Start a process that nobody is linked to. */
export const spawn = (body: Body, options: SpawnOptions = {}): Pid => new Process(body, undefined, options);

/** `erlang:exit/2` from outside any process. */
export const exit = (pid: Pid, reason: ExitReason): void => pid.deliverExit(new ExitSignal(undefined, reason, false));

/** Every living process. */
export const processes = (): IterableIterator<Process> => alive.values();

/** Processes that wait for their turn: 0, seen between two turns of the event loop, means that all is quiet but for timers. */
export const runQueue = (): number => dispatched;
