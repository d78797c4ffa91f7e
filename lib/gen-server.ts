/**
 * The generic server: a process with state, calls that are answered and casts that are not (OTP: gen_server).
 *
 *     caller                     generic part                    your module
 *     startLink ───────────────▶ spawn ────────────────────────▶ init
 *     call ────────────────────▶ CallMessage ──────────────────▶ handleCall
 *     cast ────────────────────▶ CastMessage ──────────────────▶ handleCast
 *     anything else ───────────▶ message ──────────────────────▶ handleInfo
 *                                a callback asked for it ──────▶ handleContinue
 *     stop, exit of the parent ▶ … ────────────────────────────▶ terminate
 *
 * Callbacks answer what to do; the generic part does it.
 */
import { inspect } from 'node:util';
import { CallMessage, CastMessage, type ServerRef, StopMessage } from './call.ts';
import { Exit, type ExitReason, reasonOf } from './exit.ts';
import type { Behaviour, Process, SpawnOptions } from './process.ts';
import type { Registry } from './registry.ts';
import { crashReport } from './report.ts';
import { ExitMessage } from './signal.ts';
import { type StartResult, startProcess, type Word } from './start.ts';
import { Continue, isThen, type Step, type Then, Timeout } from './then.ts';

/** What a callback decides. */
export type Next<S> =
  | { readonly do: 'noreply'; readonly state: S; readonly then: Then | undefined }
  | { readonly do: 'reply'; readonly reply: unknown; readonly state: S; readonly then: Then | undefined }
  | { readonly do: 'stop'; readonly reason: ExitReason; readonly state: S; readonly reply?: { readonly value: unknown } };
/** What `init` decides. */
export type Init<S> =
  | { readonly do: 'ok'; readonly state: S; readonly then: Then | undefined }
  | { readonly do: 'ignore' }
  | { readonly do: 'fail'; readonly reason: ExitReason };
type Maybe<T> = T | Promise<T>;

export const ok = <S>(state: S, then?: Then): Init<S> => ({ do: 'ok', state, then });
/** `ignore`: nothing is started, and that is no error. */
export const ignore: Init<never> = { do: 'ignore' };
/** `{stop, Reason}` of `init`: the start fails with this reason. */
export const fail = (reason: ExitReason): Init<never> => ({ do: 'fail', reason });
export const noreply = <S>(state: S, then?: Then): Next<S> => ({ do: 'noreply', state, then });
export const reply = <S>(value: unknown, state: S, then?: Then): Next<S> => ({ do: 'reply', reply: value, state, then });
export const stop = <S>(reason: ExitReason, state: S): Next<S> => ({ do: 'stop', reason, state });
/** `{stop, Reason, Reply, State}`: `terminate` runs before the reply goes out. */
export const stopReply = <S>(reason: ExitReason, value: unknown, state: S): Next<S> => ({ do: 'stop', reason, state, reply: { value } });

/** What `handleInfo` gets when nothing came for the `timeoutMs` that a callback asked for. */
export const TIMEOUT = Symbol('timeout');

/** The callbacks of a server: gen_server's own. A missing one that is needed ends the server. */
export interface GenServer<S, Call = never, Cast = never> {
  init(self: Process): Maybe<Init<S>>;
  /** Answer by `reply`, or later by `from.reply`. */
  handleCall?(request: Call, from: CallMessage, state: S): Maybe<Next<S>>;
  handleCast?(message: Cast, state: S): Maybe<Next<S>>;
  /** Everything else: `DownMessage`, `ExitMessage`, timers, plain sends. Without it such messages are dropped. */
  handleInfo?(message: unknown, state: S): Maybe<Next<S>>;
  handleContinue?(continuation: unknown, state: S): Maybe<Next<S>>;
  /** Runs on the server's own stop or crash, and on an exit of its parent when it traps exits; not when it is killed. */
  terminate?(reason: ExitReason, state: S): Maybe<void>;
}

