/** The `maxMailbox` of a process: what of others is refused when it is full, how they learn of it, and what fits all the same. */
import { expect } from 'chai';
import fc from 'fast-check';
import { CallError, cast, stopServer } from '../../lib/call.ts';
import type { ChildSpec, StartChild } from '../../lib/child-spec.ts';
import { startDynamicChild, startDynamicSupervisor } from '../../lib/dynamic-supervisor.ts';
import { noreply, ok, reply, startLink } from '../../lib/gen-server.ts';
import { type Process, type SpawnOptions, spawn } from '../../lib/process.ts';
import { DownMessage, ExitMessage } from '../../lib/signal.ts';
import { isStarted, started } from '../../lib/start.ts';
import { startChildWith, startSupervisor } from '../../lib/supervisor.ts';
import { asyncTask, TaskReply } from '../../lib/task.ts';
import { VirtualClock } from '../otp/virtual-clock.ts';
import { down, drain, inProcess, next, sleep } from './elixir.ts';
import { ask, type Fun, telling, tryLink, tryStart } from './server.ts';

/** A server that is busy until `open` is called, so that whatever comes to it waits. */
async function busy(self: Process, maxMailbox?: number): Promise<{ readonly server: Process; readonly open: () => void }> {
  const server = started(await tryStart(self, { log: self }, maxMailbox === undefined ? {} : { maxMailbox }));
  const gate = Promise.withResolvers<void>();
  const hold: Fun = async (state) => {
    await gate.promise;
    return noreply(state);
  };
  server.deliver(hold); // which a mailbox of any size takes
  await sleep(self, 1);
  return { server, open: gate.resolve };
}
/** The ways to get a message into the mailbox of another; each answers whether it was taken, at once. */
const WAYS = {
  cast: async (self: Process, server: Process, what: unknown): Promise<boolean> => cast(server, telling(self, what)),
  send: async (self: Process, server: Process, what: unknown): Promise<boolean> => self.send(server, telling(self, what)),
  call: async (self: Process, server: Process, what: unknown): Promise<boolean> => {
    const answer = ask(server, (_from, state) => {
      self.deliver(what);
      return reply('done', state);
    });
    const refused = answer.then(
      () => false,
      (error: unknown) => error,
    );
    const first = await Promise.race([refused, Promise.resolve().then(() => 'waiting')]);
    if (first === 'waiting') return true;
    expect(first).to.be.instanceOf(CallError).with.property('reason', 'mailbox_full');
    return false;
  },
};

