// `mode: "event"`: every event on which the condition holds is an episode of its own.
import { expect } from 'chai';
import fc from 'fast-check';
import { type AlertState, type HoldAt, INACTIVE, stepOfEvent } from '../../../actors/rules/alert/alert-state.ts';
import { damping, holdOf, restored, START_MS, schedule, truth } from '../../support/alerts.ts';

const event = fc.record({ holding: truth, gapMs: fc.integer({ min: 0, max: 8 }) });

describe('stepOfEvent', () => {
  it('makes one episode of every event on which the condition holds outside the cooldown, told or on record, whatever crashes between', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), damping, schedule, fc.boolean(), (events, damped, holds, crashes) => {
        let state: AlertState = INACTIVE;
        let [nowMs, lastMs] = [START_MS, Number.NEGATIVE_INFINITY];
        for (const { holding, gapMs } of events) {
          nowMs += gapMs;
          const done = stepOfEvent(state, holding, nowMs, damped, holdOf(holds));
          const hold = holdOf(holds)(nowMs);
          const counts = holding === true && nowMs - lastMs >= damped.cooldownMs;
          expect(done.effect).to.equal(counts ? (hold ? 'suppress' : 'fire') : undefined);
          expect(done.held?.reason).to.equal(counts ? hold?.reason : undefined);
          expect(done.state.episodes).to.equal(state.episodes + (counts ? 1 : 0));
          if (!counts) expect(done.state).to.equal(state);
          expect(done.wakeMs).to.equal(undefined);
          if (done.effect === 'fire') lastMs = nowMs;
          state = crashes ? restored(done.state) : done.state;
        }
      }),
      { numRuns: 500 },
    );
  });

  it('counts no cooldown from an event that a silence holds back', () => {
    const night: HoldAt = (atMs) => (atMs < START_MS + 1_500 ? { reason: 'silenced', by: 'night' } : undefined);
    let state = INACTIVE;
    const told = [0, 1_000, 2_000, 3_000].map((afterMs) => {
      const done = stepOfEvent(state, true, START_MS + afterMs, { forMs: 0, keepFiringForMs: 0, cooldownMs: 2_000 }, night);
      state = done.state;
      return `${done.effect}#${state.episodes}`;
    });
    expect(told).to.deep.equal(['suppress#1', 'suppress#2', 'fire#3', 'undefined#3']);
  });
});
