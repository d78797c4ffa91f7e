// `functions` in a configuration: what a function needs to be one is said at load, with its place.
import { copyFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { declare } from '../../config/load.ts';
import type { Declaration } from '../../proto/api.ts';
import { functionModule } from '../support/functions.ts';

const module = functionModule();
const folder = dirname(module);

function load(functions: object, condition: unknown = 'm.value > 1'): Declaration {
  const config = {
    functions,
    monitors: { single: [{ name: 'm', type: 'push', config: {} }] },
    actions: { single: [{ name: 'a', type: 'log', config: {} }] },
    rules: [{ name: 'r', condition, actions: ['a'] }],
  };
  return declare({ sources: [{ file: join(folder, 'argos.jsonc'), text: JSON.stringify(config) }], overlay: [] }, {});
}
const faultsOf = (functions: object, condition?: unknown): readonly string[] =>
  load(functions, condition).faults.map(
    ({ pointer, expected, got, nearest }) =>
      `${pointer}: ${expected.slice(0, 50)}${got === undefined ? '' : `, got ${String(got)}`}${nearest === undefined ? '' : `, ${nearest}?`}`,
  );
const specOf = (functions: object): unknown => load(functions).declared.find(({ kind }) => kind === 'function')?.spec;

describe('functions in a configuration', () => {
  it('are declared as they are meant: the module beside the file that names it, the export by the key, 50 ms', () => {
    const spec = specOf({ dew_point: { module: './functions.mjs' } });
    expect(spec).to.deep.include({ name: 'dew_point', module, export: 'dew_point', budget_ms: 50 });
    expect(specOf({ other: { module: 'functions.mjs', export: 'default', budget_ms: 5 } })).to.deep.include({ name: 'other', export: 'default', budget_ms: 5 });
    expect(faultsOf({ dew_point: { module } }, 'dew_point(m.t, m.h) < 3')).to.deep.equal([]);
    expect(faultsOf({ dew_point: { module } }, { '<': [{ dew_point: [{ var: 'm.t' }, 50] }, 3] })).to.deep.equal([]);
  });

  it('are another when the text of the module is', () => {
    const before = specOf({ echo: { module } });
    expect(specOf({ echo: { module } })).to.deep.equal(before);
    writeFileSync(module, 'export const echo = () => 1;');
    const after = specOf({ echo: { module } });
    copyFileSync(functionModule(), module);
    expect(after).to.not.deep.equal(before);
    expect(specOf({ echo: { module } })).to.deep.equal(before);
  });

  it('are refused with their place when they are none', () => {
    expect(faultsOf({ f: { module: './nowhere.mjs' } })[0]).to.match(/^\/functions\/f\/module: a module that can be loaded \(ENOENT/);
    expect(faultsOf({ dewpoint: { module } })[0]).to.match(
      /^\/functions\/dewpoint\/module: a function that the module exports: .*, got dewpoint, dew_point\?$/,
    );
    expect(faultsOf({ f: { module, export: 'constant' } })[0]).to.match(/^\/functions\/f\/export: a function that the module exports: /);
    expect(faultsOf({ f: { module: functionModule('throw new Error("at load")') } })[0]).to.match(
      /^\/functions\/f\/module: a module that can be loaded \(at load\)/,
    );
    expect(faultsOf({ f: { module, budget_ms: 0, budgetms: 1 } })).to.have.lengthOf(2);
    expect(faultsOf({ f: 5 })[0]).to.match(/^\/functions\/f: object/);
    expect(faultsOf({ 'dew-point': { module, export: 'dew_point' } })).to.have.lengthOf(1);
    for (const name of ['avg', 'var', 'and', 'between', 'true', 'field'])
      expect(faultsOf({ [name]: { module, export: 'echo' } }), name).to.deep.equal([`/functions/${name}: a name that is no operator, got ${name}`]);
  });

  it('are called only when they are declared', () => {
    expect(faultsOf({ dew_point: { module } }, 'dewpoint(m.t, m.h) < 3')[0]).to.match(/an operator, a window function, .*got dewpoint, dew_point\?$/);
    expect(faultsOf({}, { dew_point: [1, 2] })).to.have.lengthOf(1);
  });

  it('are not defined in two files; an environment may change one', () => {
    const two = (second: object): readonly string[] => {
      const texts = [{ functions: { echo: { module } } }, second].map((text, i) => ({ file: join(folder, `${i}.jsonc`), text: JSON.stringify(text) }));
      return declare({ sources: texts, overlay: [], environment: 'e' in Object(Object(second).environments) ? 'e' : undefined }, {}).faults.map(
        ({ expected }) => expected,
      );
    };
    expect(two({ functions: { echo: { module, budget_ms: 5 } } })[0]).to.match(/^a name of its own: function echo is defined in .*1\.jsonc:1, too$/);
    expect(two({ environments: { e: { functions: { echo: { budget_ms: 5 } } } } })).to.deep.equal([]);
  });

  it('do not hide that rules read one another in a circle', () => {
    const config = {
      functions: { echo: { module } },
      actions: { single: [{ name: 'a', type: 'log', config: {} }] },
      rules: [{ name: 'r', condition: 'echo(rule.r.firing) == 1', actions: ['a'] }],
    };
    const { faults } = declare({ sources: [{ file: 'argos.jsonc', text: JSON.stringify(config) }], overlay: [] }, {});
    expect(faults.map(({ expected }) => expected)).to.deep.equal(['rules that do not read one another in a circle']);
  });
});
