// Texts into declared resources: what is filled in, and every fault at once, each at its place.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect } from 'chai';
import { declare, type Env } from '../../config/load.ts';
import type { Declaration, PlacedFault, Wanted } from '../../proto/api.ts';

const text = (config: unknown): string => (typeof config === 'string' ? config : JSON.stringify(config));
const load = (config: unknown, env: Env = {}, more: Partial<Wanted> = {}): Declaration =>
  declare({ sources: [{ file: 'argos.jsonc', text: text(config) }], overlay: [], secrets: {}, ...more }, env);
/** Every fault in a line: `line:column pointer expected, got …, nearest?`. */
const say = ({ line, column, pointer, expected, got, nearest }: PlacedFault): string =>
  `${line}:${column} ${pointer} ${expected}${got === undefined ? '' : `, got ${JSON.stringify(got)}`}${nearest ? `, ${nearest}?` : ''}`;
const faults = (config: unknown, env: Env = {}, more: Partial<Wanted> = {}): string[] => load(config, env, more).faults.map(say);
/** The checked specs by kind and name. */
function specs(config: unknown, env: Env = {}, more: Partial<Wanted> = {}): Record<string, unknown> {
  const { declared, faults: wrong } = load(config, env, more);
  expect(wrong.map(say)).to.deep.equal([]);
  return Object.fromEntries(declared.map(({ kind, name, spec }) => [`${kind}/${name}`, spec]));
}
const monitor = (more: object = {}): object => ({ name: 'm', type: 'http', config: { url: 'http://a' }, ...more });
const action = { name: 'a', type: 'log', config: {} };
const rule = (more: object = {}): object => ({ name: 'r', condition: { field: 'm.up', op: '==', value: true }, actions: ['a'], ...more });
const whole = (more: object = {}): object => ({ monitors: { single: [monitor()] }, actions: { single: [action] }, rules: [rule()], ...more });

describe('config/argos.example.jsonc', () => {
  const file = join(resolve(import.meta.dirname, '../../config'), 'argos.example.jsonc');
  const { declared, faults: wrong } = load(readFileSync(file, 'utf8'));

  it('declares exactly the resources of the specification', () => {
    expect(wrong).to.deep.equal([]);
    expect(declared.map(({ kind, name, type }) => `${kind}/${name}:${type}`)).to.deep.equal([
      'system_config/system:system',
      'monitor/http_monitor_1:http',
      'monitor/mqtt_monitor_1:mqtt',
      'monitor/websocket_monitor_1:websocket',
      'monitor/iot_http_monitor_1:http',
      'monitor/iot_http_monitor_2:http',
      'action/send_email_alert:email',
      'action/http_callback:http',
      'action/db_write:database',
      'action/send_bulk_email_1:email',
      'action/send_bulk_email_2:email',
      'rule/high_temp_or_slow_response:rule',
      'listener/http:http',
      'listener/mqtt:mqtt',
    ]);
  });

  it('keeps cc an array of two, and fills texts in', () => {
    const spec = (name: string): unknown => declared.find((one) => one.name === name)?.spec;
    expect(spec('send_email_alert')).to.have.nested.property('config.cc').that.deep.equals(['ops@example.com', 'dev@example.com']);
    expect(spec('send_email_alert')).to.have.nested.property('config.to', 'admin@example.com');
    expect(spec('http_monitor_1')).to.have.nested.property('config.headers.Authorization', 'Bearer ABC123');
    expect(spec('iot_http_monitor_2')).to.have.nested.property('config.url', 'http://iot-device-2.local/data');
    expect(spec('send_bulk_email_1')).to.have.nested.property('config.to', 'user1@example.com');
    expect(spec('http_callback')).to.have.nested.property('config.body_template', '{"event": "${rule.name}", "data": ${monitor.data}}');
  });
});

