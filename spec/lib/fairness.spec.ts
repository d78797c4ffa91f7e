/** Nobody holds up the others, however much it has to do, and none of it takes more stack or more asking than the last. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import { call, cast } from '../../lib/call.ts';
import { startDynamicChild, startDynamicSupervisor } from '../../lib/dynamic-supervisor.ts';
import { type Init, noreply, ok, startLink, stop } from '../../lib/gen-server.ts';
import { exit, type Process, processes, spawn } from '../../lib/process.ts';
import { started } from '../../lib/start.ts';
import { linked, type Request, type State, tryLink, tryStart } from './server.ts';

const collect: () => void = (() => {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc');
})();
function used(): number {
  for (const _twice of [1, 2]) collect();
  return process.memoryUsage().heapUsed;
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const isMessage = (_message: unknown): _message is unknown => true;
/** Half a millisecond of work. */
function work(): void {
  const untilMs = performance.now() + 0.5;
  while (performance.now() < untilMs);
}

/** Steps of half a millisecond that go on until somebody else has had a turn, and no further than so many. */
const MOST = 60;
class Steps {
  taken = 0;
  #over = false;

  /** Take one. False when it was the last. */
  take(): boolean {
    work();
    this.taken++;
    return !this.#over && this.taken < MOST;
  }
  /** Another process and a timer have had their turn: a process whose turn is 1 ms has let them in after a few steps. */
  end(): void {
    this.#over = true;
  }
}

/** What goes on and on, each time that it is told whether to. It answers whom to send to for the first step. */
const endless: Readonly<Record<string, (self: Process, steps: Steps) => Process | Promise<Process>>> = {
  'handles a backlog': (self, steps) => {
    const busy = self.spawn(() => () => void steps.take(), { link: true });
    for (let i = 0; i < MOST; i++) busy.deliver(i);
    return busy;
  },
  'sends to itself': (self, steps) => self.spawn((one) => () => void (steps.take() && one.send(one, 'again')), { link: true }),
  'sends to itself, and awaits something in each handler': (self, steps) => {
    const handler = (one: Process) => async (): Promise<void> => {
      await Promise.resolve();
      if (steps.take()) one.send(one, 'again');
    };
    return self.spawn(handler, { link: true });
  },
  'receives what it sends to itself': (self, steps) =>
    self.spawn(
      async (one) => {
        do {
          await one.receive(isMessage);
          one.send(one, 'again');
        } while (steps.take());
      },
      { link: true },
    ),
  'receives what another answers': (self, steps) => {
    const pair = [0, 1].map((i) =>
      self.spawn(
        async (one) => {
          do {
            await one.receive(isMessage);
            one.send(pair[1 - i] as Process, 'again');
          } while (steps.take());
        },
        { link: true },
      ),
    );
    return pair[0] as Process;
  },
  'plays ping-pong with another': (self, steps) => {
    const pair = [0, 1].map((i) => self.spawn((one) => () => void (steps.take() && one.send(pair[1 - i] as Process, 'again')), { link: true }));
    return pair[0] as Process;
  },
  'calls another again and again': async (self, steps) => {
    const server = await linked(self, {});
    const answer: Request = (from, state) => {
      from.reply(steps.take());
      return noreply(state);
    };
    return self.spawn(
      async (one) => {
        await one.receive(isMessage);
        while (await call(server, answer));
      },
      { link: true },
    );
  },
  continues: (self, steps) => continuing(self, (state) => (steps.take() ? noreply(state, { continue: 'again' }) : stop('normal', state))),
  'continues after it has awaited something': (self, steps) =>
    continuing(self, async (state) => {
      await Promise.resolve();
      return steps.take() ? noreply(state, { continue: 'again' }) : stop('normal', state);
    }),
  'starts children': (self, steps) =>
    self.spawn(
      async (one) => {
        await one.receive(isMessage);
        while (steps.take()) started(await tryLink(one, {}));
      },
      { link: true },
    ),
  'starts a child that starts a child': (self, steps) => {
    const init = (one: Process): Init<State> => {
      if (steps.take()) void tryLink(one, init);
      return ok({});
    };
    return self.spawn(
      async (one) => {
        await one.receive(isMessage);
        started(await tryLink(one, init));
        await one.receive(isMessage);
      },
      { link: true },
    );
  },
  'has its supervisor start children': async (self, steps) => {
    const supervisor = started(await startDynamicSupervisor(self));
    const start = (parent: Process): ReturnType<typeof tryLink> => tryLink(parent, {});
    return self.spawn(
      async (one) => {
        await one.receive(isMessage);
        while (steps.take()) await startDynamicChild(supervisor, { id: 'c', start });
      },
      { link: true },
    );
  },
};
type Continued = ReturnType<typeof noreply<number>> | Promise<ReturnType<typeof noreply<number>>>;
async function continuing(self: Process, handleContinue: (state: number) => Continued): Promise<Process> {
  const server = {
    init: () => ok(0),
    handleInfo: (_message: unknown, state: number) => noreply(state, { continue: 'first' }),
    handleContinue: (_continuation: unknown, state: number) => handleContinue(state),
  };
  return started(await startLink(self, server));
}

