// The outbox over a real store: each execution is carried to its end, once where it can be, and never forgotten.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { Type } from 'typebox';
import type { Pid } from '../../../lib/process.ts';
import { type ActionType, actionChild, type Deliver } from '../../../actors/actions/action.ts';
import type { Job, Outcome } from '../../../actors/job.ts';
import { logger } from '../../../actors/logger.ts';
import type { Terms } from '../../../actors/names.ts';
import { type AttemptRecord, dueNow, outboxChild } from '../../../actors/outbox/outbox.ts';
import type { Attempt, StoredJob } from '../../../actors/store/journal.ts';
import { jobOf, retryPolicyOf, Root } from '../../support/actors.ts';
import { eventually } from '../../support/eventually.ts';
import { TestStore } from '../../support/store.ts';

const DELIVERED: Outcome = { kind: 'delivered' };
const busy = (afterMs?: number): Outcome => ({ kind: 'retry', reason: 'busy', ...(afterMs === undefined ? {} : { afterMs }) });

describe('outbox', () => {
  let root: Root;
  let under: TestStore;
  let outbox: Pid;
  let write: (attempt: AttemptRecord) => Promise<void>;

  async function startOutbox(): Promise<void> {
    const { names, store } = under;
    const attempted = (attempt: AttemptRecord): Promise<void> => write(attempt);
    outbox = await root.start(outboxChild({ names, log: logger('spec'), open: () => store.openJobs(), attempted }));
  }
  /** An action that does what the spec says. */
  function startAction(name: string, deliver: Deliver, terms: Partial<Terms> = {}): Promise<Pid> {
    const schema = Type.Object({});
    const type: ActionType<typeof schema> = { type: 'spec', schema, timeoutMs: () => 60_000, prepare: () => deliver };
    return root.start(actionChild(name, type, {}, { retry: retryPolicyOf(), concurrency: 8, ...terms }, under.names, logger('spec')));
  }
  /** As a rule does it: stored first, then said. */
  async function owe(...jobs: readonly Job[]): Promise<void> {
    await under.store.commit(jobs.map((job) => ({ set: 'job', job, status: 'queued' })));
    dueNow(under.names, jobs);
  }
  const job = (id: string, action = 'act'): Job => jobOf({ id, action, createdMs: Date.now() });
  const stored = async (id: string): Promise<StoredJob | undefined> => (await under.store.jobs({ id }))[0];
  const ends = (id: string, status: string): Promise<unknown> => eventually(async () => expect((await stored(id))?.status).to.equal(status));
  const attempts = (id: string): Promise<readonly Attempt[]> => under.store.attempts(id);
  /** Times between the end of one attempt and the start of the next. */
  const waits = (all: readonly Attempt[]): number[] => all.slice(1).map(({ startedMs }, i) => startedMs - (all[i]?.startedMs ?? 0) - (all[i]?.durationMs ?? 0));

  beforeEach(async () => {
    root = new Root();
    under = new TestStore(root);
    await under.start();
    write = ({ job: id, number, startedMs, durationMs, outcome, status, dueMs }) => {
      const reason = 'reason' in outcome ? outcome.reason : null;
      return under.store.commit([{ set: 'attempt', status, dueMs, attempt: { job: id, number, startedMs, durationMs, outcome: outcome.kind, reason } }]);
    };
    await startOutbox();
  });
  afterEach(() => root.end());

  it('delivers once what succeeds, and writes the attempt down', async () => {
    const got: Job[] = [];
    await startAction('act', async (one) => {
      got.push(one);
      return DELIVERED;
    });
    const one = job('a');
    await owe(one);
    await ends('a', 'succeeded');
    expect(got).to.deep.equal([one]);
    const [attempt, ...more] = await attempts('a');
    expect(more).to.deep.equal([]);
    expect(attempt).to.include({ job: 'a', number: 1, outcome: 'delivered', reason: null });
    expect(attempt?.startedMs).to.be.at.least(one.createdMs);
  });

  it('tries again up to max_retries + 1 attempts, writes each down with outcome and reason, then it has failed', async () => {
    await startAction('act', async () => busy(), { retry: retryPolicyOf({ max_retries: 2 }) });
    await owe(job('a'));
    await ends('a', 'failed');
    expect((await attempts('a')).map(({ number, outcome, reason }) => [number, outcome, reason])).to.deep.equal([1, 2, 3].map((n) => [n, 'retry', 'busy']));
    expect(await stored('a')).to.include({ attempts: 3, reason: 'busy' });
    expect(await under.store.openJobs()).to.deep.equal([]);
  });

  it('has failed at once with what no later try can mend', async () => {
    await startAction('act', async () => ({ kind: 'discard', reason: 'no such table' }), { retry: retryPolicyOf({ max_retries: 9 }) });
    await owe(job('a'));
    await ends('a', 'failed');
    expect((await attempts('a')).map(({ outcome, reason }) => [outcome, reason])).to.deep.equal([['discard', 'no such table']]);
  });

  it('takes what an action throws, or dies of, for a failure that may pass', async () => {
    let tries = 0;
    const pids: Pid[] = [];
    const deliver: Deliver = async () => {
      if (++tries === 1) throw new Error('boom');
      if (tries > 2) return DELIVERED;
      pids[0]?.die(new Error('bang'));
      pids.push(await startAction('act', deliver));
      return DELIVERED;
    };
    pids.push(await startAction('act', deliver));
    await owe(job('a'));
    await ends('a', 'succeeded');
    expect((await attempts('a')).map(({ outcome, reason }) => [outcome, reason])).to.deep.equal([
      ['retry', 'boom'],
      ['retry', 'call to action:act: bang'],
      ['delivered', null],
    ]);
  });

  it('waits between attempts as the retry policy says', async () => {
    await startAction('act', async () => busy(), { retry: retryPolicyOf({ max_retries: 3, backoff_strategy: 'linear', retry_timeout: 40, max_backoff: 80 }) });
    await owe(job('a'));
    await ends('a', 'failed');
    for (const [i, wait] of waits(await attempts('a')).entries()) expect(wait, `wait ${i}`).to.be.within([39, 79, 79][i] ?? 0, 1_000);
  });

  it('waits at least as long as the receiver asked', async () => {
    const asked = [250, 1, undefined];
    let tries = 0;
    await startAction('act', async () => (tries < asked.length ? busy(asked[tries++]) : DELIVERED), {
      retry: retryPolicyOf({ max_retries: 9, retry_timeout: 50 }),
    });
    await owe(job('a'));
    await ends('a', 'succeeded');
    const [first = 0, second = 0, third = 0] = waits(await attempts('a'));
    expect(first).to.be.at.least(249);
    for (const wait of [second, third]) expect(wait).to.be.within(49, 200);
  });

  it('runs as many of one action at a time as it allows, the oldest first', async () => {
    let [now, most] = [0, 0];
    const order: string[] = [];
    await startAction(
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
    await owe(...jobs);
    await ends('j9', 'succeeded');
    expect([most, order]).to.deep.equal([3, jobs.map(({ id }) => id)]);
  });

  it('lets the hang of one action delay no other', async () => {
    await startAction('stuck', () => new Promise(() => {}), { concurrency: 1 });
    await startAction('act', async () => DELIVERED);
    await owe(...Array.from({ length: 50 }, (_, i) => job(`s${i}`, 'stuck')), job('a'));
    await ends('a', 'succeeded');
    expect(await attempts('s0')).to.deep.equal([]);
  });

  it('delivers once what it is told of twice', async () => {
    let delivered = 0;
    await startAction('act', async () => {
      delivered++;
      await sleep(20);
      return DELIVERED;
    });
    const one = job('a');
    await owe(one);
    dueNow(under.names, [one, one]);
    await ends('a', 'succeeded');
    await owe(job('b'));
    await ends('b', 'succeeded');
    expect(delivered).to.equal(2);
  });

  it('waits for an action that is not there, without counting that as an attempt', async () => {
    await owe(job('a'));
    await owe(job('b'));
    await eventually(() => expect(outbox.queueLength).to.equal(0));
    expect(await stored('a')).to.include({ status: 'queued', attempts: 0 });
    await startAction('act', async () => DELIVERED, { retry: retryPolicyOf({ max_retries: 0 }) });
    for (const id of ['a', 'b']) {
      await ends(id, 'succeeded');
      expect((await attempts(id)).map(({ number }) => number)).to.deep.equal([1]);
    }
  });

  it('takes up what was open when store and outbox are started anew: same id, the tries counted on', async () => {
    const got: string[] = [];
    await startAction(
      'act',
      async ({ id }) => {
        got.push(id);
        return id === 'tried' ? busy() : new Promise(() => {});
      },
      { retry: retryPolicyOf({ max_retries: 1, retry_timeout: 300 }) },
    );
    const [hung, tried] = [job('hung'), job('tried')];
    await owe(hung, tried);
    await eventually(async () => expect(await attempts('tried')).to.have.length(1));
    const dueMs = (await stored('tried'))?.dueMs ?? 0;
    await root.stop(outbox); // hung is in flight, tried waits
    await root.end();
    root = new Root();
    under = new TestStore(root, under.folder);
    await under.start();
    await startAction(
      'act',
      async (one) => {
        got.push(one.id);
        expect(one).to.deep.equal(one.id === 'hung' ? hung : tried);
        return one.id === 'tried' ? busy() : DELIVERED;
      },
      { retry: retryPolicyOf({ max_retries: 1 }) },
    );
    await startOutbox();
    await ends('hung', 'succeeded');
    await ends('tried', 'failed');
    const [, second] = await attempts('tried');
    expect(second).to.include({ number: 2 });
    expect(second?.startedMs).to.be.at.least(dueMs - 2);
    expect((await attempts('hung')).map(({ number, outcome }) => [number, outcome])).to.deep.equal([[1, 'delivered']]);
    expect(got).to.have.members(['hung', 'tried', 'hung', 'tried']);
  });

  it('makes no attempt twice because it could not be written down', async () => {
    let [delivered, writes] = [0, 0];
    const working = write;
    write = (attempt) => (writes++ === 0 ? Promise.reject(new Error('away')) : working(attempt));
    await startAction('act', async () => {
      delivered++;
      return DELIVERED;
    });
    await owe(job('a'));
    await ends('a', 'succeeded');
    expect([delivered, writes]).to.deep.equal([1, 2]);
  });
});
