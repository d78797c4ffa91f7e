/** The machine's own clock: what becomes of a delay before Node gets it. Node's timers are played here, so that no month has to pass. */
import { mock } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { expect } from 'chai';
import fc from 'fast-check';
import { systemClock } from '../../lib/clock.ts';
import { exit, spawn } from '../../lib/process.ts';

/** What Node takes for a delay at most: what is longer would fire after 1 ms. */
const LONGEST_MS = 2 ** 31 - 1;
const { now, setTimer } = systemClock;

describe("The system's clock, on played timers", () => {
  /** The delays that Node was asked for. */
  let asked: number[];
  let playedMs: number;

  /** A case is one piece, so that nobody else ever meets the played timers; it begins when those of this turn have got the real ones. */
  const played = (rule: string, body: () => void): void => {
    it(rule, async () => {
      await setImmediate();
      asked = [];
      playedMs = now();
      mock.timers.enable({ apis: ['setTimeout', 'setImmediate', 'Date'] });
      mock.method(performance, 'now', () => playedMs);
      const { setTimeout: play } = globalThis;
      mock.method(globalThis, 'setTimeout', (fire: () => void, ms: number) => {
        asked.push(ms);
        return play(fire, ms);
      });
      try {
        body();
      } finally {
        endTurn(); // no timer waits for a turn that does not come
        mock.restoreAll();
        mock.timers.reset();
      }
    });
  };

  const endTurn = (): void => mock.timers.tick(0);
  const pass = (ms: number): void => {
    endTurn();
    for (let left = ms; left > 0; left -= LONGEST_MS) {
      playedMs += Math.min(left, LONGEST_MS);
      mock.timers.tick(Math.min(left, LONGEST_MS));
    }
  };
  /** A timer, how often it has fired, and how to cancel it. */
  const timer = (delayMs: number): { times: number; readonly cancel: () => void } => {
    const cancel = setTimer(delayMs, () => {
      one.times++;
    });
    const one = { times: 0, cancel };
    return one;
  };

  played('fires once, when the delay is over and not before, however long it is; Node is asked for no more than it takes', () => {
    const delay = fc.oneof(
      fc.integer({ min: 1, max: 10_000 }),
      fc.integer({ min: LONGEST_MS - 2, max: 2 ** 35 }),
      fc.constantFrom(1, 2).map((n) => n * LONGEST_MS),
    );
    fc.assert(
      fc.property(delay, (ms) => {
        asked = [];
        const one = timer(ms);
        pass(ms - 1);
        expect(one.times).to.equal(0);
        pass(1);
        expect(one.times).to.equal(1);
        pass(2 * LONGEST_MS);
        expect(one.times).to.equal(1);
        expect(Math.max(...asked)).to.be.at.most(LONGEST_MS);
      }),
    );
  });

  played('fires never after Infinity, and does not trouble Node with it', () => {
    const one = timer(Number.POSITIVE_INFINITY);
    pass(10 * LONGEST_MS);
    one.cancel();
    expect([one.times, asked]).to.deep.equal([0, []]);
  });

  played('fires after 0 as soon as may be, but not while it is being set', () => {
    const one = timer(0);
    expect(one.times).to.equal(0);
    pass(1);
    expect(one.times).to.equal(1);
  });

  played('cancelled in the turn in which it was set, is never seen by Node', () => {
    const one = timer(5);
    one.cancel();
    pass(10);
    expect([one.times, asked]).to.deep.equal([0, []]);
  });

  played('cancelled later, does not fire: at once, just before it is due, and between two stretches of a long delay', () => {
    for (const [delayMs, cancelledAfterMs] of [
      [5, 0],
      [5, 4],
      [LONGEST_MS + 10, LONGEST_MS],
      [LONGEST_MS + 10, LONGEST_MS + 9],
    ] as const) {
      const one = timer(delayMs);
      pass(cancelledAfterMs);
      one.cancel();
      pass(2 * LONGEST_MS);
      expect(one.times, `${delayMs} cancelled after ${cancelledAfterMs}`).to.equal(0);
    }
  });

  played('may be cancelled twice, and after it has fired, which takes nothing from any other timer', () => {
    const [first, second] = [timer(1), timer(1)];
    first.cancel();
    first.cancel();
    pass(1);
    second.cancel();
    const third = timer(1);
    first.cancel();
    second.cancel();
    pass(1);
    expect([first.times, second.times, third.times]).to.deep.equal([0, 1, 1]);
  });

  played('fires timers in the order in which they are due, and those due together in the order in which they were set', () => {
    const any = fc.array(fc.record({ delayMs: fc.integer({ min: 1, max: 5 }), cancelledAtMs: fc.option(fc.nat(6), { nil: undefined }) }), { maxLength: 12 });
    fc.assert(
      fc.property(any, (timers) => {
        const fired: number[] = [];
        const cancels = timers.map(({ delayMs }, i) => setTimer(delayMs, () => fired.push(i)));
        for (let ms = 0; ms <= 6; ms++) {
          for (const [i, { cancelledAtMs }] of timers.entries()) if (cancelledAtMs === ms) cancels[i]?.();
          pass(1);
        }
        const due = [...timers.entries()].filter(([, { delayMs, cancelledAtMs }]) => cancelledAtMs === undefined || cancelledAtMs >= delayMs);
        expect(fired).to.deep.equal(due.sort(([, one], [, other]) => one.delayMs - other.delayMs).map(([i]) => i));
      }),
    );
  });

  played('does not go by the time of day', () => {
    const before = now();
    mock.timers.setTime(Date.now() + 10 ** 12);
    expect(now() - before).to.be.within(0, 60_000);
  });
});

describe("The system's clock", () => {
  it('brings a process its message when the time is over, by its own measure', async () => {
    const arrived = Promise.withResolvers<number>();
    const began = now();
    spawn(async (self) => {
      self.sendAfter(20, 'tick');
      await self.receive((message) => message === 'tick');
      arrived.resolve(now());
    });
    expect((await arrived.promise) - began).to.be.at.least(19); // Node counts in whole milliseconds, and may begin within one
  });

  it('counts from the moment at which a timer is set, and not from the end of the turn in which that was', async () => {
    const order: string[] = [];
    await new Promise<void>((resolve) => {
      const one = spawn((self) => {
        self.sendAfter(60, 'of the process');
        for (const untilMs = performance.now() + 70; performance.now() < untilMs; );
        setTimeout(() => {
          order.push('set later, and due later');
          exit(one, 'kill');
          one.onExit(() => resolve());
        }, 30); // counted from the end of the turn, that of the process would be due 30 ms after this one
        return (message) => void order.push(String(message));
      });
    });
    expect(order).to.deep.equal(['of the process', 'set later, and due later']);
  });

  it('takes a new timer from one that fires', async () => {
    const fired: string[] = [];
    await new Promise<void>((resolve) => {
      setTimer(1, () => {
        fired.push('first');
        setTimer(1, () => {
          fired.push('second');
          resolve();
        });
      });
    });
    expect(fired).to.deep.equal(['first', 'second']);
  });
});
