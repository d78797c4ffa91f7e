// Which monitors and fields wake a rule.
import { expect } from 'chai';
import fc from 'fast-check';
import { touches } from '../../../actors/feed.ts';
import { compile } from '../../../actors/rules/compile.ts';
import { leaves } from '../../../actors/rules/condition.ts';
import { readsOf } from '../../../actors/rules/rule.ts';
import { type RuleConfig, ruleSchema } from '../../../actors/rules/schema.ts';
import { check } from '../../../actors/schema.ts';
import { condition, factsOf, parsed, value, world } from '../../support/conditions.ts';

function config(more: object): RuleConfig {
  const checked = check(ruleSchema, { name: 'r', condition: {}, actions: ['a'], ...more });
  return 'value' in checked ? checked.value : expect.fail(JSON.stringify(checked.faults));
}
const reads = (written: unknown, monitor?: string | string[]): unknown =>
  Object.fromEntries(
    [...readsOf(config(monitor === undefined ? {} : { monitor }), parsed(written))].map(([name, fields]) => [name, fields === 'all' ? 'all' : [...fields]]),
  );

describe('readsOf', () => {
  const written = {
    or: [
      { field: 'a.payload.x', op: 'exists' },
      {
        not: {
          and: [
            { field: 'b.up', op: 'exists' },
            { field: 'a.topic', op: 'exists' },
            { field: 'a.payload.y', op: 'exists' },
          ],
        },
      },
    ],
  };

  it('names what the condition reads: the first word of each path, by monitor', () => {
    expect(reads(written)).to.deep.equal({ a: ['payload', 'topic'], b: ['up'] });
  });

  it('names only the monitors that `monitor` names, if it does', () => {
    expect(reads(written, 'b')).to.deep.equal({ b: ['up'] });
    expect(reads(written, ['b', 'a'])).to.deep.equal({ a: ['payload', 'topic'], b: ['up'] });
  });

  it('names all fields of a monitor that is named and not read', () => {
    expect(reads(written, ['a', 'door'])).to.deep.equal({ a: ['payload', 'topic'], door: 'all' });
  });

  it('names enough: an observation that it leaves out cannot change the verdict', () => {
    const field = fc.constantFrom('x', 'y', '0', 'z');
    fc.assert(
      fc.property(condition, world, fc.constantFrom('a', 'b', 'c'), field, value, (tree, states, monitor, name, fresh) => {
        const one = parsed(tree);
        const seen = readsOf(config({}), one).get(monitor);
        const now = { ...states[monitor]?.now, [name]: fresh };
        if (seen && touches({ atMs: 0, fields: now, seen: [name] }, seen)) return;
        const after = { ...states, [monitor]: { ...states[monitor], now } };
        expect(compile(one)(factsOf(after))).to.equal(compile(one)(factsOf(states)));
      }),
      { numRuns: 1_000 },
    );
  });

  it('names no more monitors than the leaves do', () => {
    fc.assert(
      fc.property(condition, (tree) => {
        const one = parsed(tree);
        expect([...readsOf(config({}), one).keys()]).to.deep.equal([...new Set(leaves(one).map(({ monitor }) => monitor))]);
      }),
    );
  });
});

describe('a rule as it is written', () => {
  it('may leave out all but name, condition and actions', () => {
    expect(config({ condition: { field: 'm.x', op: 'exists' } })).to.deep.include({
      mode: 'alert',
      severity: 'warning',
      for: 0,
      keep_firing_for: 0,
      cooldown: 0,
      on_resolve: [],
      parameters: {},
    });
  });

  it('names at least one action and one monitor, each action once', () => {
    const paths = check(ruleSchema, { name: 'r', condition: {}, actions: [], monitor: [], on_resolve: ['a', 'a'], for: -1 }).faults.map(({ path }) => path);
    expect(paths.sort()).to.deep.equal(['/actions', '/for', '/monitor', '/on_resolve']);
  });
});
