/** The end of a process: its AbortSignal fires, whatever the end; and what its code does after that has no effect on anybody. */
import { setTimeout as sleepOn } from 'node:timers/promises';
import { expect } from 'chai';
import { CallError } from '../../lib/call.ts';
import { Exit, NoProc } from '../../lib/exit.ts';
import { ignore, type Init, ok, reply } from '../../lib/gen-server.ts';
import { type Process, processes, spawn } from '../../lib/process.ts';
import { Registry } from '../../lib/registry.ts';
import { onReport } from '../../lib/report.ts';
import { ExitMessage } from '../../lib/signal.ts';
import { asyncTask } from '../../lib/task.ts';
import { VirtualClock } from '../otp/virtual-clock.ts';
import { caught, down, drain, inProcess, sleep } from './elixir.ts';
import { alone, ask, type State, tryLink } from './server.ts';

/** How a process may end: what its own code does, or what is done to it. */
const ENDS: Readonly<Record<string, { readonly reason: unknown; readonly own?: () => void; readonly done?: (self: Process, pid: Process) => void }>> = {
  'it has nothing more to do': { reason: 'normal', own: () => {} },
  'it exits': {
    reason: 'boom',
    own: () => {
      throw new Exit('boom');
    },
  },
  'it crashes': {
    reason: 'oops',
    own: () => {
      throw new Error('oops');
    },
  },
  'it is told to exit': { reason: 'shutdown', done: (self, pid) => self.exit(pid, 'shutdown') },
  'it is killed': { reason: 'killed', done: (self, pid) => self.exit(pid, 'kill') },
};

describe('The signal of a process', () => {
  for (const [how, { reason, own, done }] of Object.entries(ENDS)) {
    it(`fires when ${how}: at that moment, once, and not before`, async () => {
      const seen = await inProcess(async (self) => {
        const gate = Promise.withResolvers<void>();
        const pid = self.spawn(async () => {
          await gate.promise;
          own?.();
        });
        const { signal } = pid;
        const fired: unknown[] = [];
        signal.addEventListener('abort', () => {
          const last = pid.exitReason instanceof Error ? pid.exitReason.message : pid.exitReason;
          fired.push([pid.isAlive, last, watcher.queueLength]); // the DOWN is out by then: whoever hears the signal is not the first to know
        });
        const watcher = self.spawn(() => () => {});
        watcher.suspend();
        watcher.monitor(pid);
        await sleep(self, 10);
        expect([signal.aborted, fired]).to.deep.equal([false, []]);
        if (done) done(self, pid);
        else gate.resolve();
        await sleep(self, 10);
        return [signal.aborted, fired, pid.signal === signal];
      });
      expect(seen).to.deep.equal([true, [[false, reason, 1]], true]);
    });
  }

  it('asked for after the end, has fired', async () => {
    const { signal } = await inProcess(async (self) => {
      const pid = self.spawn(() => {});
      await down(self, pid);
      return pid;
    });
    expect(signal.aborted).to.equal(true);
  });

  it('ends what a killed process waits for outside: sockets, requests and timers that have been given it', async () => {
    const ended = Promise.withResolvers<unknown>();
    const pid = spawn(async (self) => {
      await sleepOn(60_000, undefined, { signal: self.signal }).catch((error: unknown) => ended.resolve(error));
    });
    await sleepOn(1);
    pid.die('killed');
    expect(await ended.promise).to.have.property('name', 'AbortError');
  });
});

/** A process that was killed while it waited, and its living world: what its code does then is `later`. */
interface World {
  readonly dead: Process;
  readonly other: Process;
  readonly self: Process;
}