export interface StartOptions extends SpawnOptions {
  /** `init` may take so long; then the process is killed and the start answers `{error: 'timeout'}`. Default: for ever. */
  readonly timeoutMs?: number;
  /** `{via, Registry, {R, Key}}`: the name that it takes before `init`; when it is taken the start answers `{error: ['already_started', pid]}`. */
  readonly via?: { readonly registry: Registry<unknown>; readonly key: unknown; readonly value?: unknown };
}

/** Start a server linked to `parent` (`gen_server:start_link`); resolves when its `init` is done. */
export const startLink = <S, Call, Cast>(
  parent: Process,
  server: GenServer<S, Call, Cast>,
  options: StartOptions = {},
): Promise<StartResult<ServerRef<Call, Cast>>> => startProcess(parent, body(server, options.via), { kind: 'gen_server', ...options, link: true });

/** Start a server that nobody is linked to (`gen_server:start`). */
export const start = <S, Call, Cast>(server: GenServer<S, Call, Cast>, options: StartOptions = {}): Promise<StartResult<ServerRef<Call, Cast>>> =>
  startProcess(undefined, body(server, options.via), { kind: 'gen_server', ...options });

const body =
  <S, Call, Cast>(server: GenServer<S, Call, Cast>, via: StartOptions['via']) =>
  (self: Process, started: (word: Word) => void): Promise<Behaviour | void> | Behaviour => {
    const taken = via?.registry.register(self, via.key, via.value) ?? 'ok';
    if (taken !== 'ok') {
      started({ error: ['already_started', taken.error[1]] });
      throw new Exit('normal'); // gen:init_it2/8: nobody who is linked is to end of it
    }
    return new Loop(self, server).start(started);
  };

class Loop<S, Call, Cast> {
  readonly #self: Process;
  readonly #server: GenServer<S, Call, Cast>;
  #state!: S;
  #timeout: Timeout | undefined;

  constructor(self: Process, server: GenServer<S, Call, Cast>) {
    this.#self = self;
    this.#server = server;
  }

  start(started: (word: Word) => void): Promise<Behaviour | void> | Behaviour {
    const go = (init: Init<S>): Promise<Behaviour> | Behaviour => {
      if (!this.#self.isAlive) throw new Exit(this.#self.exitReason); // killed while init was waiting for something
      switch (init?.do) {
        case 'ok': {
          if (!isThen(init.then)) break;
          this.#state = init.state;
          started('ok');
          return this.#goOn(this.#then(init.then))?.then(() => this.#receive) ?? this.#receive;
        }
        case 'ignore':
          started('ignore');
          throw new Exit('normal');
        case 'fail':
          return this.#failed(new Exit(init.reason));
      }
      return this.#failed(new Exit(['bad_return_value', init]));
    };
    const threw = (thrown: unknown): Promise<Behaviour> | Behaviour => {
      if (thrown instanceof Exit || thrown instanceof Error) return this.#failed(thrown);
      return go(thrown as Init<S>); // gen_server:init_it/2: a throw is the answer
    };
    let init: Maybe<Init<S>>;
    try {
      init = this.#server.init(this.#self);
    } catch (thrown) {
      return threw(thrown);
    }
    return init instanceof Promise ? init.then(go, threw) : go(init);
  }

  /** proc_lib:init_p/5: a start that fails by itself says so. */
  #failed(thrown: Exit | Error): never {
    if (this.#self.isAlive) crashReport(this.#self, reasonOf(thrown)); // else others have ended it
    throw thrown;
  }

  readonly #receive = (message: unknown): void | Promise<void> => {
    const left = this.#step(message);
    if (left) return this.#goOn(left);
  };

