/** What tasks are held to beside the recorded cases: late answers, orderly and unruly ends, and streams against a schedule made by hand. */
import { inspect } from 'node:util';
import { expect } from 'chai';
import fc from 'fast-check';
import type { Clock } from '../../lib/clock.ts';
import { Exit } from '../../lib/exit.ts';
import { type Process, processes, spawn } from '../../lib/process.ts';
import { started } from '../../lib/start.ts';
import { asyncNolink, asyncStream, asyncTask, awaitTask, shutdownTask, startTaskSupervisor, type StreamOptions, TaskError, yieldTask } from '../../lib/task.ts';
import { caught, down, drain, inProcess, next, sleep } from './elixir.ts';

const exiting =
  (reason: unknown): (() => never) =>
  () => {
    throw new Exit(reason);
  };
/** Those of this case. */
const living = ({ clock }: Process): readonly Process[] => [...processes()].filter((one) => one.clock === clock);
/** One that ends only when it is killed. */
const deaf = async (task: Process): Promise<void> => {
  task.trapExit = true;
  await sleep(task, Number.POSITIVE_INFINITY);
};

describe('Task', () => {
  it('drops the answer that comes after await has given up', async () => {
    const left = await inProcess(async (self) => {
      const task = asyncTask(self, async (process) => {
        await sleep(process, 50);
        return 'late';
      });
      expect(await caught(() => awaitTask(self, task, 20))).to.deep.equal(['exit', 'timeout']);
      return [await drain(self, 100), task.pid.isAlive];
    });
    expect(left).to.deep.equal([[], false]);
  });

  it('keeps the answer that comes after yield has, and can be yielded to again', async () => {
    const answers = await inProcess(async (self) => {
      const task = asyncTask(self, async (process) => {
        await sleep(process, 50);
        return 'late';
      });
      return [await yieldTask(self, task, 20), await yieldTask(self, task, 20), await yieldTask(self, task, 20), await drain(self)];
    });
    expect(answers).to.deep.equal([undefined, undefined, { ok: 'late' }, []]);
  });

  it('fails an await with what the task ended with, as it was: an Error is the cause itself', async () => {
    const oops = new Error('oops');
    const failure = await inProcess(async (self) => {
      self.trapExit = true;
      const task = asyncTask(self, () => {
        throw oops;
      });
      return awaitTask(self, task).catch((error: unknown) => error);
    });
    expect(failure).to.be.instanceOf(TaskError).with.property('reason', oops);
  });

  it('that is shut down takes nobody along, and leaves nothing in the mailbox of its owner, trapping exits or not', async () => {
    for (const trapExit of [false, true]) {
      const left = await inProcess(async (self) => {
        self.trapExit = trapExit;
        const tasks = [asyncTask(self, (task) => sleep(task, 1_000)), asyncTask(self, (task) => sleep(task, 1_000)), asyncTask(self, deaf)] as const;
        await sleep(self, 1);
        const results = [
          await shutdownTask(self, tasks[0]),
          await shutdownTask(self, tasks[1], 'brutal_kill'),
          await shutdownTask(self, tasks[2], 'brutal_kill'),
        ];
        return [results, await drain(self)];
      });
      expect(left).to.deep.equal([[undefined, undefined, undefined], []]);
    }
  });

  it('that is not down in time is killed, and that is no orderly end', async () => {
    const result = await inProcess(async (self) => {
      const task = asyncTask(self, deaf);
      await sleep(self, 1);
      const began = self.clock.now();
      return [await shutdownTask(self, task, 70), self.clock.now() - began];
    });
    expect(result).to.deep.equal([{ exit: 'killed' }, 70]);
  });

  it('that has ended already is shut down with its own reason, and with noproc when that has been heard', async () => {
    const results = await inProcess(async (self) => {
      const sup = started(await startTaskSupervisor(self));
      const task = await asyncNolink(sup, self, exiting('boom'));
      await down(self, task.pid);
      const first = await shutdownTask(self, task);
      const second = await shutdownTask(self, task);
      const answered = await asyncNolink(sup, self, () => 'v');
      await awaitTask(self, answered);
      await down(self, answered.pid);
      return [first, second, await shutdownTask(self, answered), await drain(self)];
    });
    expect(results).to.deep.equal([{ exit: 'boom' }, { exit: 'noproc' }, { exit: 'noproc' }, []]);
  });

  it('is yielded to and shut down by its owner only', async () => {
    await inProcess(async (self) => {
      const task = asyncTask(self, (process) => sleep(process, 10));
      const stranger = self.spawn(() => new Promise<void>(() => {}));
      for (const wait of [yieldTask, shutdownTask, awaitTask]) {
        const [, error] = await caught(() => wait(stranger, task));
        expect(error).to.be.instanceOf(TypeError);
      }
      expect(task.pid.isAlive).to.equal(true);
    });
  });

  it('under a supervisor survives its owner', async () => {
    const survived = await inProcess(async (self) => {
      const sup = started(await startTaskSupervisor(self));
      const owner = self.spawn(async (process) => {
        const { pid } = await asyncNolink(sup, process, (task) => sleep(task, 100));
        process.send(self, pid);
      });
      const pid = (await next(self)) as Process;
      await down(self, owner);
      return [pid.isAlive, await down(self, pid)];
    });
    expect(survived).to.deep.equal([true, 'normal']);
  });
});

