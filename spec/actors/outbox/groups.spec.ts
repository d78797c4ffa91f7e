// What belongs together is told together, once, and after a crash as well.
import { expect } from 'chai';
import fc from 'fast-check';
import type { Job, Outcome } from '../../../actors/job.ts';
import { Groups, together } from '../../../actors/outbox/groups.ts';
import { alertOf, Root } from '../../support/actors.ts';
import { eventually } from '../../support/eventually.ts';
import { job, TestOutbox } from '../../support/outbox.ts';

describe('a group', () => {
  const WAIT_MS = 100;
  const owed = fc.record({
    rule: fc.constantFrom('a', 'b'),
    severity: fc.constantFrom('info', 'critical'),
    site: fc.constantFrom('north', 'south', undefined),
    state: fc.constantFrom('firing', 'resolved'),
    afterMs: fc.integer({ min: 0, max: 60 }),
  });
  const by = fc.subarray(['rule', 'severity', 'labels.site', 'monitor']);
  const jobs = (all: readonly { rule: string; severity: string; site: string | undefined; state: 'firing' | 'resolved'; afterMs: number }[]): Job[] => {
    let createdMs = 1_000;
    return all.map(({ rule, severity, site, state, afterMs }, i) => {
      createdMs += afterMs;
      const alert = alertOf({ rule, severity, state, monitor: rule === 'a' ? 'm' : undefined, labels: site === undefined ? {} : { site } });
      return { id: `${i}`, action: 'act', alert, createdMs };
    });
  };
  const seenOf = ({ alert }: Job, name: string): unknown => (name === 'labels.site' ? alert.labels.site : alert[name as 'rule' | 'severity' | 'monitor']);

  it('is of those that agree in what it is by, and of those only; none waits longer than it says, and none comes when it is over', () => {
    fc.assert(
      fc.property(fc.array(owed, { maxLength: 40 }) as fc.Arbitrary<never[]>, by, (all, names) => {
        const groups = new Groups();
        const joined = jobs(all).map((one) => groups.join(one, { by: names, waitMs: WAIT_MS }, one.createdMs));
        for (const one of joined) {
          const { id, dueMs } = one.group ?? { id: '', dueMs: 0 };
          expect(dueMs - one.createdMs).to.be.within(1, WAIT_MS);
          for (const other of joined) {
            const agree = one.alert.state === other.alert.state && names.every((name) => seenOf(one, name) === seenOf(other, name));
            const first = joined.find((each) => each.id === id);
            if (other.group?.id === id) expect(agree).to.equal(true);
            else if (agree && first) expect(other.createdMs < first.createdMs || other.createdMs >= dueMs).to.equal(true);
          }
        }
      }),
    );
  });

  it('has a key that is the same in whatever order they come, another for others, and its own for one', () => {
    fc.assert(
      fc.property(fc.array(owed, { minLength: 1, maxLength: 6 }) as fc.Arbitrary<never[]>, fc.nat(), (all, turn) => {
        const [first, ...rest] = jobs(all);
        if (!first) return;
        const ordered = [first, ...rest];
        const turned = [...ordered.slice(turn % ordered.length), ...ordered.slice(0, turn % ordered.length)] as [Job, ...Job[]];
        expect(together(turned)).to.deep.equal(together([first, ...rest]));
        if (rest.length === 0) expect(together([first])).to.equal(first);
        else expect(together([first, ...rest]).id).to.not.equal(together([first, ...rest.slice(1)]).id);
      }),
    );
  });

  describe('in the outbox', () => {
    let root: Root;
    let outbox: TestOutbox;
    const got: Job[] = [];
    let answer: Outcome = { kind: 'delivered' };
    const member = (id: string, inMs: number): Job => ({ ...job(id), group: { id: 'g', dueMs: Math.floor(Date.now() / 1_000) * 1_000 + inMs } });

    beforeEach(async () => {
      got.length = 0;
      answer = { kind: 'delivered' };
      root = new Root();
      outbox = new TestOutbox(root);
      await outbox.under.start();
      await outbox.start();
    });
    afterEach(() => root.end('kill'));
    const act = () =>
      outbox.action('act', async (one) => {
        got.push(one);
        return answer;
      });

    it('is one delivery when it is due, and an attempt of each', async () => {
      await act();
      const all = ['a', 'b', 'c'].map((id) => member(id, 1_500));
      await outbox.owe(...all.slice(0, 2));
      await outbox.owe(...all.slice(2));
      expect(got).to.deep.equal([]);
      for (const { id } of all) await outbox.ends(id, 'succeeded');
      expect(got.map(({ id, alerts }) => [id, alerts?.length])).to.deep.equal([[together(all as [Job, Job, Job]).id, 3]]);
      for (const { id } of all) expect(await outbox.attempts(id)).to.have.length(1);
    });

    it('is tried again as it was, with the same key, also when the outbox was killed between; who comes late goes alone', async () => {
      await act();
      answer = { kind: 'retry', reason: 'busy', afterMs: 400 };
      const all = ['a', 'b'].map((id) => member(id, 0));
      await outbox.owe(...all);
      await eventually(() => expect(got).to.have.length(1));
      await outbox.ends('b', 'retrying');
      await outbox.owe(member('late', 0));
      await root.stop(outbox.pid, 'kill');
      answer = { kind: 'delivered' };
      await outbox.start();
      for (const id of ['a', 'b', 'late']) await outbox.ends(id, 'succeeded');
      const key = together(all as [Job, Job]).id;
      expect(got.flatMap(({ id }) => (id === key ? [id] : []))).to.deep.equal([key, key]);
      expect(new Set(got.map(({ id }) => id))).to.deep.equal(new Set([key, 'late']));
    });
  });
});
