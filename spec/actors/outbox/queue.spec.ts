// What goes first, what waits, what is given up, and what is put back.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { Job, Outcome } from '../../../actors/job.ts';
import { retryPolicyOf, Root } from '../../support/actors.ts';
import { eventually } from '../../support/eventually.ts';
import { job, TestOutbox } from '../../support/outbox.ts';

const DELIVERED: Outcome = { kind: 'delivered' };
const AWAY: Outcome = { kind: 'retry', reason: 'away', class: 'network' };

describe('the queue of the outbox', () => {
  let root: Root;
  let outbox: TestOutbox;
  let got: string[];
  const severe = (id: string, severity: string, action?: string): Job => {
    const plain = job(id, action);
    return { ...plain, alert: { ...plain.alert, severity } };
  };

  beforeEach(async () => {
    got = [];
    root = new Root();
    outbox = new TestOutbox(root);
    await outbox.under.start();
    await outbox.start();
  });
  afterEach(() => root.end('kill'));
  const carry = async ({ id }: Job): Promise<Outcome> => {
    got.push(id);
    return DELIVERED;
  };

  it('lets the critical go before the rest, also before what has been claimed already, and on a way that actions share', async () => {
    let open = (): void => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    const shared = { destination: 'one', rate: { perSecond: 20, burst: 1 }, concurrency: 1 };
    await outbox.owe(severe('first', 'info', 'digest'));
    await outbox.action(
      'digest',
      async (one) => {
        if (one.id === 'first') await opened;
        return carry(one);
      },
      shared,
    );
    await outbox.action('alert', carry, shared);
    outbox.tell(severe('first', 'info', 'digest'));
    await eventually(async () => expect((await outbox.stored('first'))?.fence).to.equal(1));
    await outbox.owe(
      ...['i1', 'i2', 'i3'].map((id) => severe(id, 'info', 'digest')),
      severe('w', 'warning', 'digest'),
      severe('c', 'critical', 'digest'),
      severe('a', 'critical', 'alert'),
    );
    open();
    await outbox.ends('i3', 'succeeded');
    expect(got.indexOf('a')).to.be.below(got.indexOf('i2'));
    expect(got.indexOf('c')).to.be.below(got.indexOf('w'));
    expect(got.indexOf('w')).to.be.below(got.indexOf('i3'));
  });

  it('keeps the order of an action that is ordered: what is tried again holds up what is behind it, however important', async () => {
    let tries = 0;
    await outbox.action('act', async (one) => (one.id === 'a' && ++tries < 3 ? AWAY : carry(one)), {
      ordered: true,
      retry: retryPolicyOf({ max_retries: 5, retry_timeout: 30 }),
    });
    await outbox.owe(
      { ...severe('a', 'info'), createdMs: 1_000 },
      { ...severe('b', 'info'), createdMs: 2_000 },
      { ...severe('c', 'critical'), createdMs: 3_000 },
    );
    await outbox.ends('c', 'succeeded');
    expect(got).to.deep.equal(['a', 'b', 'c']);
    expect(await outbox.attempts('a')).to.have.length(3);
  });

  it('sends nobody where nobody is, counts that as no attempt, and goes on when one has got through; others do not wait', async () => {
    let away = true;
    const attempts: string[] = [];
    const breaker = { failures: 2, coolMs: 150 };
    await outbox.action(
      'act',
      async (one) => {
        attempts.push(one.id);
        return away ? AWAY : carry(one);
      },
      { destination: 'x', breaker, concurrency: 1, retry: retryPolicyOf({ max_retries: 50, retry_timeout: 1 }) },
    );
    await outbox.action('other', carry);
    await outbox.owe(...['a', 'b', 'c', 'd'].map((id) => job(id)));
    await eventually(() => expect(attempts).to.have.length(2));
    await eventually(async () => expect(await outbox.destinations()).to.deep.include({ destination: 'x', breaker: 'open' }));
    await outbox.owe(job('o', 'other'));
    await outbox.ends('o', 'succeeded');
    expect(attempts).to.have.length(2);
    await eventually(() => expect(attempts).to.have.length(3)); // one tries
    away = false;
    for (const id of ['a', 'b', 'c', 'd']) await outbox.ends(id, 'succeeded');
    expect(await outbox.destinations()).to.deep.include({ destination: 'x', breaker: 'closed' });
    expect(attempts.length).to.equal((await Promise.all(['a', 'b', 'c', 'd'].map((id) => outbox.attempts(id)))).flat().length);
  });

  it('goes no faster to a destination than it may, whichever actions go there', async () => {
    const times: number[] = [];
    const note = async (one: Job): Promise<Outcome> => {
      times.push(performance.now());
      return carry(one);
    };
    for (const name of ['act', 'other']) await outbox.action(name, note, { destination: 'slow', rate: { perSecond: 20, burst: 2 } });
    await outbox.owe(...['a', 'b', 'c'].map((id) => job(id)), ...['d', 'e', 'f'].map((id) => job(id, 'other')));
    for (const id of ['a', 'b', 'c', 'd', 'e', 'f']) await outbox.ends(id, 'succeeded');
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).to.be.at.least(190); // six, of which two at once: four times 50 ms
  });

  it('ends what was not carried out in time as expired, without an attempt', async () => {
    await outbox.owe({ ...job('late'), expiresMs: Date.now() + 50 }, { ...job('in time'), expiresMs: Date.now() + 3_600_000 });
    await sleep(60);
    await outbox.action('act', carry);
    await outbox.ends('in time', 'succeeded');
    await outbox.ends('late', 'expired');
    expect([await outbox.attempts('late'), got]).to.deep.equal([[], ['in time']]);
    expect((await outbox.stored('late'))?.reason).to.equal('it was not carried out in time');
  });

  it('ends as expired also what is claimed and waits for a hand, and makes no attempt of it', async () => {
    await outbox.action('act', () => new Promise(() => {}), { concurrency: 1 });
    await outbox.owe({ ...job('first'), createdMs: 1 });
    await eventually(async () => expect(await outbox.running()).to.deep.equal(['first']));
    await outbox.owe({ ...job('behind'), expiresMs: Date.now() + 300 });
    await eventually(async () => expect((await outbox.stored('behind'))?.fence).to.equal(1));
    await outbox.ends('behind', 'expired');
    expect(await outbox.attempts('behind')).to.deep.equal([]);
  });

  it('takes up again what has failed for good when it is put back, with all its tries before it, and counts on', async () => {
    let away = true;
    await outbox.action('act', async (one) => (away ? AWAY : carry(one)), { retry: retryPolicyOf({ max_retries: 1, retry_timeout: 1 }) });
    await outbox.owe(job('a'), job('b'));
    for (const id of ['a', 'b']) await outbox.ends(id, 'failed');
    await outbox.putBack('a');
    await eventually(async () => expect(await outbox.attempts('a')).to.have.length(4)); // two tries more
    await outbox.ends('a', 'failed');
    away = false;
    await outbox.putBack('a');
    await outbox.ends('a', 'succeeded');
    expect((await outbox.attempts('a')).map(({ number, class: what }) => [number, what])).to.deep.equal([
      ...[1, 2, 3, 4].map((n) => [n, 'network']),
      [5, null],
    ]);
    await outbox.under.store.commit([{ set: 'drop', ids: ['b', 'a'], atMs: Date.now() }]);
    expect([(await outbox.stored('a'))?.status, (await outbox.stored('b'))?.status, (await outbox.stored('b'))?.reason]).to.deep.equal([
      'succeeded',
      'suppressed',
      'dropped',
    ]);
  });

  it('holds in memory what is next, and no more, however many wait', async () => {
    await outbox.action('act', () => new Promise(() => {}), { concurrency: 2 });
    await outbox.owe(...Array.from({ length: 500 }, (_, i) => job(`j${i}`)));
    await eventually(async () => expect(await outbox.running()).to.have.length(2));
    const claimed = (await outbox.under.store.jobs({ limit: 1_000 })).filter(({ fence }) => fence > 0);
    expect(claimed).to.have.length(4);
  });
});