  /** Continuations, one after the other: a chain of them, however long, is no deep stack and no row of promises, and holds nobody up. */
  #goOn(step: Step): void | Promise<void> {
    let next = step;
    while (next instanceof Continue && this.#self.mayGoOn()) next = this.#step(next);
    return next instanceof Promise ? next.then(this.#goOnLater) : this.#goOnLater(next);
  }
  readonly #goOnLater = (next: Continue | undefined): void | Promise<void> => next && this.#chain(next);
  async #chain(first: Continue): Promise<void> {
    for (let next: Continue | undefined = first; next; next = await this.#step(next)) await this.#self.pause();
  }

  /** Run the callback that the message asks for, and do what it answers. A throw of anything but an Error counts as its answer, as in OTP. */
  #step(message: unknown): Step {
    if (this.#timeout) {
      if (message instanceof Timeout && message !== this.#timeout) return undefined;
      this.#timeout.over = message !== this.#timeout;
      this.#timeout.cancel();
      this.#timeout = undefined;
    }
    const from = message instanceof CallMessage ? message : undefined;
    let next: Maybe<Next<S>>;
    try {
      next = this.#callback(message);
    } catch (thrown) {
      return this.#threw(thrown, from);
    }
    if (!(next instanceof Promise)) return this.#obey(next, from);
    return next.then(
      (answer) => this.#obey(answer, from),
      (thrown: unknown) => this.#threw(thrown, from),
    );
  }

  #callback(message: unknown): Maybe<Next<S>> {
    const server = this.#server;
    if (message instanceof CastMessage)
      return server.handleCast ? server.handleCast(message.message as Cast, this.#state) : missing('handleCast', message.message);
    if (message instanceof CallMessage)
      return server.handleCall ? server.handleCall(message.request as Call, message, this.#state) : missing('handleCall', message.request);
    if (message instanceof Continue)
      return server.handleContinue ? server.handleContinue(message.continuation, this.#state) : missing('handleContinue', message.continuation);
    if (message instanceof StopMessage) return stop(message.reason, this.#state);
    if (message instanceof ExitMessage && message.from === this.#self.parent && message.from) return stop(message.reason, this.#state);
    if (message instanceof Timeout && message.over) return noreply(this.#state);
    return server.handleInfo ? server.handleInfo(message instanceof Timeout ? TIMEOUT : message, this.#state) : noreply(this.#state);
  }

  /** Not for a server that was killed while its callback was waiting: a promise cannot be taken back, but what follows from it can. */
  #obey(next: Next<S>, from: CallMessage | undefined): Step {
    if (!this.#self.isAlive) return undefined;
    switch (next?.do) {
      case 'noreply':
        if (!isThen(next.then)) break;
        this.#state = next.state;
        return next.then && this.#then(next.then);
      case 'reply':
        if (!from || !isThen(next.then)) break;
        this.#state = next.state;
        from.reply(next.reply);
        return next.then && this.#then(next.then);
      case 'stop': {
        this.#state = next.state;
        const { reply: last } = next;
        return this.#stop(next.reason, last && from ? () => from.reply(last.value) : undefined);
      }
    }
    return this.#stop(['bad_return_value', next]);
  }

  #threw(thrown: unknown, from: CallMessage | undefined): Step {
    if (thrown instanceof Exit) return this.#stop(thrown.reason);
    if (thrown instanceof Error) return this.#stop(thrown);
    return this.#obey(thrown as Next<S>, from);
  }

  #then(then: Then | undefined): Continue | undefined {
    if (!then) return undefined;
    if ('continue' in then) return new Continue(then.continue);
    this.#timeout = new Timeout();
    if (then.timeoutMs === 0) this.#self.deliver(this.#timeout);
    else this.#timeout.cancel = this.#self.sendAfter(then.timeoutMs, this.#timeout);
    return undefined;
  }

  /** gen_server:terminate/10: the last callback may replace the reason by exiting or failing itself; a throw in it is swallowed. */
  async #stop(reason: ExitReason, after?: () => void): Promise<undefined> {
    if (!this.#self.isAlive) return;
    let last = reason;
    try {
      await this.#server.terminate?.(reason, this.#state);
    } catch (thrown) {
      if (thrown instanceof Exit) last = thrown.reason;
      else if (thrown instanceof Error) last = thrown;
    }
    if (!this.#self.isAlive) return;
    crashReport(this.#self, last);
    after?.();
    this.#self.die(last);
  }
}

function missing(callback: string, message: unknown): never {
  throw new TypeError(`the server has no ${callback}, and got ${inspect(message, { depth: 3 })}`);
}
