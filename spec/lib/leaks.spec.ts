/** What a process that lives long keeps of those that came and went: nothing. Nor does the real clock keep their timers. */
import { expect } from 'chai';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Ask, CallError, type CallMessage, call, type ServerRef, stopServer } from '../../lib/call.ts';
import type { ChildSpec } from '../../lib/child-spec.ts';
import { startDynamicChild, startDynamicSupervisor, terminateDynamicChild } from '../../lib/dynamic-supervisor.ts';
import { fail, type GenServer, type Init, type Next, noreply, ok, reply, startLink } from '../../lib/gen-server.ts';
import { exit, Process, spawn } from '../../lib/process.ts';
import { ExitMessage } from '../../lib/signal.ts';
import { started } from '../../lib/start.ts';
import { deleteChild, restartChild, startChild, startChildWith, startSupervisor, terminateChild, whichChildren } from '../../lib/supervisor.ts';
import { eventually } from '../support/eventually.ts';

const MANY = 300;
/** V8 holds on to some for a while, such as those that it has met while it compiled something: 3 or 4, once in ten runs. */
const FEW = 20;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const garbage: () => void = (() => {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc');
})();
const waits = (): Promise<void> => new Promise(() => {});
const isExit = (message: unknown): message is ExitMessage => message instanceof ExitMessage;

/** Says that somebody or something has come and gone, and is not to be held on to. */
type Gone = (one: WeakKey) => void;
interface Question extends Ask<string> {
  readonly answered: boolean;
}
class Server implements GenServer<null, Question> {
  readonly #gone: Gone;
  constructor(gone: Gone) {
    this.#gone = gone;
  }
  init(): Init<null> {
    return ok(null);
  }
  handleCall({ answered }: Question, from: CallMessage): Next<null> {
    this.#gone(from);
    return answered ? reply('yes', null) : noreply(null);
  }
}
const idle: GenServer<null> = { init: () => ok(null) };
const worker = (id: unknown): ChildSpec => ({ id, start: (parent) => startLink(parent, idle) });

/** How somebody comes and goes in the life of the long-lived process: what that prepares, and what it then does `MANY` times. */
const ways: Readonly<Record<string, (self: Process, gone: Gone) => Promise<(i: number) => Promise<unknown>>>> = {
  'have ended while it monitored them': async (self, gone) => async () => {
    const other = self.spawn(waits);
    const down = self.monitor(other);
    self.exit(other, 'kill');
    await self.receive((message): message is typeof down => message === down);
    gone(other);
    gone(down);
  },
  'it no longer monitors': async (self, gone) => {
    const other = self.spawn(waits, { link: true });
    return async () => {
      const down = self.monitor(other);
      self.demonitor(down);
      gone(down);
    };
  },
  'no longer listen for its end': async (self, gone) => async () => {
    const listener = (): void => {};
    self.onExit(listener)();
    gone(listener);
  },
  'a timer brought it': async (self, gone) => async () => {
    const tick = {};
    self.sendAfter(0, tick);
    gone(tick);
    await self.receive((message): message is typeof tick => message === tick);
  },
  'were linked to it': async (self, gone) => async () => {
    const other = self.spawn(waits, { link: true });
    self.exit(other, 'kill');
    const message = await self.receive(isExit);
    expect(message?.reason).to.equal('killed');
    gone(other);
  },
  'it has unlinked': async (self, gone) => async () => {
    const other = self.spawn(waits, { link: true });
    self.unlink(other);
    exit(other, 'kill');
    gone(other);
  },
  'have unlinked it': async (self, gone) => async () => {
    const other = self.spawn(waits, { link: true });
    other.unlink(self);
    exit(other, 'kill');
    gone(other);
  },
  'got an answer': async (self, gone) => {
    const server: ServerRef<Question> = started(await startLink(self, new Server(gone)));
    const question: Question = { answered: true };
    return () => call(server, question);
  },
  'waited too long for an answer': async (self, gone) => {
    const server: ServerRef<Question> = started(await startLink(self, new Server(gone)));
    const question: Question = { answered: false };
    return async () => {
      const error = await call(server, question, 1).catch((thrown: unknown) => thrown);
      expect(error).to.be.instanceOf(CallError);
    };
  },
  'did not start': async (self, gone) => async () => {
    const result = await startLink(self, {
      init: (other) => {
        gone(other);
        return fail('no');
      },
    });
    expect(result).to.deep.equal({ error: 'no' });
    await self.receive(isExit);
  },
  'were supervised': async (self, gone) => {
    const supervisor = started(await startSupervisor(self, { flags: {}, children: [] }));
    return async (i) => {
      const first = await startChild(supervisor, worker(i));
      await terminateChild(supervisor, i);
      const second = await restartChild(supervisor, i);
      await terminateChild(supervisor, i);
      await deleteChild(supervisor, i);
      for (const one of [first, second]) if ('ok' in one && one.ok) gone(one.ok);
    };
  },
  'crashed, and has a successor': async (self, gone) => {
    const supervisor = started(await startSupervisor(self, { flags: { intensity: 2 * MANY }, children: [worker('a')] }));
    const crash = async (): Promise<Process> => {
      const [child] = await whichChildren(supervisor);
      if (!(child?.pid instanceof Process)) throw new Error('it is not running');
      const down = self.monitor(child.pid);
      self.exit(child.pid, 'kill');
      await self.receive((message): message is typeof down => message === down);
      return child.pid;
    };
    return async () => {
      gone(await crash());
      await whichChildren(supervisor); // the next one is there
    };
  },
  'were children of a simple_one_for_one': async (self, gone) => {
    const supervisor = started(await startSupervisor(self, { flags: { strategy: 'simple_one_for_one' }, children: [worker('any')] }));
    return async () => {
      const child = await startChildWith(supervisor);
      if (!('ok' in child) || !child.ok) throw new Error('it has not started');
      await terminateChild(supervisor, child.ok);
      gone(child.ok);
    };
  },
  'were children of a DynamicSupervisor': async (self, gone) => {
    const supervisor = started(await startDynamicSupervisor(self));
    return async (i) => {
      const child = await startDynamicChild(supervisor, worker(i));
      if (child === 'ignore' || !('ok' in child) || !child.ok) throw new Error('it has not started');
      await terminateDynamicChild(supervisor, child.ok);
      gone(child.ok);
    };
  },
};

