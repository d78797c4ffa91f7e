// Unit tests of rules as they are written: series written out, expectations met or not, every word that is wrong told at its place.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { isPart, unmet } from '../../config/test-expect.ts';
import { looksOf, timeOf, timeText, writtenOut } from '../../config/test-steps.ts';
import { readTests, runTests } from '../../config/tests.ts';
import { INACTIVE } from '../../actors/rules/alert/alert-state.ts';
import { tempFolder } from '../support/services.ts';
import type { PlacedFault } from '../../proto/api.ts';
import type { TestedCase } from '../../proto/reports.ts';

const CONFIG = {
  parameters: { limit: 5 },
  monitors: { single: ['m', 'iot_1', 'iot_2'].map((name) => ({ name, type: 'http', config: { url: 'http://127.0.0.1:1/' } })) },
  actions: {
    single: [
      { name: 'say', type: 'log', config: { message: '${rule.name}: ${monitor.data.v}' } },
      {
        name: 'row',
        type: 'database',
        config: { db_type: 'sqlite', database: 'x', table: 't', insert_template: { v: '${monitor.data.v}', r: 'is ${rule.state}' } },
      },
      {
        name: 'post',
        type: 'http',
        config: { url: 'http://127.0.0.1:1/${monitor.name}', body_template: 'v=${monitor.data.v}', headers: { 'content-type': 'text/plain' } },
      },
    ],
  },
  rules: [
    { name: 'high', condition: { field: 'm.v', op: '>', value: { var: 'parameters.limit' } }, actions: ['say', 'row', 'post'], on_resolve: ['say'] },
    { name: 'each', for_each: 'iot_*', condition: 'monitor.v > 5', severity: 'critical', actions: ['say'] },
  ],
};
const source = (value: unknown): { file: string; text: string } => ({
  file: 'it.test.jsonc',
  text: typeof value === 'string' ? value : JSON.stringify(value, null, 1),
});
async function run(tests: unknown, config: object = CONFIG): Promise<readonly TestedCase[] | readonly PlacedFault[]> {
  const read = readTests(source(tests));
  if ('faults' in read) return read.faults;
  const done = await runTests(read, [{ file: 'argos.jsonc', text: JSON.stringify(config) }], {});
  return 'faults' in done ? done.faults : done.cases;
}
const one = async (more: object): Promise<readonly string[]> => {
  const [tested] = (await run({ cases: [{ name: 'it', ...more }] })) as readonly TestedCase[];
  if (!tested || !('failures' in tested)) throw new Error(`it is not valid: ${JSON.stringify(tested)}`);
  return tested.failures.map(({ what, instance = '' }) => `${what}${instance}`);
};
const looks = (...values: readonly unknown[]) => [{ monitor: 'm', path: 'v', every: '10s', values }];

describe('the short form of a series', () => {
  it('stands for what it says', () => {
    expect(
      ['_', '_x3', '35x2', '20+5x4', '20-0.5x3', '0.1+0.2x4', '-1e3x2', '1e-3x1', 'ok', 'x5', '3x', { value: '_' }, null, [1], '7x0'].map(writtenOut),
    ).to.deep.equal([
      [undefined],
      [undefined, undefined, undefined],
      [35, 35],
      [20, 25, 30, 35],
      [20, 19.5, 19],
      [0.1, 0.3, 0.5, 0.7],
      [-1000, -1000],
      [0.001],
      ['ok'],
      ['x5'],
      ['3x'],
      ['_'],
      [null],
      [[1]],
      [],
    ]);
  });

  it('comes in the order of time, each value at its own, and what is no value lets the time pass', () => {
    const step = fc.record({
      at: fc.nat(50),
      every: fc.integer({ min: 1, max: 9 }),
      values: fc.array(fc.oneof(fc.integer(), fc.constant('_')), { minLength: 1, maxLength: 6 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 6 }), (steps) => {
        const written = steps.map(({ at, every, values }) => ({ at: timeText(at), monitor: 'm', path: 'v', every: timeText(every), values }));
        const expected = steps.flatMap(({ at, every, values }) => values.flatMap((value, i) => (value === '_' ? [] : [[at + i * every, value]])));
        const got = looksOf(written, '', []).map(({ atMs, value }) => [atMs, value]);
        expect(got).to.deep.equal(expected.sort(([a], [b]) => Number(a) - Number(b)));
      }),
    );
  });

  it('has times as windows have them, and 0', () => {
    expect(['0', '0s', '90s', '1h30m', '250ms', '400d'].map(timeOf)).to.deep.equal([0, 0, 90_000, 5_400_000, 250, Number.POSITIVE_INFINITY]);
  });
});

