/** One piece of work in a process of its own, and its answer (Elixir 1.14: Task, Task.Supervisor). */
import type { Restart } from './child-spec.ts';
import type { Started } from './child.ts';
import { type DynamicFlags, startDynamicChild, startDynamicSupervisor, terminateDynamicChild, whichDynamicChildren } from './dynamic-supervisor.ts';
import { Exit, type ExitReason } from './exit.ts';
import { type Pid, Process, type SpawnOptions } from './process.ts';
import type { DownMessage } from './signal.ts';
import { startProcess, type StartResult } from './start.ts';

export type Work<T> = (self: Process) => T | Promise<T>;

/** A task that its owner can wait for. Only the owner may: answer and DOWN come to its mailbox. */
export interface Task<T> {
  readonly pid: Pid;
  readonly owner: Process;
  /** The reference of both the answer and the DOWN. */
  readonly ref: DownMessage;
  /** Nothing at run time: the type of the answer. */
  readonly answers?: T;
}

/** `{ref, value}`: a task's answer. */
export class TaskReply {
  readonly ref: DownMessage;
  readonly value: unknown;
  constructor(ref: DownMessage, value: unknown) {
    this.ref = ref;
    this.value = value;
  }
}

/** Waiting for a task has failed: `timeout`, or what it ended with. */
export class TaskError extends Error {
  override readonly name = 'TaskError';
  readonly reason: ExitReason;
  constructor(reason: ExitReason) {
    super(`the task did not answer: ${String(reason)}`);
    this.reason = reason;
  }
}

/** Task.async/1: start `work` linked to `owner`; its crash is the owner's unless that traps exits. */
export function asyncTask<T>(owner: Process, work: Work<T>): Task<T> {
  const pid = owner.spawn((self) => answer(self, owner, () => ref, work), { kind: 'task', link: true });
  const ref = owner.monitor(pid);
  return { pid, owner, ref };
}

/** Task.await/2. @throws TaskError after `timeoutMs`, or when the task has ended without an answer; TypeError in any but the owner. */
export async function awaitTask<T>(self: Process, task: Task<T>, timeoutMs = 5_000): Promise<T> {
  const result = await yieldTask(self, task, timeoutMs);
  if (!result) {
    self.demonitor(task.ref);
    throw new TaskError('timeout');
  }
  if ('exit' in result) throw new TaskError(result.exit);
  return result.ok;
}

/** Task.yield/2: the answer or the end of the task, or undefined when neither has come in `timeoutMs`. */
export async function yieldTask<T>(self: Process, task: Task<T>, timeoutMs = 5_000): Promise<{ readonly ok: T } | { readonly exit: ExitReason } | undefined> {
  if (self !== task.owner) throw new TypeError('a task can be awaited by its owner only');
  const { ref } = task;
  const isOurs = (message: unknown): message is TaskReply | DownMessage => message === ref || (message instanceof TaskReply && message.ref === ref);
  const message = await self.receive(isOurs, timeoutMs);
  if (message instanceof TaskReply) {
    self.demonitor(ref);
    return { ok: message.value as T }; // `answer` made it of this task's own work
  }
  return message && { exit: message.reason };
}

/** Task.shutdown/2: end it. Its answer when it was faster, undefined when it had none; what it ended with when that is no orderly end. */
export async function shutdownTask<T>(
  self: Process,
  task: Task<T>,
  shutdown: number | 'brutal_kill' = 5_000,
): Promise<{ readonly ok: T } | { readonly exit: ExitReason } | undefined> {
  const early = await yieldTask(self, task, 0);
  if (early) return early;
  self.exit(task.pid, shutdown === 'brutal_kill' ? 'kill' : 'shutdown');
  let ended = await yieldTask(self, task, shutdown === 'brutal_kill' ? Number.POSITIVE_INFINITY : shutdown);
  if (!ended) {
    self.exit(task.pid, 'kill');
    ended = await yieldTask(self, task, Number.POSITIVE_INFINITY);
  }
  self.unlink(task.pid);
  const orderly = ended && 'exit' in ended && (ended.exit === 'shutdown' || ended.exit === 'killed' || ended.exit === 'noproc');
  return orderly ? undefined : ended;
}

