// Windows, names and iterations as they are written: what they mean, and their faults at their places.
import { expect } from 'chai';
import fc from 'fast-check';
import type { Fields } from '../../../actors/event.ts';
import { compile } from '../../../actors/rules/condition/compile.ts';
import { parseCondition } from '../../../actors/rules/condition/condition.ts';
import { factsOf } from '../../../actors/rules/condition/facts.ts';
import { durationMs, durationText } from '../../../actors/rules/condition/operators-window.ts';
import { calls, nodes, windows } from '../../../actors/rules/condition/tree.ts';
import { FUNCTIONS, parsed } from '../../support/conditions.ts';

const faults = (json: unknown, parameters: Fields = {}): string[] =>
  parseCondition(json, parameters, '/c', Object.keys(FUNCTIONS)).faults.map(
    ({ path, expected, got }) => `${path}: ${expected}${got === undefined ? '' : `, got ${JSON.stringify(got)}`}`,
  );
const value = (json: unknown, data: unknown = {}, parameters: Fields = {}): unknown => compile(parsed(json, parameters))(factsOf(data));

describe('a duration', () => {
  it('is digits and units, as many as there are: ms s m h d w', () => {
    const all: readonly (readonly [text: string, ms: number])[] = [
      ['5m', 300_000],
      ['1h30m', 5_400_000],
      ['90s', 90_000],
      ['250ms', 250],
      ['2d', 172_800_000],
      ['1w', 604_800_000],
      ['366d', 31_622_400_000],
    ];
    for (const [text, ms] of all) expect(durationMs(text), text).to.equal(ms);
    for (const text of ['', '5', 'm', '5 m', '5M', '-5m', '0s', '0.5s', '367d', '1e3s', '5m!', 'x5m', 300, null, undefined])
      expect(durationMs(text), String(text)).to.equal(undefined);
  });

  it('is told in its greatest units, and means the same again', () => {
    expect([durationText(5_400_000), durationText(300_000), durationText(1)]).to.deep.equal(['1h30m', '5m', '1ms']);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 366 * 86_400_000 }), (ms) => {
        expect(durationMs(durationText(ms))).to.equal(ms);
      }),
    );
  });
});

describe('a window', () => {
  it('is a function over a field and a duration, and each is asked for once', () => {
    const tree = parsed({ and: [{ '>': [{ avg: ['m.a.x', '5m'] }, { min: [{ field: 'm.a.x' }, '300s'] }] }, { '<': [{ avg: ['m.a.x', '5m'] }, 9] }] });
    expect(windows(tree)).to.deep.equal([
      { fn: 'avg', monitor: 'm', path: ['a', 'x'], lengthMs: 300_000 },
      { fn: 'min', monitor: 'm', path: ['a', 'x'], lengthMs: 300_000 },
    ]);
    expect(nodes(tree).flatMap((node) => (node.kind === 'window' ? [node.index] : []))).to.deep.equal([0, 1, 0]);
  });

  it('knows the thirteen functions; percentile takes a number besides', () => {
    const fns = ['avg', 'sum', 'min', 'max', 'count', 'rate', 'delta', 'stddev', 'first', 'last', 'age', 'changed'];
    for (const fn of fns) expect(windows(parsed({ [fn]: ['m.x', '5m'] }))[0]?.fn).to.equal(fn);
    expect(windows(parsed({ percentile: ['m.x', '5m', 99.9] }))).to.deep.equal([{ fn: 'percentile', monitor: 'm', path: ['x'], lengthMs: 300_000, p: 99.9 }]);
  });

  it('takes its duration and its percentile from parameters', () => {
    const json = { percentile: ['m.x', { var: 'parameters.window' }, { var: 'parameters.p' }] };
    expect(windows(parsed(json, { window: '1h', p: 95 }))[0]).to.include({ lengthMs: 3_600_000, p: 95 });
    expect(windows(parsed({ max: ['m.x', { var: 'parameters.window' }] }, { window: '1h' }))).to.have.length(1);
  });

  it('is what the facts say it is, and unknown when they say nothing', () => {
    const tree = parsed({ '>': [{ avg: ['m.x', '5m'] }, { avg: ['m.x', '1h'] }] });
    const come = (values: readonly unknown[]): unknown => compile(tree)({ ...factsOf({}), window: (index) => values[index] });
    expect([come([2, 1]), come([1, 2]), come([2]), come([])]).to.deep.equal([true, false, undefined, undefined]);
  });

  it('min and max without a duration are JsonLogic’s', () => {
    expect([value({ max: [1, '3', 2] }), value({ min: { var: 'm.l' } }, { m: { l: [3, 2] } })]).to.deep.equal([3, 2]);
    expect(windows(parsed({ max: [{ field: 'm.x' }, { field: 'm.y' }] }))).to.deep.equal([]);
  });

  it('has its faults where they are', () => {
    expect(faults({ avg: ['m.x'] })).to.deep.equal(['/c/avg: a field and a duration: ["monitor.path", "5m"]']);
    expect(faults({ avg: 'm.x' })).to.deep.equal(['/c/avg: a field and a duration: ["monitor.path", "5m"]']);
    expect(faults({ avg: ['m.x', '5m', 1] })).to.have.length(1);
    expect(faults({ avg: ['m', '5m'] })).to.deep.equal(['/c/avg/0: a monitor and a path in its state: "monitor.path", got "m"']);
    for (const length of ['5 m', 5, '0s', { var: 'parameters.no' }, { var: 'm.x' }])
      expect(faults({ rate: ['m.x', length] })[0]).to.match(/^\/c\/rate\/1: a duration of 1ms to 366d, such as "5m" or "1h30m", got /);
    expect(faults({ percentile: ['m.x', '5m', 101] })).to.deep.equal(['/c/percentile/2: a number from 0 to 100, got 101']);
    expect(faults({ percentile: ['m.x', '5m'] })).to.deep.equal(['/c/percentile: a field, a duration and 0 to 100: ["monitor.path", "5m", 95]']);
  });
});

