/** Talking to a server: `call` waits for the answer, `cast` does not, `stopServer` waits for its end. */
import { checkDelay } from './clock.ts';
import { type ExitReason, reasonText } from './exit.ts';
import type { Pid } from './process.ts';
import { running } from './runner.ts';
import { Watcher } from './watcher.ts';

/** A server's Pid that remembers which requests and casts it takes. */
export type ServerRef<Call = never, Cast = never> = Pid & { readonly __takes?: (call: Call, cast: Cast) => void };
/** A request that names the type of its answer: `interface Status extends Ask<Health> { … }`. */
export interface Ask<Reply> {
  readonly __reply?: Reply;
}

/** A cast on its way. */
export class CastMessage {
  readonly message: unknown;
  constructor(message: unknown) {
    this.message = message;
  }
}

/** A call on its way, and where its answer goes. It hears of its server's end itself: a call costs one object and one timer. */
export class CallMessage extends Watcher {
  readonly request: unknown;
  readonly #server: Pid;
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (error: CallError) => void;
  readonly #cancelTimer: () => void;
  constructor(server: Pid, request: unknown, timeoutMs: number, resolve: (value: unknown) => void, reject: (error: CallError) => void) {
    super();
    this.request = request;
    this.#server = server;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#cancelTimer = server.clock.setTimer(timeoutMs, () => this.ended('timeout'));
    server.watch(this);
  }
  /** Answer the caller. Only the first answer counts; one that comes too late is dropped (gen_server:reply/2). */
  reply(value: unknown): void {
    this.#settled();
    this.#resolve(value);
  }
  /** There will be no answer. */
  override ended(reason: ExitReason): void {
    this.#settled();
    this.#reject(new CallError(this.#server, reason));
  }
  #settled(): void {
    this.#cancelTimer();
    this.leave();
  }
}

/** Tell, without an answer. False when the server is gone or its mailbox is full. */
export const cast = <Cast>(server: ServerRef<never, Cast>, message: Cast): boolean => server.post(new CastMessage(message));

/**
 * Ask and wait.
 *
 * @param timeoutMs milliseconds to wait for the answer; the server may still handle the request after that. Default 5,000.
 * @throws CallError `reason` is `timeout`, `noproc`, `mailbox_full`, `calling_self`, or what the server died of; in the first and the last case the
 *   request may or may not have been carried out. (A server that calls itself after an `await` is not found out: that is a `timeout`.)
 *   RangeError for what is no delay.
 */
export function call<Reply>(server: Pid, request: Ask<Reply>, timeoutMs = 5_000): Promise<Reply> {
  return new Promise<unknown>((resolve, reject) => {
    checkDelay(timeoutMs);
    if (!server.isAlive || server === running()) {
      reject(new CallError(server, server.isAlive ? 'calling_self' : 'noproc'));
      return;
    }
    const message = new CallMessage(server, request, timeoutMs, resolve, reject);
    if (!server.post(message)) message.ended('mailbox_full');
  }) as Promise<Reply>; // the request's own type says what its server answers
}

const WORDS = new Map<ExitReason, string>([
  ['noproc', 'no such process'],
  ['timeout', 'no answer in time'],
  ['calling_self', 'a process cannot answer itself while it waits for the answer'],
]);

/** A call that got no answer. `reason` is the exit reason of the caller in OTP: `timeout`, `noproc`, or the server's own. */
export class CallError extends Error {
  override readonly name = 'CallError';
  readonly server: string;
  readonly reason: ExitReason;
  constructor(server: Pid, reason: ExitReason) {
    const name = server.name || `process ${server.id}`;
    super(`call to ${name}: ${WORDS.get(reason) ?? reasonText(reason)}`);
    this.server = name;
    this.reason = reason;
  }
}

/**
 * Ask a process to end with `reason`, and wait until it has (`gen_server:stop/3` by way of `proc_lib:stop`).
 *
 * @returns the reason with which it ended, which is another one when something else was faster, or its `terminate` decided so;
 *   `noproc` when it was gone already, `calling_self` when it would wait for itself; `timeout` when it is busy for longer than that, and will end once it comes to the request.
 */
export function stopServer(server: Pid, reason: ExitReason = 'normal', timeoutMs = Number.POSITIVE_INFINITY): Promise<ExitReason> {
  return new Promise((resolve) => {
    checkDelay(timeoutMs);
    if (!server.isAlive || server === running()) {
      resolve(server.isAlive ? 'calling_self' : 'noproc');
      return;
    }
    const cancel = server.clock.setTimer(timeoutMs, () => {
      forget();
      resolve('timeout');
    });
    const forget = server.onExit((last) => {
      cancel();
      resolve(last);
    });
    server.deliver(new StopMessage(reason));
  });
}

/** The system message behind `stopServer`. */
export class StopMessage {
  readonly reason: ExitReason;
  constructor(reason: ExitReason) {
    this.reason = reason;
  }
}
