// References that are filled in when the configuration loads.
import { expect } from 'chai';
import fc from 'fast-check';
import { interpolate, misspelt, type Scope } from '../../config/interpolate.ts';
import { isMap, member, parsePlaced, type Placed, placeAt, plain } from '../../config/placed.ts';
import type { PlacedFault } from '../../proto/api.ts';

const PLACE = { file: 'argos.jsonc', line: 7, column: 3, pointer: '/x' };
interface Given {
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly env?: Scope['env'];
  readonly secrets?: Scope['secrets'];
  readonly system?: Scope['system'];
}
const scope = ({ parameters = {}, env = {}, secrets = {}, system = {} }: Given): Scope => {
  const placed = placeAt(parameters, { ...PLACE, line: 1, pointer: '/parameters' });
  return { parameters: isMap(placed) ? placed.value : new Map(), env, secrets, system };
};
/** The filled value, and the faults. */
function fill(value: unknown, given: Given): { readonly value: unknown; readonly faults: readonly PlacedFault[] } {
  const faults: PlacedFault[] = [];
  return { value: plain(interpolate(placeAt(value, PLACE), scope(given), faults)), faults };
}
const filled = (value: unknown, given: Given): unknown => {
  const { value: got, faults } = fill(value, given);
  expect(faults).to.deep.equal([]);
  return got;
};
const faultsOf = (value: unknown, given: Given): string[] =>
  fill(value, given).faults.map(({ expected, got, nearest }) => `${expected}, got ${String(got)}${nearest ? `, ${nearest}?` : ''}`);

describe('interpolate', () => {
  const plainJson = fc.jsonValue().filter((value) => !JSON.stringify(value).includes('${'));

  it('fills in parameters, environment, secrets and system, in every text however deep', () => {
    const given: Given = { parameters: { token: 'ABC' }, env: { HOST: 'web' }, secrets: { 'db.password': 'pw' }, system: { name: 'argos' } };
    expect(filled({ a: ['http://${env.HOST}/?t=${parameters.token}', 1], b: { c: '${secrets.db.password}' }, d: '${system.name}!' }, given)).to.deep.equal({
      a: ['http://web/?t=ABC', 1],
      b: { c: 'pw' },
      d: 'argos!',
    });
  });

  it('keeps the type of what one whole reference names', () => {
    fc.assert(
      fc.property(plainJson, (value) => {
        expect(filled('${parameters.x}', { parameters: { x: value } })).to.deep.equal(value);
        expect(filled('${ parameters.x.y }', { parameters: { x: { y: value } } })).to.deep.equal(value);
      }),
    );
  });

  it('writes all but texts as JSON within a text', () => {
    expect(filled('cc=${parameters.cc} n=${parameters.n}', { parameters: { cc: ['a', 'b'], n: 5 } })).to.equal('cc=["a","b"] n=5');
  });

  it('leaves every value alone that holds no reference', () => {
    fc.assert(
      fc.property(plainJson, (value) => {
        expect(filled(value, {})).to.deep.equal(value);
      }),
    );
  });

  it('leaves alone what is filled in when an action runs', () => {
    const later = '${rule.name} ${monitor.data} ${monitors.a.b} ${event.x} ${system.timestamp} $x ${} {x}';
    expect(filled(later, {})).to.equal(later);
    expect(filled('${system.timestamp}', {})).to.equal('${system.timestamp}');
    expect(filled('${system.name} ${system.timestamp}', { system: { name: 'argos' } })).to.equal('argos ${system.timestamp}');
  });

  it('does not read what it has filled in from outside for references', () => {
    expect(filled('${env.A}-', { env: { A: '${env.B}', B: 'no' } })).to.equal('${env.B}-');
  });

  it('fills in parameters that name parameters, in any order of declaration', () => {
    const chain = (length: number): Record<string, string> =>
      Object.fromEntries(Array.from({ length }, (_, i) => [`p${i}`, i + 1 < length ? `${i}${'${'}parameters.p${i + 1}}` : 'end']));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), (length) => {
        const prefix = Array.from({ length: length - 1 }, (_, i) => i).join('');
        expect(filled('${parameters.p0}', { parameters: chain(length) })).to.equal(`${prefix}end`);
      }),
    );
  });

  it('fills in a parameter as often as it is named: that is no circle', () => {
    expect(filled('${parameters.a}${parameters.b}${parameters.a}', { parameters: { a: '${parameters.b}', b: 'x' } })).to.equal('xxx');
  });

  it('gives the value the place of the reference, and its key', () => {
    const { root } = parsePlaced({ file: 'f', text: '{\n  "url": "${parameters.u}"}' });
    const url = member(interpolate(root ?? expect.fail(), scope({ parameters: { u: ['a'] } }), []), 'url') as Placed;
    expect(url.place).to.deep.equal({ file: 'f', line: 2, column: 10, pointer: '/url' });
    expect(url.keyPlace).to.include({ line: 2, column: 3 });
  });
});

