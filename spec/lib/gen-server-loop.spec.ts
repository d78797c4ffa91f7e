/** The GenServer cases recorded from Elixir, restated on `lib/gen-server.ts`: timeouts, stops, messages and what callbacks may answer. */
import { expect } from 'chai';
import { call, cast, stopServer } from '../../lib/call.ts';
import { Exit } from '../../lib/exit.ts';
import { ignore, noreply, ok, reply, stop, TIMEOUT } from '../../lib/gen-server.ts';
import { exit, type Process } from '../../lib/process.ts';
import { Registry } from '../../lib/registry.ts';
import { isStarted, started, type StartResult } from '../../lib/start.ts';
import { VirtualClock } from '../otp/virtual-clock.ts';
import { caught, down, downOf, drain, exits, inProcess, next, restating, sleep } from './elixir.ts';
import { alone, ask, bare, linked, type State, telling, tryStart, tryLink } from './server.ts';

/** What `lib/` does not have. */
const NOT_HERE = {
  'ex-027': 'a message goes to a Pid; there are no names to send to',
  'ex-028': 'call is no method of the calling process, so a call to oneself is not told apart; it times out',
  'ex-037': 'there is no hibernation',
};

/** `GenServer.stop`: `ok`, or an exit with the other reason. */
async function stopped(server: Process, reason: unknown = 'normal', timeoutMs?: number): Promise<unknown> {
  const last = await stopServer(server, reason, timeoutMs);
  return last === reason ? 'ok' : ['exit', last];
}

describe('GenServer, as recorded from Elixir: the loop', () => {
  const restated = restating('ex-019', 'ex-037', NOT_HERE);

  restated('ex-019', async (self) => {
    await linked(self, () => ok({ log: self }, { timeoutMs: 20 }));
    return drain(self, 100);
  });

  restated('ex-020', async (self) => {
    const s = await linked(self, () => ok({ log: self }, { timeoutMs: 40 }));
    s.deliver('hello');
    return drain(self, 120);
  });

  restated('ex-021', async (self) => {
    const s = await linked(self, { log: self });
    cast(s, (state: State) => noreply(state, { timeoutMs: 0 }));
    const first = await drain(self);
    cast(s, (state: State) => {
      s.deliver('queued');
      return noreply(state, { timeoutMs: 0 });
    });
    return [first, await drain(self)];
  });

  restated('ex-022', async (self) => {
    const s = await alone(self, { log: self });
    const reference = self.monitor(s);
    return [await stopped(s, 'shutdown'), s.isAlive, self.take(Array.isArray), await downOf(self, reference)];
  });

  restated('ex-023', async (self) => {
    const s = await alone(self, {});
    await stopServer(s);
    return stopped(s);
  });

  restated('ex-024', async (self) => {
    const s = await alone(self, {});
    cast(s, async (state: State) => {
      await sleep(s, 80);
      return noreply(state);
    });
    return [await stopped(s, 'normal', 20), s.isAlive, await down(self, s)];
  });

  restated('ex-025', async (self) => {
    const s = await alone(self, {});
    cast(s, (state: State) => noreply(state));
    const reference = self.monitor(s);
    cast(s, () => {
      throw new Exit('own');
    });
    return [await stopped(s), await downOf(self, reference)];
  });

  // cast and send answer whether the message was taken, where Elixir says :ok in any case; neither fails
  restated(
    'ex-026',
    async (self) => {
      const s = await alone(self, {});
      await stopServer(s);
      return [cast(s, (state: State) => noreply(state)), self.send(s, 'y')];
    },
    [false, false],
  );

  // a name is a key of a Registry, and free at the very moment of the death
  restated('ex-029', async (self) => {
    const registry = new Registry<unknown>();
    const via = { registry, key: 'taken_name' };
    const start = (): Promise<StartResult> => tryStart(self, {}, { via });
    const s = started(await start());
    const again = await start();
    await stopServer(s);
    const holder = registry.whereis('taken_name');
    return [again, holder, isStarted(await start())];
  });

  restated('ex-030', async (self) => {
    const s = await linked(self, {});
    return ask(s, (from, state) => {
      self.spawn(async (other) => {
        await sleep(other, 10);
        from.reply('by_other');
      });
      return noreply(state);
    });
  });

  restated('ex-031', async (self) => {
    const s = await linked(self, {});
    for (const i of [1, 2, 3]) cast(s, telling(self, i));
    self.send(s, telling(self, 'info'));
    const answer = await ask(s, (_from, state) => {
      self.deliver('call');
      return reply('ok', state);
    });
    return [answer, await drain(self)];
  });

  restated('ex-032', async (self) => {
    const run = async (trapExit: boolean): Promise<unknown> => {
      let server: Process | undefined;
      const parent = self.spawn(async (me) => {
        server = await linked(me, (s) => {
          s.trapExit = trapExit;
          return ok({ log: self });
        });
        me.send(self, 'started');
        await sleep(me, 20);
        throw new Exit('parent_gone');
      });
      await next(self);
      const reference = self.monitor(server as Process);
      return [await down(self, parent), await downOf(self, reference), await drain(self)];
    };
    return [await run(false), await run(true)];
  });

  restated('ex-033', async (self) => {
    const s = await linked(self, (server) => {
      server.trapExit = true;
      return ok({ log: self });
    });
    const other = await alone(self, {}, 'other');
    await ask(s, (_from, state) => {
      s.link(other);
      return reply('ok', state);
    });
    self.exit(other, 'boom');
    return [await drain(self), s.isAlive];
  });

  // the failure is a TypeError here, as JavaScript has it for a function that is not there
  restated(
    'ex-034',
    async (self) => {
      const run = async (fun: (server: Process) => unknown): Promise<unknown> => {
        const s = await bare(self);
        const reference = self.monitor(s);
        await caught(() => fun(s));
        await sleep(self, 20);
        self.demonitor(reference);
        return [s.isAlive, s.isAlive ? 'alive' : (reference.reason as Error).name];
      };
      return [await run((s) => cast<unknown>(s, 'hm')), await run((s) => call(s, {})), await run((s) => self.send(s, 'hm'))];
    },
    [
      [false, 'TypeError'],
      [false, 'TypeError'],
      [true, 'alive'],
    ],
  );

  restated('ex-035', async (self) => {
    const s = await alone(self, {});
    return caught(() => ask(s, () => 'what' as never));
  });

  restated('ex-036', async (self) => {
    const s = await alone(self, {});
    return ask(s, (_from, state) => {
      throw reply('thrown', state);
    });
  });
});