describe('A stream of tasks', () => {
  /** Work that takes `ms` of the process's own time. */
  const taking =
    (self: Process, at: (ms: number) => void = () => {}) =>
    (ms: number): Promise<number> =>
      new Promise((resolve) => {
        at(ms);
        self.clock.setTimer(ms, () => resolve(ms));
      });

  it('refuses a concurrency that is no whole number from 1 on, before anything starts', async () => {
    for (const maxConcurrency of [0, -1, 1.5, Number.NaN, '2' as unknown as number]) {
      await inProcess(async (self) => {
        const began = living(self);
        const failure = await caught(() => asyncStream(self, [1, 2], taking(self), { maxConcurrency }));
        expect(failure[1])
          .to.be.instanceOf(RangeError)
          .with.property('message', `maxConcurrency must be a whole number from 1 on, not ${inspect(maxConcurrency)}`);
        expect(living(self)).to.deep.equal(began);
      });
    }
  });

  it('begins the next item as soon as any has ended, and not when the oldest has', async () => {
    const begins = await inProcess(async (self) => {
      const at: number[] = [];
      await asyncStream(
        self,
        [100, 10, 10, 10, 10],
        taking(self, () => at.push(self.clock.now())),
        { maxConcurrency: 2 },
      );
      return at;
    });
    expect(begins).to.deep.equal([0, 0, 10, 20, 30]);
  });

  it('gives each task its own time, from its own beginning', async () => {
    const results = await inProcess(async (self) => {
      const result = await asyncStream(self, [190, 250, 150], taking(self), { maxConcurrency: 2, timeoutMs: 200, onTimeout: 'kill_task' });
      return [result, self.clock.now()];
    });
    expect(results).to.deep.equal([[{ ok: 190 }, { exit: 'timeout' }, { ok: 150 }], 340]);
  });

  it('ends with its owner when a task crashes, and the owner does nothing more', async () => {
    const seen = await inProcess(async (self) => {
      const owner = self.spawn(async (process) => {
        await asyncStream(process, [1], exiting('boom'));
        self.deliver('went on');
      });
      return [await down(self, owner), await drain(self)];
    });
    expect(seen).to.deep.equal(['boom', []]);
  });

  it('answers why a task crashed to an owner that traps exits, and leaves nothing in its mailbox', async () => {
    const seen = await inProcess(async (self) => {
      self.trapExit = true;
      const work = (item: number): Promise<number> => (item === 2 ? Promise.reject(new Exit('boom')) : taking(self)(item));
      const results = await asyncStream(self, [1, 2, 30, 500], work, { timeoutMs: 100, onTimeout: 'kill_task' });
      return [results, await drain(self)];
    });
    expect(seen).to.deep.equal([[{ ok: 1 }, { exit: 'boom' }, { ok: 30 }, { exit: 'timeout' }], []]);
  });

  it('that times out ends all its tasks and its owner, unless that catches the exit; then nothing is left of it', async () => {
    const seen = await inProcess(async (self) => {
      const before = living(self);
      const failure = await asyncStream(self, [10, 500, 400], taking(self), { timeoutMs: 100 }).catch((thrown: unknown) => thrown);
      expect(failure).to.be.instanceOf(Exit);
      return [(failure as Exit).reason, self.clock.now(), living(self).length - before.length, await drain(self, 1_000)];
    });
    expect(seen).to.deep.equal(['timeout', 100, 0, []]);
  });

  it('leaves no exit in the mailbox of tasks that crashed in the moment in which another was too slow', async () => {
    for (const onTimeout of ['kill_task', 'exit'] as const) {
      const seen = await inProcess(async (self) => {
        self.trapExit = true;
        const moment = taking(self)(100);
        const work = async (crashes: boolean): Promise<number> => {
          await (crashes ? moment : taking(self)(500));
          throw new Exit('boom');
        };
        const results = await asyncStream(self, [false, true, true, true], work, { timeoutMs: 100, onTimeout }).catch((thrown: unknown) => thrown);
        return [results instanceof Exit ? results.reason : results, await drain(self)];
      });
      const boom = { exit: 'boom' };
      expect(seen).to.deep.equal([onTimeout === 'exit' ? 'timeout' : [{ exit: 'timeout' }, boom, boom, boom], []]);
    }
  });

  // on a clock that counts the answers, and whose timers come when all of them are there
  it('is not kept from ending a task that is too slow by others that answer without a pause', async () => {
    let answered = 0;
    const clock: Clock = {
      now: () => answered,
      setTimer: (_delayMs, fire) => {
        const timer = setTimeout(fire, 200);
        return () => clearTimeout(timer);
      },
    };
    const end = Promise.withResolvers<number>();
    const owner = spawn(
      async (self) => {
        const work = (item: number): number | Promise<number> => {
          if (item > 0) return ++answered;
          self.links[0]?.onExit(() => end.resolve(answered));
          return new Promise<never>(() => {});
        };
        await asyncStream(self, [...Array(50).keys()], work, { maxConcurrency: 2, timeoutMs: 5, onTimeout: 'kill_task' });
      },
      { clock },
    );
    expect(await end.promise).to.be.within(5, 7);
    owner.die('killed');
  });

  it('is over when a schedule made by hand is, with the same results, in the order of the items', async () => {
    const any = fc.record({ items: fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 12 }), maxConcurrency: fc.integer({ min: 1, max: 5 }) });
    await fc.assert(
      fc.asyncProperty(any, async ({ items, maxConcurrency }) => {
        const options: StreamOptions = { maxConcurrency, timeoutMs: 20.5, onTimeout: 'kill_task' };
        const seen = await inProcess(async (self) => {
          const results = await asyncStream(self, items, taking(self), options);
          return { results, endMs: self.clock.now() };
        });
        const lanes: number[] = Array.from({ length: maxConcurrency }, () => 0);
        for (const ms of items) lanes[lanes.indexOf(Math.min(...lanes))] = Math.min(...lanes) + Math.min(ms, 20.5);
        expect(seen.results).to.deep.equal(items.map((ms) => (ms < 20.5 ? { ok: ms } : { exit: 'timeout' })));
        expect(seen.endMs).to.equal(Math.max(...lanes));
      }),
      { numRuns: 60 },
    );
  });
});
