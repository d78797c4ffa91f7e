/** One child of a supervisor: starting it and shutting it down, as supervisor.erl does both for every strategy. */
import type { ChildSpec, Shutdown } from './child-spec.ts';
import { Exit, type ExitReason, isShutdownPair } from './exit.ts';
import type { Pid, Process } from './process.ts';
import { publish, supervisorReport } from './report.ts';
import { type DownMessage, ExitMessage } from './signal.ts';
import { isStarted, type StartResult } from './start.ts';

/** A child and its process. `restarting`: its restart has failed and will be tried again; `pid` is then the one that it had. */
export interface Child {
  readonly spec: ChildSpec;
  pid: Pid | undefined;
  /** The process that it had before, if any. */
  former?: Pid | undefined;
  restarting: boolean;
}

/** What a start has come to: a process, none (`ignore`), or an error. */
export type Started = { readonly ok: Pid | undefined; readonly info?: unknown } | { readonly error: ExitReason };

export const shutdownOf = (spec: ChildSpec): Shutdown => spec.shutdown ?? (spec.type === 'supervisor' ? 'infinity' : 5_000);
export const isTemporary = (spec: ChildSpec): boolean => spec.restart === 'temporary';
export const isPermanent = (spec: ChildSpec): boolean => (spec.restart ?? 'permanent') === 'permanent';

/** supervisor:child_to_spec/1: what `get_childspec` answers, its defaults filled in. */
export function fullSpec(spec: ChildSpec): Required<ChildSpec> {
  const { id, start, restart = 'permanent', type = 'worker', significant = false } = spec;
  return { id, start, restart, shutdown: shutdownOf(spec), type, significant };
}

/** supervisor:do_start_child/3, `catch apply(M, F, A)`: an exit or an error is marked as one, and a throw counts as the answer. */
function caught(thrown: unknown): StartResult {
  if (thrown instanceof Exit) return { error: ['EXIT', thrown.reason] };
  return thrown instanceof Error ? { error: ['EXIT', thrown] } : (thrown as StartResult);
}

/** Never throws: what the start function throws is the error, in the words of `threw`. */
export async function startChild(self: Process, spec: ChildSpec, args: readonly unknown[] = [], threw = caught): Promise<Started> {
  let result: StartResult;
  try {
    const pending = spec.start(self, ...args);
    result = pending instanceof Promise ? await pending : pending;
  } catch (thrown) {
    result = threw(thrown);
  }
  if (result === 'ignore') return { ok: undefined };
  if (typeof result !== 'object' || result === null) return { error: result };
  if ('error' in result) return { error: result.error };
  if (!isStarted(result)) return { error: result };
  const { ok, info } = result;
  publish(() => ({ report: 'progress', supervisor: self, started: { id: spec.id, pid: ok } }));
  return info === undefined ? { ok } : { ok, info };
}

/** supervisor:do_terminate/2: shut the child down and report an end that is not the expected one. */
export async function terminateChild(self: Process, spec: ChildSpec, pid: Pid): Promise<void> {
  const shutdown = shutdownOf(spec);
  const down = self.monitor(pid); // before the signal, so that a child that unlinked cannot hang the supervisor
  self.exit(pid, shutdown === 'brutal_kill' ? 'kill' : 'shutdown');
  const isDown = (message: unknown): message is DownMessage => message === down;
  if (typeof shutdown !== 'number') await self.receive(isDown);
  else if (!(await self.receive(isDown, shutdown))) {
    self.exit(pid, 'kill');
    await self.receive(isDown);
  }
  const reason = unlinkFlush(self, pid, down.reason);
  if (!isExpected(spec, reason)) supervisorReport(self, 'shutdown_error', reason, { spec, pid });
}

/** supervisor:unlink_flush/2: the reason in the child's EXIT, when that has come, else the one given. */
export function unlinkFlush(self: Process, pid: Pid, reason: ExitReason): ExitReason {
  self.unlink(pid);
  const exit = self.take((message) => message instanceof ExitMessage && message.from === pid);
  return exit instanceof ExitMessage ? exit.reason : reason;
}

export function isExpected(spec: ChildSpec, reason: ExitReason): boolean {
  if (reason === (shutdownOf(spec) === 'brutal_kill' ? 'killed' : 'shutdown')) return true;
  return !isPermanent(spec) && (reason === 'normal' || reason === 'shutdown' || isShutdownPair(reason));
}
