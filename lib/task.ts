/** One piece of work in a process of its own, and its answer (Elixir 1.14: Task, Task.Supervisor). */
import { inspect } from 'node:util';
import type { Restart } from './child-spec.ts';
import { type Started, unlinkFlush } from './child.ts';
import { checkDelay } from './clock.ts';
import { type DynamicFlags, startDynamicChild, startDynamicSupervisor, terminateDynamicChild, whichDynamicChildren } from './dynamic-supervisor.ts';
import { Exit, type ExitReason, reasonOf, reasonText } from './exit.ts';
import { type Pid, Process, type SpawnOptions } from './process.ts';
import { crashReport } from './report.ts';
import { DownMessage, ExitMessage } from './signal.ts';
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

/** The answer of a task, or what it has ended with instead. */
export type TaskResult<T> = { readonly ok: T } | { readonly exit: ExitReason };

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
    super(`the task did not answer: ${reasonText(reason)}`);
    this.reason = reason;
  }
}

/** Tasks that nobody waits for any more: an answer of theirs that comes after all is dropped (Elixir: the alias goes with the monitor). */
const givenUp = new WeakSet<DownMessage>();

/** Task.async/1: start `work` linked to `owner`; its crash is the owner's unless that traps exits. */
export function asyncTask<T>(owner: Process, work: Work<T>): Task<T> {
  const pid = owner.spawn((self) => doing(self, (one) => answer(one, owner, () => ref, work)), { kind: 'task', link: true });
  const ref = owner.monitor(pid);
  return { pid, owner, ref };
}

/** Task.await/2. @throws TaskError after `timeoutMs`, or when the task has ended without an answer; TypeError in any but the owner. */
export async function awaitTask<T>(self: Process, task: Task<T>, timeoutMs = 5_000): Promise<T> {
  const result = await yieldTask(self, task, timeoutMs);
  if (!result) {
    givenUp.add(task.ref);
    self.demonitor(task.ref);
    throw new TaskError('timeout');
  }
  if ('exit' in result) throw new TaskError(result.exit);
  return result.ok;
}

/** Task.yield/2: the answer or the end of the task, or undefined when neither has come in `timeoutMs`; it may be asked again. */
export async function yieldTask<T>(self: Process, task: Task<T>, timeoutMs = 5_000): Promise<TaskResult<T> | undefined> {
  mustOwn(self, task);
  const { ref } = task;
  const message = await self.receive((one): one is TaskReply | DownMessage => one === ref || isReply(one, ref), timeoutMs);
  return message && resultOf(self, message);
}

/**
 * Task.shutdown/2: unlink it and end it. Its answer when it was faster, undefined when it had none; else what it ended with, which is
 * `killed` when it did not end in time, and `noproc` when its end has been heard before.
 */
export async function shutdownTask<T>(self: Process, task: Task<T>, shutdown: number | 'brutal_kill' = 5_000): Promise<TaskResult<T> | undefined> {
  mustOwn(self, task);
  const { pid, ref } = task;
  const brutal = shutdown === 'brutal_kill';
  if (!brutal) checkDelay(shutdown);
  const down = self.monitor(pid); // the task's own may be used up
  const isDown = (message: unknown): message is DownMessage => message === down;
  self.unlink(pid);
  self.exit(pid, brutal ? 'kill' : 'shutdown');
  if (!(await self.receive(isDown, brutal ? Number.POSITIVE_INFINITY : shutdown))) {
    self.exit(pid, 'kill');
    await self.receive(isDown);
  }
  const { reason } = self.take((message) => message === ref) ? ref : down;
  const reply = self.take((message) => isReply(message, ref));
  if (reply instanceof TaskReply) return resultOf(self, reply);
  return reason === (brutal ? 'killed' : 'shutdown') ? undefined : { exit: reason };
}

export interface StreamOptions {
  /** How many run at the same time. Default 8. */
  readonly maxConcurrency?: number;
  /** How long each of them may run. Default 5,000. */
  readonly timeoutMs?: number;
  /** `kill_task`: one that is too slow answers `{exit: 'timeout'}`; `exit`: all are ended, and the caller with them. Default `exit`. */
  readonly onTimeout?: 'exit' | 'kill_task';
}

