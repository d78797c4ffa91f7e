// Which sections there are, and what stands in them: bulk entries expanded, listeners with their environment variables.
import { expect } from 'chai';
import fc from 'fast-check';
import { parsePlaced, type Placed, placeAt, placeOf, plain } from '../../config/placed.ts';
import { checkShape, resourcesOf } from '../../config/sections.ts';
import type { PlacedFault } from '../../proto/api.ts';

const root = (value: unknown): Placed => placeAt(value, { file: 'argos.jsonc', line: 1, column: 1, pointer: '' });
const tree = (text: string): Placed => parsePlaced({ file: 'argos.jsonc', text }).root ?? expect.fail('there is no tree');
/** Everything but the listeners, which are always there. */
function resources(config: unknown): { readonly all: readonly unknown[]; readonly names: readonly string[]; readonly faults: readonly PlacedFault[] } {
  const faults: PlacedFault[] = [];
  const found = resourcesOf(root(config), {}, faults).filter(({ kind }) => kind !== 'listener');
  return { all: found.map(({ placed }) => plain(placed)), names: found.map(({ kind, name }) => `${kind}/${name}`), faults };
}
const bulk = (entry: object): object => ({ monitors: { bulk: [{ name_pattern: 'm{i}', type: 'http', ...entry }] } });
const faultsOf = (config: unknown): string[] =>
  resources(config).faults.map(({ expected, got, nearest }) => `${expected}, got ${String(got)}${nearest ? `, ${nearest}?` : ''}`);

describe('checkShape', () => {
  const faults = (config: unknown): string[] =>
    checkShape(tree(JSON.stringify(config))).map(({ pointer, expected, nearest }) => `${pointer}: ${expected}${nearest ? `, ${nearest}?` : ''}`);

  it('knows every section', () => {
    const list = { single: [], bulk: [] };
    const sections = {
      $schema: 'x',
      system: {},
      parameters: { x: 1 },
      listeners: { http: {}, mqtt: {} },
      monitors: list,
      actions: list,
      rules: [],
      environments: { test: {} },
    };
    expect(faults(sections)).to.deep.equal([]);
    expect(faults({})).to.deep.equal([]);
  });

  it('refuses a section that it does not know, with the nearest that it does', () => {
    const [fault, ...more] = faults({ monitor: {} });
    expect(fault).to.match(/^\/monitor: one of the keys .*monitors, actions, rules, silences, .*environments, monitors\?$/);
    expect(more).to.deep.equal([]);
  });

  it('refuses what is not of the right shape, all of it at once', () => {
    const config = { monitors: { singel: [] }, actions: [], rules: {}, listeners: { htpp: {} }, environments: { test: 1 } };
    const got = faults(config).map((one) => one.split(':')[0]);
    expect(got.sort()).to.deep.equal(['/actions', '/environments/test', '/listeners/htpp', '/monitors/singel', '/rules']);
  });

  it('points at the key, where the key is what is wrong', () => {
    expect(checkShape(tree('{\n  "rules": [],\n  "ruls": []\n}'))[0]).to.include({ line: 3, column: 3, pointer: '/ruls', got: 'ruls', nearest: 'rules' });
  });
});

describe('resourcesOf', () => {
  it('answers every resource, in the order of the sections', () => {
    const config = {
      rules: [{ name: 'r' }],
      actions: { bulk: [{ name_pattern: 'b{i}', type: 'log', config: { to: ['x', 'y'] } }], single: [{ name: 'a' }] },
      monitors: { single: [{ name: 'm' }, { name: 'n' }] },
    };
    expect(resources(config).names).to.deep.equal(['monitor/m', 'monitor/n', 'action/a', 'action/b1', 'action/b2', 'rule/r']);
  });

  it('answers no more than there is, whatever stands there instead', () => {
    for (const config of [
      {},
      { monitors: 5, actions: { single: 'x', bulk: {} }, rules: null },
      { monitors: { single: [1, null, 'x'], bulk: [2] }, rules: [[]] },
    ])
      expect(resources(config)).to.deep.include({ names: [], faults: [] });
  });

  it('takes a resource without a name, to be told so', () => {
    expect(resources({ rules: [{ name: 5 }, {}] }).names).to.deep.equal(['rule/5', 'rule/']);
  });
});

