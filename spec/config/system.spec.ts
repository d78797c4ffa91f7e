// `system`: Argos itself is always among what conditions may read, with the fields that it has.
import { expect } from 'chai';
import { declare } from '../../config/load.ts';
import { systemMonitor } from '../../config/system.ts';

const faultsOf = (condition: unknown, more: object = {}, monitors: readonly object[] = []): readonly string[] => {
  const config = {
    monitors: { single: [{ name: 'm', type: 'push', config: {} }, ...monitors] },
    actions: { single: [{ name: 'a', type: 'log', config: {} }] },
    rules: [{ name: 'r', condition, actions: ['a'], ...more }],
  };
  const { faults } = declare({ sources: [{ file: 'argos.jsonc', text: JSON.stringify(config) }], overlay: [] }, {});
  return faults.map(
    ({ pointer, expected, got, nearest }) =>
      `${pointer}: ${expected.slice(0, 26)}${got === undefined ? '' : `, got ${String(got)}`}${nearest ? `, ${nearest}?` : ''}`,
  );
};

describe('system in a condition', () => {
  it('is there without being declared: in leaves, windows, variables, and by what wakes a rule', () => {
    for (const condition of [
      'system.memory > 9e8 and system.store.commit_ms > 100',
      'avg(system.cpu, 5m) > 90 or system.store exists',
      { '>': [{ var: 'system.queue' }, 3] },
      { var: 'system' },
    ])
      expect(faultsOf(condition), JSON.stringify(condition)).to.deep.equal([]);
    expect(faultsOf('m.value > 1', { monitor: ['m', 'system'] })).to.deep.equal([]);
  });

  it('has the fields that it has: of any other the fault stands where it is written, with the nearest', () => {
    const fault = (pointer: string, got: string, nearest: string): string => `${pointer}: one of Argos's own fields,, got ${got}, system.${nearest}?`;
    expect(faultsOf('m.value > 1 and system.memry > 9e8')).to.deep.equal([fault('/rules/0/condition/and/1/field', 'memry', 'memory')]);
    expect(faultsOf({ '>': [{ max: ['system.store.byte', '5m'] }, 1] })).to.deep.equal([fault('/rules/0/condition/>/0/max/0', 'store.byte', 'store.bytes')]);
    expect(faultsOf({ '>': [{ var: 'system.uptimes' }, 1] })).to.deep.equal([fault('/rules/0/condition/>/0/var', 'uptimes', 'uptime')]);
    expect(faultsOf('m.value > 1', { clear_when: 'system.cpuu < 5' })).to.deep.equal([fault('/rules/0/clear_when/field', 'cpuu', 'cpu')]);
    expect(faultsOf('system.cpu.load > 1')).to.have.lengthOf(1);
  });

  it('is the name of no other monitor, and a monitor of this type has another', () => {
    expect(faultsOf('m.value > 1', {}, [{ name: 'self', type: 'system', config: {} }])).to.deep.equal([]);
    expect(faultsOf('self.memory > 1', {}, [{ name: 'self', type: 'system', config: { interval: 200 } }])).to.deep.equal([]);
    expect(faultsOf('m.value > 1', {}, [{ name: 'system', type: 'http', config: { url: 'http://a' } }])).to.deep.equal([
      '/monitors/single/1/name: another name: the monitor , got system',
    ]);
  });

  it('looks every five seconds', () => {
    expect(systemMonitor().spec).to.deep.include({ name: 'system', type: 'system', config: { interval: 5_000 } });
  });
});
