// Conditions that are too much: refused when they are loaded, or bounded when they are evaluated. None of them overflows the stack.
import { expect } from 'chai';
import { compile, ConditionError } from '../../../actors/rules/condition/compile.ts';
import { parseCondition, parseLogic } from '../../../actors/rules/condition/condition.ts';
import { details, explain } from '../../../actors/rules/condition/explain.ts';
import { factsOf } from '../../../actors/rules/condition/facts.ts';
import { parsed } from '../../support/conditions.ts';

const LEAF = { field: 'm.x', op: 'exists' };
const faults = (json: unknown): string[] => parseCondition(json, {}, '/c').faults.map(({ path, expected }) => `${path}: ${expected}`);
/** @param levels of this around the leaf. */
function nested(levels: number, around: (inner: unknown) => unknown, inner: unknown = LEAF): unknown {
  let json = inner;
  for (let i = 1; i < levels; i++) json = around(json);
  return json;
}
/** What becomes of a condition over this data: its value, or the error’s kind; and how long it took. */
function run(json: unknown, data: unknown): { readonly got: unknown; readonly ms: number } {
  const compiled = compile(parsed(json));
  const began = process.cpuUsage();
  const ms = (): number => (({ user, system }) => (user + system) / 1_000)(process.cpuUsage(began));
  try {
    return { got: compiled(factsOf(data)), ms: ms() };
  } catch (error) {
    if (error instanceof ConditionError) return { got: error.kind, ms: ms() };
    throw error;
  }
}

describe('a condition that is refused when it is loaded', () => {
  it('has more than 64 levels, whatever they are of', () => {
    const forms: readonly ((inner: unknown) => unknown)[] = [
      (inner) => ({ not: inner }),
      (inner) => ({ and: [inner] }),
      (inner) => [inner],
      (inner) => ({ var: [inner] }),
      (inner) => ({ missing: inner }),
      (inner) => ({ '+': inner }),
      (inner) => ({ map: [[1], inner] }),
      (inner) => ({ contains: [inner, 'x'] }),
      (inner) => ({ if: [1, 2, inner] }),
      (inner) => ({ pair: inner }),
    ];
    for (const form of forms) {
      expect(parseLogic(nested(64, form), {}, '', ['pair']).faults, String(form)).to.deep.equal([]);
      for (const levels of [65, 10_000, 100_000]) {
        const told = parseLogic(nested(levels, form), {}, '', ['pair']).faults.map(({ expected }) => expected);
        expect(new Set(told), String(form)).to.deep.equal(new Set(['a condition of at most 64 levels']));
        expect(told.length).to.be.at.most(3); // one for each part that is too deep
      }
    }
    expect(faults(nested(65, (inner) => ({ not: inner })))).to.deep.equal([`/c${'/not'.repeat(64)}: a condition of at most 64 levels`]);
  });

  it('has values of more than 64 levels', () => {
    const deep = nested(10_000, (inner) => [inner], 1);
    for (const json of [{ field: 'm.x', op: '==', value: deep }, { '==': [{ preserve: deep }, 1] }, { contains: [{ field: 'm.x' }, deep] }])
      expect(faults(json)[0]).to.match(/: a (value|condition) of at most 64 levels$/);
    expect(parseCondition({ '==': [{ var: 'parameters.deep' }, 1] }, { deep }).faults).to.have.length(1);
  });

  it('has more than 10,000 parts, told once, or 100,000 values', () => {
    const wide = (parts: number): unknown => ({ or: Array.from({ length: parts - 1 }, () => LEAF) });
    expect(faults(wide(10_000))).to.deep.equal([]);
    expect(faults(wide(10_005))).to.deep.equal(['/c/or/9999: a condition of at most 10000 parts']);
    const many = (count: number): unknown => ({ field: 'm.x', op: 'in', value: Array.from({ length: count }, (_, i) => i) });
    expect(faults(many(50_000))).to.deep.equal([]);
    expect(faults(many(100_001))).to.deep.equal(['/c/value: at most 100000 values in all']);
  });

  it('has texts of more than 65,536 characters', () => {
    const long = 'x'.repeat(65_537);
    expect(faults({ field: 'm.x', op: '==', value: long })).to.deep.equal(['/c/value: a text of at most 65536 characters']);
    expect(faults({ in: [long, { var: 'm.x' }] })).to.deep.equal(['/c/in/0: a text of at most 65536 characters']);
    expect(faults({ '!': { var: `m${'.x'.repeat(40_000)}` } })[0]).to.match(/a path of plain names/);
    expect(faults('x'.repeat(65_537))[0]).to.match(/^\/c: a text of at most 65536 characters/);
  });

  it('names what no object has of its own', () => {
    for (const name of ['__proto__', 'constructor', 'prototype'])
      for (const json of [
        { field: `m.${name}`, op: 'exists' },
        { '!': { field: `${name}.x` } },
        { '!': { var: `m.${name}` } },
        { '!': { val: ['m', name] } },
        { '!': { missing: [`m.${name}`] } },
        { '!': { avg: [`m.${name}`, '5m'] } },
        JSON.parse(`{"${name}": [1]}`),
      ])
        expect(faults(json), JSON.stringify(json)).to.have.length(1);
    for (const name of ['toString', 'hasOwnProperty', 'valueOf']) expect(faults({ [name]: [1] }), name).to.have.length(1);
  });

  it('has a pattern that explodes elsewhere: it is linear here, or refused', () => {
    expect(faults({ field: 'm.x', op: 'matches', value: '(?=(a+))\\1' })).to.have.length(1);
    expect(faults({ matches: [{ var: 'm.x' }, 'x{2000}'] })).to.have.length(1);
    expect(faults({ matches: [{ var: 'm.x' }, { var: 'm.pattern' }] })).to.have.length(1);
  });
});

