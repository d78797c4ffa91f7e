// How fast a destination is gone to, and when nobody is sent there: over any course of time.
import { expect } from 'chai';
import fc from 'fast-check';
import type { ErrorClass, Outcome } from '../../../actors/job.ts';
import { Breaker } from '../../../actors/outbox/breaker.ts';
import { Bucket } from '../../../actors/outbox/bucket.ts';
import { Gate } from '../../../actors/outbox/gate.ts';

const START_MS = 1_700_000_000_000;

describe('a token bucket', () => {
  it('lets no more through in any span of time than gather in it and before it, and keeps nobody longer than it must', () => {
    const rate = fc.record({ perSecond: fc.integer({ min: 1, max: 500 }), burst: fc.integer({ min: 1, max: 20 }) });
    fc.assert(
      fc.property(rate, fc.array(fc.integer({ min: 0, max: 200 }), { minLength: 1, maxLength: 100 }), ({ perSecond, burst }, gaps) => {
        const bucket = new Bucket({ perSecond, burst }, START_MS);
        const taken: number[] = [];
        let nowMs = START_MS;
        for (const gapMs of gaps) {
          nowMs = Math.max(nowMs + gapMs, bucket.freeMs(nowMs + gapMs));
          expect(bucket.freeMs(nowMs)).to.equal(nowMs);
          bucket.take(nowMs);
          taken.push(nowMs);
        }
        for (const [i, fromMs] of taken.entries())
          for (const [k, toMs] of taken.slice(i).entries()) expect(k + 1).to.be.at.most(burst + ((toMs - fromMs) * perSecond) / 1_000 + 1e-6);
        expect(bucket.freeMs(nowMs) - nowMs).to.be.at.most(Math.ceil(1_000 / perSecond));
      }),
    );
  });

  it('gives nothing when the clock is set back', () => {
    const bucket = new Bucket({ perSecond: 1, burst: 1 }, START_MS);
    bucket.take(START_MS);
    expect(bucket.freeMs(START_MS - 5_000)).to.equal(START_MS - 4_000);
    bucket.take(START_MS - 4_000);
    expect(bucket.freeMs(START_MS)).to.be.above(START_MS);
  });
});

describe('a circuit breaker', () => {
  const terms = fc.record({ failures: fc.integer({ min: 1, max: 5 }), coolMs: fc.integer({ min: 1, max: 100 }) });
  const course = fc.array(fc.record({ gapMs: fc.integer({ min: 0, max: 120 }), ok: fc.boolean() }), { maxLength: 100 });

  it('opens after so many failures in a row and not before, lets one try after each pause, and closes when that one gets through', () => {
    fc.assert(
      fc.property(terms, course, ({ failures, coolMs }, tries) => {
        const breaker = new Breaker({ failures, coolMs });
        let [nowMs, row, openings, openUntilMs] = [START_MS, 0, 0, 0];
        for (const { gapMs, ok } of tries) {
          nowMs += gapMs;
          const open = row >= failures;
          expect(breaker.stateAt(nowMs)).to.equal(open ? (nowMs >= openUntilMs ? 'half_open' : 'open') : 'closed');
          const freeMs = breaker.freeMs(nowMs);
          expect(freeMs).to.equal(open ? Math.max(nowMs, openUntilMs) : nowMs);
          if (freeMs !== nowMs) continue;
          breaker.enter();
          if (open) expect(breaker.freeMs(nowMs), 'a second one while the first tries').to.equal(undefined);
          if (ok) {
            breaker.reached();
            row = openings = 0;
          } else {
            breaker.failed(nowMs);
            row++;
            if (row >= failures) openUntilMs = nowMs + Math.min(600_000, coolMs * 2 ** openings++);
          }
        }
      }),
    );
  });

  it('opens no further by those who went before it was opened, and lets another try when the one that tried was stopped', () => {
    const breaker = new Breaker({ failures: 1, coolMs: 100 });
    breaker.failed(START_MS);
    breaker.failed(START_MS + 50);
    expect(breaker.freeMs(START_MS + 60)).to.equal(START_MS + 100);
    breaker.enter();
    breaker.left();
    expect(breaker.freeMs(START_MS + 101)).to.equal(START_MS + 101);
  });
});

describe('a gate', () => {
  const failed = (what: ErrorClass, afterMs?: number): Outcome => ({ kind: 'retry', reason: 'x', class: what, ...(afterMs === undefined ? {} : { afterMs }) });

  it('is shut by what says that nobody is there, and by nothing else', () => {
    for (const what of ['server', 'timeout', 'network', 'client', 'auth', 'rate'] as const) {
      const gate = new Gate({ breaker: { failures: 2, coolMs: 1_000 } }, START_MS);
      for (let i = 0; i < 2; i++) {
        gate.enter(START_MS);
        gate.leave(failed(what), START_MS);
      }
      expect(gate.stateAt(START_MS), what).to.equal(['server', 'timeout', 'network'].includes(what) ? 'open' : 'closed');
    }
  });

  it('waits as long as the destination asked it to, for all that go there', () => {
    const gate = new Gate({ breaker: { failures: 5, coolMs: 1_000 } }, START_MS);
    gate.enter(START_MS);
    gate.leave(failed('rate', 700), START_MS);
    expect(gate.freeMs(START_MS + 1)).to.equal(START_MS + 700);
  });
});
