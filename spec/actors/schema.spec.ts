// Values against schemas: a copy with the defaults, or every fault in words.
import { expect } from 'chai';
import fc from 'fast-check';
import { type TSchema, Type } from 'typebox';
import { check, escapePointer, nearest, oneOf } from '../../actors/schema.ts';

const schema = Type.Object(
  {
    method: oneOf(['GET', 'POST'], { default: 'GET' }),
    port: Type.Integer({ minimum: 1, maximum: 65_535 }),
    names: Type.Optional(Type.Array(Type.String({ pattern: '^[a-z]+$' }), { uniqueItems: true })),
    url: Type.Optional(Type.Unsafe<string | string[]>({ type: ['string', 'array'], items: { type: 'string' } })),
    'a/b~c': Type.Optional(Type.Object({ deep: Type.Boolean() }, { additionalProperties: false })),
  },
  { additionalProperties: false },
);
/** Every fault in a line. */
const faults = (value: unknown, of: TSchema = schema): string[] =>
  check(of, value, '/here').faults.map(
    ({ path, expected, got, nearest: near }) => `${path}: ${expected}${got === undefined ? '' : `, got ${JSON.stringify(got)}`}${near ? `, ${near}?` : ''}`,
  );

describe('check', () => {
  it('answers a copy with the defaults filled in, and leaves the original as it is', () => {
    const given = { port: 80 };
    expect(check(schema, given)).to.deep.equal({ value: { port: 80, method: 'GET' }, faults: [] });
    expect(given).to.deep.equal({ port: 80 });
  });

  it('shares no default between two copies', () => {
    const listed = Type.Object({ list: Type.Array(Type.String(), { default: [] }) });
    const list = (): unknown[] => {
      const got = check(listed, {});
      return 'value' in got ? got.value.list : expect.fail();
    };
    list().push('x');
    expect(list()).to.deep.equal([]);
  });

  it('says every fault at once, each with its path', () => {
    expect(faults({ method: 'PSOT', port: 'x', names: ['a', 'B', 'a'], url: 5, 'a/b~c': { deep: 1, x: 1 } })).to.have.members([
      '/here/method: one of GET, POST, got "PSOT"',
      '/here/port: integer, got "x"',
      '/here/names: a value that must NOT have duplicate items (items ## 2 and 0 are identical), got ["a","B","a"]',
      '/here/names/1: a value that must match pattern "^[a-z]+$", got "B"',
      '/here/url: string or array, got 5',
      '/here/a~1b~0c/x: one of the keys deep, got "x"',
      '/here/a~1b~0c/deep: boolean, got 1',
    ]);
  });

  it('names the key that is missing, and what a number must be', () => {
    expect(faults({})).to.deep.equal(['/here/port: a value: the key is missing']);
    expect(faults({ port: 0 })).to.deep.equal(['/here/port: a value that must be >= 1, got 0']);
    expect(faults(5)).to.deep.equal(['/here: object, got 5']);
  });

  it('names the nearest key or word for one that is misspelt', () => {
    expect(faults({ prot: 80, port: 80 })).to.deep.equal(['/here/prot: one of the keys method, port, names, url, a/b~c, got "prot"']);
    expect(faults({ ports: 80, port: 80 })[0]).to.match(/got "ports", port\?$/);
    expect(faults({ method: 'post', port: 80 })[0]).to.match(/got "post", POST\?$/);
    expect(faults({ method: 5, port: 80 })).to.include('/here/method: one of GET, POST, got 5');
  });

  it('knows keys that no part of a schema has taken', () => {
    const parts = Type.Unsafe<object>({ type: 'object', properties: { url: {} }, unevaluatedProperties: false });
    expect(faults({ ulr: 1, urll: 1 }, parts)).to.deep.equal([
      '/here/ulr: one of the keys url, got "ulr"',
      '/here/urll: one of the keys url, got "urll", url?',
    ]);
  });

  it('leaves out that the branch of a condition did not hold: what is wrong in it is said', () => {
    const branched = Type.Unsafe<object>(JSON.parse('{"type": "object", "if": {"required": ["a"]}, "then": {"required": ["b"]}}'));
    expect(faults({ a: 1 }, branched)).to.deep.equal(['/here/b: a value: the key is missing']);
  });

  it('is not deceived by keys of a prototype', () => {
    expect(faults(JSON.parse('{"port": 1, "__proto__": {"x": 1}, "constructor": 1}'))).to.have.length(2);
  });
});

describe('nearest', () => {
  const words = fc.array(fc.string({ minLength: 3 }), { minLength: 1 });

  it('is the word itself when it is among them, in whatever case', () => {
    fc.assert(
      fc.property(words, fc.nat(), (known, n) => {
        const word = known[n % known.length] ?? '';
        expect(nearest(word.toUpperCase(), known)?.toLowerCase()).to.equal(word.toLowerCase());
      }),
    );
  });

  it('is one of the words, or nothing', () => {
    fc.assert(
      fc.property(fc.string(), words, (word, known) => {
        expect([undefined, ...known]).to.include(nearest(word, known));
      }),
    );
  });

  it('forgives one letter in three, and one in a short word', () => {
    expect(nearest('intervall', ['timeout', 'interval'])).to.equal('interval');
    expect(nearest('htpp', ['mqtt', 'http'])).to.equal('http');
    expect(nearest('htap', ['mqtt', 'tcp'])).to.equal(undefined);
    expect(nearest('monitrs', ['monitors'])).to.equal('monitors');
    expect(nearest('anything', ['monitors'])).to.equal(undefined);
    expect(nearest('x', [])).to.equal(undefined);
  });

  it('takes no word that has nothing in common with what was written', () => {
    expect(nearest('=', ['>', '<', '=='])).to.equal(undefined);
    expect(nearest('', ['a'])).to.equal(undefined);
  });
});

describe('escapePointer', () => {
  it('can be undone: RFC 6901 §3', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('~', '/', '0', '1', 'a') }), (key) => {
        const escaped = escapePointer(key);
        expect(escaped).to.not.include('/');
        expect(escaped.replaceAll('~1', '/').replaceAll('~0', '~')).to.equal(key);
      }),
    );
  });
});
