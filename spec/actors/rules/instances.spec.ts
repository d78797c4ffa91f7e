// A rule beyond a plain condition: windows and their refill, one alert for each monitor, hysteresis, silence of the source, errors, edits.
import { expect } from 'chai';
import { Root } from '../../support/actors.ts';
import { eventually } from '../../support/eventually.ts';
import { TestRule } from '../../support/rule.ts';

describe('a rule', () => {
  let root: Root;
  let rule: TestRule;

  beforeEach(async () => {
    root = new Root();
    rule = new TestRule(root);
    await rule.store.start();
  });
  afterEach(() => root.end());

  const phases = async (): Promise<unknown> =>
    Object.fromEntries(Object.entries((await rule.status()).instances ?? {}).map(([key, { phase }]) => [key, phase]));

  describe('with a window', () => {
    const AVG = { condition: { '>': [{ avg: ['boiler.t', '2s'] }, 80] } };

    it('is judged by what came within it, and ends when it has left, by time alone', async () => {
      await rule.start(AVG);
      expect(await rule.see({ t: 70 })).to.equal('inactive');
      expect(await rule.see({ t: 95 })).to.equal('firing');
      await eventually(async () => expect((await rule.status()).explanation?.truth).to.equal(null), 4_000);
      expect((await rule.status()).phase, 'unknown moves nothing').to.equal('firing');
    });

    it('has what was seen before it was started: of a watching monitor by its name, of a push monitor as it was sent', async () => {
      const nowMs = Date.now();
      const sample = (service: string, name: string, value: number, beforeMs: number) => ({ service, name, value, timestamp: nowMs - beforeMs, tags: {} });
      const metrics = [sample('monitor:boiler', 't', 100, 60_000), sample('monitor:boiler', 't', 5, 4_000_000), sample('plant', 'heat', 200, 60_000)];
      await rule.store.store.append({ protocol: 'spec', metrics, logs: [] });
      await rule.start({ condition: { '>': [{ max: ['boiler.t', '1h'] }, 80] } });
      expect((await rule.status()).phase).to.equal('firing');
      await rule.stop();
      rule.declared = [{ kind: 'monitor', name: 'hot', origin: 'file', spec: { type: 'push', config: { service: 'pl*', name: 'heat', tags: {} } } } as never];
      await rule.start({ condition: { '>': [{ max: ['hot.value', '1h'] }, 150] } });
      await eventually(async () => expect((await rule.status()).phase).to.equal('firing'));
    });
  });

  describe('with for_each', () => {
    const EACH = { for_each: 'web_*', condition: { field: 'monitor.up', op: '==', value: false } };

    it('has an alert for each monitor that matches, with an episode and ends of its own', async () => {
      await rule.start(EACH);
      await rule.publish({ up: false }, 'web_1');
      await rule.publish({ up: true }, 'web_2');
      await rule.publish({ up: false }, 'other');
      await eventually(async () => expect(await phases()).to.deep.equal({ web_1: 'firing', web_2: 'inactive' }));
      await rule.publish({ up: false }, 'web_2');
      await rule.publish({ up: true }, 'web_1');
      await eventually(async () => expect(await phases()).to.deep.equal({ web_1: 'inactive', web_2: 'firing' }));
      expect(rule.due.map(({ action, alert }) => [action, alert.monitor, alert.state, Object.keys(alert.monitors)])).to.deep.equal([
        ['mail', 'web_1', 'firing', ['web_1']],
        ['mail', 'web_2', 'firing', ['web_2']],
        ['calm', 'web_1', 'resolved', ['web_1']],
      ]);
      expect((await rule.store.store.episodes(9)).map(({ instance, endedMs }) => [instance, endedMs !== null]).sort()).to.deep.equal([
        ['web_1', true],
        ['web_2', false],
      ]);
    });

    it('has 10,000 alerts at the most, says for how many monitors there is no room, and shows any one of them', async function () {
      this.timeout(30_000);
      await rule.start(EACH);
      for (let i = 0; i < 10_002; i++) await rule.publish({ up: true }, `web_${i}`);
      await rule.publish({ up: false }, 'web_9999');
      await rule.publish({ up: false }, 'web_10001');
      await eventually(async () => expect(await rule.status()).to.include({ phase: 'firing', count: 10_000, refused: 2 }));
      expect(Object.keys((await rule.status()).instances ?? {}))
        .to.have.length(100)
        .and.to.include('web_9999');
      expect(await rule.alert('web_5000')).to.include({ phase: 'inactive' });
      expect(await rule.alert('web_10001')).to.equal(undefined);
    });

    it('has its alerts again when it is started anew', async () => {
      await rule.start(EACH);
      await rule.publish({ up: false }, 'web_1');
      await eventually(() => expect(rule.told).to.deep.equal(['mail#1']));
      await rule.stop();
      rule.store = await rule.store.reopen();
      await rule.start(EACH);
      expect(await phases()).to.deep.equal({ web_1: 'firing' });
      await rule.publish({ up: true }, 'web_1');
      await eventually(() => expect(rule.told).to.deep.equal(['mail#1', 'calm#1']));
    });
  });

  it('with clear_when fires on until that is true', async () => {
    await rule.start({ clear_when: { field: 'boiler.t', op: '<', value: 60 } });
    expect(await rule.see({ t: 90 })).to.equal('firing');
    expect(await rule.see({ t: 70 })).to.equal('firing');
    expect(await rule.see({ t: 50 })).to.equal('inactive');
  });

  it('with no_data fires when nothing has come for so long, and ends when something comes', async () => {
    await rule.start({ no_data: { after: 1 } });
    expect(await rule.see({ t: 1 })).to.equal('inactive');
    await eventually(async () => expect((await rule.status()).phase).to.equal('firing'), 4_000);
    expect(rule.due[0]?.alert.details).to.equal('nothing has come for too long');
    expect((await rule.status()).changes[0]).to.include({ to: 'firing', cause: 'no_data' });
    expect(await rule.see({ t: 1 })).to.equal('inactive');
  });

  it('with on_error alert fires when its condition cannot be evaluated, and says why', async () => {
    await rule.start({ on_error: 'alert', condition: { '>': [{ '+': [{ var: 'boiler.t' }, 1] }, 80] } });
    expect(await rule.see({ t: 'a text' })).to.equal('firing');
    expect(rule.due[0]?.alert.details).to.not.equal('');
    expect(await rule.see({ t: 1 })).to.equal('inactive');
  });

  describe('that is edited', () => {
    const edited = async (more: object): Promise<string> => {
      await rule.start();
      await rule.see({ t: 90 });
      await rule.stop();
      await rule.start(more);
      return (await rule.status()).phase;
    };

    it('keeps its alert when its condition means the same, however it is written', async () => {
      expect(await edited({ condition: 'boiler.t > 80.0', severity: 'critical', for: 10 })).to.equal('firing');
      expect(rule.told).to.deep.equal(['mail#1']);
    });

    it('goes on with its episode while another threshold holds, and ends it when it does not', async () => {
      expect(await edited({ condition: 'boiler.t > 85' })).to.equal('firing');
      await rule.stop();
      await rule.start({ condition: 'boiler.t > 95' });
      await eventually(async () => expect((await rule.status()).phase).to.equal('inactive'));
      expect(rule.told).to.deep.equal(['mail#1', 'calm#1']);
    });

    it('tells the end when it is another alert now', async () => {
      expect(await edited({ condition: 'kettle.t > 80' })).to.equal('inactive');
      expect(rule.told).to.deep.equal(['mail#1', 'calm#1']);
      expect(rule.due[1]?.alert.details).to.include('it is another alert');
    });
  });

  it('is not told of while what it depends on is in trouble, and told when that is over, if it still fires', async () => {
    await rule.start({ depends_on: ['uplink', 'rule.power'] });
    await rule.publish({ up: false }, 'uplink');
    expect(await rule.see({ t: 90 })).to.equal('firing');
    expect(await rule.status()).to.include({ held: 'inhibited' });
    await rule.publish({ firing: true }, 'rule:power');
    await rule.publish({ up: true }, 'uplink');
    expect(await rule.status()).to.include({ held: 'inhibited' });
    expect(rule.told).to.deep.equal([]);
    await rule.publish({ firing: false }, 'rule:power');
    await eventually(() => expect(rule.told).to.deep.equal(['mail#1']));
    await rule.publish({ up: false }, 'uplink');
    expect(await rule.see({ t: 1 })).to.equal('inactive');
    expect(rule.told, 'an end is never held back').to.deep.equal(['mail#1', 'calm#1']);
    expect(await rule.see({ t: 90 })).to.equal('firing');
    expect(await rule.see({ t: 1 })).to.equal('inactive');
    await eventually(async () => expect((await rule.store.store.jobs({ status: 'suppressed' })).map(({ reason }) => reason)).to.deep.equal(['inhibited']));
  });

  it('is a monitor to other rules: rule.NAME.firing, from its start on', async () => {
    await rule.start();
    await eventually(() => expect(rule.feed.latest('rule:too_hot')?.last.fields).to.include({ state: 'inactive', firing: false, count: 0 }));
    await rule.see({ t: 90 });
    expect(rule.feed.latest('rule:too_hot')?.last.fields).to.include({ state: 'firing', firing: true, count: 1 });
  });
});
