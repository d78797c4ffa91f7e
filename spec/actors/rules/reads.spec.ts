// Which monitors and fields wake a rule.
import { expect } from 'chai';
import fc from 'fast-check';
import { touches } from '../../../actors/feed.ts';
import { compile } from '../../../actors/rules/condition/compile.ts';
import { readsOf } from '../../../actors/rules/program.ts';
import { type RuleConfig, ruleSchema } from '../../../actors/rules/schema.ts';
import { check } from '../../../actors/schema.ts';
import { reads as readsIn } from '../../../actors/rules/condition/tree.ts';
import { condition, factsOf, leaves, logic, parsed, treeOf, value, world } from '../../support/conditions.ts';

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
        const now = { ...states.states[monitor]?.now, [name]: fresh };
        if (seen && touches({ atMs: 0, fields: now, seen: [name] }, seen)) return;
        const after = { states: { ...states.states, [monitor]: { ...states.states[monitor], now } } };
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

describe('what a condition reads', () => {
  const told = (written: unknown): unknown => {
    const { monitors, all } = readsIn(parsed(written));
    return [Object.fromEntries([...monitors].map(([name, fields]) => [name, fields === 'all' ? 'all' : [...fields].join()])), all];
  };

  it('is in every form: leaf, field, var, val, window, missing; of a rule the monitor rule:NAME', () => {
    const written = {
      or: [
        { field: 'a.x.y', op: 'exists' },
        { '>': [{ field: 'a.z' }, { var: ['b.x', { field: 'c.q' }] }] },
        { '>': [{ avg: ['d.t', '5m'] }, { val: ['e', 'x', 'y'] }] },
        { missing: ['f.x', 'g.y.z'] },
        { '==': [{ var: 'rule.hot.state' }, { field: 'system.cpu.load' }] },
      ],
    };
    expect(told(written)).to.deep.equal([{ a: 'x,z', b: 'x', c: 'q', d: 't', e: 'x', f: 'x', g: 'y', 'rule:hot': 'state', system: 'cpu' }, false]);
  });

  it('is the whole state where no field is named', () => {
    expect(told({ '!': { var: 'a' } })).to.deep.equal([{ a: 'all' }, false]);
    expect(told({ and: [{ var: 'a' }, { var: 'a.x' }, { var: 'b.y' }, { var: 'b' }] })).to.deep.equal([{ a: 'all', b: 'all' }, false]);
  });

  it('is not of the elements that map and its like look at, but of the fields that they name', () => {
    expect(told({ some: [{ var: 'a.list' }, { '>': [{ var: 'price' }, { field: 'b.limit' }] }] })).to.deep.equal([{ a: 'list', b: 'limit' }, false]);
  });

  it('has every name that an expression can come to, and may be anything where that does not show', () => {
    expect(told({ var: [{ if: [{ var: 'a.x' }, 'b.x', 'c.x'] }] })).to.deep.equal([{ b: 'x', c: 'x', a: 'x' }, false]);
    expect(told({ missing: { merge: ['a.x', { if: [{ var: 'b.y' }, ['c.x'], []] }] } })).to.deep.equal([{ a: 'x', c: 'x', b: 'y' }, false]);
    expect(told({ var: [{ cat: ['a.', { var: 'b.x' }] }] })).to.deep.equal([{ b: 'x' }, true]);
    expect(told({ var: [{ if: [{ var: 'a.x' }, 'b.x'] }] })).to.deep.equal([{ a: 'x' }, true]);
    expect(told({ '!': { var: '' } })).to.deep.equal([{}, true]);
    expect(told({ '!': { var: [{ preserve: [] }] } })).to.deep.equal([{}, true]);
  });

  it('is enough, in every form: nothing else can change what it comes to', () => {
    fc.assert(
      fc.property(logic, world, fc.constantFrom('a', 'b', 'c', 'rule:r'), fc.constantFrom('x', 'y', '0'), value, (written, states, monitor, name, fresh) => {
        const tree = treeOf(written);
        const { monitors, all } = tree ? readsIn(tree) : { monitors: new Map<string, ReadonlySet<string> | 'all'>(), all: true };
        const fields = monitors.get(monitor);
        if (!tree || all || fields === 'all' || fields?.has(name)) return;
        const asked = (world: typeof states): unknown => {
          try {
            return compile(tree)(factsOf(world, tree));
          } catch (error) {
            return String(error);
          }
        };
        const now = { ...states.states[monitor]?.now, [name]: fresh };
        expect(asked({ ...states, states: { ...states.states, [monitor]: { ...states.states[monitor], now } } })).to.deep.equal(asked(states));
      }),
      { numRuns: 3_000 },
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
