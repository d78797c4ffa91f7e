// A condition by itself: what is typed, what a stream of requests is answered, and JsonLogic's suites through that.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { answerLine, type Condition, evaluate, isRefused, readCondition, textOf } from '../../config/evaluate.ts';
import { condition as anyCondition } from '../support/conditions.ts';

const SUITES = resolve(import.meta.dirname, '../../../shared/vectors/jsonlogic');

function read(text: string, data: unknown = {}): Condition {
  const got = readCondition(text, data, 'condition');
  if (isRefused(got)) throw new Error(JSON.stringify(got.faults));
  return got;
}
const faultsOf = (text: string): readonly string[] => {
  const got = readCondition(text, {}, 'condition');
  return isRefused(got) ? got.faults.map(({ line, column, expected, nearest }) => `${line}:${column} ${expected}${nearest ? `, ${nearest}?` : ''}`) : [];
};
const asked = (rule: unknown, data?: unknown): unknown => JSON.parse(answerLine(JSON.stringify({ rule, data })));

describe('a condition without a node', () => {
  it('is JSON where it is JSON, with comments too, and else the text form', () => {
    const data = { m: { x: 6, 'b c': ['a'] } };
    for (const text of [
      'm.x > 5',
      '"m.x > 5"', // as it stands in a configuration
      '{"field": "m.x", "op": ">", "value": 5} // hot',
      '"a" in m."b c"', // which begins and ends like a JSON text
      '[1, 2] == [1, 2] or m.y',
    ])
      expect(evaluate(read(text), data), text).to.deep.equal({ result: true });
    expect(evaluate(read('"apple"'), data)).to.deep.equal({ result: 'apple' });
    expect(evaluate(read('[1, m.x]'), data)).to.deep.equal({ result: [1, 6] });
  });

  it('is unknown for want of data, which is not null', () => {
    expect(evaluate(read('m.x > 5'), {})).to.deep.equal({ result: null, unknown: true });
    expect(evaluate(read('avg(m.x, 5m) > 5'), { m: { x: 6 } })).to.deep.equal({ result: null, unknown: true });
    expect(evaluate(read('{"var": "m.x"}'), {})).to.deep.equal({ result: null });
  });

  it('takes parameters from the data, and refuses those that are not there', () => {
    expect(evaluate(read('m.x > parameters.limit', { parameters: { limit: 5 } }), { m: { x: 6 } })).to.deep.equal({ result: true });
    expect(faultsOf('m.x > parameters.limit')).to.deep.equal(['1:7 a parameter that is declared: there is none']);
  });

  it('has its faults where they stand: of the key where a key is wrong', () => {
    expect(faultsOf('m.x > 5\n  adn m.y')).to.deep.equal(['2:3 an operator, and?']);
    expect(faultsOf('{"and": [\n  {"matchs": [{"var": "a"}, "b"]}]}')[0]).to.match(/^2:4 an operator, .*, matches\?$/);
    expect(faultsOf('{"field": "m.x", "op": ">",\n "value": [1]}')[0]).to.match(/^2:11 /);
    expect(faultsOf('{"a')[0]).to.match(/^1:2 expected JSON|^1:2 JSON/);
    expect(faultsOf(`${'{"not":'.repeat(300)}1${'}'.repeat(300)}`)[0]).to.match(/JSON of at most 256 levels/);
  });

  it('has the same result in its other form', () => {
    fc.assert(
      fc.property(
        anyCondition,
        fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.dictionary(fc.constantFrom('x', 'y', '0'), fc.integer({ min: -2, max: 2 }))),
        (json, data) => {
          const text = textOf(read(JSON.stringify(json)));
          if (text !== undefined) expect(evaluate(read(text), data), text).to.deep.equal(evaluate(read(JSON.stringify(json)), data));
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('a line of a stream', () => {
  it('is answered by a result, unknown or not, or by an error with its kind and place', () => {
    expect(asked({ '+': [1, { var: 'x' }] }, { x: 2 })).to.deep.equal({ result: 3 });
    expect(asked('m.x > 1', { m: { x: 2 } })).to.deep.equal({ result: true });
    expect(asked({ field: 'm.x' })).to.deep.equal({ result: null, unknown: true });
    expect(asked({ if: [true, { '/': [1, { var: 'x' }] }] }, { x: 0 })).to.deep.equal({ error: { type: 'NaN', message: '/: divided by zero', at: '/if/1' } });
    expect(asked({ foo: 1 })).to.have.nested.property('error.type', 'Unknown Operator');
    expect(asked('m.x >'))
      .to.have.nested.property('error.message')
      .that.matches(/^1:6 expected a value/);
    expect(asked({ '*': [1e308, 10] })).to.have.nested.property('error.type', 'NaN'); // JSON has no infinity
  });

  it('that is none is answered by an error', () => {
    for (const line of ['', 'nonsense', '{}', '[]', '1', 'null', '{"data": 1}', '{"rule"'])
      expect(JSON.parse(answerLine(line)), line).to.have.nested.property('error.type', 'line');
  });

  it('takes the rule that all have when it has none, null being one', () => {
    expect(answerLine('{"data": {"x": 1}}', { var: 'x' })).to.equal('{"result":1}');
    expect(answerLine('{"rule": null}', { var: 'x' })).to.equal('{"result":null}');
  });

  it('of any kind at all has one line for an answer', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.json().map((json) => `{"rule": ${json}, "data": ${json}}`),
        ),
        (line) => {
          const answered = answerLine(line);
          expect(answered).to.not.include('\n');
          const answer: unknown = JSON.parse(answered);
          expect(Object.keys(Object(answer))[0]).to.match(/^(result|error)$/);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('may nest its data deeper than the stack: that is an error', () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    expect(JSON.parse(answerLine(`{"rule": {"var": ""}, "data": ${deep}}`))).to.have.nested.property('error.type', 'limit');
  });

  it('holds JsonLogic’s community suites', function () {
    if (!existsSync(SUITES)) return this.skip();
    const files = readdirSync(SUITES, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.json'));
    let cases = 0;
    for (const file of files)
      for (const one of JSON.parse(readFileSync(join(SUITES, file), 'utf8'))) {
        if (typeof one !== 'object') continue; // a heading
        const name = `${file}: ${JSON.stringify(one)}`;
        cases++;
        if (one.error) expect(asked(one.rule, one.data), name).to.have.property('error');
        else expect(asked(one.rule, one.data), name).to.deep.equal({ result: one.result });
      }
    expect(cases).to.be.at.least(436);
  });
});