/** What a dead process may try. What it gets for it is returned, or thrown. */
const LATER: Readonly<Record<string, (world: World) => unknown>> = {
  'sends a message': ({ dead, other }) => dead.send(other, 'late'),
  'exits another': ({ dead, other }) => dead.exit(other, 'kill'),
  'exits itself': ({ dead }) => dead.exit(dead, 'again'),
  'dies again': ({ dead }) => dead.die('again'),
  links: ({ dead, other }) => dead.link(other),
  'is unlinked': ({ dead, other }) => dead.unlink(other),
  'sets a timer': ({ dead }) => void dead.sendAfter(5, 'late'),
  'sends itself a message': ({ dead }) => dead.deliver('late'),
  'looks into its mailbox': ({ dead }) => dead.take(() => true),
  'traps exits': ({ dead }) => {
    dead.trapExit = true;
  },
  'stands still and goes on': ({ dead }) => {
    dead.suspend();
    dead.resume();
  },
};
const ANSWERS: Readonly<Record<string, unknown>> = { 'sends a message': false, 'sends itself a message': false };

describe('A dead process', () => {
  /** A process killed while it waited, and another that it knew. */
  const world = async (self: Process): Promise<World> => {
    const other = self.spawn(async (process) => sleep(process, Number.POSITIVE_INFINITY), { name: 'other' });
    const dead = self.spawn(() => new Promise<void>(() => {}), { name: 'dead' });
    await sleep(self, 1);
    dead.deliver('before');
    self.exit(dead, 'kill');
    expect(await down(self, dead)).to.equal('killed');
    return { dead, other, self };
  };
  /** Those of this case. */
  const living = ({ clock }: Process): readonly Process[] => [...processes()].filter((one) => one.clock === clock);
  const timers = ({ clock }: Process): boolean => clock instanceof VirtualClock && clock.advance();

  for (const [what, later] of Object.entries(LATER)) {
    it(`that ${what} does nothing to anybody`, async () => {
      await inProcess(async (self) => {
        const all = await world(self);
        const before = living(self);
        expect(later(all)).to.equal(ANSWERS[what]);
        const { dead, other } = all;
        expect(timers(self), 'a timer').to.equal(false);
        expect(await drain(self)).to.deep.equal([]);
        expect([dead.isAlive, dead.exitReason, dead.status, dead.queueLength, dead.links]).to.deep.equal([false, 'killed', 'exited', 0, []]);
        expect([other.isAlive, other.queueLength, other.links]).to.deep.equal([true, 0, []]);
        expect(living(self)).to.deep.equal(before);
      });
    });
  }

  it('spawns nothing, and is told so', async () => {
    await inProcess(async (self) => {
      const { dead } = await world(self);
      const before = living(self);
      for (const spawnIt of [() => dead.spawn(() => {}), () => dead.spawn(() => {}, { link: true }), () => asyncTask(dead, () => 1)])
        expect(spawnIt).to.throw(NoProc, 'dead has ended and cannot spawn');
      expect((await caught(() => tryLink(dead, {})))[1]).to.be.instanceOf(NoProc);
      expect(living(self)).to.deep.equal(before);
    });
  });

  it('hears of no end, neither of one that comes nor of one that has been', async () => {
    await inProcess(async (self) => {
      const { dead, other } = await world(self);
      const gone = self.spawn(() => {});
      await down(self, gone);
      const references = [dead.monitor(other), dead.monitor(gone)];
      let heard = false;
      dead.onExit(() => {
        heard = true;
      });
      self.exit(other, 'kill');
      await down(self, other);
      expect([heard, dead.queueLength, references.map(({ reason }) => reason)]).to.deep.equal([false, 0, [undefined, undefined]]);
      for (const reference of references) dead.demonitor(reference);
    });
  });

  it('gets no message: whoever sends one is told that it was not taken', async () => {
    await inProcess(async (self) => {
      const { dead } = await world(self);
      expect([self.send(dead, 'late'), dead.post('late'), dead.deliver('late')]).to.deep.equal([false, false, false]);
      const error = await ask(dead, (_from, state) => reply('never', state)).catch((thrown: unknown) => thrown);
      expect(error).to.be.instanceOf(CallError).with.property('reason', 'noproc');
    });
  });

  it('has no link left: its end is heard once, and a link to it is noproc', async () => {
    const heard = await inProcess(async (self) => {
      self.trapExit = true;
      const dead = self.spawn(() => new Promise<void>(() => {}), { link: true });
      self.exit(dead, 'kill');
      const first = await drain(self);
      dead.die('again');
      self.link(dead);
      return [...first, ...(await drain(self))].map((one) => one instanceof ExitMessage && [one.from === dead, one.reason]);
    });
    expect(heard).to.deep.equal([
      [true, 'killed'],
      [true, 'noproc'],
    ]);
  });

  it('enters no registry', async () => {
    await inProcess(async (self) => {
      const { dead } = await world(self);
      const registry = new Registry();
      registry.register(dead, 'k', undefined);
      expect(registry.whereis('k')).to.equal(undefined);
    });
  });

  it('never goes on from a receive: not one that was pending, nor one that it begins, whatever its time', async () => {
    const settled = await inProcess(async (self) => {
      const ends: string[] = [];
      const note = (which: string, waiting: Promise<unknown>): void => void waiting.finally(() => ends.push(which));
      const any = (message: unknown): message is unknown => message !== undefined;
      const pid = self.spawn(async (process) => {
        const pending = process.receive(any, 50);
        note('pending', pending);
        await pending;
      });
      await sleep(self, 10);
      self.exit(pid, 'kill');
      await down(self, pid);
      note('later', pid.receive(any));
      note('timed', pid.receive(any, 20));
      note('at once', pid.receive(any, 0));
      pid.deliver('late');
      await sleep(self, 200);
      return ends;
    });
    expect(settled).to.deep.equal([]);
  });

  it('answers no call: the caller has learnt of the end, and a reply that comes after it is dropped', async () => {
    const heard = await inProcess(async (self) => {
      const s = await alone(self, {});
      const gate = Promise.withResolvers<void>();
      let replied = false;
      const answer = ask(s, async (from, state: State) => {
        await gate.promise;
        from.reply('late');
        replied = true;
        return reply('later still', state);
      }).catch((error: unknown) => error);
      await sleep(self, 1);
      self.exit(s, 'kill');
      const error = await answer;
      gate.resolve();
      await sleep(self, 10);
      return [error instanceof CallError && error.reason, replied, await drain(self)];
    });
    expect(heard).to.deep.equal(['killed', true, []]);
  });

  it('does not start any more: what an init comes to after it was killed does not count', async () => {
    for (const late of [ok({}), ignore] satisfies Init<State>[]) {
      const seen = await inProcess(async (self) => {
        self.trapExit = true;
        const gate = Promise.withResolvers<void>();
        let starting: Process | undefined;
        const result = tryLink(self, async (server) => {
          starting = server;
          await gate.promise;
          return late;
        });
        self.spawn(async (killer) => {
          await sleep(killer, 10);
          killer.exit(starting as Process, 'kill');
          await sleep(killer, 10);
          gate.resolve();
        });
        return [await result, (await drain(self)).map((one) => one instanceof ExitMessage && one.reason), starting?.exitReason];
      });
      expect(seen).to.deep.equal([{ error: 'killed' }, ['killed'], 'killed']);
    }
  });

  it('may fail as it likes: an error after the end is nobody’s, and changes neither its reason nor any report', async () => {
    const reports: unknown[] = [];
    const unhandled: unknown[] = [];
    const note = (error: unknown): void => void unhandled.push(error);
    const stop = onReport((report) => reports.push(report));
    process.on('unhandledRejection', note);
    try {
      const reason = await inProcess(async (self) => {
        const gate = Promise.withResolvers<void>();
        const pids = [
          self.spawn(() => gate.promise),
          self.spawn(() => async () => {
            await gate.promise;
          }),
        ];
        pids[1]?.deliver('go');
        await sleep(self, 10);
        for (const pid of pids) self.exit(pid, 'kill');
        await sleep(self, 10);
        gate.reject(new Error('too late'));
        await sleep(self, 10);
        return pids.map(({ exitReason }) => exitReason);
      });
      expect(reason).to.deep.equal(['killed', 'killed']);
      await sleepOn(1);
    } finally {
      process.off('unhandledRejection', note);
      stop();
    }
    expect([reports, unhandled]).to.deep.equal([[], []]);
  });
});