describe('an expectation', () => {
  it('is met by what has all that it names, and by nothing that has not', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), fc.jsonValue({ maxDepth: 3 }), (a, b) => {
        const copy: unknown = JSON.parse(JSON.stringify(a));
        expect(isPart(a, copy)).to.equal(true);
        if (typeof copy === 'object' && copy !== null && !Array.isArray(copy)) {
          const [[key] = []] = Object.entries(copy);
          expect(isPart(a, { ...copy, '\0more': b })).to.equal(true);
          if (key !== undefined) expect(isPart(a, Object.fromEntries(Object.entries(copy).filter(([other]) => other !== key)))).to.equal(false);
        }
        expect(isPart([a], [copy, b])).to.equal(false);
      }),
    );
  });

  it('takes `fired` as met only when each is met by another one', () => {
    const carried = ['a', 'b'].map((name) => ({ action: name, state: 'firing' as const, instance: '', at: '1s', payload: { n: name }, alert: {} }));
    const met = (...fired: readonly object[]): boolean =>
      unmet({ at: '1s', rule: 'r', fired: fired as never }, { alerts: new Map([['', INACTIVE]]), carried }).length === 0;
    expect(met({ action: 'a' })).to.equal(true);
    expect(met({ action: 'a' }, { action: 'a' })).to.equal(false);
    const any = { state: 'firing' } as object; // fits both: it must leave `a` to the one that needs it
    expect(met(any, { action: 'a' })).to.equal(true);
    expect(met(any, any, any)).to.equal(false);
  });

  it('sees states, and what was carried out since the one before, as the receiver would have it', async () => {
    expect(
      await one({
        steps: looks(1, 7, 8, 2),
        expect: [
          { at: '9s', rule: 'high', state: 'inactive', actions: [] },
          {
            at: '10s',
            rule: 'high',
            state: 'firing',
            actions: [
              { action: 'say', payload: { level: 'warn', message: 'high: 7' } },
              { action: 'row', payload: { table: 't', row: { v: 7, r: 'is firing' } } },
              {
                action: 'post',
                at: '10000ms',
                payload: { method: 'POST', url: 'http://127.0.0.1:1/m', body: 'v=7', headers: { 'content-type': 'text/plain' } },
              },
            ],
          },
          { at: '29s', rule: 'high', state: 'firing', actions: [], suppressed: [] },
          { at: '30s', rule: 'high', fired: [{ action: 'say', state: 'resolved', alert: { severity: 'warning' } }], not_fired: ['row', 'post'] },
          { at: '40s', rule: 'high', from: '10s', fired: ['say', 'row', 'say'] },
        ],
      }),
    ).to.deep.equal([]);
  });

  it('fails by what it says, whichever part it is', async () => {
    const wrong = [
      { state: 'pending' },
      { held: 'cooldown' },
      { actions: [] },
      { actions: ['row', 'say', 'post'] },
      { fired: [{ action: 'say', payload: { message: 'low' } }] },
      { fired: [{ action: 'say', at: '11s' }] },
      { not_fired: true },
      { not_fired: ['post'] },
      { suppressed: [{ reason: 'cooldown' }] },
    ];
    for (const part of wrong)
      expect(await one({ steps: looks(1, 7), expect: [{ at: '10s', rule: 'high', ...part }] }), JSON.stringify(part)).to.deep.equal(Object.keys(part));
  });

  it('tells the alerts of a rule with for_each apart', async () => {
    const steps = ['iot_1', 'iot_2'].map((monitor, i) => ({ at: `${i}s`, monitor, fields: { v: 9 * i } }));
    const met = { at: '2s', rule: 'each', states: { iot_1: 'inactive', iot_2: 'firing' }, actions: [{ action: 'say', instance: 'iot_2' }] };
    expect(await one({ steps, expect: [met, { at: '2s', rule: 'each', instance: 'iot_1', state: 'inactive', from: '0s', actions: [] }] })).to.deep.equal([]);
    expect(await one({ steps, expect: [{ ...met, states: { iot_1: 'firing', iot_2: 'firing' } }] })).to.deep.equal(['statesiot_1']);
  });

  it('sees the silences of the case, and parameters and silences of the file', async () => {
    const silenced = { matchers: ['rule = high'], starts: '5s', ends: '15s' };
    const expected = [
      { at: '10s', rule: 'high', state: 'firing', held: 'silenced', not_fired: true },
      { at: '15s', rule: 'high', held: null, fired: ['say'] },
    ];
    expect(await one({ steps: looks(1, 7), silences: [silenced], expect: expected })).to.deep.equal([]);
    const written = { cases: [{ name: 'it', steps: looks(1, 7), expect: [{ at: '10s', rule: 'high', state: 'inactive' }] }] };
    const [with7, with6] = [await run({ ...written, parameters: { limit: 7 } }), await run({ ...written, parameters: { limit: 6 } })] as TestedCase[][];
    expect([with7?.[0]?.failures.length, with6?.[0]?.failures.length]).to.deep.equal([0, 1]);
    const ofFile = { ...CONFIG, silences: [{ ...silenced, name: 's', starts: '2026-01-01T00:00:05Z', ends: '2026-01-01T00:00:15Z' }] };
    const [inFile] = (await run({ cases: [{ name: 'it', steps: looks(1, 7), expect: expected }] }, ofFile)) as readonly TestedCase[];
    expect(inFile?.failures).to.deep.equal([]);
  });

  it('has custom functions called, and what they do not answer is unknown', async () => {
    const folder = tempFolder();
    writeFileSync(join(folder, 'f.mjs'), 'export const twice = (v) => { if (v > 50) throw new Error(v); return 2 * v; };');
    const config = {
      ...CONFIG,
      functions: { twice: { module: join(folder, 'f.mjs') } },
      rules: [{ name: 'high', condition: 'twice(m.v) > 10', actions: ['say'] }],
    };
    const expected = [
      { at: '0s', rule: 'high', state: 'inactive' },
      { at: '10s', rule: 'high', state: 'firing' },
      { at: '20s', rule: 'high', state: 'firing' },
    ];
    const [tested] = (await run({ cases: [{ name: 'it', steps: looks(5, 6, 60), expect: expected }] }, config)) as readonly TestedCase[];
    expect(tested?.failures).to.deep.equal([]);
  });

  it('shows what was expected, what came, where it is written, and each part of the condition at that time', async () => {
    const text = `{ "cases": [ { "name": "it",
      "steps": [{ "monitor": "m", "fields": { "v": 3 } }],
      "expect": [
        { "at": "1m30s", "rule": "high", "state": "firing" } ] } ] }`;
    const [tested] = (await run(text)) as readonly TestedCase[];
    expect(tested).to.deep.equal({
      name: 'it',
      line: 1,
      failures: [
        {
          line: 4,
          column: 9,
          at: '1m30s',
          rule: 'high',
          what: 'state',
          expected: 'firing',
          got: 'inactive',
          explanation: { text: 'm.v > 5', at: '', truth: false, value: 3 },
        },
      ],
    });
  });
});

