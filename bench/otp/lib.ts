/** lib/ by itself: what a message, a process, a start and a restart cost. bench/otp/table.ts sets the figures beside others'. */
import { type Ask, call, cast } from '../../lib/call.ts';
import type { ChildSpec } from '../../lib/child-spec.ts';
import { startDynamicChild, startDynamicSupervisor } from '../../lib/dynamic-supervisor.ts';
import { type GenServer, type Init, noreply, ok, reply, startLink } from '../../lib/gen-server.ts';
import { exit, type Pid, type Process, processes, spawn } from '../../lib/process.ts';
import { started } from '../../lib/start.ts';
import { startChildWith, startSupervisor } from '../../lib/supervisor.ts';
import { beside5Ms, type Figure, heap, printMedian } from './measure.ts';

class Counter implements GenServer<number, 'get', 'inc'> {
  init(): Init<number> {
    return ok(0);
  }
  handleCall(_request: 'get', _from: unknown, n: number) {
    return reply(n, n);
  }
  handleCast(_message: 'inc', n: number) {
    return noreply(n + 1);
  }
}
/** Tells `boss` of every start. */
class Told implements GenServer<number> {
  readonly #boss: Process;
  constructor(boss: Process) {
    this.#boss = boss;
  }
  init(self: Process): Init<number> {
    this.#boss.deliver(self);
    return ok(0);
  }
}
const GET = 'get' as Ask<number>;
const counter = async (self: Process): Promise<Pid> => started(await startLink(self, new Counter()));
const counterChild = (id: unknown): ChildSpec => ({ id, start: (parent) => startLink(parent, new Counter()) });
const isPid = (message: unknown): message is Process => typeof message === 'object' && message !== null && 'spawn' in message;

/** Run `body` as a process that traps exits; what it has started ends with it, and has ended before this resolves: it is no part of the next measure. */
async function asProcess<T>(body: (self: Process) => Promise<T>): Promise<T> {
  const figure = await new Promise<T>((resolve, reject) => {
    spawn(async (self) => {
      self.trapExit = true;
      await body(self).then(resolve, reject);
      throw new Error('done'); // takes along what is linked
    });
  });
  while (!processes().next().done) await new Promise((resolve) => setImmediate(resolve));
  return figure;
}

async function casts(self: Process, many: number): Promise<number> {
  const server = await counter(self);
  const began = performance.now();
  for (let i = 0; i < many; i++) cast(server, 'inc');
  if ((await call(server, GET, Number.POSITIVE_INFINITY)) !== many) throw new Error('casts were lost');
  return (many / (performance.now() - began)) * 1_000;
}

async function calls(self: Process, many: number, inFlight: number): Promise<number> {
  const server = await counter(self);
  const began = performance.now();
  const row = async (): Promise<void> => {
    for (let i = 0; i < many / inFlight; i++) await call(server, GET);
  };
  await Promise.all(Array.from({ length: inFlight }, row));
  return (many / (performance.now() - began)) * 1_000;
}

async function bytesPerServer(self: Process, many: number): Promise<number> {
  const before = heap();
  const servers: Pid[] = [];
  for (let i = 0; i < many; i++) servers.push(await counter(self));
  const bytes = (heap() - before) / many;
  for (const server of servers) self.exit(server, 'kill');
  while (self.links.length > 0) await self.receive((message): message is unknown => message !== undefined);
  return bytes;
}

async function startMany(self: Process, many: number): Promise<number> {
  const supervisor = started(await startDynamicSupervisor(self));
  const began = performance.now();
  for (let i = 0; i < many; i++) {
    const child = await startDynamicChild(supervisor, counterChild(i));
    if (child === 'ignore' || 'error' in child) throw new Error('a child did not start');
  }
  return performance.now() - began;
}

async function startManySimple(self: Process, many: number): Promise<number> {
  const flags = { strategy: 'simple_one_for_one', intensity: 10, period: 1 } as const;
  const supervisor = started(await startSupervisor(self, { flags, children: [counterChild('c')] }));
  const began = performance.now();
  for (let i = 0; i < many; i++) await startChildWith(supervisor);
  return performance.now() - began;
}

/** Crash and restart, one at a time, beside so many siblings that nothing happens to. */
async function restarts(self: Process, many: number, siblings = 0): Promise<number> {
  const flags = { strategy: 'one_for_one', intensity: 1_000_000, period: 3_600 } as const;
  const told: ChildSpec = { id: 'c', start: (parent) => startLink(parent, new Told(self)) };
  const children = [...Array.from({ length: siblings }, (_, i) => counterChild(i)), told];
  const supervisor = started(await startSupervisor(self, { flags, children }));
  let child = await self.receive(isPid);
  const began = performance.now();
  for (let i = 0; i < many; i++) {
    if (child) self.exit(child, 'crash');
    child = await self.receive(isPid);
  }
  const ms = performance.now() - began;
  exit(supervisor, 'kill');
  return ms;
}

const MEASURES: Readonly<Record<Figure, () => Promise<number>>> = {
  casts: () => asProcess((self) => casts(self, 1_000_000)),
  calls: () => asProcess((self) => calls(self, 500_000, 1)),
  calls100: () => asProcess((self) => calls(self, 1_000_000, 100)),
  bytes: () => asProcess((self) => bytesPerServer(self, 50_000)),
  start: () => asProcess((self) => startMany(self, 10_000)),
  startSimple: () => asProcess((self) => startManySimple(self, 10_000)),
  restarts: () => asProcess((self) => restarts(self, 10_000)),
  restartsFresh: async () => {
    let ms = 0;
    for (let i = 0; i < 10; i++) ms += await asProcess((self) => restarts(self, 1_000));
    return ms;
  },
  restartsAmong10: () => asProcess((self) => restarts(self, 10_000, 10)),
  restartsAmong10k: () => asProcess((self) => restarts(self, 10_000, 10_000)),
  beside: () =>
    asProcess(async (self) => {
      const server = await counter(self);
      return beside5Ms(
        () => cast(server, 'inc'),
        () => call(server, GET, Number.POSITIVE_INFINITY),
      );
    }),
};
await printMedian(MEASURES);
