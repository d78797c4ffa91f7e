/** The DynamicSupervisor cases recorded from Elixir, restated on `lib/dynamic-supervisor.ts`. */
import { expect } from 'chai';
import { cast, stopServer } from '../../lib/call.ts';
import type { ChildSpec } from '../../lib/child-spec.ts';
import {
  countDynamicChildren,
  type DynamicFlags,
  startDynamicChild,
  startDynamicSupervisor,
  terminateDynamicChild,
  whichDynamicChildren,
} from '../../lib/dynamic-supervisor.ts';
import { Exit } from '../../lib/exit.ts';
import { fail, type Init, ignore, ok, startLink, stop } from '../../lib/gen-server.ts';
import { Process } from '../../lib/process.ts';
import { isStarted, started } from '../../lib/start.ts';
import { asyncTask, awaitTask } from '../../lib/task.ts';
import { caught, down, drain, inProcess, next, restating, sleep } from './elixir.ts';
import { type State, tryLink } from './server.ts';

const dynamic = async (self: Process, flags: DynamicFlags = {}): Promise<Process> => started(await startDynamicSupervisor(self, flags, { name: 'sup' }));

const worker = (restart: ChildSpec['restart'] = 'permanent', first: State | ((self: Process) => Init<State> | Promise<Init<State>>) = {}): ChildSpec => ({
  id: 'w',
  restart,
  start: (parent) => tryLink(parent, first, { name: 'a' }),
});
const trapping =
  (log: Process) =>
  (server: Process): Init<State> => {
    server.trapExit = true;
    return ok({ log });
  };

/** Start one that must start. */
async function child(sup: Process, spec: ChildSpec): Promise<Process> {
  const result = await startDynamicChild(sup, spec);
  if (result === 'ignore' || 'error' in result || !result.ok) throw new Error('the child did not start');
  return result.ok;
}
const hasStarted = (result: unknown): boolean => typeof result === 'object' && result !== null && 'ok' in result && result.ok instanceof Process;

/** Every start asks `boss` how to go on. */
const asking = (boss: Process): ChildSpec => ({
  id: 'x',
  start: (parent, ...extra) => {
    for (const one of extra) boss.deliver(['extra', one]);
    return tryLink(parent, async (server) => {
      boss.deliver(['starting', server]);
      return (await next(server)) as Init<State>;
    });
  },
});
/** Tell the next start how to go on. */
async function expectStart(self: Process, how: Init<State>): Promise<Process> {
  const [, server] = (await self.receive((one): one is readonly ['starting', Process] => Array.isArray(one) && one[0] === 'starting')) ?? [];
  if (!server) throw new Error('nothing starts');
  self.send(server, how);
  return server;
}