describe('declare', () => {
  it('fills in the defaults of every schema', () => {
    const got = specs(whole());
    expect(got['monitor/m']).to.deep.include({ retry_policy: { max_retries: 3, backoff_strategy: 'exponential', retry_timeout: 1_000, max_backoff: 300_000 } });
    expect(got['monitor/m']).to.have.nested.property('config.timeout', 3_000);
    expect(got['rule/r']).to.include({ mode: 'alert', severity: 'warning', for: 0, cooldown: 0 });
    expect(got['system_config/system']).to.deep.equal({ name: 'argos', version: '', environment: 'production', log_level: 'info' });
  });

  it('takes system.max_retries and system.timeout for what a resource does not say itself', () => {
    const single = [
      monitor(),
      monitor({ name: 'n', config: { url: 'http://a', timeout: 7 }, retry_policy: { max_retries: 1 } }),
      monitor({ name: 'p', type: 'push', config: {} }),
    ];
    const got = specs(whole({ system: { max_retries: 9, timeout: 5_000 }, monitors: { single } }));
    expect(got['monitor/m']).to.have.nested.property('config.timeout', 5_000);
    expect(got['monitor/m']).to.have.nested.property('retry_policy.max_retries', 9);
    expect(got['monitor/n']).to.have.nested.property('config.timeout', 7);
    expect(got['monitor/n']).to.have.nested.property('retry_policy.max_retries', 1);
    expect(got['monitor/p']).to.have.property('config').that.does.not.have.property('timeout');
    expect(got['action/a']).to.have.nested.property('retry_policy.max_retries', 9);
  });

  it('points at the right place, with those defaults as without', () => {
    const config =
      '{"monitors": {"single": [\n {"name": "m", "type": "http",\n  "config": {}},\n {"name": "n", "type": "http"}]},\n "system": {"timeout": 5, "max_retries": 1}}';
    expect(faults(config)).to.deep.equal([
      '3:13 /monitors/single/0/config/url a value: the key is missing',
      '4:2 /monitors/single/1/config/url a value: the key is missing',
    ]);
    expect(faults('{"system": {"timeout": 99999999}}')).to.deep.equal(['1:24 /system/timeout a value that must be <= 600000, got 99999999']);
  });

  it('fills in what a system section names, too, and lets others name it', () => {
    const config = whole({
      system: { name: 'argos-${env.SITE}' },
      actions: { single: [{ ...action, config: { message: 'on ${system.name} at ${system.timestamp}' } }] },
    });
    const got = specs(config, { SITE: 'north' });
    expect(got['system_config/system']).to.include({ name: 'argos-north' });
    expect(got['action/a']).to.have.nested.property('config.message', 'on argos-north at ${system.timestamp}');
    expect(faults(config)).to.have.length(1);
  });

  it("gives a rule the configuration's parameters that its condition names, filled in, its own first", () => {
    const condition = { and: ['parameters.limit', 'low', 'mine'].map((name) => ({ field: 'm.x', op: '>', value: { var: name } })) };
    const parameters = { limit: '${parameters.base}', base: 80, low: '${env.LOW}', mine: 1, other: 5 };
    const got = specs(whole({ parameters, rules: [rule({ condition, parameters: { mine: 2 } })] }), { LOW: 'a' });
    expect(got['rule/r']).to.have.property('parameters').that.deep.equals({ limit: 80, low: 'a', mine: 2 });
  });

  it('lets environment variables override what a listener says, and leaves out one that is switched off', () => {
    const got = specs({ listeners: { http: { port: 1 } } }, { HTTP_PORT: '3100', MQTT_ENABLED: 'false' });
    expect(got['listener/http']).to.have.nested.property('config.port', 3_100);
    expect(got).to.not.have.property('listener/mqtt');
    expect(load({}, { MQTT_PORT: 'x' }).faults.map((one) => `${one.file} ${say(one)}`)).to.deep.equal(['environment 1:1 MQTT_PORT integer, got "x"']);
  });
});

