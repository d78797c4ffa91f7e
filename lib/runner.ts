/**
 * Gives one mailbox its handler: turn by turn, and in a turn message by message, within a budget. A signal lies in the receiver's mailbox in
 * sending order, and the receiver applies it in its own turn, also while a handler of it is awaiting something, never its sender.
 */
import { type ExitReason, reasonOf } from './exit.ts';
import { linger, type Lingerer } from './linger.ts';
import { Mailbox, NOTHING } from './mailbox.ts';
import type { ExitMessage, ExitSignal } from './signal.ts';
import { Waiters } from './waiters.ts';

/** Handles one message. While its promise is pending the process takes no other. What it throws ends the process. */
export type Behaviour = (message: unknown) => void | Promise<void>;

/** A turn ends for the sake of the others after so many milliseconds, by a clock that is read after 1, 2, 4 … messages, and every so many at the latest. */
const TURN_MS = 1;
const STRETCH = 32;
/** Starts within starts that run at once: each is a few frames of the one stack. */
const DEEPEST = 50;
let depth = 0;
let current: Runner | undefined;
/** The process whose code runs at this moment, up to its first `await`; undefined after that, and outside of any. */
export const running = (): Runner | undefined => current;

export abstract class Runner implements Lingerer {
  /** Messages handled, and milliseconds that its handlers took, those included for which they waited for something. */
  handled = 0;
  busyMs = 0;
  readonly #mail = new Mailbox();
  #start: (() => Behaviour | void | Promise<Behaviour | void>) | undefined;
  #behaviour: Behaviour | undefined;
  #running = false;
  #busy = false;
  #suspended = false;
  #lingers = false;
  /** Messages left of the turn before the clock is read again, and how many there were when it was read. */
  #left = 0;
  #stretch = 1;
  #turnEndsMs = 0;
  #waiters: Waiters | undefined;
  /** `wake` has asked for a turn, which has not come yet. */
  protected turnDue = false;

  /** @param start what it does first; it goes on with the behaviour that this answers, or ends `normal` when there is none. */
  constructor(start: () => Behaviour | void | Promise<Behaviour | void>) {
    this.#start = start;
  }

  abstract readonly isAlive: boolean;
  abstract die(reason: ExitReason): void;
  /** Ask for a turn: `turn` is to be called once, soon, and not from here. */
  abstract wake(): void;
  /** What an exit signal does now: end the process, become a message, or nothing. */
  protected abstract judge(signal: ExitSignal): ExitMessage | 'drop' | 'fatal';
  protected abstract after(delayMs: number, fire: () => void): () => void;