/**
 * Task.async_stream/3: `work` on every item, the answers in the order of the items. The owner ends with a task that crashes, unless it
 * traps exits: then that is its result. Nothing of it is left in the owner's mailbox.
 *
 * @throws RangeError for an option that is none, before anything starts; Exit `timeout` when `onTimeout` says so.
 */
export async function asyncStream<I, T>(
  owner: Process,
  items: readonly I[],
  work: (item: I) => T | Promise<T>,
  { maxConcurrency = 8, timeoutMs = 5_000, onTimeout = 'exit' }: StreamOptions = {},
): Promise<TaskResult<T>[]> {
  checkDelay(timeoutMs);
  if (!Number.isInteger(maxConcurrency) || maxConcurrency < 1)
    throw new RangeError(`maxConcurrency must be a whole number from 1 on, not ${inspect(maxConcurrency)}`);
  if (onTimeout !== 'exit' && onTimeout !== 'kill_task') throw new RangeError(`onTimeout must be exit or kill_task, not ${inspect(onTimeout)}`);
  const results: TaskResult<T>[] = [];
  const running = new Map<DownMessage, { readonly task: Task<T>; readonly index: number; readonly dueMs: number }>(); // the oldest first
  const isOurs = (message: unknown): message is TaskReply | DownMessage =>
    message instanceof DownMessage ? running.has(message) : message instanceof TaskReply && running.has(message.ref);
  const rest = items.entries();
  for (;;) {
    while (running.size < maxConcurrency) {
      const { value } = rest.next();
      if (!value) break;
      const [index, item] = value;
      const task = asyncTask(owner, () => work(item));
      running.set(task.ref, { task, index, dueMs: owner.clock.now() + timeoutMs });
    }
    const [oldest] = running.values();
    if (!oldest) return results;
    const leftMs = oldest.dueMs - owner.clock.now();
    const message = leftMs > 0 ? await owner.receive(isOurs, leftMs) : undefined; // however many others answer meanwhile
    const { task, index } = (message && running.get(message instanceof TaskReply ? message.ref : message)) ?? oldest;
    running.delete(task.ref);
    if (message instanceof DownMessage) owner.take((exit) => exit instanceof ExitMessage && exit.from === task.pid);
    else unlinkFlush(owner, task.pid, undefined);
    if (!owner.isAlive) return new Promise(() => {}); // the crash came over the link, too
    const result = message ? resultOf<T>(owner, message) : await shutdownTask(owner, task, 'brutal_kill');
    if (!result && onTimeout === 'exit') {
      for (const one of running.values()) {
        unlinkFlush(owner, one.task.pid, undefined);
        await shutdownTask(owner, one.task, 'brutal_kill');
      }
      throw new Exit('timeout');
    }
    results[index] = result ?? { exit: 'timeout' };
  }
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
          await doing(self, work);
        },
        { kind: 'task', link: true },
      ),
  });

export const taskChildren = async (supervisor: Pid): Promise<readonly Pid[]> =>
  (await whichDynamicChildren(supervisor)).flatMap(({ pid }) => (pid instanceof Process ? [pid] : []));
export const terminateTask = terminateDynamicChild;

/** As Task.Supervised within proc_lib: a task that fails by itself says so. */
async function doing(self: Process, work: Work<unknown>): Promise<void> {
  try {
    await work(self);
  } catch (thrown) {
    if (self.isAlive) crashReport(self, reasonOf(thrown)); // else others have ended it
    throw thrown;
  }
}

async function answer<T>(self: Process, owner: Process, ref: () => DownMessage, work: Work<T>): Promise<void> {
  const value = await work(self);
  if (self.isAlive && !givenUp.has(ref())) owner.deliver(new TaskReply(ref(), value));
}

const isReply = (message: unknown, ref: DownMessage): message is TaskReply => message instanceof TaskReply && message.ref === ref;

function resultOf<T>(self: Process, message: TaskReply | DownMessage): TaskResult<T> {
  if (message instanceof DownMessage) return { exit: message.reason };
  self.demonitor(message.ref);
  return { ok: message.value as T }; // `answer` made it of this task's own work
}

function mustOwn(self: Process, { owner }: Task<unknown>): void {
  if (self !== owner) throw new TypeError('a task can be awaited by its owner only');
}
