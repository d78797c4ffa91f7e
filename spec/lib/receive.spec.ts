/** Waiting inside a handler: who gets which message when several wait at a time, and what time, suspension and a bad matcher do to it. */
import { expect } from 'chai';
import fc from 'fast-check';
import { type Process, runQueue, spawn } from '../../lib/process.ts';
import { VirtualClock } from '../otp/virtual-clock.ts';
import { down, inProcess, next, sleep } from './elixir.ts';

const quiet = async (): Promise<void> => {
  do await new Promise((resolve) => setImmediate(resolve));
  while (runQueue() > 0);
};
const is =
  (one: unknown) =>
  (message: unknown): message is unknown =>
    message === one;
/** A process inside a handler, in which a spec waits for messages by itself. */
const handling = (clock = new VirtualClock()): Process => spawn(() => new Promise<void>(() => {}), { clock });

/** What a message may be, and what somebody waits for: any of these. */
const LETTERS = ['a', 'b', 'c'];
type Step =
  | { readonly do: 'wait'; readonly letters: readonly string[]; readonly timeoutMs: number }
  | { readonly do: 'send'; readonly letter: string }
  | { readonly do: 'suspend' | 'resume' | 'time' | 'turn' };
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant('wait' as const),
    letters: fc.subarray(LETTERS, { minLength: 1 }),
    timeoutMs: fc.constantFrom(0, 10, 10, 20, Number.POSITIVE_INFINITY),
  }),
  fc.record({ do: fc.constant('send' as const), letter: fc.constantFrom(...LETTERS) }),
  fc.record({ do: fc.constant('send' as const), letter: fc.constantFrom(...LETTERS) }),
  fc.record({ do: fc.constantFrom('suspend' as const, 'resume' as const, 'time' as const, 'turn' as const) }),
);

/** The same as plain lists: what has come and who waits, the oldest first. A message and a waiter are numbered. */
class Model {
  mail: { readonly letter: string; readonly n: number }[] = [];
  waiters: { readonly letters: readonly string[]; readonly n: number; readonly due: number; late: boolean }[] = [];
  /** The waiter's outcome: the number of its message, or undefined for its time being over. */
  readonly got = new Map<number, number | undefined>();
  suspended = false;

  /** Nobody goes on while suspended; else each takes what is there for him, and goes without when his time is over. */
  settle(): void {
    if (this.suspended) return;
    for (const one of this.waiters) {
      const message = this.mail.find(({ letter }) => one.letters.includes(letter));
      if (!message && !one.late) continue;
      this.got.set(one.n, message?.n);
      this.mail = this.mail.filter((other) => other !== message);
      this.waiters = this.waiters.filter((other) => other !== one);
    }
  }
  pass(toMs: number): void {
    for (const one of this.waiters) if (one.due <= toMs) one.late = true;
  }
}

