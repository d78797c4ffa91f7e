/** What comes after a callback, when that is not the next message: a continuation, or an end of the waiting (gen_server, "Timeout | {continue, …}"). */
import { isAmount } from './clock.ts';

/** A message-less wait of at most `timeoutMs` (then `handleInfo` gets `TIMEOUT`), or `handleContinue`. */
export type Then = { readonly continue: unknown } | { readonly timeoutMs: number };

/** Whether a callback's answer asks for something that there is. */
export function isThen(then: unknown): then is Then | undefined {
  if (typeof then !== 'object' || then === null) return then === undefined;
  return 'continue' in then || ('timeoutMs' in then && isAmount(then.timeoutMs));
}

/** `receive … after`: any message that is handled before it has come makes it void, also when it lies in the mailbox by then. */
export class Timeout {
  over = false;
  cancel: () => void = () => {};
}

/** A continuation, on its way from the callback that asked for it to `handleContinue`. It never lies in a mailbox. */
export class Continue {
  readonly continuation: unknown;
  constructor(continuation: unknown) {
    this.continuation = continuation;
  }
}

/** What is left to do of a message when a callback has run. */
export type Step = Continue | undefined | Promise<Continue | undefined>;
