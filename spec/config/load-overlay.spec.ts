// What a configuration is made of: several files, environments, and what the CLI or the API has laid over them.
import { expect } from 'chai';
import { declare, type Env } from '../../config/load.ts';
import type { Declaration, OverlayEntry, PlacedFault, Source } from '../../proto/api.ts';

const text = (config: unknown): string => (typeof config === 'string' ? config : JSON.stringify(config));
const source = (file: string, config: unknown): Source => ({ file, text: text(config) });
interface Given {
  readonly files?: readonly Source[];
  readonly overlay?: readonly OverlayEntry[];
  readonly environment?: string;
  readonly env?: Env;
}
const load = (config: unknown, { files = [], overlay = [], environment, env = {} }: Given = {}): Declaration =>
  declare({ sources: [source('a.jsonc', config), ...files], overlay, environment, secrets: {} }, env);
const say = ({ file, line, column, pointer, expected, got, nearest }: PlacedFault): string =>
  `${file}:${line}:${column} ${pointer} ${expected}${got === undefined ? '' : `, got ${JSON.stringify(got)}`}${nearest ? `, ${nearest}?` : ''}`;
const faults = (config: unknown, given?: Given): string[] => load(config, given).faults.map(say);
/** The resources that are declared, but for the listeners. */
function specs(config: unknown, given?: Given): Record<string, unknown> {
  const { declared, faults: wrong } = load(config, given);
  expect(wrong.map(say)).to.deep.equal([]);
  return Object.fromEntries(declared.filter(({ kind }) => kind !== 'listener').map(({ kind, name, spec }) => [`${kind}/${name}`, spec]));
}
const origins = (config: unknown, given: Given): Record<string, string> =>
  Object.fromEntries(load(config, given).declared.map(({ kind, name, origin }) => [`${kind}/${name}`, origin]));
const monitor = (name: string, url = 'http://a'): object => ({ name, type: 'http', config: { url } });
const action = { name: 'a', type: 'log', config: {} };
const rule = (more: object = {}): object => ({ name: 'r', condition: { field: 'm.x', op: '>', value: { var: 'limit' } }, actions: ['a'], ...more });
const base = { parameters: { limit: 80 }, monitors: { single: [monitor('m')] }, actions: { single: [action] }, rules: [rule()] };

describe('a directory of files', () => {
  it('is one configuration: lists go on, objects come together', () => {
    const second = source('b.jsonc', { monitors: { single: [monitor('n')] }, system: { version: '2' } });
    const got = specs({ ...base, system: { name: 'x' } }, { files: [second] });
    expect(Object.keys(got)).to.deep.equal(['system_config/system', 'monitor/m', 'monitor/n', 'action/a', 'rule/r']);
    expect(got['system_config/system']).to.include({ name: 'x', version: '2' });
  });

  it('may define a resource once only: the error names both places', () => {
    expect(faults(base, { files: [source('b.jsonc', { rules: [rule()] })] })).to.deep.equal([
      'b.jsonc:1:11 /rules/0 a name of its own: rule r is defined in a.jsonc:1 already, got "r"',
    ]);
  });

  it('is told of every file that is no JSON', () => {
    const got = load('{', { files: [source('b.jsonc', ''), source('c.jsonc', '5')] }).faults;
    expect(got.map(({ file }) => file)).to.deep.equal(['a.jsonc', 'b.jsonc', 'c.jsonc']);
  });

  it('may be empty', () => {
    expect(declare({ sources: [], overlay: [], environment: undefined, secrets: {} }, {}).declared.map(({ name }) => name)).to.deep.equal([
      'system',
      'http',
      'mqtt',
    ]);
  });
});

describe('environments', () => {
  const config = {
    ...base,
    system: { environment: 'test', name: 'x' },
    environments: {
      test: { parameters: { limit: 1 }, monitors: { single: [{ name: 'm', config: { url: 'http://test' } }, monitor('extra')] } },
      live: { system: { name: 'live' }, parameters: { limit: 2 } },
    },
  };

  it('merge the one that system.environment names over the rest', () => {
    const got = specs(config);
    expect(got).to.have.nested.property('monitor/m.config.url', 'http://test');
    expect(got).to.have.property('monitor/extra');
    expect(got).to.have.nested.property('rule/r.parameters.limit', 1);
  });

  it('merge the one that --env asks for instead', () => {
    const got = specs(config, { environment: 'live' });
    expect(got['system_config/system']).to.include({ name: 'live', environment: 'live' });
    expect(got).to.have.nested.property('rule/r.parameters.limit', 2);
    expect(got).to.not.have.property('monitor/extra');
  });

  it('may be chosen by an environment variable', () => {
    expect(specs({ ...config, system: { environment: '${env.STAGE}' } }, { env: { STAGE: 'test' } })).to.have.property('monitor/extra');
  });

  it('need not have an entry for system.environment, but for --env they do; all else is told as well', () => {
    expect(specs({ system: { environment: 'none' }, environments: {} })['system_config/system']).to.include({ environment: 'none' });
    const wrong = { ...config, system: { nam: 'x' } };
    const got = load(wrong, { environment: 'livf' }).faults;
    expect(got.map(({ expected, nearest }) => `${expected.replace(/keys .*/, 'keys …')} ${nearest}`)).to.deep.equal([
      'environments.livf, which --env asks for; there is test, live live',
      'one of the keys … name',
    ]);
    expect(load({}, { environment: 'x' }).faults[0]?.expected).to.equal('environments.x, which --env asks for; there is none');
  });

  it('name a twin within the one that is merged', () => {
    const twice = { ...base, environments: { test: { rules: [rule({ severity: 'info' }), rule()] } } };
    expect(faults(twice, { environment: 'test' })[0]).to.match(/a name of its own: rule r is defined in a.jsonc:1 already/);
  });
});