describe('a process that lives long', () => {
  for (const [which, way] of Object.entries(ways)) {
    it(`holds on to none of those that ${which}`, async () => {
      let gone = 0;
      let kept = 0;
      const collected = new FinalizationRegistry(() => kept--); // and no WeakRef, which holds on to what it is asked for
      const goes = (one: WeakKey): void => {
        gone++;
        kept++;
        collected.register(one, undefined);
      };
      const { promise: done, resolve, reject } = Promise.withResolvers<void>();
      const self = spawn(
        async (process) => {
          process.trapExit = true;
          const once = await way(process, goes);
          for (let i = 0; i < MANY; i++) await once(i);
          resolve();
          await waits();
        },
        { name: 'survivor' },
      );
      self.onExit(reject);
      await done;
      for (let i = 0; i < 10 && kept > 0; i++) {
        garbage();
        await turn();
      }
      const { queueLength, links } = self;
      exit(self, 'kill'); // and so end those that are linked to it
      for (let i = 0; i < 100 && [self, ...links].some(({ isAlive }) => isAlive); i++) await turn();
      expect(gone).to.be.at.least(MANY);
      expect(kept).to.be.below(FEW);
      expect(queueLength).to.equal(0);
      expect(links.length).to.be.at.most(1);
    });
  }
});

describe('the real clock', () => {
  const timers = (): number => process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length;

  it('runs no timer for calls, waits and shutdowns that are over, nor for processes that have ended', async () => {
    await turn(); // mocha's own timer runs by then
    const before = timers();
    const question: Question = { answered: true };
    const silent: Question = { answered: false };
    const late: GenServer<null> = {
      init: (self) => {
        self.trapExit = true;
        return ok(null);
      },
      terminate: waits,
    };
    const { promise: done, resolve, reject } = Promise.withResolvers<Process>();
    const self = spawn(async (me) => {
      const server: ServerRef<Question> = started(await startLink(me, new Server(() => {})));
      const supervisor = started(
        await startSupervisor(me, { flags: {}, children: [worker('prompt'), { id: 'late', shutdown: 1, start: (parent) => startLink(parent, late) }] }),
      );
      for (let i = 0; i < 50; i++) {
        await call(server, question);
        await call(server, silent, 1).catch(() => {});
        await me.receive((message): message is 'now' => message === 'now', 1);
        me.sendAfter(60_000, 'later')();
        me.sendAfter(60_000, 'later');
        for (const id of ['prompt', 'late']) await terminateChild(supervisor, id);
        for (const id of ['prompt', 'late']) await restartChild(supervisor, id);
        await stopServer(started(await startLink(me, idle)), 'normal', 60_000);
      }
      const unanswered = call(server, silent).catch((thrown: unknown) => thrown);
      await turn();
      const running = timers();
      me.unlink(server);
      me.exit(server, 'kill');
      expect(await unanswered).to.be.instanceOf(CallError);
      expect(running).to.be.above(before);
      resolve(supervisor);
    });
    self.onExit(reject);
    const supervisor = await done;
    await eventually(() => expect(supervisor.isAlive).to.equal(false));
    await turn();
    expect(timers()).to.equal(before);
  });
});
