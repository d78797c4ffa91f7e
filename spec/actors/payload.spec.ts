// Bytes from outside into values.
import { expect } from 'chai';
import fc from 'fast-check';
import { parseJson, payloadOf } from '../../actors/payload.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const json = fc.jsonValue().filter((value) => !/__proto__|prototype/.test(JSON.stringify(value))); // fast-check likes them
const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);

describe('parseJson', () => {
  it('reads what JSON.stringify writes', () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(parseJson(JSON.stringify(value))).to.deep.equal(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('refuses what is no JSON', () => {
    for (const text of ['', '{', 'nan', "'a'", '{"a": 1,}', '// x\n1']) expect(() => parseJson(text), text).to.throw(SyntaxError);
  });

  it('refuses keys that would reach a prototype, however they are written', () => {
    for (const text of ['{"__proto__": 1}', '[{"a": {"__proto__": {}}}]', '{"constructor": {"prototype": 1}}', '{"\\u005f_proto__": 1}'])
      expect(() => parseJson(text), text).to.throw(SyntaxError);
    expect(parseJson('{"constructor": 1, "prototype": "__proto__"}')).to.deep.equal({ constructor: 1, prototype: '__proto__' });
  });

  it('takes 100 levels, and refuses one more: it would exhaust the stack of who writes it', () => {
    expect(parseJson(nested(100))).to.be.an('array');
    expect(() => parseJson(nested(101))).to.throw(SyntaxError, 'JSON of more than 100 levels');
    expect(() => parseJson(`{"a": ${'{"b": '.repeat(100)}1${'}'.repeat(100)}}`)).to.throw(SyntaxError, 'JSON of more than 100 levels');
    expect(() => parseJson(nested(500_000))).to.throw(SyntaxError, 'JSON of more than 100 levels');
  });

  it('counts levels, not brackets', () => {
    const wide = `[${Array.from({ length: 1_000 }, () => '[{}]').join()}]`;
    expect(parseJson(wide)).to.have.length(1_000);
    expect(parseJson(JSON.stringify('['.repeat(1_000)))).to.equal('['.repeat(1_000));
  });
});

describe('payloadOf', () => {
  it('is the JSON value when it is JSON', () => {
    fc.assert(
      fc.property(json, (value) => {
        const text = JSON.stringify(value);
        expect(payloadOf(bytes(text))).to.deep.equal(JSON.parse(text));
      }),
    );
  });

  it('is the text itself when it is not, or reaches for a prototype, or is nested too deeply', () => {
    for (const text of ['', 'on', '21.5 °C', '{"a":', '{"__proto__": {"admin": true}}', nested(200)]) expect(payloadOf(bytes(text))).to.equal(text);
  });

  it('takes any bytes, and only those of its own view', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.nat(5), fc.nat(5), (all, before, after) => {
        const around = new Uint8Array([...new Uint8Array(before).fill(0x31), ...all, ...new Uint8Array(after).fill(0x32)]);
        expect(payloadOf(around.subarray(before, before + all.length))).to.deep.equal(payloadOf(all));
      }),
    );
  });
});
