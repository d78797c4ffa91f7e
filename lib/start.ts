/** How a start is answered (OTP: proc_lib): by the started process when its init is done, or by its death. */
import type { ExitReason } from './exit.ts';
import { type Behaviour, exit, type Pid, type Process, type SpawnOptions, spawn } from './process.ts';

/** `{ok, Pid}`, `{ok, Pid, Info}`, `ignore`, `{error, Reason}`. */
export type StartResult<P extends Pid = Pid> = { readonly ok: P; readonly info?: unknown } | 'ignore' | { readonly error: ExitReason };

export const isStarted = <P extends Pid>(result: StartResult<P>): result is { readonly ok: P; readonly info?: unknown } =>
  typeof result === 'object' && 'ok' in result;

/** The Pid of a start that must succeed. @throws Error with the start's reason. */
export function started<P extends Pid>(result: StartResult<P>): P {
  if (isStarted(result)) return result.ok;
  const reason = result === 'ignore' ? 'ignore' : result.error;
  throw reason instanceof Error ? reason : new StartError(reason);
}

export class StartError extends Error {
  override readonly name = 'StartError';
  readonly reason: ExitReason;
  constructor(reason: ExitReason) {
    super(`did not start: ${JSON.stringify(reason, (_, value: unknown) => (value instanceof Error ? value.message : value))}`);
    this.reason = reason;
  }
}

/** The start's answer on its way to the parent's mailbox. */
class Ack {
  readonly result: StartResult;
  readonly pid: Pid;
  constructor(pid: Pid, result: StartResult) {
    this.pid = pid;
    this.result = result;
  }
}

interface StartProcessOptions extends SpawnOptions {
  readonly timeoutMs?: number;
}

/**
 * Spawn `body` and wait for its word. A failed start is answered by the death itself, so that the process is gone before anybody
 * learns of it; with a parent the answer lies in its mailbox, in order with all else that comes to it.
 */
export function startProcess(
  parent: Process | undefined,
  body: (self: Process, started: (result: 'ok' | 'ignore') => void) => Behaviour | void | Promise<Behaviour | void>,
  { timeoutMs = Number.POSITIVE_INFINITY, ...options }: StartProcessOptions,
): Promise<StartResult> {
  let settle: (result: StartResult) => void = () => {};
  let ignored = false;
  let child: Process;
  const run = (self: Process): ReturnType<typeof body> =>
    body(self, (result) => {
      if (result === 'ignore') ignored = true;
      else {
        forget();
        settle({ ok: self });
      }
    });
  child = parent ? parent.spawn(run, options) : spawn(run, options);
  const forget = child.onExit((reason) => settle(ignored ? 'ignore' : { error: reason }));
  if (parent) {
    settle = (result) => parent.deliver(new Ack(child, result));
    return awaitAck(parent, child, timeoutMs, forget);
  }
  return new Promise((resolve) => {
    const cancel = child.clock.setTimer(timeoutMs, () => {
      settle = () => {};
      exit(child, 'kill');
      resolve({ error: 'timeout' });
    });
    settle = (result) => {
      cancel();
      resolve(result);
    };
  });
}

async function awaitAck(parent: Process, child: Process, timeoutMs: number, forget: () => void): Promise<StartResult> {
  const ack = await parent.receive((message): message is Ack => message instanceof Ack && message.pid === child, timeoutMs);
  if (ack) return ack.result;
  forget();
  parent.unlink(child); // proc_lib:sync_start_link: a start that takes too long leaves neither answer nor EXIT behind
  parent.exit(child, 'kill');
  await new Promise<void>((resolve) => (child.isAlive ? child.onExit(() => resolve()) : resolve()));
  parent.take((message) => message instanceof Ack && message.pid === child); // it may have come just then
  return { error: 'timeout' };
}
