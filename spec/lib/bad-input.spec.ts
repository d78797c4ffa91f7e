/** Arguments that are none: each is refused where it is given, by an error that names the value, and nothing of what was asked for is done. */
import { inspect } from 'node:util';
import { expect } from 'chai';
import { CallError, call, cast, stopServer } from '../../lib/call.ts';
import { type DynamicFlags, startDynamicSupervisor } from '../../lib/dynamic-supervisor.ts';
import { reasonText } from '../../lib/exit.ts';
import { type Init, noreply, ok, reply } from '../../lib/gen-server.ts';
import { type Process, processes } from '../../lib/process.ts';
import { Registry } from '../../lib/registry.ts';
import { onReport } from '../../lib/report.ts';
import { type StartResult, started } from '../../lib/start.ts';
import { type Flags, startSupervisor } from '../../lib/supervisor.ts';
import { asyncStream, asyncTask, shutdownTask, yieldTask } from '../../lib/task.ts';
import type { Then } from '../../lib/then.ts';
import { caught, down, drain, inProcess } from './elixir.ts';
import { alone, ask, linked, type State, tryLink, tryStart } from './server.ts';

/** What somebody may write who writes no TypeScript. */
const NO_DELAYS: readonly unknown[] = [Number.NaN, -5, 'x', '5', null, 5n, {}, [5], true];
const NO_OBJECTS: readonly unknown[] = [null, [], 'x', 5, () => ({})];

const forEver = (): Promise<never> => new Promise(() => {});
const withDelay: Readonly<Record<string, (self: Process, ms: number) => unknown>> = {
  receive: (self, ms) => self.receive((_message): _message is never => false, ms),
  sendAfter: (self, ms) => self.sendAfter(ms, 'late'),
  call: async (self, ms) => ask(await linked(self, {}), () => expect.fail('it was asked'), ms),
  stopServer: async (self, ms) => stopServer(await linked(self, { log: self }), 'normal', ms),
  'startLink timeoutMs': (self, ms) => tryLink(self, () => expect.fail('it was started'), { timeoutMs: ms }),
  'start timeoutMs': (self, ms) => tryStart(self, () => expect.fail('it was started'), { timeoutMs: ms }),
  yieldTask: (self, ms) => yieldTask(self, asyncTask(self, forEver), ms),
  shutdownTask: (self, ms) => shutdownTask(self, asyncTask(self, forEver), ms),
  'asyncStream timeoutMs': (self, ms) => asyncStream(self, [1], () => self.deliver('it was done'), { timeoutMs: ms }),
};
const refused = async (fun: () => unknown): Promise<unknown> => (await caught(fun))[1];

describe('A delay that is none', () => {
  for (const [what, give] of Object.entries(withDelay))
    it(`is refused by ${what}`, async () => {
      for (const value of NO_DELAYS)
        await inProcess(async (self) => {
          const error = await refused(() => give(self, value as number));
          expect(error).to.be.instanceOf(RangeError).with.property('message').that.includes(inspect(value));
          expect(self.links.every(({ isAlive }) => isAlive)).to.equal(true);
          expect(await drain(self)).to.deep.equal([]);
        });
    });

  // gen_server:handle_common_reply/8 and init_it/2: it is no answer of a callback's
  it('in the answer of a callback is no answer: the server terminates with bad_return_value, and says so', async () => {
    const thens = [...NO_DELAYS.map((timeoutMs) => ({ timeoutMs })), {}, null, 5, 'hibernate'] as Then[];
    for (const then of thens)
      await inProcess(async (self) => {
        const crashes: unknown[] = [];
        const silence = onReport((report) => report.report === 'crash_report' && crashes.push(report.reason));
        try {
          const told = await alone(self, { log: self });
          const asked = await alone(self, { log: self });
          const ends = [down(self, told), down(self, asked)];
          cast(told, (state: State) => noreply(state, then));
          const [, ofCall] = await caught(() => ask(asked, (_from, state) => reply('no answer', state, then)));
          const [ofTold, ofAsked] = await Promise.all(ends);
          const atStart = await tryStart(self, (): Init<State> => ok({}, then));
          const ofStart = typeof atStart === 'object' && 'error' in atStart ? atStart.error : expect.fail('it has started');
          for (const reason of [ofTold, ofAsked, ofCall, ofStart]) {
            expect(reason).to.have.property('0', 'bad_return_value');
            expect(reason).to.have.nested.property('[1].then', then);
            expect(reasonText(reason)).to.include(inspect(then));
          }
          expect(crashes).to.have.deep.members([ofTold, ofAsked, ofStart]);
          expect(await drain(self)).to.have.deep.members([
            ['terminate', ofTold],
            ['terminate', ofAsked],
          ]);
        } finally {
          silence();
        }
      });
  });
});