describe('the overlay', () => {
  const put = (kind: OverlayEntry['kind'], name: string, config: unknown, origin: OverlayEntry['origin'] = 'cli'): OverlayEntry => ({
    kind,
    name,
    origin,
    source: source(`${name}.json`, config),
  });
  const gone = (kind: OverlayEntry['kind'], name: string): OverlayEntry => ({ kind, name, origin: 'cli', source: null });

  it('creates what the file does not have, and replaces what it has', () => {
    const overlay = [put('monitor', 'n', { type: 'http', config: { url: 'http://n' } }), put('monitor', 'm', monitor('m', 'http://new'), 'api')];
    const got = specs(base, { overlay });
    expect(got).to.have.nested.property('monitor/n.config.url', 'http://n');
    expect(got).to.have.nested.property('monitor/n.name', 'n');
    expect(got).to.have.nested.property('monitor/m.config.url', 'http://new');
    expect(origins(base, { overlay })).to.include({ 'monitor/n': 'cli', 'monitor/m': 'api', 'rule/r': 'file' });
  });

  it('takes a rule by itself, though it has `actions` like a whole configuration', () => {
    const got = specs(base, { overlay: [put('rule', 'extra', { condition: { field: 'm.x', op: '<', value: { var: 'parameters.limit' } }, actions: ['a'] })] });
    expect(got).to.have.nested.property('rule/extra.parameters.limit', 80);
    expect(got).to.have.property('rule/r');
  });

  it('finds the resource in a whole configuration, with the parameters of that one', () => {
    const own = {
      parameters: { limit: 5, url: 'http://own' },
      monitors: { bulk: [{ name_pattern: 'b{i}', type: 'http', config: { url: ['http://x', '${parameters.url}'] } }] },
    };
    expect(specs(base, { overlay: [put('monitor', 'b2', own)] })).to.have.nested.property('monitor/b2.config.url', 'http://own');
    const rules = { parameters: { limit: 5 }, rules: [rule({ name: 's' }), rule({ name: 't', actions: ['none'] })] };
    const got = specs(base, { overlay: [put('rule', 's', rules)] });
    expect(got).to.have.nested.property('rule/s.parameters.limit', 5);
    expect(got).to.have.nested.property('rule/r.parameters.limit', 80);
    expect(got).to.not.have.property('rule/t');
  });

  it('deletes what the file has, and no more is said of it', () => {
    expect(Object.keys(specs(base, { overlay: [gone('rule', 'r'), gone('monitor', 'never')] }))).to.deep.equal([
      'system_config/system',
      'monitor/m',
      'action/a',
    ]);
    expect(faults(base, { overlay: [gone('action', 'a')] })[0]).to.match(/\/rules\/0\/actions\/0 the name of an action that is declared, got "a"$/);
  });

  it('replaces the system section, given by itself or in a whole configuration; the last one counts', () => {
    const overlay = [put('system_config', 'x', { name: 'first' }), put('system_config', 'system', { system: { name: 'over', max_retries: 7 } })];
    const got = specs({ ...base, system: { version: '9' } }, { overlay });
    expect(got['system_config/system']).to.include({ name: 'over', version: '' });
    expect(got).to.have.nested.property('monitor/m.retry_policy.max_retries', 7);
    expect(origins(base, { overlay })).to.include({ 'system_config/system': 'cli' });
    expect(specs({ ...base, system: { name: 'file' } }, { overlay: [...overlay, gone('system_config', 'system')] })['system_config/system']).to.include({
      name: 'file',
    });
  });

  it('is told what is wrong with it, in its own file', () => {
    const entry = (config: unknown): string[] => faults(base, { overlay: [put('monitor', 'n', config)] });
    expect(entry('{\n "config": {"url": "x"}, "type": "http"}')).to.deep.equal([
      'n.json:2:20 /config/url a value that must match pattern "^https?://", got "x"',
    ]);
    expect(entry(monitor('other'))).to.deep.equal(['n.json:1:9 /name the name n, which the command gives, got "other"']);
    expect(entry({ monitors: { single: [monitor('nn')] } })).to.deep.equal(['n.json:1:1  a monitor named n; there is nn, got "n"']);
    expect(entry({})).to.deep.equal(['n.json:1:1  a monitor named n; there is none, got "n"']);
    expect(entry('[1]')).to.deep.equal(['n.json:1:1  a monitor, or a configuration that holds it, got [1]']);
    expect(entry('{"')[0]).to.match(/^n\.json:1:2/);
    expect(entry({ config: {} })[0]).to.match(/^n\.json:1:1 \/type a type of monitor: one of http/);
    expect(faults(base, { overlay: [put('system_config', 'system', '{"')] })[0]).to.match(/^system\.json:1:2/);
    expect(entry({ type: 'http', config: { url: '${parameters.nope}' } })[0]).to.match(/parameters\.NAME with a NAME that is declared/);
  });
});
