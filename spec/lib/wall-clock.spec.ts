/** Somebody sets the machine's clock, forwards or backwards: supervisors do not notice. They count restarts by the monotonic clock. */
import { expect } from 'chai';
import fc from 'fast-check';
import type { ChildSpec } from '../../lib/child-spec.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { startDynamicChild, startDynamicSupervisor } from '../../lib/dynamic-supervisor.ts';
import { type Init, ok, startLink } from '../../lib/gen-server.ts';
import { exit, type Process } from '../../lib/process.ts';
import type { Intensity } from '../../lib/restart.ts';
import { started } from '../../lib/start.ts';
import { startSupervisor } from '../../lib/supervisor.ts';
import { VirtualClock } from '../otp/virtual-clock.ts';
import { obedient } from './real-tree.ts';
import { START_MS } from './trees.ts';

const RUNS = process.env.ARGOS_LONG ? 2_000 : 100;
const HOUR_MS = 3_600_000;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Run `body` with a wall clock that it can turn: `Date` in every use. */
async function withWallClock(body: (turnBy: (ms: number) => void) => Promise<void>): Promise<void> {
  const { Date: before } = globalThis;
  let offMs = 0;
  const now = (): number => before.now() + offMs;
  globalThis.Date = new Proxy(before, {
    get: (date, key) => (key === 'now' ? now : Reflect.get(date, key)),
    construct: (date, args) => Reflect.construct(date, args.length === 0 ? [now()] : args),
    apply: (date) => new date(now()).toString(),
  });
  try {
    await body((ms) => {
      offMs += ms;
    });
  } finally {
    globalThis.Date = before;
  }
}

/** A supervisor with one child that always comes back. */
class Patient {
  readonly root: Process;
  readonly #starts: Process[] = [];
  #supervisor: Process | undefined;

  constructor(clock: Clock) {
    this.root = obedient({ clock });
  }

  async start(kind: 'ordinary' | 'dynamic', { intensity, period }: Intensity): Promise<void> {
    const init = (self: Process): Init<null> => {
      this.#starts.push(self);
      return ok(null);
    };
    const child: ChildSpec = { id: 'a', start: (parent) => startLink(parent, { init }) };
    await new Promise<void>((resolve) => {
      this.root.deliver(async () => {
        this.#supervisor = started(
          kind === 'ordinary'
            ? await startSupervisor(this.root, { flags: { intensity, period }, children: [child] })
            : await startDynamicSupervisor(this.root, { maxRestarts: intensity, maxSeconds: period }),
        );
        resolve();
      });
    });
    if (this.#supervisor && kind === 'dynamic') await startDynamicChild(this.#supervisor, child);
  }

  /** Kill the child. True when it has come back, false when its supervisor has given up. */
  async crash(): Promise<boolean> {
    const { length } = this.#starts;
    const last = this.#starts.at(-1);
    if (last) exit(last, 'kill');
    for (let turns = 0; turns < 1_000; turns++) {
      if (this.#starts.length > length) return true;
      if (!this.#supervisor?.isAlive) return false;
      await turn();
    }
    throw new Error('its supervisor does nothing about it');
  }

  async close(): Promise<void> {
    if (this.#supervisor) exit(this.#supervisor, 'kill');
    exit(this.root, 'kill');
    while ([this.root, this.#supervisor, this.#starts.at(-1)].some((one) => one?.isAlive)) await turn();
  }
}

describe('a jump of the wall clock', function () {
  this.timeout(process.env.ARGOS_LONG ? 600_000 : 20_000);

  const kinds = ['ordinary', 'dynamic'] as const;
  for (const kind of kinds) {
    it(`forwards does not make a supervisor forget its restarts (${kind})`, () =>
      withWallClock(async (turnBy) => {
        const patient = new Patient(systemClock);
        try {
          await patient.start(kind, { intensity: 1, period: 60 });
          expect(await patient.crash()).to.equal(true);
          const now = Date.now();
          const date = new Date();
          turnBy(HOUR_MS);
          expect(Date.now() - now).to.be.at.least(HOUR_MS);
          const later = new Date();
          expect(later.getTime() - date.getTime()).to.be.at.least(HOUR_MS);
          expect(await patient.crash()).to.equal(false);
        } finally {
          await patient.close();
        }
      }));
  }

  it('in either direction does not move the clock that processes have, nor the timers', () =>
    withWallClock(async (turnBy) => {
      for (const jumpMs of [HOUR_MS, -2 * HOUR_MS]) {
        const beganMs = systemClock.now();
        const fired = new Promise<void>((resolve) => systemClock.setTimer(20, resolve));
        turnBy(jumpMs);
        await fired;
        expect(systemClock.now() - beganMs).to.be.within(19, 10_000);
      }
    }));

  it('any number of them, in either direction: restarts count by the seconds of the clock that processes have', async () => {
    const jumpMs = fc.oneof(fc.constant(0), fc.integer({ min: -48 * HOUR_MS, max: 48 * HOUR_MS }));
    const crashes = fc.array(fc.record({ jumpMs, laterMs: fc.integer({ min: 1, max: 1_500 }) }), { minLength: 1, maxLength: 20, size: 'max' });
    const limits = fc.record({ intensity: fc.nat({ max: 4 }), period: fc.integer({ min: 1, max: 3 }) });
    const property = fc.asyncProperty(fc.constantFrom(...kinds), limits, crashes, (kind, limit, steps) =>
      withWallClock(async (turnBy) => {
        const clock = new VirtualClock(START_MS);
        const patient = new Patient(clock);
        try {
          await patient.start(kind, limit);
          const seconds: number[] = [];
          for (const { jumpMs, laterMs } of steps) {
            turnBy(jumpMs);
            clock.setTimer(laterMs, () => {});
            clock.advance();
            const second = Math.floor(clock.now() / 1_000);
            seconds.push(second);
            const isWithin = seconds.filter((one) => one >= second - limit.period).length <= limit.intensity; // supervisor:add_restart/1
            expect(await patient.crash(), `crash ${seconds.length}`).to.equal(isWithin);
            if (!isWithin) return;
          }
        } finally {
          await patient.close();
        }
      }),
    );
    await fc.assert(property, { numRuns: RUNS });
  });
});
