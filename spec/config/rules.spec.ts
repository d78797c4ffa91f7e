// What is wrong with a rule is said at load, with its place: conditions, names, circles.
import { expect } from 'chai';
import { declare } from '../../config/load.ts';

const faultsOf = (rules: readonly object[]): string[] => {
  const config = {
    monitors: { single: [{ name: 'm', type: 'push', config: {} }] },
    actions: { single: [{ name: 'a', type: 'log', config: {} }] },
    rules: rules.map((rule, i) => ({ name: `r${i + 1}`, condition: 'm.value > 1', actions: ['a'], ...rule })),
  };
  const { faults } = declare({ sources: [{ file: 'argos.jsonc', text: JSON.stringify(config) }], overlay: [], environment: undefined }, {});
  return faults.map(({ pointer, expected, got }) => `${pointer}: ${expected}${got === undefined ? '' : `, got ${String(got)}`}`);
};

describe('a rule in a configuration', () => {
  it('may read other rules, and what has an alert for each monitor calls that `monitor`', () => {
    expect(
      faultsOf([{ condition: 'm.value > 1 and not rule.r2.firing' }, { for_each: 'm*', condition: 'monitor.value > 1', clear_when: 'monitor.value < 0' }]),
    ).to.deep.equal([]);
  });

  it('does not read itself, by however many others: the circle is told once, in full', () => {
    const reads = (name: string): object => ({ condition: `rule.${name}.firing` });
    expect(faultsOf([reads('r2'), reads('r3'), reads('r1'), reads('r1')])).to.deep.equal([
      '/rules/0/condition: rules that do not read one another in a circle, got r1 reads r2 reads r3 reads r1',
    ]);
    expect(faultsOf([reads('r1')])).to.have.lengthOf(1);
  });

  it('depends on monitors and rules that are there, and not on itself', () => {
    expect(faultsOf([{ depends_on: ['m', 'rule.r2'] }, {}])).to.deep.equal([]);
    expect(faultsOf([{ depends_on: ['n', 'rule.r9'] }]).map((fault) => fault.split(':')[0])).to.deep.equal(['/rules/0/depends_on/0', '/rules/0/depends_on/1']);
    expect(faultsOf([{ depends_on: ['rule.r2'] }, { condition: 'rule.r1.firing' }])[0]).to.include('got r1 reads r2 reads r1');
  });

  it('has parameters from the configuration, whatever they are called and however the condition is written', () => {
    const config = {
      parameters: { größe: 5, 'odd name': 6, plain: 7 },
      monitors: { single: [{ name: 'm', type: 'push', config: {} }] },
      actions: { single: [{ name: 'a', type: 'log', config: {} }] },
      rules: [
        { name: 'r', condition: 'm.value > parameters.größe or m.value < parameters."odd name"', clear_when: 'm.value < parameters.plain', actions: ['a'] },
        { name: 's', condition: { field: 'm.value', op: '>', value: { var: 'parameters.plain' } }, actions: ['a'] },
      ],
    };
    const { faults, declared } = declare({ sources: [{ file: 'argos.jsonc', text: JSON.stringify(config) }], overlay: [], environment: undefined }, {});
    expect(faults).to.deep.equal([]);
    const parameters = declared.filter(({ kind }) => kind === 'rule').map(({ spec }) => (spec as { readonly parameters: unknown }).parameters);
    expect(parameters).to.deep.equal([{ größe: 5, 'odd name': 6, plain: 7 }, { plain: 7 }]);
  });

  it('is checked in clear_when as in its condition', () => {
    expect(faultsOf([{ clear_when: 'n.value < 1' }])[0]).to.match(/^\/rules\/0\/clear_when.*the name of a monitor that is declared, got n$/);
    expect(faultsOf([{ clear_when: 'm.value <' }])[0]).to.match(/^\/rules\/0\/clear_when/);
  });

  it('calls no monitor `monitor` without for_each, and has no no_data in mode event', () => {
    expect(faultsOf([{ condition: 'monitor.value > 1' }])[0]).to.include('the name of a monitor that is declared, got monitor');
    expect(faultsOf([{ mode: 'event', no_data: { after: 5 } }])[0]).to.include('no_data only with mode "alert"');
  });
});