  /** `running` (has mail or a handler in flight) · `waiting` · `suspended` · `exited`. */
  get status(): 'running' | 'waiting' | 'suspended' | 'exited' {
    if (!this.isAlive) return 'exited';
    if (this.#suspended) return 'suspended';
    return this.#busy || this.#mail.length > 0 ? 'running' : 'waiting';
  }
  /** Messages waiting in the mailbox: the figure that back-pressure reads. */
  get queueLength(): number {
    return this.#mail.length;
  }

  /** Put a message into the mailbox. False when the process is gone. */
  deliver(message: unknown): boolean {
    if (this.#waiters && this.#goesOn() && this.#waiters.give(message)) return true;
    if (!this.isAlive) return false;
    this.#mail.push(message);
    if (!this.#running && !this.#suspended && !this.#lingers && (!this.#busy || this.#waiters)) this.wake();
    return true;
  }

  /** A handler that waits in `receive` goes on at once, as after any other promise: nothing is before the message that comes now. */
  #goesOn(): boolean {
    return this.#busy && !this.#running && !this.#suspended && !this.turnDue && this.#hasTime();
  }
  #hasTime(): boolean {
    if (this.#left <= 0 && performance.now() < this.#turnEndsMs) this.#left = this.#stretch = Math.min(this.#stretch * 2, STRETCH);
    return this.#left > 0;
  }

  /** Put an exit signal into the mailbox; the process applies it in its own turn. */
  deliverExit(signal: ExitSignal): void {
    if (!this.isAlive) return;
    const idle = this.#mail.length === 0 && !this.#busy && this.#behaviour;
    this.#mail.pushSignal(signal);
    if (this.#running || this.#lingers || this.turnDue) return;
    if (idle)
      this.#linger(); // no code of it may have to run for this
    else this.wake();
  }

  /** Take the first message that matches out of the mailbox, if it is there already. */
  take(match: (message: unknown) => boolean): unknown {
    this.applySignals();
    const message = this.#mail.take(match);
    return message === NOTHING ? undefined : message;
  }

  /**
   * The first message that matches; all others stay. Undefined after `timeoutMs` (`Infinity`: never). It never settles once the process is dead.
   * Several may wait at a time: a message is for the one that has waited longest.
   */
  receive<T>(match: (message: unknown) => message is T, timeoutMs?: number): Promise<T | undefined>;
  receive(match: (message: unknown) => boolean, timeoutMs = Number.POSITIVE_INFINITY): Promise<unknown> {
    this.applySignals();
    if (this.mayGoOn()) {
      this.#waiters?.offer(this.#mail); // those who have waited longer come first
      const found = this.#mail.take(match);
      if (found !== NOTHING) return Promise.resolve(found);
    }
    return this.isAlive ? this.#wait(match, timeoutMs) : new Promise(() => {});
  }
  /** Resolves at once while there is time in this turn, else in the next: for code that goes on and on, and takes no message. */
  pause(): Promise<unknown> {
    return this.mayGoOn() ? Promise.resolve() : this.#wait();
  }
  /** One more step of this turn: false when it has no time left, or is suspended. */
  mayGoOn(): boolean {
    if (this.#suspended || !this.#hasTime()) return false;
    this.#left--;
    return true;
  }
  #wait(match?: (message: unknown) => boolean, timeoutMs = 0): Promise<unknown> {
    this.#waiters ??= new Waiters((thrown) => this.die(reasonOf(thrown)));
    if (!this.#suspended && !this.#hasTime() && (!match || this.#mail.length > 0)) this.wake();
    const atOnce = (): boolean => !this.#suspended && !this.turnDue; // the turn that is due may have a message for it
    return match ? this.#waiters.wait(match, (late) => this.after(timeoutMs, late), atOnce) : this.#waiters.pause();
  }

  /** `erlang:suspend_process/1`: its mailbox fills and nothing is handled; a signal that ends it still does. */
  suspend(): void {
    this.#suspended = true;
  }
  resume(): void {
    this.#suspended = false;
    if (this.isAlive && (this.#mail.length > 0 || this.#waiters || (!this.#busy && !this.#behaviour))) this.wake();
  }

  /** To be called by whoever gives the turns, once for each `wake`. */
  protected turn(endsMs = performance.now() + TURN_MS): void {
    this.#left = this.#stretch = 1;
    this.#turnEndsMs = endsMs;
    this.#run();
  }

  /** The first turn, at once and as a part of `starter`'s; or soon, when that is over, or in the depth of starts within starts. */
  begin(starter?: Runner): void {
    const endsMs = starter ? starter.#turnEndsMs : undefined;
    const atOnce = depth < DEEPEST && !(endsMs !== undefined && performance.now() >= endsMs);
    depth++;
    if (atOnce) this.turn(endsMs);
    else this.wake();
    depth--;
  }

  /** Nothing of it runs any more. */
  protected silence(): void {
    this.#mail.clear();
    this.#start = this.#behaviour = this.#waiters = undefined;
  }

  protected applySignals(): void {
    if (!this.#mail.hasSignals) return;
    const fatal = this.#mail.applySignals((signal) => this.judge(signal));
    if (fatal) this.die(fatal.reason === 'kill' && !fatal.linked ? 'killed' : fatal.reason);
  }

  /** Signals first, then message by message until a handler has to wait or the turn is over, then whoever waits inside a handler. */
  #run(): void {
    if (!this.isAlive) return;
    const began = performance.now();
    const outer = current;
    current = this;
    this.#running = true;
    this.applySignals();
    const isNew = !this.#behaviour;
    while (this.isAlive && !this.#busy && !this.#suspended && (this.#left > 0 || this.#mail.length > 0 || !this.#behaviour) && this.#hasTime()) {
      this.#left--;
      if (this.#behaviour) {
        const message = this.#mail.shift();
        if (message === NOTHING) break;
        this.#handle(this.#behaviour, message);
      } else this.#begin();
      this.applySignals();
    }
    if (!this.#suspended) this.#waiters?.offer(this.#mail);
    this.#running = false;
    current = outer;
    this.busyMs += performance.now() - began;
    if (!this.isAlive || this.#busy || this.#suspended) return;
    if (this.#mail.length > 0 || !this.#behaviour) this.wake();
    else if (!this.#lingers && !isNew) this.#linger();
  }

  #linger(): void {
    this.#lingers = true;
    linger(this);
  }
  lookAgain(): boolean {
    this.#lingers = false;
    if (this.#mail.length === 0) return false;
    this.#run();
    return true;
  }

  #begin(): void {
    const go = (behaviour: Behaviour | void): void => {
      if (behaviour) this.#behaviour = behaviour;
      else this.die('normal');
    };
    const start = this.#start;
    this.#start = undefined; // it is not done twice, and holds on to all that its maker knew
    try {
      const first = start?.();
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
    const began = performance.now();
    pending.then(
      () => {
        this.#busy = false;
        this.busyMs += performance.now() - began;
        if (this.#hasTime()) this.#run();
        else if (this.isAlive) this.wake();
      },
      (thrown: unknown) => this.die(reasonOf(thrown)),
    );
  }
}