describe('GenServer', () => {
  it('does not time out after a message that came in time, though the timer was faster than the server', async () => {
    const heard = await inProcess(async (self) => {
      const s = await linked(self, () => ok({ log: self }, { timeoutMs: 40 }));
      s.deliver('in time');
      expect(self.clock instanceof VirtualClock && self.clock.advance()).to.equal(true);
      return drain(self, 100);
    });
    expect(heard).to.deep.equal([['info', 'in time']]);
  });

  it('is not kept from timing out by a timeout that came too late, and lies in its mailbox', async () => {
    const heard = await inProcess(async (self) => {
      const s = await linked(self, () => ok({ log: self }, { timeoutMs: 40 }));
      s.deliver((state: State) => noreply(state, { timeoutMs: 60 }));
      expect(self.clock instanceof VirtualClock && self.clock.advance()).to.equal(true); // the first timeout lies behind that message
      return [await drain(self, 100), self.clock.now()];
    });
    expect(heard).to.deep.equal([[['info', TIMEOUT]], 200]);
  });

  it('that trusts nobody but its parent hears of any other exit as a message, also of one from nobody', async () => {
    const heard = await inProcess(async (self) => {
      const s = await alone(self, (server) => {
        server.trapExit = true;
        return ok({ log: self });
      });
      exit(s, 'boom'); // and it has no parent
      return [exits((await drain(self)).flatMap((one) => (one as unknown[]).slice(1))), s.isAlive];
    });
    expect(heard).to.deep.equal([[['EXIT', 'boom']], true]);
  });

  it('whose start is over time has nothing of it left in the mailbox, though the word of it comes at that very moment', async () => {
    const seen = await inProcess(async (self) => {
      const gate = Promise.withResolvers<void>();
      const starting = tryLink(self, () => gate.promise.then(() => ok({})), { timeoutMs: 5 });
      await Promise.resolve();
      expect(self.clock instanceof VirtualClock && self.clock.advance()).to.equal(true);
      gate.resolve();
      return [await starting, await drain(self)];
    });
    expect(seen).to.deep.equal([{ error: 'timeout' }, []]);
  });

  it('times out after 0 though a signal waits that comes to nothing, and not when a message does', async () => {
    const heard = await inProcess(async (self) => {
      const at0 = async (meanwhile: (s: Process) => void): Promise<unknown> => {
        const s = await linked(self, { log: self });
        cast(s, (state: State) => {
          meanwhile(s);
          return noreply(state, { timeoutMs: 0 });
        });
        return drain(self);
      };
      return [await at0((s) => self.exit(s, 'normal')), await at0((s) => self.send(s, 'a message'))];
    });
    expect(heard).to.deep.equal([[['info', TIMEOUT]], [['info', 'a message']]]);
  });

  it('whose init takes too long is gone when its starter learns of it, linked or not', async () => {
    const seen = await inProcess(async (self) => {
      const alive: boolean[] = [];
      for (const start of [tryLink, tryStart]) {
        let server: Process | undefined;
        const init = (one: Process): Promise<never> => {
          server = one;
          return new Promise(() => {});
        };
        expect(await start(self, init, { timeoutMs: 5 })).to.deep.equal({ error: 'timeout' });
        alive.push((server as unknown as Process).isAlive);
      }
      return [alive, self.clock.now(), await drain(self)];
    });
    expect(seen).to.deep.equal([[false, false], 10, []]);
  });

  it('takes a throw in init for its answer', async () => {
    const results = await inProcess(async (self) => {
      const throwing = (what: unknown) => () => {
        throw what;
      };
      return [await tryStart(self, throwing(ignore)), await tryStart(self, throwing('odd'))];
    });
    expect(results).to.deep.equal(['ignore', { error: ['bad_return_value', 'odd'] }]);
  });

  it('does nothing more once it has been killed, whatever its callback was waiting for', async () => {
    const heard = await inProcess(async (self) => {
      const s = await alone(self, { log: self });
      const ends = Promise.withResolvers<void>();
      cast(s, async (state: State) => {
        await ends.promise;
        return stop('late', state);
      });
      await sleep(self, 10);
      self.exit(s, 'kill');
      const reason = await down(self, s);
      ends.resolve();
      return [reason, await drain(self)];
    });
    expect(heard).to.deep.equal(['killed', []]);
  });
});