describe('a condition that is evaluated', () => {
  const list = Array.from({ length: 2_000 }, (_, i) => i);

  it('reads no prototype, by whatever name it comes to', () => {
    const data = { m: { list: [1], text: 'abc', x: {} } };
    for (const name of ['m.constructor.name', 'm.x.toString', 'm.list.map', 'm.text.length', '__proto__.x', 'm.__proto__', 'constructor'])
      expect(run({ var: [{ cat: name.split('') }] }, data).got, name).to.equal(null);
    expect(run({ val: ['m', { cat: ['__pro', 'to__'] }] }, data).got).to.equal(null);
    expect(run({ missing: { merge: [{ cat: ['m.', 'toString'] }] } }, data).got).to.deep.equal(['m.toString']);
    const odd = JSON.parse('{"m": {"constructor": 1, "__proto__": 2, "x": {"prototype": 3}}}');
    for (const name of ['m.constructor', 'm.__proto__', 'm.x.prototype']) expect(run({ var: [{ cat: [name] }] }, odd).got, name).to.equal(null);
    const polluted = JSON.parse('{"m": {"__proto__": {"x": 1}, "toString": 5, "valueOf": 6}}');
    expect(run({ '==': [{ var: 'm' }, 'x'] }, polluted).got).to.equal(false);
    expect(run({ '+': [{ var: 'm' }, 1] }, polluted).got).to.equal('NaN');
    expect(run({ '==': [{ var: 'm' }, { preserve: { x: 1 } }] }, polluted).got).to.equal(false);
  });

  it('ends after a bounded number of steps: loops within loops are an error, and cost milliseconds', () => {
    const all = { var: 'm.list' };
    const loop = { map: [all, { map: [{ field: 'm.list' }, { reduce: [{ field: 'm.list' }, { '+': [1, { var: 'accumulator' }] }, 0] }] }] };
    const bombs: readonly unknown[] = [
      loop,
      { map: [all, { map: [{ field: 'm.list' }, { var: '' }] }] },
      { some: [all, { in: [-1, { field: 'm.list' }] }] },
      { some: [all, { '==': [{ field: 'm.list' }, { merge: [{ field: 'm.list' }, 1] }] }] },
      { reduce: [all, { merge: [{ var: 'accumulator' }, { var: 'accumulator' }] }, [1, 2]] },
      { reduce: [all, { cat: [{ var: 'accumulator' }, { var: 'accumulator' }] }, 'ab'] },
      { filter: [all, { matches: [{ field: 'm.text' }, '(a|b)*c(a|b){20}d'] }] },
    ];
    for (const json of bombs) {
      const { got, ms } = run(json, { m: { list, text: 'ab'.repeat(2_000) } });
      expect(got, JSON.stringify(json)).to.equal('limit');
      expect(ms, JSON.stringify(json)).to.be.below(1_000);
    }
  });

  it('makes no text of more than 65,536 characters', () => {
    const twice = { cat: [{ var: 'm.text' }, { var: 'm.text' }] };
    expect(run({ '==': [twice, ''] }, { m: { text: 'x'.repeat(32_768) } }).got).to.equal(false);
    expect(run(twice, { m: { text: 'x'.repeat(32_769) } }).got).to.equal('limit');
  });

  it('begins each time with all its steps', () => {
    const compiled = compile(parsed({ '>': [{ reduce: [{ var: 'm.list' }, { '+': [{ var: 'current' }, { var: 'accumulator' }] }, 0] }, 0] }));
    for (let i = 0; i < 300; i++) expect(compiled(factsOf({ m: { list } }))).to.equal(true);
  });

  it('matches the worst of patterns in bounded time', () => {
    let seed = 1;
    const text = Array.from({ length: 65_536 }, () => {
      seed = (seed * 48_271) % 0x7fff_ffff;
      return seed % 2 === 0 ? 'a' : 'b';
    }).join('');
    const patterns = ['(a|b)*a(a|b){900}[cd]', '(a|b)*a(a|b){100}[cd]', '(a|b)*a(a|b){20}[cd]', '([ab]?){900}[cd]', '^(a+)+$', '(.*)(.*)(.*)(.*)[^ab]'];
    for (const pattern of patterns)
      for (const length of [700, 6_000, 30_000, 65_536])
        expect(run({ field: 'm.text', op: 'matches', value: pattern }, { m: { text: text.slice(0, length) } }).ms, `${pattern} ${length}`).to.be.below(2_000);
  });

  it('takes values of any depth that come from outside', () => {
    const deep = nested(200_000, (inner) => [inner], 1);
    const other = nested(200_000, (inner) => [inner], 2);
    const facts = { ...factsOf({ m: { x: deep } }), before: () => ({ x: other }) };
    const tree = parsed({ field: 'm.x', op: 'changed' });
    expect(() => compile(tree)(facts)).to.throw(ConditionError, /more than 1000 levels/);
    expect(details(parsed({ field: 'm.x', op: 'exists' }), facts, 'firing')).to.equal('m.x exists (a value of thousands of levels)');
    expect(explain(tree, facts)).to.deep.include({ truth: null, reason: 'changed: values of more than 1000 levels are not compared' });
    for (const json of [{ cat: [{ var: 'm.x' }] }, { '+': [{ var: 'm.x' }, 1] }, { in: [{ var: 'm.x' }, [[1]]] }, { '<': [{ var: 'm.x' }, 1] }])
      expect(run(json, { m: { x: deep } }).got).to.be.oneOf(['NaN', 'Invalid Arguments', false]);
  });
});
