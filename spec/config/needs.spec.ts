// What a rule's actions speak of: the monitors that their templates name.
import { expect } from 'chai';
import { diff } from '../../config/diff.ts';
import { declare } from '../../config/load.ts';

describe('${monitors.NAME…} in the templates of an action', () => {
  const config = (message: string): string =>
    JSON.stringify({
      monitors: { single: ['air', 'door', 'soil'].map((name) => ({ name, type: 'push', config: { service: name } })) },
      actions: { single: [{ name: 'say', type: 'log', config: { message } }] },
      rules: [{ name: 'hot', condition: { field: 'air.value', op: '>', value: 30 }, actions: ['say'] }],
    });
  const read = (message: string) => declare({ sources: [{ file: 'argos.jsonc', text: config(message) }], overlay: [], secrets: {} }, {});
  const rule = (message: string) => read(message).declared.find(({ kind }) => kind === 'rule');

  it('gives the rule the states of those monitors, each once', () => {
    expect(rule('${monitors.door.value} ${monitors.soil.value} ${ monitors.door.up } ${monitor.name}')?.needs).to.deep.equal(['door', 'soil']);
    expect(rule('${rule.name}')?.needs).to.deep.equal([]);
  });

  it('is a fault when there is no such monitor, with the nearest name', () => {
    const { faults } = read('${monitors.dor.value}');
    expect(faults).to.have.length(1);
    expect(faults[0]).to.include({ pointer: '/actions/single/0', got: '${monitors.dor…}', nearest: 'door' });
  });

  it('replaces the rule when its actions come to name others', () => {
    const changes = diff(read('${monitors.door.value}').declared, read('${monitors.soil.value}').declared);
    expect(changes.filter((one) => one.do === 'replace').map(({ declared: { kind, name } }) => `${kind} ${name}`)).to.have.members(['action say', 'rule hot']);
  });
});

describe('${secrets.NAME} where there is no vault to look into', () => {
  it('stands for a text, so that a configuration can be checked without a node', () => {
    const text = JSON.stringify({ actions: { single: [{ name: 'say', type: 'log', config: { message: '${secrets.any}' } }] } });
    expect(declare({ sources: [{ file: 'argos.jsonc', text }], overlay: [] }, {}).faults).to.deep.equal([]);
    expect(declare({ sources: [{ file: 'argos.jsonc', text }], overlay: [], secrets: {} }, {}).faults[0]?.expected).to.match(/secrets\.NAME/);
  });
});
