/** How a start is answered (OTP: proc_lib): by the started process when its init is done, or by its death. */
import { checkDelay } from './clock.ts';
import { type ExitReason, reasonText } from './exit.ts';
import { type Behaviour, exit, type Pid, Process, type SpawnOptions } from './process.ts';
import { Watcher } from './watcher.ts';

/** `{ok, Pid}`, `{ok, Pid, Info}`, `ignore`, `{error, Reason}`. */
export type StartResult<P extends Pid = Pid> = { readonly ok: P; readonly info?: unknown } | 'ignore' | { readonly error: ExitReason };

export const isStarted = <P extends Pid>(result: StartResult<P>): result is { readonly ok: P; readonly info?: unknown } =>
  typeof result === 'object' && 'ok' in result && (result.ok as unknown) instanceof Process; // a start function may answer anything

/** The Pid of a start that must succeed. @throws Error with the start's reason. */
export function started<P extends Pid>(result: StartResult<P>): P {
  if (isStarted(result)) return result.ok;
  const reason: unknown = result === 'ignore' || !('error' in result) ? result : result.error; // a start function may answer anything
  throw reason instanceof Error ? reason : new StartError(reason);
}

export class StartError extends Error {
  override readonly name = 'StartError';
  readonly reason: ExitReason;
  constructor(reason: ExitReason) {
    super(`did not start: ${reasonText(reason)}`);
    this.reason = reason;
  }
}

/** A start on its way. It hears of the child's end, and is itself the message by which a waiting parent learns how the start went. */
class Starting extends Watcher {
  result: StartResult | undefined;
  /** Whom to tell, once somebody waits. */
  tell: (starting: Starting) => void = () => {};
  #refusal: 'ignore' | { readonly error: ExitReason } | undefined;

  /** Anything but `ok` is answered when the child has ended. */
  says(child: Process, word: Word): void {
    if (word !== 'ok') {
      this.#refusal = word;
      return;
    }
    this.leave();
    this.#answer({ ok: child });
  }
  override ended(reason: ExitReason): void {
    this.#answer(this.#refusal ?? { error: reason });
  }
  #answer(result: StartResult): void {
    this.result = result;
    this.tell(this);
  }
}

/** What a started process says of its start. */
export type Word = 'ok' | 'ignore' | { readonly error: ExitReason };
type StartBody = (self: Process, started: (word: Word) => void) => Behaviour | void | Promise<Behaviour | void>;
interface StartProcessOptions extends SpawnOptions {
  readonly timeoutMs?: number;
}

/**
 * Spawn `body` and wait for its word. A failed start is answered by the death itself, so that the process is gone before anybody
 * learns of it; a parent that has to wait finds the answer in its mailbox, in order with all else that comes to it.
 */
export async function startProcess(parent: Process | undefined, body: StartBody, options: StartProcessOptions): Promise<StartResult> {
  if (options.timeoutMs !== undefined) checkDelay(options.timeoutMs);
  const starting = new Starting();
  const child = new Process((self) => body(self, (word) => starting.says(self, word)), parent, options);
  child.watch(starting);
  child.begin(parent); // at once, if there is time: whoever starts it waits for nothing else
  if (starting.result !== undefined) return starting.result;
  return parent ? under(parent, child, starting, options.timeoutMs) : alone(child, starting, options.timeoutMs);
}

async function under(parent: Process, child: Pid, starting: Starting, timeoutMs: number | undefined): Promise<StartResult> {
  starting.tell = (told) => parent.deliver(told);
  const isOurs = (message: unknown): message is Starting => message === starting;
  const told = await parent.receive(isOurs, timeoutMs);
  if (told?.result !== undefined) return told.result;
  starting.leave();
  parent.unlink(child); // proc_lib:sync_start_link: a start that takes too long leaves neither answer nor EXIT behind
  parent.exit(child, 'kill');
  await new Promise<void>((resolve) => (child.isAlive ? child.onExit(() => resolve()) : resolve()));
  parent.take(isOurs); // it may have come just then
  return { error: 'timeout' };
}

function alone(child: Pid, starting: Starting, timeoutMs = Number.POSITIVE_INFINITY): Promise<StartResult> {
  return new Promise((resolve) => {
    const cancel = child.clock.setTimer(timeoutMs, () => {
      starting.leave();
      child.onExit(() => resolve({ error: 'timeout' }));
      exit(child, 'kill');
    });
    starting.tell = ({ result = 'ignore' }) => {
      cancel();
      resolve(result);
    };
  });
}
