// Two outboxes over one database: each execution is carried out by one of them; what one leaves behind, the other takes over.
import { expect } from 'chai';
import type { Job } from '../../../actors/job.ts';
import { Root } from '../../support/actors.ts';
import { freshSchema } from '../../support/engines.ts';
import { eventually } from '../../support/eventually.ts';
import { job, TestOutbox } from '../../support/outbox.ts';
import { postgres, tempFolder } from '../../support/services.ts';
import { TestStore } from '../../support/store.ts';
import { queueIn } from '../../../supervisors/outbox.ts';

const LEASE_MS = 3_000;

describe('outboxes that share a database', function () {
  this.timeout(20_000);
  let roots: Root[];
  let done: [node: string, job: string][];
  let schema: string;

  beforeEach(() => {
    roots = [];
    done = [];
    schema = freshSchema();
  });
  afterEach(async () => {
    for (const root of roots) await root.end('kill');
  });

  async function node(name: string, actions: readonly string[], carry: (job: Job) => Promise<void> = async () => {}, leaseMs = LEASE_MS): Promise<TestOutbox> {
    const root = new Root();
    roots.push(root);
    const under = new TestStore(root, tempFolder(), { url: (await postgres()).url, schema, node: name });
    await under.start();
    const { store } = under;
    const outbox = new TestOutbox(root, under);
    outbox.queue = queueIn(store, name, leaseMs);
    for (const action of actions)
      await outbox.action(
        action,
        async (one) => {
          await carry(one);
          done.push([name, one.id]);
          return { kind: 'delivered' };
        },
        { concurrency: 2 },
      );
    await outbox.start();
    return outbox;
  }
  const ids = (): string[] => done.map(([, id]) => id).sort();

  it('carry each execution out once, both of them, whoever has written it down', async () => {
    const [a, b] = [await node('a', ['act']), await node('b', ['act'])];
    const all = Array.from({ length: 200 }, (_, i) => `j${String(i).padStart(3, '0')}`);
    await Promise.all(all.map((id, i) => (i % 2 ? a : b).owe(job(id))));
    await eventually(() => expect(ids()).to.deep.equal(all), 10_000);
    expect(new Set(done.map(([name]) => name)).size).to.equal(2);
    await eventually(async () => expect(await a.under.store.openJobs()).to.deep.equal([]));
  });

  it('take only what they have an action for, also when the one that has it comes later', async () => {
    const a = await node('a', ['one']);
    await a.owe(job('x', 'two'), job('y', 'one'));
    await a.ends('y', 'succeeded');
    await node('b', ['two']);
    await eventually(() =>
      expect(done).to.deep.equal([
        ['a', 'y'],
        ['b', 'x'],
      ]),
    );
  });

  it('take over what one held that died when its lease is over', async () => {
    const stuck = new Promise<void>(() => {});
    const a = await node('a', ['act'], () => stuck);
    await a.owe(job('x'), job('y'), job('z'));
    await eventually(async () => expect((await a.under.store.jobs({})).filter(({ fence }) => fence > 0)).to.have.lengthOf(3)); // two run, and one is next
    await roots[0]?.end('kill');
    const diedMs = Date.now();
    await node('b', ['act']);
    await eventually(() => expect(ids()).to.deep.equal(['x', 'y', 'z']), LEASE_MS + 5_000);
    expect(Date.now() - diedMs, 'not before the lease was over').to.be.above(LEASE_MS / 2);
    expect(done.map(([name]) => name)).to.deep.equal(['b', 'b', 'b']);
  });

  it('take over at once what one lets go that stops', async () => {
    const a = await node('a', ['act'], () => new Promise<void>(() => {}), 3_600_000);
    await a.owe(job('x'));
    await eventually(async () => expect((await a.under.store.jobs({ id: 'x' }))[0]?.fence).to.equal(1));
    await node('b', ['act'], undefined, 3_600_000);
    await a.root.stop(a.pid);
    await eventually(() => expect(done).to.deep.equal([['b', 'x']]));
  });

  it('hold on to what takes longer than a lease, and write nothing when it was lost all the same', async () => {
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const a = await node('a', ['act'], () => gate);
    await a.owe(job('x'));
    const [held] = await eventually(async () => {
      const claimed = (await a.under.store.jobs({ id: 'x' })).filter(({ fence }) => fence === 1);
      expect(claimed).to.have.lengthOf(1);
      return claimed;
    });
    expect(held?.fence).to.equal(1);
    await new Promise((resolve) => setTimeout(resolve, LEASE_MS + 500));
    expect(await a.under.store.claim({ owner: 'thief', limit: 9, nowMs: Date.now(), leaseMs: LEASE_MS, action: 'act' }), 'it is renewed').to.deep.equal([]);
    const [stolen] = await a.under.store.claim({ owner: 'thief', limit: 9, nowMs: Date.now() + 10 * LEASE_MS, leaseMs: LEASE_MS, action: 'act' }); // as by a clock that is wrong
    expect(stolen?.fence).to.equal(2);
    open();
    await eventually(() => expect(ids()).to.deep.equal(['x']));
    await a.owe(job('y'));
    await a.ends('y', 'succeeded');
    expect(await a.attempts('x'), 'the attempt of the one that has lost it').to.deep.equal([]);
  });
});