describe('DynamicSupervisor, as recorded from Elixir', () => {
  const restated = restating('ex-072', 'ex-086', {});

  restated('ex-072', async (self) => {
    const sup = await dynamic(self);
    const pids = [await child(sup, worker()), await child(sup, worker())];
    const which = await whichDynamicChildren(sup);
    const listed = which.every(({ id, pid, type }) => id === undefined && pids.includes(pid as Process) && type === 'worker');
    return [listed && which.length === 2, await countDynamicChildren(sup)];
  });

  restated('ex-073', async (self) => {
    const sup = await dynamic(self, { maxChildren: 1 });
    const a = await child(sup, worker());
    const full = await startDynamicChild(sup, worker());
    await terminateDynamicChild(sup, a);
    return [full, hasStarted(await startDynamicChild(sup, worker()))];
  });

  restated('ex-074', async (self) => startDynamicChild(await dynamic(self, { maxChildren: 0 }), worker()));

  restated('ex-075', async (self) => {
    const sup = await dynamic(self, { maxChildren: 1 });
    const failed = await startDynamicChild(
      sup,
      worker('permanent', () => fail('nope')),
    );
    const ignored = await startDynamicChild(
      sup,
      worker('permanent', () => ignore),
    );
    return [failed, ignored, await countDynamicChildren(sup), hasStarted(await startDynamicChild(sup, worker()))];
  });

  restated('ex-076', async (self) => {
    const sup = await dynamic(self);
    const a = await child(sup, worker());
    return [await terminateDynamicChild(sup, a), await terminateDynamicChild(sup, a), await terminateDynamicChild(sup, self)];
  });

  restated('ex-077', async (self) => {
    const sup = await dynamic(self);
    await terminateDynamicChild(sup, await child(sup, worker('permanent')));
    return countDynamicChildren(sup);
  });

  // they come after the parent, which Elixir's start functions are not given, and before whatever the start function was made with
  restated('ex-078', async (self) => {
    const sup = await dynamic(self, { extraArguments: ['extra'] });
    const task = asyncTask(self, () => startDynamicChild(sup, asking(self)));
    const message = await next(self);
    await expectStart(self, ok({}));
    return [Array.isArray(message) && message[0] === 'extra' && message[1], hasStarted(await awaitTask(self, task))];
  });

  restated('ex-079', async (self) => {
    const sup = await dynamic(self, { maxRestarts: 100 });
    const rows: unknown[] = [];
    for (const restart of ['permanent', 'transient', 'temporary'] as const) {
      for (const reason of ['normal', 'shutdown', ['shutdown', 1], 'boom']) {
        const a = await child(sup, worker(restart));
        cast(a, (state: State) => stop(reason, state));
        await down(self, a);
        const { active } = await countDynamicChildren(sup);
        for (const { pid } of await whichDynamicChildren(sup)) await terminateDynamicChild(sup, pid as Process);
        rows.push([restart, reason, active]);
      }
    }
    return rows;
  });

  restated('ex-080', async (self) => {
    self.trapExit = true;
    const sup = await dynamic(self);
    await child(sup, worker());
    for (let i = 0; i < 4; i++) {
      const [only] = sup.isAlive ? await whichDynamicChildren(sup) : [];
      if (!(only?.pid instanceof Process)) continue;
      self.exit(only.pid, 'kill');
      await down(self, only.pid);
      await sleep(self, 5);
    }
    return drain(self);
  });

  restated('ex-081', async (self) => {
    const sup = await dynamic(self, { maxRestarts: 100 });
    const task = asyncTask(self, () => startDynamicChild(sup, asking(self)));
    const first = await expectStart(self, ok({}));
    await awaitTask(self, task);
    self.exit(first, 'kill');
    await expectStart(self, fail('nope'));
    const third = await expectStart(self, ok({}));
    const restarted = await countDynamicChildren(sup);
    self.exit(third, 'kill');
    await expectStart(self, ignore);
    return [restarted, await countDynamicChildren(sup)];
  });

  restated('ex-082', async (self) => {
    const sup = await dynamic(self);
    await child(sup, worker());
    return hasStarted(await startDynamicChild(sup, worker()));
  });

  // one check for the children of all supervisors: what is missing is named as OTP names it, and a bad type is an answer like any other
  restated(
    'ex-083',
    async (self) => {
      const sup = await dynamic(self);
      const start = (): 'ignore' => 'ignore';
      const specs = [
        {},
        { id: 1 },
        { start, restart: 'sometimes', id: 1 },
        { start, shutdown: -1, id: 1 },
        { start, type: 'robot', id: 1 },
        { start: 'bad', id: 1 },
      ];
      const answers: unknown[] = [];
      for (const spec of specs) answers.push(await caught(() => startDynamicChild(sup, spec as unknown as ChildSpec)));
      expect([sup.isAlive, await countDynamicChildren(sup)]).to.deep.equal([true, { specs: 0, active: 0, supervisors: 0, workers: 0 }]);
      return answers;
    },
    [
      ['value', ['error', 'missing_id']],
      ['value', ['error', 'missing_start']],
      ['value', ['error', ['invalid_restart_type', 'sometimes']]],
      ['value', ['error', ['invalid_shutdown', -1]]],
      ['value', ['error', ['invalid_child_type', 'robot']]],
      ['value', ['error', ['invalid_mfa', 'bad']]],
    ],
  );

  restated('ex-084', async (self) => {
    const sup = await dynamic(self);
    const start: ChildSpec['start'] = async (parent) => {
      const result = await tryLink(parent, {});
      return isStarted(result) ? { ...result, info: 'info' } : result;
    };
    const result = await startDynamicChild(sup, { id: 1, start });
    return result !== 'ignore' && 'ok' in result && result.ok instanceof Process ? ['ok', 'a_pid', result.info] : result;
  });

  // a module that is not there is an Error in JavaScript, whatever its words
  restated('ex-085', async (self) => {
    const sup = await dynamic(self);
    const start = (): never => {
      throw new Error('undef');
    };
    return [await startDynamicChild(sup, { id: 1, start }), sup.isAlive];
  });

  // stopServer answers the reason with which it ended, where stop/1 says :ok if that is the one asked for
  restated(
    'ex-086',
    async (self) => {
      const sup = await dynamic(self);
      for (let i = 0; i < 3; i++) await child(sup, worker('permanent', trapping(self)));
      return [await stopServer(sup), await drain(self)];
    },
    [
      'normal',
      [
        ['terminate', 'shutdown'],
        ['terminate', 'shutdown'],
        ['terminate', 'shutdown'],
      ],
    ],
  );
});

