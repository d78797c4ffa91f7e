// A rule that is killed: the next incarnation judges what the last one had not, in order and once.
import { expect } from 'chai';
import { Root } from '../../support/actors.ts';
import { eventually } from '../../support/eventually.ts';
import { TestRule } from '../../support/rule.ts';

describe('a rule that is killed', () => {
  let root: Root;
  let rule: TestRule;

  beforeEach(async () => {
    root = new Root();
    rule = new TestRule(root);
    await rule.store.start();
  });
  afterEach(() => root.end());

  it('has the events judged that waited for it, and those that came while it was away', async () => {
    await rule.start({ mode: 'event' });
    for (const t of [81, 82]) await rule.see({ t });
    rule.pid.suspend();
    for (const t of [83, 84]) await rule.publish({ t });
    await root.stop(rule.pid, 'kill');
    await rule.publish({ t: 85 });
    await rule.start({ mode: 'event' });
    expect(rule.due.map(({ alert }) => alert.event.t)).to.deep.equal([81, 82, 83, 84, 85]);
    expect(new Set(rule.due.map(({ id }) => id)).size).to.equal(5);
  });

  it('has nothing judged again that was committed before it knew', async () => {
    const { commit } = rule;
    rule.commit = async (changes) => {
      await commit(changes);
      await new Promise(() => {}); // the answer is lost
    };
    await rule.start({ mode: 'event' });
    await rule.publish({ t: 81 });
    await eventually(async () => expect(await rule.stored()).to.deep.equal(['mail queued']));
    await root.stop(rule.pid, 'kill');
    rule.commit = commit;
    await rule.start({ mode: 'event' });
    await rule.see({ t: 82 });
    expect(await rule.stored()).to.deep.equal(['mail queued', 'mail queued']);
  });

  it('has an event judged anew whose verdict was never stored', async () => {
    await rule.start({ mode: 'event' });
    await rule.store.stop();
    await rule.publish({ t: 81 });
    await eventually(() => expect(rule.pid.queueLength).to.equal(0)); // it holds the event, and waits for the store
    await root.stop(rule.pid, 'kill');
    await rule.store.start();
    await rule.start({ mode: 'event' });
    expect(rule.told).to.deep.equal(['mail#1']);
  });

  it('goes on with the events in the order in which they happened: no episode begins or ends by the way', async () => {
    await rule.start();
    await rule.see({ t: 99 });
    rule.pid.suspend();
    for (const t of [1, 99, 98]) await rule.publish({ t });
    await root.stop(rule.pid, 'kill');
    await rule.start();
    expect(rule.told).to.deep.equal(['mail#1', 'calm#1', 'mail#2']);
    expect((await rule.status()).phase).to.equal('firing');
  });

  it('sends nobody what it reads, when it is killed while it loads its state', async () => {
    await rule.start({ mode: 'event' });
    const { pid } = rule;
    await root.stop(pid, 'kill');
    rule.feed.subscribe('too_hot', pid, new Map([['boiler', 'all']])); // the promise of its init goes on
    await rule.start({ mode: 'event' });
    rule.feed.subscribe('too_hot', pid, new Map([['boiler', 'all']]));
    await rule.see({ t: 81 });
    expect(rule.told).to.deep.equal(['mail#1']);
  });
});
