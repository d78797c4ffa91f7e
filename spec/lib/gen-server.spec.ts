/** The GenServer cases recorded from Elixir, restated on `lib/gen-server.ts`: calls, continuations and starts. The others are in gen-server-loop.spec.ts. */
import { cast, stopServer } from '../../lib/call.ts';
import { Exit } from '../../lib/exit.ts';
import { fail, ignore, type Next, noreply, ok, reply, stop, stopReply } from '../../lib/gen-server.ts';
import type { Process } from '../../lib/process.ts';
import { caught, down, downOf, drain, exits, next, restating, sleep } from './elixir.ts';
import { alone, ask, linked, type Request, type State, telling, tryLink, tryStart } from './server.ts';

/** What `lib/` does not have. */
const NOT_HERE = {
  'ex-003': 'a call goes to a Pid; there are no names to call (Registry.whereis answers a Pid or undefined)',
};

describe('GenServer, as recorded from Elixir: calls and starts', () => {
  const restated = restating('ex-001', 'ex-018', NOT_HERE);

  restated('ex-001', async (self) => {
    const s = await linked(self, (server) => ok({ n: server.id }));
    const late: Request = async (_from, state) => {
      await sleep(s, 60);
      return reply('late', state);
    };
    const result = await caught(() => ask(s, late, 20));
    return [result, await drain(self, 80), s.isAlive, await ask(s, (_from, state) => reply('next', state))];
  });

  restated('ex-002', async (self) => {
    const s = await alone(self, {});
    await stopServer(s);
    return caught(() => ask(s, (_from, state) => reply('hello', state)));
  });

  restated('ex-004', async (self) => {
    const s = await alone(self, {});
    return caught(() =>
      ask(s, () => {
        throw new Exit('boom');
      }),
    );
  });

  restated('ex-005', async (self) => {
    const s = await alone(self, {});
    return caught(() =>
      ask(s, () => {
        throw new Error('oops');
      }),
    );
  });

  restated('ex-006', async (self) => {
    const s = await alone(self, { log: self });
    return [await caught(() => ask(s, (_from, state) => stop('normal', state))), await drain(self)];
  });

  restated('ex-007', async (self) => {
    const s = await alone(self, () => ok({ log: self }));
    const reference = self.monitor(s);
    const answer = await ask(s, (_from, state) => stopReply('done', 'bye', state));
    const told = self.take((message) => Array.isArray(message) && message[0] === 'terminate' && message[1] === 'done');
    return [answer, ['terminate_seen_when_reply_arrives', told !== undefined], await downOf(self, reference)];
  });

  restated('ex-008', async (self) => {
    const s = await alone(self, { log: self });
    const reference = self.monitor(s);
    cast(s, (state: State) => stop('because', state));
    return [await next(self), ['down', await downOf(self, reference)]];
  });

  restated('ex-009', async (self) => {
    await linked(self, (server) => {
      server.deliver(telling(self, 'message'));
      return ok({}, { continue: telling(self, 'continue') });
    });
    return drain(self);
  });

  restated('ex-010', async (self) => {
    await linked(self, (server) => {
      const slowly = async (state: State): Promise<Next<State>> => {
        await sleep(server, 40);
        return telling(self, 'continued')(state);
      };
      return ok({}, { continue: slowly });
    });
    self.deliver('started');
    return drain(self, 80);
  });

  restated('ex-011', async (self) => {
    const s = await linked(self, {});
    const answer = await ask(s, (_from, state) => {
      s.deliver(telling(self, 'queued'));
      return reply('replied', state, { continue: telling(self, 'continue') });
    });
    return [answer, await drain(self)];
  });

  restated('ex-012', async (self) => {
    await linked(self, (server) => {
      server.deliver(telling(self, 'message'));
      const first = (state: State): Next<State> => {
        self.deliver('first');
        return noreply(state, { continue: telling(self, 'second') });
      };
      return ok({}, { continue: first });
    });
    return drain(self);
  });

  restated('ex-013', async (self) => {
    self.trapExit = true;
    return [await tryLink(self, () => ignore), exits(await drain(self))];
  });

  restated('ex-014', async (self) => {
    self.trapExit = true;
    const nope = () => fail('nope');
    return [await tryLink(self, nope), exits(await drain(self)), await tryStart(self, nope), await drain(self)];
  });

  restated('ex-015', async (self) => {
    const pid = self.spawn(async (parent) => {
      await tryLink(parent, () => fail('nope'));
      await sleep(parent, Number.POSITIVE_INFINITY);
    });
    return down(self, pid);
  });

  restated('ex-016', async (self) =>
    tryStart(self, () => {
      throw new Error('bad init');
    }),
  );

  restated('ex-017', async (self) => tryStart(self, () => 'odd' as never));

  restated('ex-018', async (self) => {
    self.trapExit = true;
    let starting: Process | undefined;
    const result = await tryLink(
      self,
      async (server) => {
        starting = server;
        await sleep(server, 5_000);
        return ok({});
      },
      { timeoutMs: 20 },
    );
    return [result, starting?.isAlive, await drain(self)];
  });
});
