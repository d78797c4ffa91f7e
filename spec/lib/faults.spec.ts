/** A fault stays where it is, and comes to those whom it concerns as it is: odd reasons, watchers that throw, starts that are none, names that are taken. */
import { inspect } from 'node:util';
import { expect } from 'chai';
import { CallError, cast } from '../../lib/call.ts';
import type { ChildSpec, StartChild } from '../../lib/child-spec.ts';
import { startDynamicChild, startDynamicSupervisor } from '../../lib/dynamic-supervisor.ts';
import { Exit, reasonText } from '../../lib/exit.ts';
import { fail, stop } from '../../lib/gen-server.ts';
import { type Process, processes } from '../../lib/process.ts';
import { Registry } from '../../lib/registry.ts';
import { onReport } from '../../lib/report.ts';
import { StartError, type StartResult, started } from '../../lib/start.ts';
import { startChild, startChildWith, startSupervisor, terminateChild } from '../../lib/supervisor.ts';
import { asyncNolink, awaitTask, startTaskSupervisor, TaskError } from '../../lib/task.ts';
import { caught, down, drain, exits, inProcess, sleep } from './elixir.ts';
import { alone, ask, bare, linked, tryLink } from './server.ts';

/** A tuple and a map that lie in themselves. */
const loop: unknown[] = ['loop'];
loop.push(loop, loop, { loop });
const ring: Record<string, unknown> = { id: { name: 'ring' } };
ring.ring = ring;
const odd = new Error('odd');
Object.defineProperty(odd, 'message', { value: Symbol('message') });
let deep: unknown = 'bottom';
for (let i = 0; i < 20_000; i++) deep = [deep];

/** Exit reasons that are no JSON, or no text. */
const REASONS: Readonly<Record<string, unknown>> = {
  'a BigInt': 5n,
  'a tuple of BigInts': ['shut', [5n]],
  'a tuple that lies in itself': loop,
  'a map that lies in itself': ring,
  'a map without a prototype': Object.assign(Object.create(null), { id: Object.create(null) }),
  'a symbol in a tuple': [Symbol('s')],
  'a function': () => {},
  'a Map': new Map([[1, new Set()]]),
  'an Error whose message is none': odd,
  'a term as deep as a stack': deep,
  null: null,
  undefined,
};

describe('An exit reason', () => {
  for (const [what, reason] of Object.entries(REASONS))
    it(`that is ${what} comes as it is to all who hear of the end, and is written in every error`, async () => {
      const reported: unknown[] = [];
      await inProcess(async (self) => {
        self.trapExit = true;
        const silence = onReport((report) => report.report !== 'progress' && reported.push(report.reason));
        try {
          const server = await linked(self, {});
          const end = down(self, server);
          const [, error] = await caughtAsIs(() => ask(server, (_from, state) => stop(reason, state)));
          expect(error).to.be.instanceOf(CallError);
          const [exit] = await drain(self);
          const notStarted = await tryLink(self, () => fail(reason));
          const [, startError] = await caughtAsIs(() => started(notStarted));
          await drain(self);
          const tasks = started(await startTaskSupervisor(self));
          const task = await asyncNolink(tasks, self, () => {
            throw new Exit(reason);
          });
          const [, taskError] = await caughtAsIs(() => awaitTask(self, task));
          expect(taskError).to.be.instanceOf(TaskError);
          for (const one of [error, exit, { reason: await end }, { reason: (notStarted as { error: unknown }).error }, startError, taskError])
            expect(one instanceof Error && one === reason ? reason : (one as CallError).reason).to.equal(reason);
          for (const one of [error, startError, taskError]) if (one !== odd) expect((one as Error).message).to.include(reasonText(reason));
          if (!(reason instanceof Error)) expect(startError).to.be.instanceOf(StartError);
          // its supervisor restarts it, and says so
          const supervisor = started(await startSupervisor(self, { flags: {}, children: [{ id: 'c', start: (parent) => tryLink(parent, {}) }] }));
          const [child] = supervisor.children;
          self.exit(child as Process, reason);
          await sleep(self, 1);
          expect([supervisor.isAlive, supervisor.children.length, supervisor.children[0] === child]).to.deep.equal([true, 1, false]);
          await terminateChild(supervisor, 'c');
        } finally {
          silence();
        }
      });
      expect(reported.length).to.be.at.least(4); // the server, the start, the task and its end, the child
      for (const one of reported) expect(one).to.equal(reason);
    });

  it('is written in one line, however large; a process and a resource by their ids', () => {
    for (const reason of Object.values(REASONS)) expect(reasonText(reason)).to.match(/^.+$/).with.property('length').that.is.below(200);
    expect(Object.values([['a', ['b', 1]], { id: 'disk' }, { id: 7 }, { a: 1 }, new Error('e'), new TypeError()]).map(reasonText)).to.deep.equal([
      '{a, {b, 1}}',
      'disk',
      '7',
      '{ a: 1 }',
      'e',
      'TypeError',
    ]);
  });

  it('of a server without the callback for a message names the message, whatever that is', async () => {
    await inProcess(async (self) => {
      for (const message of [5n, loop, Symbol('s'), undefined, { a: 1 }]) {
        const server = await bare(self);
        const end = down(self, server);
        cast<unknown>(server, message);
        expect(await end)
          .to.be.instanceOf(TypeError)
          .with.property('message', `the server has no handleCast, and got ${inspect(message, { depth: 3 })}`);
      }
    });
  });
});

