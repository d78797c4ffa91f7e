// A rule over a real store: when it fires, what it owes, and what of that survives.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { type Ask, call } from '../../../lib/call.ts';
import type { Pid } from '../../../lib/process.ts';
import type { Fields } from '../../../actors/event.ts';
import { Feed } from '../../../actors/feed.ts';
import type { Job } from '../../../actors/job.ts';
import { logger } from '../../../actors/logger.ts';
import { type RulePort, type RuleStatus, ruleChild } from '../../../actors/rules/rule.ts';
import { ruleSchema } from '../../../actors/rules/schema.ts';
import type { Change } from '../../../actors/store/journal.ts';
import { configOf, Root } from '../../support/actors.ts';
import { eventually } from '../../support/eventually.ts';
import { TestStore } from '../../support/store.ts';

const HOT: object = { field: 'boiler.t', op: '>', value: 80 };

describe('rule', () => {
  let root: Root;
  let under: TestStore;
  let feed: Feed;
  let pid: Pid;
  let due: Job[];
  let commit: (changes: readonly Change[]) => Promise<void>;

  /** Start it anew, with what its port has in a node. */
  async function start(more: object = {}): Promise<void> {
    const port: RulePort = {
      names: under.names,
      feed,
      log: logger('spec'),
      load: (rule) => under.store.ruleState(rule),
      commit: (rule, state, executions) =>
        commit([
          { set: 'rule_state', rule, state },
          ...executions.map(
            ({ job, suppressed }): Change =>
              suppressed === undefined ? { set: 'job', job, status: 'queued' } : { set: 'job', job, status: 'suppressed', reason: suppressed },
          ),
        ]),
      due: (jobs) => void due.push(...jobs),
    };
    const config = configOf(ruleSchema, {
      name: 'too_hot',
      condition: HOT,
      actions: ['mail'],
      on_resolve: ['calm'],
      severity: 'critical',
      parameters: { limit: 80 },
      ...more,
    });
    pid = await root.start(ruleChild('too_hot', config, port));
    await status();
  }
  const status = (): Promise<RuleStatus> => call(pid, { ask: 'status' } as Ask<RuleStatus>, 20_000);
  const publish = (fields: Fields, monitor = 'boiler', atMs = Date.now()): Promise<void> => feed.publish({ monitor, observations: [{ atMs, fields }] });
  /** The monitor sees this, and the rule has judged it. */
  async function see(fields: Fields): Promise<RuleStatus['phase']> {
    await publish(fields);
    return (await status()).phase;
  }
  /** What has become due so far: `mail#1` is the firing of the first episode. */
  const told = (): string[] => due.map(({ action, alert }) => `${action}#${/#(\d+)@/.exec(alert.episode)?.[1]}`);
  const stored = async (): Promise<string[]> => (await under.store.jobs({})).map(({ job, status: now }) => `${job.action} ${now}`).reverse();

  beforeEach(async () => {
    root = new Root();
    under = new TestStore(root);
    await under.start();
    feed = new Feed(async () => {});
    due = [];
    commit = (changes) => under.store.commit(changes);
  });
  afterEach(() => root.end());

  it('fires once an episode, however long it lasts, and tells its end', async () => {
    await start();
    for (const t of [10, 81, 95, 99]) await see({ t });
    expect(told()).to.deep.equal(['mail#1']);
    for (const t of [80, 20]) await see({ t });
    expect(told()).to.deep.equal(['mail#1', 'calm#1']);
    expect(await see({ t: 90 })).to.equal('firing');
    expect(told()).to.deep.equal(['mail#1', 'calm#1', 'mail#2']);
    expect(new Set(due.map(({ id }) => id)).size).to.equal(3);
    expect(await stored()).to.have.members(['mail queued', 'calm queued', 'mail queued']);
  });

  it('says in the alert who saw what, and why that is too much', async () => {
    await start({ description: 'Too hot' });
    await see({ t: 91, room: 'north' });
    await see({ t: 12, room: 'north' });
    const [firing, resolved] = due.map(({ alert }) => alert);
    expect(firing).to.deep.include({
      rule: 'too_hot',
      description: 'Too hot',
      severity: 'critical',
      state: 'firing',
      monitor: 'boiler',
      parameters: { limit: 80 },
    });
    expect(firing).to.deep.include({ event: { t: 91, room: 'north' }, monitors: { boiler: { t: 91, room: 'north' } }, details: 'boiler.t > 80 (91)' });
    expect(resolved).to.deep.include({
      state: 'resolved',
      episode: firing?.episode,
      sinceMs: firing?.sinceMs,
      monitor: 'boiler',
      event: { t: 12, room: 'north' },
    });
    expect(resolved?.atMs).to.be.at.least(firing?.atMs ?? Number.NaN);
  });

  it('is woken by the monitors that it reads, or else by those that it names', async () => {
    await start();
    await publish({ t: 99 }, 'other');
    expect((await status()).phase).to.equal('inactive');
    await root.stop(pid);
    await start({ monitor: 'clock' });
    await see({ t: 99 });
    expect(told()).to.deep.equal([]);
    await publish({ tick: 1 }, 'clock');
    expect((await status()).phase).to.equal('firing');
    expect(due[0]?.alert).to.deep.include({ monitor: 'clock', monitors: { boiler: { t: 99 } } });
  });

  it('stays as it is while the condition is unknown', async () => {
    await start({ condition: { not: HOT } });
    expect(await see({ other: 1 })).to.equal('inactive');
    expect(await see({ t: 1 })).to.equal('firing');
    expect(await see({ t: 'hot' })).to.equal('firing');
    expect(await see({})).to.equal('firing');
    expect((await status()).explanation).to.deep.include({ text: 'not', truth: null });
    expect(told()).to.deep.equal(['mail#1']);
    expect(await see({ t: 99 })).to.equal('inactive');
  });

  it('knows what changed between two observations of one millisecond', async () => {
    await start({ condition: { field: 'boiler.door', op: 'changed' }, mode: 'event' });
    const now = Date.now();
    for (const door of ['shut', 'open', 'shut', 'shut']) await publish({ door }, 'boiler', now);
    await status();
    expect(due.map(({ alert }) => alert.event)).to.deep.equal([{ door: 'open' }, { door: 'shut' }]);
  });

  it('fires after `for` by time alone, and not when the condition did not hold so long', async () => {
    await start({ for: 0.1 });
    expect(await see({ t: 99 })).to.equal('pending');
    expect(await see({ t: 1 })).to.equal('inactive');
    const since = Date.now();
    expect(await see({ t: 99 })).to.equal('pending');
    await eventually(() => expect(told()).to.deep.equal(['mail#1']));
    expect(due[0]?.alert.atMs).to.be.at.least(since + 100);
  });

  it('fires on through `keep_firing_for`, ends by time alone, and is one episode until then', async () => {
    await start({ keep_firing_for: 0.1 });
    await see({ t: 99 });
    expect(await see({ t: 1 })).to.equal('recovering');
    expect((await status()).episode).to.match(/^too_hot#1@/);
    expect(await see({ t: 99 })).to.equal('firing');
    const since = Date.now();
    expect(await see({ t: 1 })).to.equal('recovering');
    await eventually(() => expect(told()).to.deep.equal(['mail#1', 'calm#1']));
    expect(due[1]?.alert.atMs).to.be.at.least(since + 100);
  });

  it('tells a firing within the cooldown when that is over, and never delays an end', async () => {
    await start({ cooldown: 0.3 });
    const since = Date.now();
    await see({ t: 99 });
    await see({ t: 1 });
    expect(told()).to.deep.equal(['mail#1', 'calm#1']);
    expect(await see({ t: 99 })).to.equal('firing');
    expect(told()).to.deep.equal(['mail#1', 'calm#1']);
    await eventually(() => expect(told()).to.deep.equal(['mail#1', 'calm#1', 'mail#2']));
    expect(due[2]?.alert.atMs).to.be.at.least(since + 300);
    await see({ t: 1 });
    expect(told().at(-1)).to.equal('calm#2');
  });

  it('writes down as suppressed what the cooldown held back until its end, and tells no end of it', async () => {
    await start({ cooldown: 60 });
    for (const t of [99, 1, 99, 1]) await see({ t });
    expect(told()).to.deep.equal(['mail#1', 'calm#1']);
    expect(await stored()).to.have.members(['mail queued', 'calm queued', 'mail suppressed']);
    expect((await under.store.jobs({ status: 'suppressed' }))[0]).to.include({ reason: 'cooldown' });
  });

  it('fires for every event in mode event, but for the cooldown', async () => {
    await start({ mode: 'event' });
    for (const t of [99, 99, 1, 98]) await see({ t });
    expect(told()).to.deep.equal(['mail#1', 'mail#2', 'mail#3']);
    expect(new Set(due.map(({ id }) => id)).size).to.equal(3);
    await root.stop(pid);
    await start({ mode: 'event', cooldown: 60 });
    for (const t of [99, 99]) await see({ t });
    expect(told()).to.have.length(3);
  });

  it('goes on where it was when it is started anew: the episode, and the time for which it has held', async () => {
    await start();
    await see({ t: 99 });
    await root.stop(pid);
    under = await under.reopen();
    await start();
    expect((await status()).phase).to.equal('firing');
    await see({ t: 98 });
    await see({ t: 1 });
    expect(told()).to.deep.equal(['mail#1', 'calm#1']);
    await root.stop(pid);
    await start({ for: 0.2 });
    expect(await see({ t: 99 })).to.equal('pending');
    await root.stop(pid);
    await sleep(220); // the time goes on while it is away
    await start({ for: 0.2 });
    await eventually(() => expect(told()).to.deep.equal(['mail#1', 'calm#1', 'mail#2']));
  });

  it('owes nothing that is not stored, and stores no state without what it owes', async () => {
    await under.store.commit([{ set: 'version', version: { number: 1, atMs: 0, author: '', reason: '', diff: [], overlay: null } }]);
    let tries = 0;
    commit = (changes) =>
      under.store.commit(
        tries++ === 0 ? [...changes, { set: 'version', version: { number: 1, atMs: 0, author: '', reason: '', diff: [], overlay: null } }] : changes,
      );
    await start();
    await publish({ t: 99 });
    await eventually(() => expect(tries).to.equal(1));
    expect([await under.store.ruleState('too_hot'), await stored(), told()]).to.deep.equal([undefined, [], []]);
    await eventually(() => expect(told()).to.deep.equal(['mail#1']));
    expect(await under.store.ruleState('too_hot')).to.include({ phase: 'firing' });
    expect(await stored()).to.deep.equal(['mail queued']);
  });

  it('owes once what was stored although the answer was lost', async () => {
    let tries = 0;
    commit = async (changes) => {
      await under.store.commit(changes);
      if (tries++ === 0) throw new Error('no answer in time');
    };
    await start();
    await see({ t: 99 });
    expect([tries, told(), await stored()]).to.deep.equal([2, ['mail#1'], ['mail queued']]);
  });

  it('waits while the store is away, and loses no verdict', async () => {
    await start();
    await under.stop();
    for (const t of [99, 1, 99]) await publish({ t });
    expect(told()).to.deep.equal([]);
    await under.start();
    await eventually(() => expect(told()).to.deep.equal(['mail#1', 'calm#1', 'mail#2']));
    expect(await stored()).to.have.members(['mail queued', 'calm queued', 'mail queued']);
  });

  it('stops at once, also while it waits for the store', async () => {
    await start();
    await under.stop();
    await publish({ t: 99 });
    await eventually(() => expect(pid.queueLength).to.equal(0));
    expect(await root.stop(pid)).to.equal('shutdown');
    await under.start();
    await start();
    await eventually(() => expect(told()).to.deep.equal(['mail#1'])); // it sees the state of the monitor when it starts
  });
});
