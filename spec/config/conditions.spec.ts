// Conditions when the configuration loads: what they name is there, or the fault stands where the name does.
import { expect } from 'chai';
import { declare } from '../../config/load.ts';
import type { PlacedFault } from '../../proto/api.ts';

const say = ({ line, pointer, expected, got, nearest }: PlacedFault): string =>
  `${line} ${pointer} ${expected}${got === undefined ? '' : `, got ${JSON.stringify(got)}`}${nearest ? `, ${nearest}?` : ''}`;
function load(condition: string, more = ''): { readonly faults: readonly string[]; readonly parameters: unknown } {
  const text = `{"parameters": {"limit": 3, "window": "5m", "other": 1},
    "monitors": {"single": [{"name": "m", "type": "http", "config": {"url": "http://a"}}]},
    "actions": {"single": [{"name": "a", "type": "log", "config": {}}]},
    "rules": [{"name": "hot", "actions": ["a"], ${more} "condition":
${condition}},
    {"name": "calm", "actions": ["a"], "condition": {"field": "m.up"}}]}`;
  const { declared, faults } = declare({ sources: [{ file: 'argos.jsonc', text }], overlay: [], secrets: {} }, {});
  const rule = declared.find(({ name }) => name === 'hot')?.spec as { parameters?: unknown } | undefined;
  return { faults: faults.map(say), parameters: rule?.parameters };
}

describe('a condition, when the configuration loads', () => {
  it('may be JsonLogic, windows or a text, and takes its parameters from the configuration', () => {
    expect(load('{">": [{"avg": ["m.t", {"var": "parameters.window"}]}, {"var": ["parameters.limit", 5]}]}')).to.deep.equal({
      faults: [],
      parameters: { window: '5m', limit: 3 },
    });
    expect(load('"avg(m.t, 5m) > parameters.limit * 2 and not rule.calm.firing"')).to.deep.equal({ faults: [], parameters: { limit: 3 } });
  });

  it('may read rules and Argos itself, and no monitor or rule that is not declared', () => {
    expect(load('{"and": [{"field": "rule.calm.firing"}, {"field": "system.cpu", "op": ">", "value": 1}]}').faults).to.deep.equal([]);
    expect(load('{"or": [{"var": "mm.x"},\n {"rate": ["n.x", "5m"]},\n {"field": "rule.clam.firing"}]}').faults).to.deep.equal([
      '5 /rules/0/condition/or/0/var the name of a monitor that is declared, got "mm", m?',
      '6 /rules/0/condition/or/1/rate/0 the name of a monitor that is declared, got "n"',
      '7 /rules/0/condition/or/2/field the name of a rule that is declared, got "clam"',
    ]);
    expect(load('"m.x > 1 and mm.x > 2"').faults).to.deep.equal(['5 /rules/0/condition/and/1/field the name of a monitor that is declared, got "mm", m?']);
  });

  it('names the monitors that wake its rule, where it does not show what it reads', () => {
    const dynamic = '{"var": [{"cat": ["m.", {"var": "m.name"}]}]}';
    expect(load(dynamic).faults).to.deep.equal([
      '5 /rules/0/condition names that show before the condition is evaluated, or else `monitor`: the monitors whose events wake the rule',
    ]);
    expect(load(dynamic, '"monitor": "m",').faults).to.deep.equal([]);
  });

  it('is refused when it is 10,000 levels deep', () => {
    const told = (levels: number): readonly string[] => load(`${'{"not":'.repeat(levels)}{"field": "m.x"}${'}'.repeat(levels)}`).faults;
    for (const levels of [65, 200]) expect(told(levels)[0]).to.match(/a condition of at most 64 levels$/);
    expect(told(10_000)).to.deep.equal(['5  JSON of at most 256 levels']); // so much for any part of a configuration
  });
});