/** Run `body` as a process on the machine's clock; whatever it has started with a link ends with it. */
async function asProcess<T>(body: (self: Process) => Promise<T>): Promise<T> {
  const done = Promise.withResolvers<T>();
  const before = new Set(processes());
  const self = spawn(async (one) => {
    one.trapExit = true;
    await body(one).then(done.resolve, done.reject);
  });
  try {
    return await done.promise;
  } finally {
    exit(self, 'kill');
    for (const one of processes()) if (!before.has(one)) exit(one, 'kill');
    while ([...processes()].some((one) => !before.has(one))) await turn();
  }
}

describe('A process that never comes to an end', () => {
  for (const [how, begin] of Object.entries(endless))
    it(`lets the others have their turn: one that ${how}`, async () => {
      const steps = new Steps();
      await asProcess(async (self) => {
        const busy = await begin(self, steps);
        const turns = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
        const other = self.spawn(() => () => turns[0].resolve(), { link: true });
        await turn();
        await turn();
        busy.deliver('begin');
        other.deliver('now');
        setImmediate(() => setImmediate(turns[1].resolve)); // as whatever comes from outside
        await Promise.all(turns.map(({ promise }) => promise));
        steps.end();
      });
      expect(steps.taken).to.be.within(1, MOST / 2);
    });

  it('may start 10,000 children in one handler, and others have many turns meanwhile', async () => {
    const [during, startedThem] = await asProcess(async (self) => {
      let turns = 0;
      const other = self.spawn((one) => () => void (turns++ >= 0 && setImmediate(() => one.deliver('again'))), { link: true });
      other.deliver('first');
      await turn();
      const children: Process[] = [];
      const from = turns;
      const began = performance.now();
      for (let i = 0; i < 10_000; i++) children.push(started(await tryLink(self, {})));
      const ms = performance.now() - began;
      return [(turns - from) / ms, children.length];
    });
    expect(startedThem).to.equal(10_000);
    expect(during).to.be.above(1 / 20); // one in 20 ms at the least, where 1 ms is the rule
  });
});

describe('What goes deep', () => {
  for (const [how, callback] of Object.entries({
    'one after the other': (left: number) => (left > 0 ? noreply(left - 1, { continue: 'next' }) : stop('normal', left)),
    'each after it has awaited something': async (left: number) => (left > 0 ? noreply(left - 1, { continue: 'next' }) : stop('normal', left)),
  }))
    it(`is no deep stack, and holds on to nothing: 100,000 continuations, ${how}`, async () => {
      const bytes: number[] = [];
      const next = (_message: unknown, left: number): Continued => {
        if (left === 90_000 || left === 10_000) bytes.push(used());
        return callback(left);
      };
      const reason = await asProcess(async (self) => {
        const server = started(await startLink(self, { init: () => ok(100_000), handleCast: next, handleContinue: next }));
        const down = self.monitor(server);
        cast<unknown>(server, 'begin');
        await self.receive((message): message is typeof down => message === down);
        return down.reason;
      });
      expect(reason).to.equal('normal');
      expect(Number(bytes[1]) - Number(bytes[0])).to.be.below(2_000_000); // 25 for each of them
    });

  for (const [how, start, waits] of [
    ['linked to it', tryLink, true],
    ['linked to it, which does not wait', tryLink, false],
    ['alone', tryStart, true],
    ['alone, and it does not wait', tryStart, false],
  ] as const)
    it(`is no deep stack: 1,000 starts, each within the init of the one before, ${how}`, async () => {
      let inits = 0;
      const result = await asProcess((self) => {
        const init = (server: Process): Init<State> | Promise<Init<State>> => {
          if (++inits === 1_000) return ok({});
          const inner = start(server, init);
          return waits ? inner.then((one) => ok({ n: started(one).id })) : ok({});
        };
        return tryLink(self, init).then(async (one) => {
          while (inits < 1_000) await turn();
          return started(one).isAlive;
        });
      });
      expect([inits, result]).to.deep.equal([1_000, true]);
    });
});

describe('Calls in a row', () => {
  for (const many of [1, 3])
    it(`cost a look into the mailbox each, and next to no turns of the event loop: ${many} beside each other`, async () => {
      const { nextTick } = process;
      const calls = 3_000;
      let turns = 0;
      let looks = 0;
      await asProcess(async (self) => {
        const servers: Process[] = [];
        for (let i = 0; i < many; i++) servers.push(await linked(self, {}));
        const answer: Request = (from, state) => {
          from.reply('yes');
          return noreply(state);
        };
        const row = async (server: Process): Promise<void> => {
          for (let i = 0; i < calls / many; i++) await call(server, answer);
        };
        const rows = (): Promise<unknown> => Promise.all(servers.map(row));
        await rows(); // so that it is compiled
        process.nextTick = (fun: (...args: unknown[]) => void, ...args: unknown[]): void => {
          looks++;
          nextTick(fun, ...args);
        };
        let over = false;
        const count = (): void => {
          turns++;
          if (!over) setImmediate(count);
        };
        count();
        try {
          await rows();
        } finally {
          over = true;
          process.nextTick = nextTick;
        }
      });
      expect(looks).to.be.within(calls / 2, calls * 1.1);
      expect(turns).to.be.below(calls / 10); // each ends after 1 ms, and a call takes some µs
    });
});