describe('A bounded mailbox', () => {
  it('is of a size: what is no number from 0 on is refused', () => {
    for (const maxMailbox of [Number.NaN, -1]) expect(() => spawn(() => {}, { maxMailbox })).to.throw(RangeError, String(maxMailbox));
  });

  it('takes messages until so many wait, refuses every further one with a plain answer, and handles what it took, in order', async () => {
    const way = fc.constantFrom(...(Object.keys(WAYS) as (keyof typeof WAYS)[]));
    const any = fc.record({ maxMailbox: fc.nat(4), first: fc.array(way, { maxLength: 8 }), second: fc.array(way, { maxLength: 8 }) });
    const property = fc.asyncProperty(any, async ({ maxMailbox, first, second }) => {
      await inProcess(async (self) => {
        const { server, open } = await busy(self, maxMailbox);
        const taken: boolean[] = [];
        for (const [i, one] of first.entries()) taken.push(await WAYS[one](self, server, i));
        expect(taken).to.deep.equal(first.map((_, i) => i < maxMailbox));
        expect(server.queueLength).to.equal(Math.min(first.length, maxMailbox));
        open();
        expect(await drain(self)).to.deep.equal([...first.keys()].slice(0, maxMailbox));
        // and there is room again for as many as before, one at a time or together
        for (const [i, one] of second.entries()) {
          const fits = await WAYS[one](self, server, i);
          expect(fits).to.equal(maxMailbox > 0);
          expect(await drain(self)).to.deep.equal(fits ? [i] : []);
        }
      });
    });
    await fc.assert(property, { numRuns: 50 });
  });

  it('has no bound unless one is given', async () => {
    await inProcess(async (self) => {
      const { server, open } = await busy(self);
      for (let i = 0; i < 20_000; i++) expect(self.send(server, telling(self, i))).to.equal(true);
      open();
      expect(await drain(self)).to.have.lengthOf(20_000);
    });
  });

  it('refuses a call at once: it takes no time, leaves no timer behind, and says what was full', async () => {
    await inProcess(async (self) => {
      const { server } = await busy(self, 1);
      self.send(server, 'one');
      const began = self.clock.now();
      const error = await ask(server, (_from, state) => reply('never', state)).catch((thrown: unknown) => thrown);
      expect(error).to.be.instanceOf(CallError).with.property('message', 'call to s: mailbox_full');
      expect(self.clock.now()).to.equal(began);
      expect(self.clock instanceof VirtualClock && self.clock.advance()).to.equal(false);
    });
  });

  it('always has room for a DOWN, a trapped exit, a timer and the answer of a task: nobody can fail to learn of what it has asked for', async () => {
    const found = await inProcess(async (self) => {
      const gate = Promise.withResolvers<void>();
      const [watched, mate] = [1, 2].map(() => self.spawn(async (other) => void (await next(other)))) as [Process, Process];
      const full = self.spawn(
        async (process) => {
          process.trapExit = true;
          process.monitor(watched);
          process.link(mate);
          process.sendAfter(10, 'tick');
          asyncTask(process, () => 'answer');
          await gate.promise;
          self.deliver(await drain(process));
        },
        { maxMailbox: 1 },
      );
      expect([self.send(full, 'fits'), self.send(full, 'does not')]).to.deep.equal([true, false]);
      await sleep(self, 1);
      for (const one of [watched, mate]) self.exit(one, 'boom');
      await sleep(self, 20);
      gate.resolve();
      return next(self);
    });
    const kind = (message: unknown): unknown => {
      if (message instanceof DownMessage) return ['DOWN', message.reason];
      if (message instanceof ExitMessage) return ['EXIT', message.reason];
      return message instanceof TaskReply ? message.value : message;
    };
    expect((found as unknown[]).map(kind)).to.have.deep.members([
      'fits',
      'answer',
      ['DOWN', 'normal'],
      ['EXIT', 'normal'],
      ['DOWN', 'boom'],
      ['EXIT', 'boom'],
      'tick',
    ]);
  });

  it('always has room for the word of a child that starts', async () => {
    const seen = await inProcess(async (self) => {
      const parent = self.spawn(
        async (process) => {
          const slow = startLink(process, {
            init: async (child) => {
              await sleep(child, 10);
              return ok(null);
            },
          });
          process.deliver('waits');
          expect(self.send(process, 'of somebody')).to.equal(false);
          self.deliver(isStarted(await slow));
        },
        { maxMailbox: 1 },
      );
      return [await next(self), await down(self, parent)];
    });
    expect(seen).to.deep.equal([true, 'normal']);
  });

  const child = (start: StartChild): ChildSpec => ({ id: 'c', start });
  const supervised: Readonly<Record<string, (self: Process, start: StartChild, options: SpawnOptions) => Promise<Process>>> = {
    'a supervisor': async (self, start, options) => started(await startSupervisor(self, { flags: { intensity: 9 }, children: [child(start)] }, options)),
    'a simple_one_for_one': async (self, start, options) => {
      const flags = { strategy: 'simple_one_for_one', intensity: 9 } as const;
      const supervisor = started(await startSupervisor(self, { flags, children: [child(start)] }, options));
      await startChildWith(supervisor);
      return supervisor;
    },
    'a dynamic supervisor': async (self, start, options) => {
      const supervisor = started(await startDynamicSupervisor(self, { maxRestarts: 9 }, options));
      await startDynamicChild(supervisor, child(start));
      return supervisor;
    },
  };
  for (const [which, supervise] of Object.entries(supervised))
    it(`always has room for what ${which} has to try again`, async () => {
      await inProcess(async (self) => {
        let starts = 0;
        const taken: boolean[] = [];
        const start: StartChild = (supervisor) => {
          if (++starts === 1 || starts > 3) return tryLink(supervisor, {});
          for (const _twice of [1, 2]) taken.push(self.send(supervisor, 'noise'));
          return { error: 'not yet' };
        };
        const supervisor = await supervise(self, start, { maxMailbox: 1 });
        self.exit(supervisor.children[0] as Process, 'kill');
        await sleep(self, 1);
        expect([starts, taken, supervisor.children.length, supervisor.queueLength]).to.deep.equal([4, [true, false, true, false], 1, 0]);
      });
    });

  it('keeps nobody from being stopped or killed: what waits is handled before a stop, and not before a kill', async () => {
    const seen = await inProcess(async (self) => {
      const toStop = await busy(self, 1);
      self.send(toStop.server, telling(self, 'handled'));
      const stopped = stopServer(toStop.server, 'shutdown');
      toStop.open();
      const reason = await stopped;
      const heard = await drain(self);
      const toKill = await busy(self, 1);
      self.send(toKill.server, telling(self, 'not handled'));
      self.exit(toKill.server, 'kill');
      return [reason, heard, await down(self, toKill.server), await drain(self)];
    });
    expect(seen).to.deep.equal(['shutdown', ['handled', ['terminate', 'shutdown']], 'killed', []]);
  });
});
