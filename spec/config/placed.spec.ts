// JSON with comments, in which every value knows where it was written.
import { expect } from 'chai';
import fc from 'fast-check';
import { concat, faultAt, isList, isMap, items, mapPlaced, member, merge, parsePlaced, type Placed, placeAt, placeOf, plain } from '../../config/placed.ts';

const PLACE = { file: 'argos.jsonc', line: 1, column: 1, pointer: '' };
const tree = (text: string, file = 'argos.jsonc'): Placed => {
  const { root, faults } = parsePlaced({ file, text });
  expect(faults).to.deep.equal([]);
  return root ?? expect.fail('there is no tree');
};
const placed = (value: unknown): Placed => placeAt(value, PLACE);
/** Where `pointer` stands, as `line:column`. */
const where = (root: Placed, pointer: string, ofKey = false): string => {
  const { line, column } = placeOf(root, pointer, ofKey);
  return `${line}:${column}`;
};
const json = fc.jsonValue();

describe('parsePlaced', () => {
  it('reads whatever JSON says', () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(plain(tree(JSON.stringify(value, null, 2)))).to.deep.equal(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('takes comments and trailing commas', () => {
    expect(plain(tree('// first\n{"a": [1, 2,], /* and */ "b": null,}'))).to.deep.equal({ a: [1, 2], b: null });
  });

  it('knows line, column and pointer of every value, from 1', () => {
    const root = tree('{\n  "a": [true,\n    "x"],\r\n  "b/c": {"~": 1}}');
    expect(where(root, '')).to.equal('1:1');
    expect(where(root, '/a')).to.equal('2:8');
    expect(where(root, '/a/1')).to.equal('3:5');
    expect(where(root, '/b~1c/~0')).to.equal('4:16');
    expect(placeOf(root, '/b~1c/~0')).to.deep.equal({ file: 'argos.jsonc', line: 4, column: 16, pointer: '/b~1c/~0' });
  });

  it('finds each value of any document at the place that it gives', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ minLength: 1 }), fc.array(fc.integer())), (value) => {
        const text = JSON.stringify(value, null, 1);
        const lines = text.split('\n');
        mapPlaced(tree(text), (one) => {
          const { line, column } = one.place;
          const rest = lines[line - 1]?.slice(column - 1) ?? '';
          expect(rest.startsWith(isMap(one) ? '{' : isList(one) ? '[' : JSON.stringify(one.value)), `${line}:${column}`).to.equal(true);
          return one;
        });
      }),
    );
  });

  it('names every fault of the JSON at once, each at its place', () => {
    const { faults } = parsePlaced({ file: 'bad.jsonc', text: '{\n  "a": ,\n  "b" 1\n}' });
    expect(faults.map(({ file, line, column, expected }) => `${file}:${line}:${column} ${expected}`)).to.deep.equal([
      'bad.jsonc:2:8 JSON with comments (ValueExpected)',
      'bad.jsonc:3:7 JSON with comments (ColonExpected)',
    ]);
  });

  it('refuses a key that stands there twice, at the second one', () => {
    const { faults } = parsePlaced({ file: 'a.json', text: '{"a": 1,\n "a": 2}' });
    expect(faults).to.deep.equal([{ file: 'a.json', line: 2, column: 2, pointer: '/a', expected: 'this key once only', got: 'a' }]);
  });

  it('says that a file is empty', () => {
    for (const text of ['', ' \n', '// nothing']) {
      const { root, faults } = parsePlaced({ file: 'a.json', text });
      expect(root).to.equal(undefined);
      expect(faults).to.have.length(1);
    }
  });

  it('refuses what is nested too deeply to be walked, and takes 256 levels', () => {
    const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
    expect(parsePlaced({ file: 'a', text: nested(256) }).faults).to.deep.equal([]);
    expect(parsePlaced({ file: 'a', text: `"[{" // [\n${nested(257)}` }).faults).to.deep.equal([
      { file: 'a', line: 2, column: 257, pointer: '', expected: 'JSON of at most 256 levels' },
    ]);
    expect(parsePlaced({ file: 'a', text: nested(200_000) }).faults).to.have.length(1);
  });

  it('never answers without a tree or a fault, nor throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('{', '}', '[', ']', '"', ':', ',', '1', '/', '*', '\n', '\\', 'a') }), (text) => {
        const { root, faults } = parsePlaced({ file: 'a', text });
        expect(root !== undefined || faults.length > 0).to.equal(true);
      }),
    );
  });
});

describe('a placed tree', () => {
  it('keeps `__proto__` as a key like any other', () => {
    const value = plain(tree('{"__proto__": {"admin": true}}'));
    expect(Object.keys(Object(value))).to.deep.equal(['__proto__']);
    expect(Object(value).admin).to.equal(undefined);
  });

  it('answers members and items, and nothing where there are none', () => {
    const root = tree('{"a": {"b": [1]}}');
    expect(items(member(root, 'a', 'b')).map(plain)).to.deep.equal([1]);
    expect(member(root, 'a', 'x', 'y')).to.equal(undefined);
    expect(items(member(root, 'a'))).to.deep.equal([]);
    expect(member(undefined, 'a')).to.equal(undefined);
  });

  it('is the same again when plain values are placed', () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(plain(placed(value))).to.deep.equal(value);
      }),
    );
  });

  it('places what is no JSON as null', () => {
    expect(plain(placed([undefined, () => 1]))).to.deep.equal([null, null]);
  });

  it('is changed from the leaves up', () => {
    const seen: unknown[] = [];
    const changed = mapPlaced(tree('{"a": [1, 2]}'), (one) => {
      seen.push(plain(one));
      return typeof one.value === 'number' ? { ...one, value: one.value * 10 } : one;
    });
    expect(seen).to.deep.equal([1, 2, [10, 20], { a: [10, 20] }]);
    expect(plain(changed)).to.deep.equal({ a: [10, 20] });
  });
});

