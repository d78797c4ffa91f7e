/** What a process tells of itself: its state of life, what it has handled and how long that took, and what was before it. */
import { expect } from 'chai';
import type { ChildSpec } from '../../lib/child-spec.ts';
import { type DynamicFlags, startDynamicChild, startDynamicSupervisor } from '../../lib/dynamic-supervisor.ts';
import { fail, type Init, ok } from '../../lib/gen-server.ts';
import { exit, type Process, processes, spawn } from '../../lib/process.ts';
import { started } from '../../lib/start.ts';
import { type Flags, startChildWith, startSupervisor } from '../../lib/supervisor.ts';
import { down, inProcess, sleep } from './elixir.ts';
import { linked, type State, tryLink } from './server.ts';

const busyFor = (ms: number): void => {
  for (const untilMs = performance.now() + ms; performance.now() < untilMs; );
};

describe('A process', () => {
  it('is running with a handler or a message to handle, else waiting; suspended when it is, and exited at the end', async () => {
    const seen = await inProcess(async (self) => {
      const gate = Promise.withResolvers<void>();
      const one = self.spawn(() => (message) => (message === 'wait' ? gate.promise : undefined));
      const states: unknown[] = [];
      const see = (): void => void states.push([one.status, one.queueLength, one.handled]);
      await sleep(self, 1);
      see();
      for (const message of ['a', 'wait', 'b']) self.send(one, message);
      see(); // it has had no turn yet
      await sleep(self, 1);
      see(); // it is in the midst of the second
      one.suspend();
      gate.resolve();
      await sleep(self, 1);
      see();
      one.resume();
      await sleep(self, 1);
      see();
      self.exit(one, 'kill');
      await down(self, one);
      see();
      return [states, [...processes()].includes(one), one.exitReason];
    });
    const states = [
      ['waiting', 0, 0],
      ['running', 3, 0],
      ['running', 1, 2],
      ['suspended', 1, 2],
      ['waiting', 0, 3],
      ['exited', 0, 3],
    ];
    expect(seen).to.deep.equal([states, false, 'killed']);
  });

  it('counts the time in its handlers, computing or waiting, and no other', async () => {
    const one = spawn(() => (message) => (typeof message === 'number' ? busyFor(message) : (message as () => Promise<void>)()));
    const taken = async (message: unknown): Promise<number> => {
      const before = one.busyMs;
      one.deliver(message);
      do await new Promise((resolve) => setImmediate(resolve));
      while (one.status === 'running');
      return one.busyMs - before;
    };
    try {
      await taken(0);
      const [before, began] = [one.busyMs, performance.now()];
      expect(await taken(8)).to.be.at.least(8);
      expect(await taken(() => new Promise((resolve) => setTimeout(resolve, 9)))).to.be.at.least(8); // a timer may be early by less than 1 ms
      const elapsedMs = performance.now() - began;
      busyFor(5); // in nobody's handler
      expect(one.busyMs - before).to.be.within(16, elapsedMs + 2);
    } finally {
      exit(one, 'kill');
      while (one.isAlive) await new Promise((resolve) => setImmediate(resolve));
    }
  });

  it('says who it is and whom it has started; a link to itself is none', async () => {
    await inProcess(async (self) => {
      await sleep(self, 7);
      const server = await linked(self, {}, { name: 'its name' });
      const child = await linked(server, {}, { kind: 'its kind' });
      server.link(server);
      server.link(self);
      const other = server.spawn(() => new Promise(() => {}));
      const { name, kind, parent, startedMs, restarts, lastExit } = server;
      expect({ name, kind, startedMs, restarts, lastExit }).to.deep.equal({
        name: 'its name',
        kind: 'gen_server',
        startedMs: 7,
        restarts: 0,
        lastExit: undefined,
      });
      expect([parent === self, server.children.length, server.children[0] === child, child.kind, other.parent]).to.deep.equal([
        true,
        1,
        true,
        'its kind',
        undefined,
      ]);
      expect(server.links.map(({ id }) => id).sort()).to.deep.equal([self.id, child.id].sort());
    });
  });
});

const supervised: Readonly<Record<string, (self: Process, spec: ChildSpec) => Promise<Process>>> = {
  one_for_one: (self, spec) => ordinary(self, { strategy: 'one_for_one' }, spec),
  one_for_all: (self, spec) => ordinary(self, { strategy: 'one_for_all' }, spec),
  rest_for_one: (self, spec) => ordinary(self, { strategy: 'rest_for_one' }, spec),
  simple_one_for_one: async (self, spec) => {
    const supervisor = await ordinary(self, { strategy: 'simple_one_for_one' }, spec);
    await startChildWith(supervisor);
    return supervisor;
  },
  dynamic: async (self, spec) => {
    const flags: DynamicFlags = { maxRestarts: 9 };
    const supervisor = started(await startDynamicSupervisor(self, flags));
    await startDynamicChild(supervisor, spec);
    return supervisor;
  },
};
const ordinary = async (self: Process, flags: Flags, spec: ChildSpec): Promise<Process> =>
  started(await startSupervisor(self, { flags: { intensity: 9, ...flags }, children: [spec] }));

describe('A child', () => {
  for (const [strategy, supervise] of Object.entries(supervised))
    it(`says how often it was restarted, and what the one before it ended with: ${strategy}`, async () => {
      const seen = await inProcess(async (self) => {
        let starts = 0;
        // the third start fails, and is tried again
        const init = (): Init<State> => (++starts === 3 ? fail('not now') : ok({}));
        const supervisor = await supervise(self, { id: 'c', start: (parent) => tryLink(parent, init) });
        const past: unknown[] = [];
        for (const reason of ['first', 'second', 'third']) {
          const [child] = supervisor.children;
          past.push([child?.restarts, child?.lastExit]);
          self.exit(child as Process, reason);
          await sleep(self, 1);
        }
        past.push([supervisor.children[0]?.restarts, supervisor.children[0]?.lastExit, starts]);
        return past;
      });
      expect(seen).to.deep.equal([
        [0, undefined],
        [1, 'first'],
        [2, 'second'],
        [3, 'third', 5],
      ]);
    });
});