describe('var', () => {
  it('puts parameters in, by name and by path, also within map, and needs them to be declared', () => {
    const parameters = { limit: 3, deep: { x: [7] } };
    expect(value({ '+': [{ var: 'parameters.limit' }, { var: 'parameters.deep.x.0' }] }, {}, parameters)).to.equal(10);
    expect(value({ map: [[1, 2], { '*': [{ var: '' }, { var: 'parameters.limit' }] }] }, {}, parameters)).to.deep.equal([3, 6]);
    expect(value({ val: ['parameters', 'limit'] }, {}, parameters)).to.equal(3);
    expect(value({ '!': { var: ['parameters.no', 5] } }, {}, parameters)).to.equal(false);
    expect(faults({ '!': { var: 'parameters.no' } }, parameters)).to.deep.equal(['/c/!/var: a parameter that is declared: limit, deep, got "parameters.no"']);
    for (const name of ['toString', '__proto__', 'constructor.name', 'deep.constructor'])
      expect(faults({ '!': { var: `parameters.${name}` } }, parameters), name).to.have.length(1);
  });

  it('is of the element within map, filter and their like, and of accumulator and current within reduce', () => {
    const data = { m: { all: [{ n: 1 }, { n: 5 }], n: 9 } };
    expect(value({ filter: [{ var: 'm.all' }, { '>': [{ var: 'n' }, 2] }] }, data)).to.deep.equal([{ n: 5 }]);
    expect(value({ map: [{ var: 'm.all' }, { var: 'm.n' }] }, data)).to.deep.equal([null, null]);
    expect(value({ map: [{ var: 'm.all' }, { field: 'm.n' }] }, data)).to.deep.equal([9, 9]);
    expect(value({ reduce: [{ var: 'm.all' }, { '+': [{ var: 'accumulator' }, { var: 'current.n' }] }, { var: 'm.n' }] }, data)).to.equal(15);
    expect(value({ map: [[[1], [2, 3]], { map: [{ var: '' }, { '*': [{ var: '' }, 2] }] }] })).to.deep.equal([[2], [4, 6]]);
  });

  it('refuses names that are none', () => {
    for (const name of ['a..b', 'a.', '__proto__', 'm.constructor.name'])
      expect(faults({ '!': { var: name } })[0], name).to.match(/^\/c\/!\/var: a path of plain names/);
    expect(faults({ '!': { var: true } })).to.deep.equal(['/c/!/var: a name, got true']);
    expect(faults({ '!': { missing: ['m.__proto__'] } })).to.have.length(1);
    expect(faults({ '!': { val: ['m', [1]] } })).to.deep.equal(['/c/!/val: names, got ["m",[1]]']);
  });
});

describe('missing', () => {
  it('names what is not there, null or empty; of elements within map', () => {
    const data = { m: { x: 0, empty: '', none: null, all: [{ a: 1 }, { b: 1 }] } };
    expect(value({ missing: ['m.x', 'm.empty', 'm.none', 'm.no'] }, data)).to.deep.equal(['m.empty', 'm.none', 'm.no']);
    expect(value({ missing_some: [1, ['m.x', 'm.no']] }, data)).to.deep.equal([]);
    expect(value({ map: [{ var: 'm.all' }, { missing: ['a', 'b'] }] }, data)).to.deep.equal([['b'], ['a']]);
  });
});

describe('a custom function', () => {
  it('is called by its name with its operands, and is unknown when one of them is, or when it does not answer', () => {
    const asked: unknown[] = [];
    const facts = {
      ...factsOf({ m: { x: 1 } }),
      call: (...call: unknown[]) => {
        asked.push(call);
        return 'yes';
      },
    };
    const tree = parsed({ '==': [{ pair: [{ field: 'm.x' }, 'a'] }, 'yes'] });
    expect(calls(tree)).to.deep.equal(['pair']);
    expect(compile(tree)(facts)).to.equal(true);
    expect(asked).to.deep.equal([['pair', [1, 'a']]]);
    expect(compile(parsed({ pair: { field: 'm.no' } }))(facts)).to.equal(undefined);
    expect(asked).to.have.length(1);
    expect(compile(parsed({ '!': { mute: [] } }))(factsOf({}))).to.equal(undefined);
  });
});
