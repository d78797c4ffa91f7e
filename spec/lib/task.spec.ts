/** The Task and Task.Supervisor cases recorded from Elixir, restated on `lib/task.ts`; what it is held to beside them is in task-rules.spec.ts. */
import { countDynamicChildren, type DynamicFlags } from '../../lib/dynamic-supervisor.ts';
import { Exit } from '../../lib/exit.ts';
import { Process } from '../../lib/process.ts';
import { DownMessage } from '../../lib/signal.ts';
import { started } from '../../lib/start.ts';
import {
  asyncNolink,
  asyncStream,
  asyncTask,
  awaitTask,
  shutdownTask,
  startTask,
  startTaskSupervisor,
  type Task,
  TaskReply,
  taskChildren,
  terminateTask,
  type Work,
  yieldTask,
} from '../../lib/task.ts';
import { caught, down, drain, next, restating, sleep } from './elixir.ts';

const supervisor = async (self: Process, flags: DynamicFlags = {}): Promise<Process> => started(await startTaskSupervisor(self, flags));

/** Start one that must start. */
async function child(sup: Process, work: Work<unknown>, restart?: 'transient'): Promise<Process> {
  const result = await startTask(sup, work, restart);
  if (result === 'ignore' || 'error' in result || !result.ok) throw new Error('the task did not start');
  return result.ok;
}

const sleeping =
  (ms: number) =>
  (task: Process): Promise<void> =>
    sleep(task, ms);
const exiting =
  (reason: unknown): (() => never) =>
  () => {
    throw new Exit(reason);
  };

/** The messages of `task` as Elixir's `{ref, value}` and `{:DOWN, ref, …}`; a task has no name, so it is labelled here. */
const ofTask = ({ ref, pid }: Task<unknown>, messages: readonly unknown[]): unknown[] =>
  messages.map((one) => {
    if (one instanceof TaskReply && one.ref === ref) return ['result', one.value];
    return one instanceof DownMessage && one === ref ? ['DOWN', one.pid === pid ? { pid: 'task' } : one.pid, one.reason] : one;
  });

describe('Task, as recorded from Elixir', () => {
  const restated = restating('ex-093', 'ex-106', {});

  restated('ex-093', async (self) => {
    const first = asyncTask(self, () => 42);
    const second = asyncTask(self, () => 43);
    const message = await self.receive((one): one is TaskReply => one instanceof TaskReply && one.ref === second.ref);
    return [await awaitTask(self, first), message?.value];
  });

  restated('ex-094', async (self) => {
    const caller = self.spawn(async (process) => {
      asyncTask(process, exiting('boom'));
      await sleep(process, 1_000);
    });
    return down(self, caller);
  });

  restated('ex-095', async (self) => {
    const task = asyncTask(self, sleeping(1_000));
    return caught(() => awaitTask(self, task, 20));
  });

  restated('ex-096', async (self) => {
    const sup = await supervisor(self);
    const task = await asyncNolink(sup, self, async (process) => {
      await next(process);
      return 'v';
    });
    const early = await yieldTask(self, task, 10);
    self.send(task.pid, 'go');
    const answered = await yieldTask(self, task, 200);
    const crashed = await asyncNolink(sup, self, exiting('boom'));
    return [early, answered, await yieldTask(self, crashed, 200)];
  });

  restated('ex-097', async (self) => {
    const slow = asyncTask(self, sleeping(1_000));
    const quick = asyncTask(self, () => 'v');
    await sleep(self, 20);
    const killed = asyncTask(self, sleeping(1_000));
    return [await shutdownTask(self, slow), await shutdownTask(self, quick), await shutdownTask(self, killed, 'brutal_kill'), await drain(self)];
  });

  // the error is a TypeError, JavaScript's word for an argument that is not fit
  restated(
    'ex-098',
    async (self) => {
      const task = asyncTask(self, sleeping(20));
      self.spawn(async (stranger) => {
        const [kind, error] = await caught(() => awaitTask(stranger, task));
        stranger.send(self, [kind, error instanceof Error && error.name]);
      });
      return next(self);
    },
    ['error', 'TypeError'],
  );

  restated('ex-099', async (self) => {
    // the work of a stream is not told which process it runs in, so its sleep is a timer of the clock
    const work = (ms: number): Promise<number> => new Promise((resolve) => self.clock.setTimer(ms, () => resolve(ms)));
    return asyncStream(self, [60, 1, 500, 2], work, { maxConcurrency: 4, timeoutMs: 200, onTimeout: 'kill_task' });
  });

  restated('ex-100', async (self) => {
    const task = await asyncNolink(await supervisor(self), self, () => 'v');
    return ofTask(task, await drain(self));
  });

  restated('ex-101', async (self) => {
    const task = await asyncNolink(await supervisor(self), self, () => {
      throw new Error('oops');
    });
    return ofTask(task, await drain(self, 60));
  });

  restated('ex-102', async (self) => {
    const task = await asyncNolink(await supervisor(self), self, exiting('boom'));
    return caught(() => awaitTask(self, task));
  });

  restated('ex-103', async (self) => {
    const sup = await supervisor(self);
    await down(self, await child(sup, exiting('boom')));
    await sleep(self, 5);
    return [await taskChildren(sup), await countDynamicChildren(sup)];
  });

  restated('ex-104', async (self) => {
    const sup = await supervisor(self);
    const work: Work<void> = async (process) => {
      self.deliver(process);
      if ((await next(process)) === 'crash') throw new Exit('boom');
    };
    await child(sup, work, 'transient');
    const first = (await next(self)) as Process;
    self.send(first, 'crash');
    const second = (await next(self, 500)) as Process;
    self.send(second, 'end');
    await down(self, second);
    return [second instanceof Process && first !== second, await drain(self), await taskChildren(sup)];
  });

  restated('ex-105', async (self) => {
    const sup = await supervisor(self);
    const pid = await child(sup, sleeping(Number.POSITIVE_INFINITY));
    const label = (pids: readonly Process[]): unknown[] => pids.map((one) => (one === pid ? { pid: 'p' } : one));
    return [label(await taskChildren(sup)), await terminateTask(sup, pid), await terminateTask(sup, pid), await taskChildren(sup)];
  });

  // the error is a TaskError that says why: max_children
  restated(
    'ex-106',
    async (self) => {
      const sup = await supervisor(self, { maxChildren: 0 });
      const result = await caught(() => asyncNolink(sup, self, () => 1));
      return [await startTask(sup, () => 1), result];
    },
    [
      ['error', 'max_children'],
      ['exit', 'max_children'],
    ],
  );
});
