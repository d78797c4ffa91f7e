// What a rule says of its alert beyond the condition: clear_when, no_data, on_error, and what holds a firing back.
import { expect } from 'chai';
import { close, type HoldAt, INACTIVE } from '../../../actors/rules/alert/alert-state.ts';
import type { Truth } from '../../../actors/rules/condition/compile.ts';
import { type Found, judge, type Life, type Policy } from '../../../actors/rules/alert/verdict.ts';
import { START_MS } from '../../support/alerts.ts';

describe('a rule', () => {
  const LIFE: Life = { mode: 'alert', forMs: 0, keepFiringForMs: 0, cooldownMs: 0, onError: 'keep' };
  const WELL: Found = { truth: false, clear: null, failed: false, dataMs: START_MS, watchedMs: START_MS };
  type Seen = Partial<Found> & { readonly afterMs?: number };
  /** Each comes a second after the one before, with data, unless it says something else. */
  function live(lived: Partial<Life>, seen: readonly Seen[], holdAt?: HoldAt): readonly string[] {
    let [state, nowMs, dataMs] = [INACTIVE, START_MS, START_MS as number | null];
    return seen.map(({ afterMs = 1_000, ...found }) => {
      nowMs += afterMs;
      dataMs = found.dataMs === undefined ? nowMs : found.dataMs;
      const turn = judge(state, { ...WELL, ...found, dataMs }, nowMs, { ...LIFE, ...lived }, holdAt);
      state = turn.state;
      return [turn.effect ?? state.phase, ...(turn.cause === 'condition' ? [] : [turn.cause]), ...(turn.held ? [turn.held.reason] : [])].join(' ');
    });
  }

  it('with clear_when goes on firing between the two, and ends when it is clear', () => {
    const [hot, between, cool] = [
      { truth: true, clear: false },
      { truth: false, clear: false },
      { truth: false, clear: true },
    ];
    expect(live({}, [between, hot, between, hot, between, cool, between])).to.deep.equal([
      'inactive',
      'fire',
      'firing',
      'firing',
      'firing',
      'resolve',
      'inactive',
    ]);
  });

  it('with clear_when must be clear for as long as keep_firing_for says', () => {
    const [hot, between, cool] = [{ truth: true, clear: false }, { clear: false }, { clear: true }];
    expect(live({ keepFiringForMs: 2_000 }, [hot, cool, between, cool, cool, cool])).to.deep.equal([
      'fire',
      'recovering',
      'firing',
      'recovering',
      'recovering',
      'resolve',
    ]);
  });

  it('whose condition and clear_when are both true goes on firing: no episode a sample', () => {
    const both = { truth: true, clear: true };
    expect(live({}, [both, both, both, { truth: false, clear: true }])).to.deep.equal(['fire', 'firing', 'firing', 'resolve']);
  });

  it('whose clear_when is unknown goes on firing', () => {
    expect(
      live({}, [
        { truth: true, clear: undefined },
        { truth: false, clear: undefined },
      ]),
    ).to.deep.equal(['fire', 'firing']);
  });

  const quiet = (truthThen: Truth): Seen => ({ truth: truthThen, dataMs: START_MS + 1_000, afterMs: 60_000 });
  const noData = (chosen: Policy): Partial<Life> => ({ forMs: 30_000, noData: { afterMs: 60_000, policy: chosen } });

  it('without data is ok, alerts, or keeps as it is, as no_data says', () => {
    expect(live({ ...noData('ok'), forMs: 0 }, [{ truth: true }, quiet(true)])).to.deep.equal(['fire', 'resolve no_data']);
    expect(live({ ...noData('keep'), forMs: 0 }, [{ truth: true }, quiet(false)])).to.deep.equal(['fire', 'firing no_data']);
    expect(live(noData('keep'), [{ truth: true }, quiet(true)])).to.deep.equal(['pending', 'pending no_data']);
    expect(live(noData('alert'), [{ truth: false }, quiet(false), { truth: false }])).to.deep.equal(['inactive', 'fire no_data', 'resolve']);
  });

  it('waits `after` for data and not `for` on top of it', () => {
    const { wakeMs } = judge(INACTIVE, WELL, START_MS + 1, { ...LIFE, ...noData('alert') });
    expect(wakeMs).to.equal(START_MS + 60_000);
    expect(judge(INACTIVE, WELL, START_MS + 60_000, { ...LIFE, ...noData('alert') }).effect).to.equal('fire');
  });

  it('says nothing of sources that have not had their time since the node came up, and does not forget that one was missing before', () => {
    const alerts: Life = { ...LIFE, ...noData('alert') };
    const up: Found = { ...WELL, dataMs: null, watchedMs: START_MS + 3_600_000 };
    expect(judge(INACTIVE, up, up.watchedMs + 59_999, alerts)).to.include({ cause: 'condition', effect: undefined, wakeMs: up.watchedMs + 60_000 });
    const lost = judge(INACTIVE, WELL, START_MS + 60_000, alerts).state;
    expect(judge(lost, { ...up, truth: undefined }, up.watchedMs, alerts)).to.include({ state: lost, effect: undefined, cause: 'no_data' });
  });

  it('sees data again only when some comes, not when the clock is set back', () => {
    const lost = judge(INACTIVE, WELL, START_MS + 60_000, { ...LIFE, ...noData('alert') }).state;
    expect(judge(lost, WELL, START_MS + 59_000, { ...LIFE, ...noData('alert') })).to.include({ state: lost, effect: undefined, cause: 'no_data' });
  });

  it('that cannot be evaluated is ok, alerts, or keeps as it is, as on_error says', () => {
    const failing = { truth: undefined, failed: true };
    expect(live({ onError: 'keep' }, [{ truth: true }, failing, { truth: false }])).to.deep.equal(['fire', 'firing error', 'resolve']);
    expect(live({ onError: 'ok' }, [{ truth: true }, failing])).to.deep.equal(['fire', 'resolve error']);
    expect(live({ onError: 'alert', forMs: 1_000 }, [failing, failing])).to.deep.equal(['pending error', 'fire error']);
    expect(live({ onError: 'alert', mode: 'event' }, [{ truth: false }, failing])).to.deep.equal(['inactive', 'fire error']);
  });

  it('that is held back without a known end is told at the judgement at which nothing holds it', () => {
    let held = true;
    const holdAt: HoldAt = () => (held ? { reason: 'inhibited', by: 'uplink_down' } : undefined);
    const first = judge(INACTIVE, { ...WELL, truth: true }, START_MS, LIFE, holdAt);
    expect(first).to.deep.include({ effect: undefined, wakeMs: undefined });
    expect(first.state.held).to.deep.equal({ reason: 'inhibited', by: 'uplink_down' });
    held = false;
    expect(judge(first.state, { ...WELL, truth: true }, START_MS + 1, LIFE, holdAt).effect).to.equal('fire');
  });

  it('is not held back by what ends at that very time', () => {
    const holdAt: HoldAt = () => ({ reason: 'silenced', untilMs: START_MS + 1_000 });
    expect(judge(INACTIVE, { ...WELL, truth: true }, START_MS + 999, LIFE, holdAt).wakeMs).to.equal(START_MS + 1_000);
    expect(judge(INACTIVE, { ...WELL, truth: true }, START_MS + 1_000, LIFE, holdAt).effect).to.equal('fire');
  });

  it('that is closed forgets that data was missing: what comes after it gives the sources their time', () => {
    const alerts: Life = { ...LIFE, ...noData('alert') };
    const lost = judge(INACTIVE, WELL, START_MS + 60_000, alerts);
    const closed = close(lost.state, START_MS + 60_001);
    expect([lost.effect, closed.effect]).to.deep.equal(['fire', 'resolve']);
    const again = judge(closed.state, { ...WELL, dataMs: null, watchedMs: START_MS + 60_002 }, START_MS + 60_002, alerts);
    expect(again).to.deep.include({ cause: 'condition', effect: undefined, wakeMs: START_MS + 120_002 });
  });

  it('tells the end of a told firing though a silence began meanwhile', () => {
    const holdAt: HoldAt = (atMs) => (atMs > START_MS + 1_500 ? { reason: 'silenced', by: 'night' } : undefined);
    expect(live({}, [{ truth: true }, { truth: false }, { truth: true }, { truth: false }], holdAt)).to.deep.equal([
      'fire',
      'resolve',
      'firing',
      'suppress silenced',
    ]);
  });
});