/** As `caught`, but for errors that are the reason itself. */
async function caughtAsIs(fun: () => unknown): Promise<readonly [string, unknown]> {
  try {
    return ['value', await fun()];
  } catch (thrown) {
    return ['error', thrown];
  }
}

describe('A watcher that throws', () => {
  it('is heard of, and harms nobody: not those who hear after it, nor those who are linked, nor whoever has ended the process', async () => {
    const oops = new Error('a bad watcher');
    const uncaught: unknown[] = [];
    process.setUncaughtExceptionCaptureCallback((error) => uncaught.push(error));
    try {
      const seen = await inProcess(async (self) => {
        self.trapExit = true;
        const registry = new Registry<unknown>();
        const server = await linked(self, {}, { via: { registry, key: 'k' } });
        const order: string[] = [];
        server.onExit(() => order.push('first'));
        server.onExit(() => {
          throw oops;
        });
        server.onExit(() => order.push('last'));
        const end = self.monitor(server);
        const asked = caught(() => ask(server, () => new Promise<never>(() => {})));
        await sleep(self, 1);
        self.exit(server, 'kill');
        order.push('goes on');
        const heard = exits(await drain(self));
        return [order, await asked, heard[0], heard[1] === end, registry.whereis('k'), server.isAlive, server.signal.aborted];
      });
      expect(seen).to.deep.equal([['goes on', 'first', 'last'], ['exit', 'killed'], ['EXIT', 'killed'], true, undefined, false, true]);
      expect(uncaught).to.deep.equal([oops]);
    } finally {
      process.setUncaughtExceptionCaptureCallback(null);
    }
  });
});

describe('A start function that answers ok without a process', () => {
  const NONE: readonly unknown[] = ['x', 5, null, undefined, {}, { id: 1, isAlive: true }];

  it('has started nothing: what it answers is the error, in OTP’s words', async () => {
    await inProcess(async (self) => {
      self.trapExit = true;
      for (const none of NONE) {
        const answer = { ok: none } as unknown as StartResult;
        const start: StartChild = () => answer;
        const spec: ChildSpec = { id: 'c', start };
        const one = started(await startSupervisor(self, { flags: {}, children: [] }));
        const simple = started(await startSupervisor(self, { flags: { strategy: 'simple_one_for_one' }, children: [spec] }));
        const dynamic = started(await startDynamicSupervisor(self));
        expect(await startSupervisor(self, { flags: {}, children: [spec] })).to.deep.equal({ error: ['shutdown', ['failed_to_start_child', 'c', answer]] });
        expect(await startChild(one, spec)).to.deep.equal({ error: [answer, spec] });
        expect(await startChildWith(simple)).to.deep.equal({ error: answer });
        expect(await startDynamicChild(dynamic, spec)).to.deep.equal({ error: answer });
        expect(() => started(answer))
          .to.throw(StartError)
          .with.property('reason', answer);
        for (const supervisor of [one, simple, dynamic]) expect([supervisor.isAlive, supervisor.children]).to.deep.equal([true, []]);
      }
    });
  });
});

describe('A start under a name that is taken', () => {
  // gen:init_it2/8
  it('answers already_started with the holder; who starts it or is linked to it does not end, and who traps exits hears normal', async () => {
    await inProcess(async (self) => {
      const registry = new Registry<unknown>();
      const via = { registry, key: 'k' };
      const holder = await alone(self, {});
      registry.register(holder, 'k', undefined);
      const before = [...processes()].length;
      const again = (parent: Process): Promise<StartResult> => tryLink(parent, () => expect.fail('its init has run'), { via });
      const taken = { error: ['already_started', holder] };
      expect(await again(self)).to.deep.equal(taken);
      expect([await drain(self), self.isAlive, holder.isAlive, registry.whereis('k') === holder]).to.deep.equal([[], true, true, true]);
      const supervisor = started(await startSupervisor(self, { flags: { intensity: 0 }, children: [] }));
      const spec: ChildSpec = { id: 'c', start: again };
      expect(await startChild(supervisor, spec)).to.deep.equal({ error: [['already_started', holder], spec] });
      self.trapExit = true;
      expect(await again(self)).to.deep.equal(taken);
      expect(exits(await drain(self))).to.deep.equal([['EXIT', 'normal']]);
      expect([supervisor.isAlive, [...processes()].length]).to.deep.equal([true, before + 1]);
    });
  });
});