describe('A size of a mailbox that is none', () => {
  it('is refused by spawn and by every start, and nothing is started', async () => {
    await inProcess(async (self) => {
      self.trapExit = true;
      const before = [...processes()].length;
      for (const value of [Number.NaN, -1, '5', null, 5n, {}, true]) {
        const options = { maxMailbox: value as number };
        const ways: (() => unknown)[] = [
          () => self.spawn(() => expect.fail('it was started'), options),
          () => tryLink(self, {}, options),
          () => startSupervisor(self, { flags: {}, children: [] }, options),
        ];
        for (const way of ways) {
          const error = await refused(way);
          expect(error).to.be.instanceOf(RangeError).with.property('message').that.includes(inspect(value));
        }
      }
      expect([self.links, [...processes()].length]).to.deep.equal([[], before]);
    });
  });
});

describe('Flags that are none', () => {
  it('are refused by a supervisor and by a dynamic one, which do not run then', async () => {
    await inProcess(async (self) => {
      self.trapExit = true;
      for (const value of NO_OBJECTS) {
        const starts: StartResult[] = [
          await startSupervisor(self, { flags: value as Flags, children: [] }),
          await startDynamicSupervisor(self, value as DynamicFlags),
        ];
        for (const result of starts) expect(result).to.deep.equal({ error: ['supervisor_data', ['invalid_type', value]] });
      }
      expect(self.links.filter(({ isAlive }) => isAlive)).to.deep.equal([]);
    });
  });
});

describe('Options of a stream or a registry that are none', () => {
  it('are refused', async () => {
    await inProcess(async (self) => {
      const error = await refused(() => asyncStream(self, [1], () => self.deliver('done'), { onTimeout: 'stop' as 'exit' }));
      expect(error).to.be.instanceOf(RangeError).with.property('message').that.includes("'stop'");
      expect(await drain(self)).to.deep.equal([]);
      for (const keys of ['uniqe', null]) expect(() => new Registry(keys as 'unique')).to.throw(TypeError, inspect(keys));
    });
  });
});

describe('A server that waits for itself', () => {
  // gen:call/4, proc_lib:stop/3
  it('is told at once that it is calling_self, by call and by stopServer, and goes on', async () => {
    await inProcess(async (self) => {
      const began = self.clock.now();
      const server = await linked(self, {});
      const seen = await ask(server, async (_from, state) => {
        const waits = [call(server, {}).catch((error: unknown) => error), stopServer(server)];
        return reply(await Promise.all(waits), state);
      });
      const [error, stopped] = seen as readonly unknown[];
      expect(error).to.be.instanceOf(CallError).with.property('reason', 'calling_self');
      expect(error).to.have.property('message', 'call to s: a process cannot answer itself while it waits for the answer');
      expect([stopped, server.isAlive, server.queueLength, self.clock.now() - began]).to.deep.equal(['calling_self', true, 0, 0]);
    });
  });

  it('is nobody else: not one that it has started, and not its starter', async () => {
    await inProcess(async (self) => {
      const parent = await linked(self, {});
      let back: Promise<unknown> = Promise.resolve();
      const child = await ask(parent, async (_from, state) => {
        const result = await tryLink(parent, () => {
          back = ask(parent, (_who, theirs) => reply('of the starter', theirs)); // it will answer once it has started this one
          return ok({});
        });
        return reply(await ask(started(result), (_who, theirs) => reply('of the started', theirs)), state);
      });
      expect([child, await back]).to.deep.equal(['of the started', 'of the starter']);
    });
  });
});