export interface StreamOptions {
  /** How many run at the same time. Default 8. */
  readonly maxConcurrency?: number;
  readonly timeoutMs?: number;
  /** `kill_task`: one that is too slow answers `{exit: 'timeout'}`; `exit`: the caller ends with it. Default `exit`. */
  readonly onTimeout?: 'exit' | 'kill_task';
}

/** Task.async_stream/3: `work` on every item, the answers in the order of the items. */
export async function asyncStream<I, T>(
  owner: Process,
  items: readonly I[],
  work: (item: I) => T | Promise<T>,
  { maxConcurrency = 8, timeoutMs = 5_000, onTimeout = 'exit' }: StreamOptions = {},
): Promise<({ readonly ok: T } | { readonly exit: ExitReason })[]> {
  const results: ({ readonly ok: T } | { readonly exit: ExitReason })[] = [];
  const running: Task<T>[] = [];
  for (let next = 0; results.length < items.length; ) {
    for (; next < items.length && running.length < maxConcurrency; next++) {
      const item = items[next] as I;
      running.push(asyncTask(owner, () => work(item)));
    }
    const first = running.shift() as Task<T>;
    const result = await yieldTask(owner, first, timeoutMs);
    if (result) results.push(result);
    else if (onTimeout === 'exit') throw new Exit('timeout');
    else {
      owner.unlink(first.pid);
      await shutdownTask(owner, first, 'brutal_kill');
      results.push({ exit: 'timeout' });
    }
  }
  return results;
}

/** Task.Supervisor.start_link/1. */
export const startTaskSupervisor = (parent: Process, flags: DynamicFlags = {}, options: SpawnOptions = {}): Promise<StartResult> =>
  startDynamicSupervisor(parent, flags, options);

/** Task.Supervisor.async_nolink/2: under the supervisor, monitored by `owner` and not linked to it. @throws Error when the supervisor has no place for it. */
export async function asyncNolink<T>(supervisor: Pid, owner: Process, work: Work<T>): Promise<Task<T>> {
  let ref: DownMessage | undefined;
  const go = Promise.withResolvers<void>();
  const started = await startTask(supervisor, async (self) => {
    await go.promise; // not before the owner has the reference that the answer carries
    await answer(self, owner, () => ref as DownMessage, work);
  });
  if (started === 'ignore' || 'error' in started || !started.ok) throw new TaskError(started === 'ignore' || !('error' in started) ? started : started.error);
  ref = owner.monitor(started.ok);
  go.resolve();
  return { pid: started.ok, owner, ref };
}

/** Task.Supervisor.start_child/3: nobody waits for it. `temporary` unless told otherwise; `{error: 'max_children'}`. */
export const startTask = (supervisor: Pid, work: Work<unknown>, restart: Restart = 'temporary'): Promise<Started | 'ignore'> =>
  startDynamicChild(supervisor, {
    id: 'task',
    restart,
    start: (parent) =>
      startProcess(
        parent,
        async (self, started) => {
          started('ok');
          await work(self);
        },
        { kind: 'task', link: true },
      ),
  });

export const taskChildren = async (supervisor: Pid): Promise<readonly Pid[]> =>
  (await whichDynamicChildren(supervisor)).flatMap(({ pid }) => (pid instanceof Process ? [pid] : []));
export const terminateTask = terminateDynamicChild;

async function answer<T>(self: Process, owner: Process, ref: () => DownMessage, work: Work<T>): Promise<void> {
  const value = await work(self);
  if (self.isAlive) owner.deliver(new TaskReply(ref(), value));
}