describe('DynamicSupervisor', () => {
  /** One that takes `ms` to end when it is told to. */
  const slow = (ms: number, shutdown: number): ChildSpec => ({
    id: 'slow',
    shutdown,
    start: (parent) =>
      startLink(parent, {
        init: (server) => {
          server.trapExit = true;
          return ok(server);
        },
        terminate: (_reason, server) => sleep(server, ms),
      }),
  });

  it('stops all children at the same time: it takes as long as the slowest, less what is cut short by its shutdown time', async () => {
    const took = await inProcess(async (self) => {
      const sup = await dynamic(self);
      const children = [await child(sup, slow(10, 100)), await child(sup, slow(40, 100)), await child(sup, slow(5_000, 70))];
      const began = self.clock.now();
      const ends: unknown[] = [];
      for (const one of children) one.onExit((reason) => ends.push([self.clock.now() - began, reason]));
      await stopServer(sup);
      return [ends, self.clock.now() - began];
    });
    const ends = [
      [10, 'shutdown'],
      [40, 'shutdown'],
      [70, 'killed'],
    ];
    expect(took).to.deep.equal([ends, 70]);
  });

  it('lists and counts a child whose restart has failed, keeps its place, and forgets it when it is terminated by the Pid that it had', async () => {
    const seen = await inProcess(async (self) => {
      const sup = await dynamic(self, { maxChildren: 1, maxRestarts: 100 });
      const task = asyncTask(self, () => startDynamicChild(sup, asking(self)));
      const first = await expectStart(self, ok({}));
      await awaitTask(self, task);
      self.exit(first, 'kill');
      const restarting = (await next(self)) as readonly [string, Process];
      // all of it lies in the mailbox when the restart fails, and so before the supervisor tries again
      const answers = Promise.all([
        whichDynamicChildren(sup),
        countDynamicChildren(sup),
        startDynamicChild(sup, worker()),
        terminateDynamicChild(sup, first),
        countDynamicChildren(sup),
      ]);
      self.send(restarting[1], fail('nope'));
      return [...(await answers), await drain(self)];
    });
    expect(seen).to.deep.equal([
      [{ id: undefined, pid: 'restarting', type: 'worker' }],
      { specs: 1, active: 0, supervisors: 0, workers: 1 },
      { error: 'max_children' },
      'ok',
      { specs: 0, active: 0, supervisors: 0, workers: 0 },
      [],
    ]);
  });

  it("answers what a start function throws as the error, unmarked: an exit's reason, an Error, and nocatch for anything else", async () => {
    const errors = await inProcess(async (self) => {
      const sup = await dynamic(self);
      const oops = new Error('oops');
      const answers: unknown[] = [];
      for (const thrown of [new Exit('boom'), oops, 'ball']) {
        const sync = (): never => {
          throw thrown;
        };
        const later = async (): Promise<never> => {
          throw thrown;
        };
        for (const start of [sync, later]) answers.push(await startDynamicChild(sup, { id: 1, start }));
      }
      return answers.map((answer) => (answer as { error: unknown }).error).map((error) => (error === oops ? 'oops itself' : error));
    });
    expect(errors).to.deep.equal(['boom', 'boom', 'oops itself', 'oops itself', ['nocatch', 'ball'], ['nocatch', 'ball']]);
  });
});