describe('placeOf', () => {
  const root = tree('{\n "a": {\n  "b": 1}}');

  it('is the place of the key, when the key is what is wrong', () => {
    expect(where(root, '/a/b', true)).to.equal('3:3');
    expect(where(root, '', true)).to.equal('1:1');
  });

  it('is that of the nearest thing above for what is missing, with the whole pointer', () => {
    expect(placeOf(root, '/a/c/0/x~1y')).to.deep.equal({ file: 'argos.jsonc', line: 2, column: 7, pointer: '/a/c/0/x~1y' });
    expect(placeOf(root, '/a/b/c').pointer).to.equal('/a/b/c');
  });
});

describe('faultAt', () => {
  it('leaves out what there is not', () => {
    expect(faultAt(PLACE, 'x')).to.deep.equal({ ...PLACE, expected: 'x' });
    expect(faultAt(PLACE, 'x', null, 'y')).to.deep.equal({ ...PLACE, expected: 'x', got: null, nearest: 'y' });
  });
});

describe('merge', () => {
  const merged = (base: unknown, over: unknown): unknown => plain(merge(placed(base), placed(over)));
  const named = fc.uniqueArray(fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd'), x: fc.integer() }), { selector: ({ name }) => name });

  it('merges objects member by member, and replaces all else', () => {
    expect(merged({ a: { x: 1, y: 2 }, b: 1, c: [1] }, { a: { y: 3 }, b: [], c: [2, 3] })).to.deep.equal({ a: { x: 1, y: 3 }, b: [], c: [2, 3] });
    expect(merged({ a: { x: 1 } }, { a: null })).to.deep.equal({ a: null });
  });

  it('merges lists of named things by name, in the order of the base and then of the new ones', () => {
    const base = [
      { name: 'a', x: 1 },
      { name_pattern: 'b{i}', x: 1 },
    ];
    expect(merged(base, [{ name: 'c' }, { name_pattern: 'b{i}', y: 2 }])).to.deep.equal([
      { name: 'a', x: 1 },
      { name_pattern: 'b{i}', x: 1, y: 2 },
      { name: 'c' },
    ]);
  });

  it('knows every name of both lists, and takes values from the one on top', () => {
    fc.assert(
      fc.property(named, named, (base, over) => {
        const fresh = over.filter(({ name }) => !base.some((one) => one.name === name));
        const expected = [...base.map((one) => over.find(({ name }) => name === one.name) ?? one), ...fresh];
        expect(merged(base, over)).to.deep.equal(expected);
      }),
    );
  });

  it('changes nothing when there is nothing on top, or the same once more', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), json), (value) => {
        expect(merged(value, {})).to.deep.equal(value);
        expect(merged(value, value)).to.deep.equal(value);
      }),
    );
  });

  it('keeps twins of the list on top, so that they are found', () => {
    expect(
      merged(
        [{ name: 'a' }],
        [
          { name: 'a', x: 1 },
          { name: 'a', x: 2 },
        ],
      ),
    ).to.deep.equal([
      { name: 'a', x: 1 },
      { name: 'a', x: 2 },
    ]);
  });

  it('keeps each value at the place where it was written', () => {
    const root = merge(tree('{"a": {"x": 1}}', 'base'), tree('{\n "a": {"x": 2, "y": 3}}', 'over'));
    expect(placeOf(root, '/a/y')).to.include({ file: 'over', line: 2 });
    expect(placeOf(root, '/a/x').file).to.equal('over');
    expect(placeOf(root, '/a').file).to.equal('base');
  });
});

describe('concat', () => {
  const joined = (base: unknown, next: unknown): unknown => plain(concat(placed(base), placed(next)));

  it('goes on with lists, joins objects, and takes the later of two values', () => {
    expect(joined({ a: [1], b: { x: 1 }, c: 1 }, { a: [1, 2], b: { y: 2 }, c: 2, d: 3 })).to.deep.equal({ a: [1, 1, 2], b: { x: 1, y: 2 }, c: 2, d: 3 });
    expect(joined({ a: [1] }, { a: { x: 1 } })).to.deep.equal({ a: { x: 1 } });
  });

  it('does not mind how files are grouped', () => {
    const part = fc.record(
      { a: fc.array(fc.integer()), b: fc.dictionary(fc.constantFrom('x', 'y'), fc.integer()) },
      { requiredKeys: [], noNullPrototype: true },
    );
    fc.assert(
      fc.property(part, part, part, (a, b, c) => {
        expect(joined(joined(a, b), c)).to.deep.equal(joined(a, joined(b, c)));
      }),
    );
  });
});
