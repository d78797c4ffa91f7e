// The outbox over a real store: each execution is carried to its end, once where it can be, and never forgotten.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { Pid } from '../../../lib/process.ts';
import type { Deliver } from '../../../actors/actions/action.ts';
import type { Job, Outcome } from '../../../actors/job.ts';
import { retryPolicyOf, Root } from '../../support/actors.ts';
import { eventually } from '../../support/eventually.ts';
import { job, TestOutbox, waits } from '../../support/outbox.ts';
import { TestStore } from '../../support/store.ts';

const DELIVERED: Outcome = { kind: 'delivered' };
const busy = (afterMs?: number): Outcome => ({ kind: 'retry', reason: 'busy', ...(afterMs === undefined ? {} : { afterMs }) });

describe('outbox', () => {
  let root: Root;
  let outbox: TestOutbox;

  beforeEach(async () => {
    root = new Root();
    outbox = new TestOutbox(root);
    await outbox.under.start();
    await outbox.start();
  });
  afterEach(() => root.end('kill')); // an orderly stop would wait for what hangs

  it('delivers once what succeeds, and writes the attempt down', async () => {
    const got: Job[] = [];
    await outbox.action('act', async (one) => {
      got.push(one);
      return DELIVERED;
    });
    const one = job('a');
    await outbox.owe(one);
    await outbox.ends('a', 'succeeded');
    expect(got).to.deep.equal([one]);
    const [attempt, ...more] = await outbox.attempts('a');
    expect(more).to.deep.equal([]);
    expect(attempt).to.include({ job: 'a', number: 1, outcome: 'delivered', reason: null });
    expect(attempt?.startedMs).to.be.at.least(one.createdMs);
  });

  it('tries again up to max_retries + 1 attempts, writes each down with outcome and reason, then it has failed', async () => {
    await outbox.action('act', async () => busy(), { retry: retryPolicyOf({ max_retries: 2 }) });
    await outbox.owe(job('a'));
    await outbox.ends('a', 'failed');
    expect((await outbox.attempts('a')).map(({ number, outcome, reason }) => [number, outcome, reason])).to.deep.equal(
      [1, 2, 3].map((n) => [n, 'retry', 'busy']),
    );
    expect(await outbox.stored('a')).to.include({ attempts: 3, reason: 'busy' });
    expect(await outbox.under.store.openJobs()).to.deep.equal([]);
  });

  it('has failed at once with what no later try can mend', async () => {
    await outbox.action('act', async () => ({ kind: 'discard', reason: 'no such table' }), { retry: retryPolicyOf({ max_retries: 9 }) });
    await outbox.owe(job('a'));
    await outbox.ends('a', 'failed');
    expect((await outbox.attempts('a')).map(({ outcome, reason }) => [outcome, reason])).to.deep.equal([['discard', 'no such table']]);
  });

  it('takes what an action throws, or dies of, for a failure that may pass', async () => {
    let tries = 0;
    const pids: Pid[] = [];
    const deliver: Deliver = async () => {
      if (++tries === 1) throw new Error('boom');
      if (tries > 2) return DELIVERED;
      pids[0]?.die(new Error('bang'));
      pids.push(await outbox.action('act', deliver));
      return DELIVERED;
    };
    pids.push(await outbox.action('act', deliver));
    await outbox.owe(job('a'));
    await outbox.ends('a', 'succeeded');
    expect((await outbox.attempts('a')).map(({ outcome, reason }) => [outcome, reason])).to.deep.equal([
      ['retry', 'boom'],
      ['retry', 'call to action:act: bang'],
      ['delivered', null],
    ]);
  });

  it('waits between attempts as the retry policy says', async () => {
    await outbox.action('act', async () => busy(), {
      retry: retryPolicyOf({ max_retries: 3, backoff_strategy: 'linear', retry_timeout: 40, max_backoff: 80 }),
    });
    await outbox.owe(job('a'));
    await outbox.ends('a', 'failed');
    for (const [i, wait] of waits(await outbox.attempts('a')).entries()) expect(wait, `wait ${i}`).to.be.at.least([40, 80, 80][i] ?? Number.NaN);
  });

  it('waits at least as long as the receiver asked', async () => {
    const asked = [250, 1, undefined];
    let tries = 0;
    await outbox.action('act', async () => (tries < asked.length ? busy(asked[tries++]) : DELIVERED), {
      retry: retryPolicyOf({ max_retries: 9, retry_timeout: 50 }),
    });
    await outbox.owe(job('a'));
    await outbox.ends('a', 'succeeded');
    const [first = 0, second = 0, third = 0] = waits(await outbox.attempts('a'));
    expect(first).to.be.at.least(250);
    for (const wait of [second, third]) expect(wait).to.be.at.least(50);
  });

  it('runs as many of one action at a time as it allows, the oldest first', async () => {
    let [now, most] = [0, 0];
    const order: string[] = [];
    await outbox.action(
      'act',
      async ({ id }) => {
        order.push(id);
        most = Math.max(most, ++now);
        await sleep(20);
        now--;
        return DELIVERED;
      },
      { concurrency: 3 },
    );
    const jobs = Array.from({ length: 10 }, (_, i) => job(`j${i}`));
    await outbox.owe(...jobs);
    await outbox.ends('j9', 'succeeded');
    expect([most, order]).to.deep.equal([3, jobs.map(({ id }) => id)]);
  });

  it('lets the hang of one action delay no other', async () => {
    await outbox.action('stuck', () => new Promise(() => {}), { concurrency: 1 });
    await outbox.action('act', async () => DELIVERED);
    await outbox.owe(...Array.from({ length: 50 }, (_, i) => job(`s${i}`, 'stuck')), job('a'));
    await outbox.ends('a', 'succeeded');
    expect(await outbox.attempts('s0')).to.deep.equal([]);
  });

  it('delivers once what it is told of twice', async () => {
    let delivered = 0;
    await outbox.action('act', async () => {
      delivered++;
      await sleep(20);
      return DELIVERED;
    });
    const one = job('a');
    await outbox.owe(one);
    outbox.tell(one, one);
    await outbox.ends('a', 'succeeded');
    await outbox.owe(job('b'));
    await outbox.ends('b', 'succeeded');
    expect(delivered).to.equal(2);
  });

  it('waits for an action that is not there, without counting that as an attempt', async () => {
    await outbox.owe(job('a'));
    await outbox.owe(job('b'));
    await eventually(() => expect(outbox.pid.queueLength).to.equal(0));
    expect(await outbox.stored('a')).to.include({ status: 'queued', attempts: 0 });
    await outbox.action('act', async () => DELIVERED, { retry: retryPolicyOf({ max_retries: 0 }) });
    for (const id of ['a', 'b']) {
      await outbox.ends(id, 'succeeded');
      expect((await outbox.attempts(id)).map(({ number }) => number)).to.deep.equal([1]);
    }
  });

  it('takes up what was open when store and outbox are started anew: same id, the tries counted on', async () => {
    const got: string[] = [];
    await outbox.action(
      'act',
      async ({ id }) => {
        got.push(id);
        return id === 'tried' ? busy() : new Promise(() => {});
      },
      { retry: retryPolicyOf({ max_retries: 1, retry_timeout: 300 }) },
    );
    const [hung, tried] = [job('hung'), job('tried')];
    await outbox.owe(hung, tried);
    await eventually(async () => expect(await outbox.attempts('tried')).to.have.length(1));
    const dueMs = (await outbox.stored('tried'))?.dueMs ?? 0;
    await root.stop(outbox.pid, 'kill'); // hung is in flight, tried waits
    await root.end('kill');
    root = new Root();
    outbox = new TestOutbox(root, new TestStore(root, outbox.under.folder));
    await outbox.under.start();
    await outbox.action(
      'act',
      async (one) => {
        got.push(one.id);
        expect(one).to.deep.equal(one.id === 'hung' ? hung : tried);
        return one.id === 'tried' ? busy() : DELIVERED;
      },
      { retry: retryPolicyOf({ max_retries: 1 }) },
    );
    await outbox.start();
    await outbox.ends('hung', 'succeeded');
    await outbox.ends('tried', 'failed');
    const [, second] = await outbox.attempts('tried');
    expect(second).to.include({ number: 2 });
    expect(second?.startedMs).to.be.at.least(dueMs - 2);
    expect((await outbox.attempts('hung')).map(({ number, outcome }) => [number, outcome])).to.deep.equal([[1, 'delivered']]);
    expect(got).to.have.members(['hung', 'tried', 'hung', 'tried']);
  });

  it('goes on trying what it took up from the store, as if it had never been away', async () => {
    let tries = 0;
    const receive: Deliver = async () => (++tries < 4 ? busy() : DELIVERED);
    await outbox.under.store.commit([{ set: 'job', job: job('a'), status: 'queued' }]);
    await root.stop(outbox.pid);
    await outbox.action('act', receive, { retry: retryPolicyOf({ max_retries: 5, retry_timeout: 1 }) });
    await outbox.start();
    await outbox.ends('a', 'succeeded');
    expect(tries).to.equal(4);
  });

  it('counts it as no attempt when the action is stopped under it', async () => {
    let tries = 0;
    const deliver: Deliver = () => (++tries === 1 ? new Promise(() => {}) : Promise.resolve(DELIVERED));
    const first = await outbox.action('act', deliver, { retry: retryPolicyOf({ max_retries: 0 }) });
    await outbox.owe(job('a'));
    await eventually(() => expect(tries).to.equal(1));
    await root.stop(first, 'kill');
    await outbox.action('act', deliver, { retry: retryPolicyOf({ max_retries: 0 }) });
    await outbox.ends('a', 'succeeded');
    expect((await outbox.attempts('a')).map(({ number }) => number)).to.deep.equal([1]);
  });

  it('finishes what is under way when it is told to stop, and begins nothing anew', async () => {
    const got: string[] = [];
    await outbox.action(
      'act',
      async ({ id }) => {
        got.push(id);
        await sleep(100);
        return DELIVERED;
      },
      { concurrency: 1 },
    );
    await outbox.owe(job('a'), job('b'));
    await eventually(() => expect(got).to.deep.equal(['a']));
    expect(await root.stop(outbox.pid)).to.equal('shutdown');
    expect([(await outbox.stored('a'))?.status, (await outbox.stored('b'))?.status, got]).to.deep.equal(['succeeded', 'queued', ['a']]);
  });

  it('makes no attempt twice because it could not be written down', async () => {
    let [delivered, writes] = [0, 0];
    const { write } = outbox;
    outbox.write = (attempt) => (writes++ === 0 ? Promise.reject(new Error('away')) : write(attempt));
    await outbox.action('act', async () => {
      delivered++;
      return DELIVERED;
    });
    await outbox.owe(job('a'));
    await outbox.ends('a', 'succeeded');
    expect([delivered, writes]).to.deep.equal([1, 2]);
  });
});