describe('interpolate refuses', () => {
  it('a name that is not declared, with the nearest that is', () => {
    const given: Given = { parameters: { token: 'A' }, secrets: { smtp: 's' }, system: { name: 'argos' } };
    expect(faultsOf('${parameters.tokn}', given)).to.deep.equal(['parameters.NAME with a NAME that is declared, got ${parameters.tokn}, parameters.token?']);
    expect(faultsOf('x${secrets.smtpp}', given)).to.deep.equal(['secrets.NAME with a NAME that is declared, got ${secrets.smtpp}, secrets.smtp?']);
    expect(faultsOf('${system.nam}', given)).to.deep.equal(['system.NAME with a NAME that is declared, got ${system.nam}, system.name?']);
    expect(faultsOf('${parameters.unlike}', given)).to.deep.equal(['parameters.NAME with a NAME that is declared, got ${parameters.unlike}']);
  });

  it('an environment variable that is not set, and takes an empty one', () => {
    expect(faultsOf('${env.NOPE}', {})).to.deep.equal(['an environment variable NOPE that is set, got ${env.NOPE}']);
    expect(filled('[${env.EMPTY}]', { env: { EMPTY: '' } })).to.equal('[]');
  });

  it('a path that leads on where there is nothing: it never drops the rest', () => {
    const given: Given = { parameters: { a: { b: 1 }, t: 'text' }, env: { A: '1' }, secrets: { s: 'x' }, system: { name: 'argos' } };
    for (const path of ['parameters.a.c', 'parameters.a.b.c', 'parameters.t.length', 'env.A.B', 'secrets.s.t', 'system.name.x'])
      expect(faultsOf(`\${${path}}`, given), path).to.have.length(1);
  });

  it('names that only a prototype has', () => {
    for (const name of ['toString', 'constructor', '__proto__', 'hasOwnProperty'])
      for (const root of ['parameters', 'env', 'secrets', 'system', 'parameters.x'])
        expect(faultsOf(`\${${root}.${name}}`, { parameters: { x: {} } }), `${root}.${name}`).to.have.length(1);
  });

  it('a reference that leads back to itself, once, wherever in the circle it begins', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.boolean(), fc.boolean(), (length, isWhole, goesOn) => {
        const parameters = Object.fromEntries(Array.from({ length }, (_, i) => [`p${i}`, `${isWhole ? '' : '>'}\${parameters.p${(i + 1) % length}}`]));
        const faults = faultsOf(`\${parameters.p0${goesOn ? '.x' : ''}}`, { parameters });
        expect(faults).to.have.length(1);
        expect(faults[0]).to.match(/^a reference that does not lead back to itself/);
      }),
    );
  });

  it('every bad reference at once, at the place where it is written', () => {
    const { faults } = fill(['${env.A} ${env.B}', '${parameters.p}'], { parameters: { p: '${env.C}' } });
    expect(faults.map(({ got, line }) => `${String(got)}:${line}`)).to.deep.equal(['${env.A}:7', '${env.B}:7', '${env.C}:1']);
  });

  it('without hiding what was written', () => {
    expect(fill('${env.A}', {}).value).to.equal('${env.A}');
  });
});

describe('misspelt', () => {
  const words = (value: unknown): unknown[] => misspelt(placeAt(value, PLACE)).map(({ got, nearest }) => [got, nearest]);

  it('finds references whose first word is nearly one that is filled in', () => {
    expect(words({ a: ['Bearer ${paramters.token}', '${secret.x}${ Env.Y }'] })).to.deep.equal([
      ['${paramters.token}', 'parameters'],
      ['${secret.x}', 'secrets'],
      ['${ Env.Y }', 'env'],
    ]);
  });

  it('leaves alone what is right, or is something else', () => {
    expect(words(['${parameters.x}', '${rule.name}', '${foo.bar}', '${x}', '$env.X', 5])).to.deep.equal([]);
  });
});