describe('a bulk entry', () => {
  it('becomes one resource for each element, with {i} from 1 in every text', () => {
    const text = fc.string({ unit: fc.constantFrom('a', '{', '}', 'i', '-') });
    fc.assert(
      fc.property(fc.array(fc.constantFrom('http://a', 'http://b/{i}', 'http://{i}.local/{i}', ''), { maxLength: 12 }), text, (url, note) => {
        const { all, faults } = resources(bulk({ config: { url, headers: { 'x-note': note } }, retry_policy: { max_retries: 1 } }));
        expect(faults).to.deep.equal([]);
        expect(all).to.deep.equal(
          url.map((one, i) => ({
            name: `m${i + 1}`,
            type: 'http',
            config: { url: one.replaceAll('{i}', String(i + 1)), headers: { 'x-note': note.replaceAll('{i}', String(i + 1)) } },
            retry_policy: { max_retries: 1 },
          })),
        );
      }),
    );
  });

  it('expands the field that is usual for its type, whatever other lists there are', () => {
    const lists = { protocols: ['json', 'xml'], url: ['ws://a', 'ws://b'], topic: ['t'], service: ['s'] };
    const count = (type: string): number => resources(bulk({ type, config: lists })).all.length;
    expect(count('websocket')).to.equal(2);
    expect(count('mqtt')).to.equal(1);
    expect(count('push')).to.equal(1);
  });

  it('expands the field that bulk_field names, and no other', () => {
    const { all } = resources(bulk({ bulk_field: 'method', config: { url: ['http://a', 'http://b'], method: ['GET', 'HEAD', 'PUT'] } }));
    expect(all).to.have.length(3);
    expect(all[1]).to.deep.equal({ name: 'm2', type: 'http', config: { url: ['http://a', 'http://b'], method: 'HEAD' } });
  });

  it('of another type expands its only list', () => {
    const config = { actions: { bulk: [{ name_pattern: 'a{i}', type: 'email', config: { to: ['x', 'y'], subject: 's' } }] } };
    expect(resources(config).names).to.deep.equal(['action/a1', 'action/a2']);
  });

  it('keeps for every value the place where it was written', () => {
    const text = '{"monitors": {"bulk": [\n {"name_pattern": "m{i}", "type": "http",\n "config": {"url": ["http://a",\n  "http://b"]}}]}}';
    const second = resourcesOf(tree(text), {}, [])[1]?.placed ?? expect.fail();
    expect(placeOf(second, '/config/url')).to.include({ line: 4, column: 3, pointer: '/monitors/bulk/0/config/url/1' });
    expect(placeOf(second, '/name')).to.include({ line: 2, column: 19, pointer: '/monitors/bulk/0/name_pattern' });
    expect(placeOf(second, '/type')).to.include({ line: 2, pointer: '/monitors/bulk/0/type' });
  });

  it('without {i} in its name is refused', () => {
    const config = { url: ['http://a'] };
    expect(faultsOf(bulk({ name_pattern: 'm', config }))).to.deep.equal(['a name with {i} in it, got m']);
    expect(faultsOf(bulk({ name_pattern: 5, config }))).to.deep.equal(['a name with {i} in it, got 5']);
    expect(faultsOf({ monitors: { bulk: [{ type: 'http', config }] } })).to.deep.equal(['a name with {i} in it, got undefined']);
  });

  it('without a list, or with lists of which it names none, is refused', () => {
    const expected = 'bulk_field: the field of config that holds the list, one of';
    expect(faultsOf(bulk({ config: { url: 'http://a' } }))).to.deep.equal([`${expected} (config has no list), got undefined`]);
    expect(faultsOf(bulk({}))).to.deep.equal([`${expected} (config has no list), got undefined`]);
    expect(faultsOf(bulk({ config: { url: ['http://a'] }, bulk_field: 'urk' }))).to.deep.equal([`${expected} url, got urk, url?`]);
    expect(faultsOf({ actions: { bulk: [{ name_pattern: '{i}', type: 'email', config: { to: [], cc: [] } }] } })).to.deep.equal([
      `${expected} to, cc, got undefined`,
    ]);
  });
});

describe('listeners', () => {
  const configs = (config: unknown, env: Readonly<Record<string, string>> = {}): unknown =>
    Object.fromEntries(
      resourcesOf(root(config), env, [])
        .filter(({ kind }) => kind === 'listener')
        .map(({ name, placed }) => [name, (plain(placed) as { config: unknown }).config]),
    );

  it('are there unless the file says something else', () => {
    expect(configs({})).to.deep.equal({ http: {}, mqtt: {} });
    expect(configs({ listeners: { mqtt: { port: 1884, enabled: false } } })).to.deep.equal({ http: {}, mqtt: { port: 1884, enabled: false } });
  });

  it('take environment variables over the file, as numbers and flags where they are such', () => {
    const env = { HTTP_PORT: '3100', HTTP_ENABLED: 'false', MQTT_PORT: '1999', MQTT_ENABLED: 'true' };
    expect(configs({ listeners: { http: { port: 1, host: '::1' } } }, env)).to.deep.equal({
      http: { port: 3100, host: '::1', enabled: false },
      mqtt: { port: 1999, enabled: true },
    });
  });

  it('take no empty variable, and leave a bad one as it is for the check to name', () => {
    expect(configs({}, { HTTP_PORT: '', MQTT_PORT: '80a' })).to.deep.equal({ http: {}, mqtt: { port: '80a' } });
  });

  it('say that a value came from the environment, and from which variable', () => {
    const http = resourcesOf(root({}), { HTTP_PORT: '80' }, []).find(({ name }) => name === 'http');
    expect(placeOf(http?.placed ?? expect.fail(), '/config/port')).to.deep.equal({ file: 'environment', line: 1, column: 1, pointer: 'HTTP_PORT' });
  });
});
