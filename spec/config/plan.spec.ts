// A plan says of each resource what a reload would do, and of each rule what becomes of its state, by what it meant when it last committed.
import { expect } from 'chai';
import fc from 'fast-check';
import { diff } from '../../config/diff.ts';
import { declare } from '../../config/load.ts';
import { planOf } from '../../config/plan.ts';
import { programOf } from '../../actors/rules/program.ts';
import type { RuleConfig } from '../../actors/rules/schema.ts';
import type { Declared } from '../../proto/api.ts';

const LEAF = (limit: number) => ({ field: 'm.v', op: '>', value: limit });
function declared(rules: object, more: object = {}): readonly Declared[] {
  const config = {
    monitors: { single: ['m', 'n'].map((name) => ({ name, type: 'http', config: { url: 'http://127.0.0.1:1/', ...more } })) },
    actions: { single: [{ name: 'say', type: 'log', config: {} }] },
    rules: Object.entries(rules).map(([name, rule]) => ({ name, actions: ['say'], ...rule })),
  };
  const done = declare({ sources: [{ file: 'argos.jsonc', text: JSON.stringify(config) }], overlay: [] }, {});
  if (done.faults.length > 0) throw new Error(JSON.stringify(done.faults));
  return done.declared;
}
const states = (
  before: readonly Declared[],
  after: readonly Declared[],
  meant: Parameters<typeof planOf>[2] = () => undefined,
): Readonly<Record<string, string>> => Object.fromEntries(planOf(before, after, meant).rules.map(({ name, state }) => [name, state]));
const identity = (all: readonly Declared[], rule: string) =>
  programOf(all.find(({ kind, name }) => kind === 'rule' && name === rule)?.spec as RuleConfig, []).identity;

describe('a plan', () => {
  it('has each resource as the reload would have it', () => {
    const some = fc.record({ limit: fc.integer({ min: 0, max: 2 }), rules: fc.subarray(['a', 'b', 'c']), interval: fc.constantFrom(100, 200) });
    const of = ({ limit, rules, interval }: { limit: number; rules: readonly string[]; interval: number }) =>
      declared(Object.fromEntries(rules.map((name) => [name, { condition: LEAF(limit) }])), { interval });
    fc.assert(
      fc.property(some, some, (one, other) => {
        const [before, after] = [of(one), of(other)];
        const { resources, rules } = planOf(before, after, () => undefined);
        expect(resources.map(({ kind, name, change }) => [change, kind, name])).to.deep.equal(
          diff(before, after).map((step) => [step.do, step.declared.kind, step.declared.name]),
        );
        expect(rules.map(({ name }) => name).toSorted()).to.deep.equal([...new Set([...one.rules, ...other.rules])].toSorted());
      }),
      { numRuns: 30 },
    );
  });

  it('says what differs, and of a rule whether it keeps its state', () => {
    const before = declared({
      kept: { condition: LEAF(5) },
      judged: { condition: LEAF(5) },
      reset: { condition: LEAF(5) },
      gone: { condition: LEAF(5) },
      same: { condition: LEAF(5) },
    });
    const after = declared({
      kept: { condition: { and: [LEAF(5)] }, for: 10, severity: 'critical' },
      judged: { condition: LEAF(6) },
      reset: { condition: { field: 'n.v', op: '>', value: 5 } },
      fresh: { condition: LEAF(5) },
      same: { condition: LEAF(5) },
    });
    expect(states(before, after)).to.deep.equal({ kept: 'kept', judged: 'reevaluated', reset: 'reset', gone: 'removed', fresh: 'new', same: 'kept' });
    const { resources, rules } = planOf(before, after, () => undefined);
    expect(resources.find(({ name }) => name === 'kept')?.differs).to.have.members(['condition', 'for', 'severity']);
    expect(rules.find(({ name }) => name === 'kept')?.reason).to.match(/what has passed counts for the new for/);
    const moved = planOf(before, declared({ kept: { condition: LEAF(5) } }, { interval: 50 }), () => undefined).resources;
    expect(moved.find(({ kind, name }) => kind === 'monitor' && name === 'm')?.differs).to.deep.equal(['config.interval']);
  });

  it('goes by what the rule meant when its state was stored, not by what is declared now', () => {
    const [old, now, next] = [5, 6, 5].map((limit) => declared({ r: { condition: LEAF(limit), severity: limit === 6 ? 'info' : 'warning' } })) as [
      readonly Declared[],
      readonly Declared[],
      readonly Declared[],
    ];
    expect(states(now, next)).to.deep.equal({ r: 'reevaluated' });
    expect(states(now, next, () => identity(old, 'r'))).to.deep.equal({ r: 'kept' });
  });
});