describe('Waiting for messages', () => {
  it('gives each message to the one that has waited longest and that it fits, and leaves the others as they are when the time of one is over', async () => {
    const history = fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const clock = new VirtualClock();
      const process = handling(clock);
      const model = new Model();
      const got = new Map<number, number | undefined>();
      try {
        await quiet();
        for (const [n, one] of steps.entries()) {
          if (one.do === 'wait') {
            const fits = (message: unknown): message is Model['mail'][number] => one.letters.includes((message as Model['mail'][number]).letter);
            const timeoutMs = one.timeoutMs + n / 1_000; // no two are due together
            void process.receive(fits, timeoutMs).then((message) => got.set(n, message?.n));
            model.waiters.push({ letters: one.letters, n, due: clock.now() + timeoutMs, late: false });
          } else if (one.do === 'send') {
            process.deliver({ letter: one.letter, n });
            model.mail.push({ letter: one.letter, n });
          } else if (one.do === 'suspend') {
            await quiet(); // what was to go on does so before
            process.suspend();
            model.suspended = true;
          } else if (one.do === 'resume') {
            process.resume();
            model.suspended = false;
            await quiet();
          } else if (one.do === 'turn') await quiet();
          else {
            clock.advance(); // in the very turn in which messages have come
            model.pass(clock.now());
            await quiet();
          }
          model.settle();
        }
        await quiet();
        expect([...got].sort(([a], [b]) => a - b)).to.deep.equal([...model.got].sort(([a], [b]) => a - b));
        expect(process.queueLength).to.equal(model.mail.length);
      } finally {
        process.die('killed');
      }
    });
    await fc.assert(history, { numRuns: 3_000 });
  });

  it('ends the process whose matcher throws, and nobody else; of those that wait beside it in the process nobody goes on', async () => {
    await inProcess(async (self) => {
      const oops = new Error('a bad matcher');
      const settled: unknown[] = [];
      for (const isDue of [false, true]) {
        const process = handling(self.clock as VirtualClock);
        const end = down(self, process);
        await sleep(self, 1);
        const bad = (_message: unknown): _message is never => {
          throw oops;
        };
        void process.receive(bad).then(settled.push);
        void process.receive(is('x'), 10).then(settled.push);
        if (isDue) process.wake(); // then the message waits for the turn
        expect(self.send(process, 'x')).to.equal(isDue); // and the sender does not learn of it
        expect(await end).to.equal(oops);
        await sleep(self, 20);
      }
      expect(settled).to.deep.equal([]);
    });
  });

  it('lets no suspended process go on: not by a message that is there, not by one that comes, nor by time; what has come by the resume wins', async () => {
    const seen = await inProcess(async (self) => {
      const log: unknown[] = [];
      const process = self.spawn(async (one) => {
        await one.receive(is('go'));
        one.suspend();
        log.push(await one.receive(is('there')));
        log.push(await one.receive(is('comes'), 10), await one.receive(is('in vain'), 10));
      });
      for (const message of ['there', 'go']) self.send(process, message);
      await sleep(self, 1);
      const heard = (): unknown[] => log.splice(0);
      const first = heard();
      process.resume();
      process.suspend();
      await sleep(self, 1);
      const second = heard();
      process.resume();
      await sleep(self, 1);
      const third = heard();
      process.suspend();
      await sleep(self, 50);
      self.send(process, 'comes');
      await sleep(self, 1);
      const fourth = heard();
      process.resume();
      await sleep(self, 1);
      process.suspend();
      await sleep(self, 50);
      const alive = process.isAlive;
      process.resume();
      await down(self, process);
      return [first, second, third, fourth, alive, heard()];
    });
    expect(seen).to.deep.equal([[], [], ['there'], [], true, ['comes', undefined]]);
  });

  it('does not lose the message undefined: it fits, is taken once, and is no timeout', async () => {
    await inProcess(async (self) => {
      const heard: unknown[] = [];
      const server = self.spawn(() => (message) => void heard.push(message));
      for (const message of [undefined, 1]) self.send(server, message);
      for (const message of [undefined, 'x', undefined]) self.deliver(message);
      expect(self.queueLength).to.equal(3);
      const began = self.clock.now();
      await self.receive(is(undefined), 100);
      expect([self.queueLength, await next(self), await self.receive(is(undefined), 100), self.clock.now() - began]).to.deep.equal([2, 'x', undefined, 0]);
      const waiting = self.receive(is(undefined), 100);
      self.deliver(undefined);
      await waiting;
      expect([self.queueLength, self.clock.now() - began]).to.deep.equal([0, 0]);
      await sleep(self, 1);
      expect(heard).to.deep.equal([undefined, 1]);
    });
  });
});

describe('A process that is suspended before its first turn', () => {
  it('does nothing until it is resumed, takes then what has come, and may be ended before', async () => {
    const seen = await inProcess(async (self) => {
      const log: unknown[] = [];
      const begins = (name: string): Process => {
        const process = self.spawn(() => {
          log.push(name);
          return (message) => void log.push(message);
        });
        process.suspend();
        return process;
      };
      const [process, without, ended] = [begins('begins'), begins('begins without'), begins('never')];
      self.send(process, 'a message');
      self.exit(ended, 'boom');
      await sleep(self, 1);
      const { status, queueLength } = process;
      const before = log.splice(0);
      for (const one of [process, without]) one.resume();
      await sleep(self, 1);
      return [before, status, queueLength, log, process.status, ended.exitReason];
    });
    expect(seen).to.deep.equal([[], 'suspended', 1, ['begins', 'a message', 'begins without'], 'waiting', 'boom']);
  });
});