describe('declare refuses', () => {
  it('everything that is wrong at once, each with line, column and pointer, and then declares nothing', () => {
    const config = `{
  "monitor": {},
  "monitors": {"single": [
    {"name": "m", "type": "htpp", "config": {}},
    {"name": "n n", "type": "http", "config": {"url": "ftp://a", "intervall": 5, "timeout": "\${env.T}"}}]},
  "actions": {"bulk": [{"name_pattern": "x", "type": "log", "config": {}}]},
  "rules": [
    {"name": "r", "condition": {"or": [{"field": "m.up", "op": "equals"}]}, "actions": []},
    {"name": "s", "condition": {"field": "m.up", "op": "==", "value": 1}, "actions": ["a"], "severity": "criticl"}]
}`;
    const { declared, faults: wrong } = load(config);
    expect(declared).to.deep.equal([]);
    expect(wrong.map((one) => say(one).replace(/keys .*?(?=, got)/, 'keys …'))).to.have.members([
      '2:3 /monitor one of the keys …, got "monitor", monitors?',
      '5:93 /monitors/single/1/config/timeout an environment variable T that is set, got "${env.T}"',
      '6:41 /actions/bulk/0/name_pattern a name with {i} in it, got "x"',
      '4:27 /monitors/single/0/type a type of monitor: one of http, websocket, mqtt, push, system, got "htpp", http?',
      '5:14 /monitors/single/1/name a value that must match pattern "^[A-Za-z0-9_-]{1,128}$", got "n n"',
      '5:66 /monitors/single/1/config/intervall one of the keys …, got "intervall", interval?',
      '5:93 /monitors/single/1/config/timeout integer, got "${env.T}"',
      '5:55 /monitors/single/1/config/url a value that must match pattern "^https?://", got "ftp://a"',
      '8:64 /rules/0/condition/or/0/op one of > >= < <= == != in not_in contains starts_with ends_with matches exists between changed, got "equals"',
      '8:88 /rules/0/actions a value that must NOT have fewer than 1 items, got []',
      '9:87 /rules/1/actions/0 the name of an action that is declared, got "a"',
      '9:105 /rules/1/severity one of info, warning, critical, got "criticl", critical?',
    ]);
  });

  it('what is wrong with a condition, at its place in it', () => {
    const conditions = ['{"not": [{"field": "m.up", "op": "equals"}]}', '{"or": [{"field": "m.up", "op": "in", "value": 5}]}'];
    const [not = '', or = ''] = conditions.map((condition) => faults(`{"rules": [{"name": "r", "actions": ["a"], "condition":\n${condition}}]}`)[0]);
    expect(not).to.match(/^2:34 \/rules\/0\/condition\/not\/0\/op one of > >=/);
    expect(or).to.equal('2:48 /rules/0/condition/or/0/value a list, got 5');
  });

  it('a rule that names monitors or actions that are not there, with the nearest, where it names them', () => {
    const condition = {
      not: [
        {
          or: [
            { field: 'mm.up', op: 'exists' },
            { field: 'm.up', op: 'exists' },
          ],
        },
      ],
    };
    const config = text(whole({ rules: [rule({ condition, monitor: ['m', 'zzz'], on_resolve: ['aa'] })] }));
    expect(load(config).faults.map(({ pointer, got, nearest }) => [pointer, got, nearest])).to.deep.equal([
      ['/rules/0/monitor/1', 'zzz', undefined],
      ['/rules/0/condition/not/0/or/0/field', 'mm', 'm'],
      ['/rules/0/on_resolve/0', 'aa', 'a'],
    ]);
    expect(faults(whole({ rules: [rule({ monitor: 'mn' })] }))[0]).to.match(/\/rules\/0\/monitor the name of a monitor that is declared, got "mn", m\?$/);
  });

  it('a resource that is defined twice, naming both places', () => {
    const config = '{"monitors": {"single": [\n {"name": "m", "type": "push", "config": {}},\n {"name": "m", "type": "push", "config": {}}]}}';
    expect(faults(config)).to.deep.equal(['3:2 /monitors/single/1 a name of its own: monitor m is defined in argos.jsonc:2 already, got "m"']);
  });

  it('resources without a name, and does not take them for twins', () => {
    const config = { rules: [5, { condition: {}, actions: ['a'] }, { condition: {}, actions: ['a'] }] };
    const missing = faults(config).filter((one) => one.includes('/name'));
    expect(missing.map((one) => one.replace(/^\S+ /, ''))).to.deep.equal([
      '/rules/1/name a value: the key is missing',
      '/rules/2/name a value: the key is missing',
    ]);
    expect(faults(config).filter((one) => one.includes('/rules/0'))).to.have.length(1);
  });

  it('a reference that is not there once, however often the parameter is named that holds it', () => {
    const headers = { a: '${parameters.t}', b: 'x${parameters.t}' };
    const config = { parameters: { t: '${env.NOPE}' }, monitors: { single: [monitor({ config: { url: 'http://a', headers } }), monitor({ name: 'n' })] } };
    expect(faults(config)).to.deep.equal(['1:20 /parameters/t an environment variable NOPE that is set, got "${env.NOPE}"']);
  });

  it('a misspelt reference that nothing would fill in', () => {
    const config = whole({ monitors: { single: [monitor({ config: { url: 'http://a', headers: { a: 'Bearer ${paramters.t}' } } })] } });
    expect(faults(config)[0]).to.match(/headers\/a a reference to one of parameters, env, secrets, system, got "\$\{paramters.t\}", parameters\?$/);
    const actions = { single: [{ ...action, config: { message: '${rul.name}' } }] };
    expect(faults(whole({ actions }))[0]).to.match(/config\/message a reference to rule\.…, .* got "\$\{rul.name\}", rule\?$/);
  });

  it('what is no JSON, and says nothing more of it', () => {
    expect(faults('{"rules": [}')).to.deep.equal([
      '1:12  JSON with comments (ValueExpected)',
      '1:13  JSON with comments (CloseBracketExpected)',
      '1:13  JSON with comments (CloseBraceExpected)',
    ]);
    expect(faults('[]')).to.deep.equal(['1:1  an object, got []']);
  });

  it('without ever telling a secret', () => {
    const single = [
      { name: 'e', type: 'email', config: { to: 'a@b.c', from: 'a@b.c', smtp_server: 's', smtp_password: 123_456 } },
      { name: 'h', type: 'http', config: { url: 'http://a', method: '${secrets.hook}' } },
      { name: 'i', type: 'http', config: { url: 'ftp://user:hunter2@host/' } },
    ];
    const monitors = { single: [monitor({ config: { url: 'x-${secrets.hook}' } })] };
    const got = faults({ monitors, actions: { single } }, {}, { secrets: { hook: 'sw0rd"fish' } });
    expect(got).to.have.length(4);
    expect(got.join())
      .to.match(/smtp_password string, got "\(secret\)"/)
      .and.not.match(/123456|sw0rd|hunter2/);
  });
});
