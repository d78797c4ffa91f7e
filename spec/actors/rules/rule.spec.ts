// A rule over a real store: when it fires, what it owes, and what of that survives.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { Change } from '../../../actors/store/changes.ts';
import { Root } from '../../support/actors.ts';
import { eventually } from '../../support/eventually.ts';
import { TestRule } from '../../support/rule.ts';

describe('rule', () => {
  let root: Root;
  let rule: TestRule;

  beforeEach(async () => {
    root = new Root();
    rule = new TestRule(root);
    await rule.store.start();
  });
  afterEach(() => root.end());

  it('fires once an episode, however long it lasts, and tells its end', async () => {
    await rule.start();
    for (const t of [10, 81, 95, 99]) await rule.see({ t });
    expect(rule.told).to.deep.equal(['mail#1']);
    for (const t of [80, 20]) await rule.see({ t });
    expect(rule.told).to.deep.equal(['mail#1', 'calm#1']);
    expect(await rule.see({ t: 90 })).to.equal('firing');
    expect(rule.told).to.deep.equal(['mail#1', 'calm#1', 'mail#2']);
    expect(new Set(rule.due.map(({ id }) => id)).size).to.equal(3);
    expect(await rule.stored()).to.have.members(['mail queued', 'calm queued', 'mail queued']);
  });

  it('says in the alert who saw what, and why that is too much', async () => {
    await rule.start({ description: 'Too hot', severity: 'critical', parameters: { limit: 80 } });
    await rule.see({ t: 91, room: 'north' });
    await rule.see({ t: 12, room: 'north' });
    const [firing, resolved] = rule.due.map(({ alert }) => alert);
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
    await rule.start();
    await rule.publish({ t: 99 }, 'other');
    expect((await rule.status()).phase).to.equal('inactive');
    await rule.stop();
    await rule.start({ monitor: 'clock' });
    await rule.see({ t: 99 });
    expect(rule.told).to.deep.equal([]);
    await rule.publish({ tick: 1 }, 'clock');
    expect((await rule.status()).phase).to.equal('firing');
    expect(rule.due[0]?.alert).to.deep.include({ monitor: 'clock', monitors: { boiler: { t: 99 } } });
  });

  it('stays as it is while the condition is unknown', async () => {
    await rule.start({ condition: { not: { field: 'boiler.t', op: '>', value: 80 } } });
    expect(await rule.see({ other: 1 })).to.equal('inactive');
    expect(await rule.see({ t: 1 })).to.equal('firing');
    expect(await rule.see({ t: 'hot' })).to.equal('firing');
    expect(await rule.see({})).to.equal('firing');
    expect((await rule.status()).explanation).to.deep.include({ text: 'not', truth: null });
    expect(rule.told).to.deep.equal(['mail#1']);
    expect(await rule.see({ t: 99 })).to.equal('inactive');
  });

  it('knows what changed between two observations of one millisecond', async () => {
    await rule.start({ condition: { field: 'boiler.door', op: 'changed' }, mode: 'event' });
    const now = Date.now();
    for (const door of ['shut', 'open', 'shut', 'shut']) await rule.publish({ door }, 'boiler', now);
    await rule.status();
    expect(rule.due.map(({ alert }) => alert.event)).to.deep.equal([{ door: 'open' }, { door: 'shut' }]);
  });

  it('knows every change, and tells every verdict, also when it is far behind the monitor', async () => {
    await rule.start({
      condition: {
        and: [
          { field: 'boiler.door', op: 'changed' },
          { field: 'boiler.door', op: '==', value: 'open' },
        ],
      },
    });
    let commits = 0;
    const { commit } = rule;
    rule.commit = (changes) => {
      commits++;
      return commit(changes);
    };
    rule.pid.suspend();
    for (let i = 0; i < 400; i++) await rule.publish({ door: i % 2 ? 'open' : 'shut' });
    rule.pid.resume();
    await rule.status();
    expect(rule.told).to.deep.equal(
      Array.from({ length: 200 }, (_, i) => [`mail#${i + 1}`, `calm#${i + 1}`])
        .flat()
        .slice(0, -1),
    );
    expect(commits).to.be.below(10); // what waits together is committed together
  });

  it('fires after `for` by time alone, and not when the condition did not hold so long', async () => {
    await rule.start({ for: 0.1 });
    expect(await rule.see({ t: 99 })).to.equal('pending');
    expect(await rule.see({ t: 1 })).to.equal('inactive');
    const since = Date.now();
    expect(await rule.see({ t: 99 })).to.equal('pending');
    await eventually(() => expect(rule.told).to.deep.equal(['mail#1']));
    expect(rule.due[0]?.alert.atMs).to.be.at.least(since + 100);
  });

  it('fires on through `keep_firing_for`, ends by time alone, and is one episode until then', async () => {
    await rule.start({ keep_firing_for: 0.1 });
    await rule.see({ t: 99 });
    expect(await rule.see({ t: 1 })).to.equal('recovering');
    expect((await rule.status()).episode).to.match(/^too_hot#1@/);
    expect(await rule.see({ t: 99 })).to.equal('firing');
    const since = Date.now();
    expect(await rule.see({ t: 1 })).to.equal('recovering');
    await eventually(() => expect(rule.told).to.deep.equal(['mail#1', 'calm#1']));
    expect(rule.due[1]?.alert.atMs).to.be.at.least(since + 100);
  });

  it('tells a firing within the cooldown when that is over, and never delays an end', async () => {
    await rule.start({ cooldown: 0.3 });
    const since = Date.now();
    await rule.see({ t: 99 });
    await rule.see({ t: 1 });
    expect(rule.told).to.deep.equal(['mail#1', 'calm#1']);
    expect(await rule.see({ t: 99 })).to.equal('firing');
    expect(rule.told).to.deep.equal(['mail#1', 'calm#1']);
    await eventually(() => expect(rule.told).to.deep.equal(['mail#1', 'calm#1', 'mail#2']));
    expect(rule.due[2]?.alert.atMs).to.be.at.least(since + 300);
    await rule.see({ t: 1 });
    expect(rule.told.at(-1)).to.equal('calm#2');
  });

  it('writes down as suppressed what the cooldown held back until its end, and tells no end of it', async () => {
    await rule.start({ cooldown: 60 });
    for (const t of [99, 1, 99, 1]) await rule.see({ t });
    expect(rule.told).to.deep.equal(['mail#1', 'calm#1']);
    expect(await rule.stored()).to.have.members(['mail queued', 'calm queued', 'mail suppressed']);
    expect((await rule.store.store.jobs({ status: 'suppressed' }))[0]).to.include({ reason: 'cooldown' });
  });

  it('fires for every event in mode event, but for the cooldown', async () => {
    await rule.start({ mode: 'event' });
    for (const t of [99, 99, 1, 98]) await rule.see({ t });
    expect(rule.told).to.deep.equal(['mail#1', 'mail#2', 'mail#3']);
    expect(new Set(rule.due.map(({ id }) => id)).size).to.equal(3);
    await rule.stop();
    await rule.start({ mode: 'event', cooldown: 60 });
    for (const t of [99, 99]) await rule.see({ t });
    expect(rule.told).to.have.length(3);
  });

  it('goes on where it was when it is started anew: the episode, and the time for which it has held', async () => {
    await rule.start();
    await rule.see({ t: 99 });
    await rule.stop();
    rule.store = await rule.store.reopen();
    await rule.start();
    expect((await rule.status()).phase).to.equal('firing');
    await rule.see({ t: 98 });
    await rule.see({ t: 1 });
    expect(rule.told).to.deep.equal(['mail#1', 'calm#1']);
    await rule.stop();
    await rule.start({ for: 0.2 });
    expect(await rule.see({ t: 99 })).to.equal('pending');
    await rule.stop();
    await sleep(220); // the time goes on while it is away
    await rule.start({ for: 0.2 });
    await eventually(() => expect(rule.told).to.deep.equal(['mail#1', 'calm#1', 'mail#2']));
  });

  it('owes nothing that is not stored, and stores no state without what it owes', async () => {
    const refused: Change = { set: 'version', version: { number: 1, atMs: 0, author: '', reason: '', diff: [], overlay: null } };
    await rule.store.store.commit([refused]); // a second version of that number spoils its transaction
    let tries = 0;
    rule.commit = (changes) => rule.store.store.commit(tries++ === 0 ? [...changes, refused] : changes);
    await rule.start();
    await rule.publish({ t: 99 });
    await eventually(() => expect(tries).to.equal(1));
    expect([await rule.store.store.ruleState('too_hot'), await rule.stored(), rule.told]).to.deep.equal([undefined, [], []]);
    await eventually(() => expect(rule.told).to.deep.equal(['mail#1']));
    expect(await rule.store.store.ruleState('too_hot')).to.include({ phase: 'firing' });
    expect(await rule.stored()).to.deep.equal(['mail queued']);
  });

  it('owes once what was stored although the answer was lost', async () => {
    let tries = 0;
    rule.commit = async (changes) => {
      await rule.store.store.commit(changes);
      if (tries++ === 0) throw new Error('no answer in time');
    };
    await rule.start();
    await rule.see({ t: 99 });
    expect([tries, rule.told, await rule.stored()]).to.deep.equal([2, ['mail#1'], ['mail queued']]);
  });

  it('waits while the store is away, and loses no verdict', async () => {
    await rule.start();
    await rule.store.stop();
    for (const t of [99, 1, 99]) await rule.publish({ t });
    expect(rule.told).to.deep.equal([]);
    await rule.store.start();
    await eventually(() => expect(rule.told).to.deep.equal(['mail#1', 'calm#1', 'mail#2']));
    expect(await rule.stored()).to.have.members(['mail queued', 'calm queued', 'mail queued']);
  });

  it('stops at once, also while it waits for the store', async () => {
    await rule.start();
    await rule.store.stop();
    await rule.publish({ t: 99 });
    await eventually(() => expect(rule.pid.queueLength).to.equal(0));
    expect(await root.stop(rule.pid)).to.equal('shutdown');
    await rule.store.start();
    await rule.start();
    await eventually(() => expect(rule.told).to.deep.equal(['mail#1'])); // it sees the state of the monitor when it starts
  });
});