describe('a test file', () => {
  const ok = { at: '1s', rule: 'high', state: 'inactive' };
  const faultsOf = async (value: unknown): Promise<readonly string[]> =>
    ((await run(value)) as readonly PlacedFault[]).map((fault) =>
      'failures' in fault ? 'valid' : `${fault.pointer}${fault.nearest === undefined ? '' : ` ~${fault.nearest}`}`,
    );
  const ofCase = (more: object): Promise<readonly string[]> => faultsOf({ cases: [{ name: 'it', expect: [ok], ...more }] });

  it('is refused with every fault at its place, and the nearest word', async () => {
    expect(await faultsOf('{')).to.have.length.above(0);
    expect(await faultsOf({ cases: [], konfig: '' })).to.include.members(['/konfig ~config', '/cases']);
    expect(await faultsOf({ parameters: { limmit: 3 }, cases: [{ name: 'it', expect: [ok] }] })).to.deep.equal(['/parameters/limmit ~limit']);
    expect(await ofCase({ expect: [{ ...ok, rule: 'hig' }] })).to.deep.equal(['/cases/0/expect/0/rule ~high']);
    expect(await ofCase({ expect: [{ ...ok, sate: 'firing' }] })).to.deep.equal(['/cases/0/expect/0/sate ~state']);
    expect(await ofCase({ expect: [{ ...ok, state: 'fring' }] })).to.deep.equal(['/cases/0/expect/0/state ~firing']);
    expect(await ofCase({ expect: [{ ...ok, fired: ['sayy', { action: 'rows' }] }] })).to.deep.equal([
      '/cases/0/expect/0/fired/0 ~say',
      '/cases/0/expect/0/fired/1/action ~row',
    ]);
    expect(await ofCase({ expect: [{ ...ok, not_fired: false }] })).to.deep.equal(['/cases/0/expect/0/not_fired']);
    expect(await ofCase({ expect: [{ ...ok, instance: 'm' }] })).to.deep.equal(['/cases/0/expect/0/instance']);
    expect(await ofCase({ expect: [{ ...ok, rule: 'each' }] })).to.deep.equal(['/cases/0/expect/0/instance']);
    expect(await ofCase({ expect: [{ ...ok, at: 'soon' }] })).to.deep.equal(['/cases/0/expect/0/at']);
    expect(await ofCase({ expect: [{ ...ok, at: '400d' }] })).to.deep.equal(['/cases/0/expect/0/at']);
    expect(await ofCase({ steps: [{ monitor: 'n', fields: {} }] })).to.deep.equal(['/cases/0/steps/0/monitor']);
    expect(await ofCase({ steps: [{ monitor: 'm', path: 'v' }] })).to.deep.equal(['/cases/0/steps/0/values']);
    expect(await ofCase({ steps: [{ monitor: 'm', path: 'v', values: ['1x2'] }] })).to.deep.equal(['/cases/0/steps/0/every']);
    expect(await ofCase({ steps: [{ monitor: 'm', path: 'v', values: [1], fields: {} }] })).to.have.length(2);
    expect(await ofCase({ steps: [{ monitor: 'm', path: 'v', every: '1s', values: ['1x9999999', '_x9999999'] }] })).to.deep.equal(['/cases/0/steps/0/values']);
    expect(await ofCase({ silences: [{ matchers: ['rul = x'], ends: '5m' }] })).to.deep.equal(['/cases/0/silences/0/matchers/0 ~rule']);
    expect(await faultsOf({ cases: [ok, ok].map((expected) => ({ name: 'twin', expect: [expected] })) })).to.deep.equal(['/cases/1/name']);
  });

  it('is run or refused, and does nothing else, whatever is put in the place of any part of it', async () => {
    const whole = {
      parameters: { limit: 4 },
      cases: [
        {
          name: 'it',
          start: '2026-01-01T00:00:00Z',
          silences: [{ matchers: ['rule = high'], starts: '0s', ends: '1m', windows: [{ from: '01:00', to: '02:00', zone: 'UTC' }] }],
          steps: [{ at: '1s', monitor: 'm', fields: { v: 9 } }, ...looks(1, '2x3')],
          expect: [
            {
              at: '1m',
              rule: 'high',
              from: '0s',
              state: 'firing',
              held: null,
              actions: [{ action: 'say', at: '1s', payload: { message: 'x' } }],
              not_fired: ['row'],
            },
          ],
        },
      ],
    };
    const replaced = (value: unknown, at: number, by: unknown): unknown => {
      let left = at;
      const walk = (one: unknown): unknown => {
        if (left-- === 0) return by;
        if (Array.isArray(one)) return one.map(walk);
        return typeof one === 'object' && one !== null ? Object.fromEntries(Object.entries(one).map(([key, inner]) => [key, walk(inner)])) : one;
      };
      return walk(value);
    };
    const odd = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.constantFrom<unknown>('0s', '_', '1e999x3', '1x9999999', '-0x2', '', '9'.repeat(60), [], {}, -1, '2026-02-30T00:00:00Z'),
    );
    await fc.assert(
      fc.asyncProperty(fc.nat(60), odd, async (at, by) => {
        const done = await run(replaced(whole, at, by));
        for (const one of done) expect('failures' in one || (one.line > 0 && one.expected !== '')).to.equal(true);
      }),
      { numRuns: process.env.ARGOS_LONG ? 600 : 100 },
    );
  });

  it('whose configuration is not valid shows its faults, in its file', async () => {
    const faults = (await run(
      { cases: [{ name: 'it', expect: [ok] }] },
      { ...CONFIG, rules: [{ name: 'high', condition: 'm.v >', actions: ['say'] }] },
    )) as PlacedFault[];
    expect(faults.map(({ file }) => file)).to.deep.equal(['argos.jsonc']);
  });
});
