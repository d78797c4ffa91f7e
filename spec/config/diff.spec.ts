// What leads from the resources that run to those that are wanted.
import { expect } from 'chai';
import fc from 'fast-check';
import { type Change, diff } from '../../config/diff.ts';
import type { Declared } from '../../proto/api.ts';

describe('diff', () => {
  const ORDER = ['system_config', 'silence', 'action', 'function', 'rule', 'monitor', 'listener'] as const;
  const declared: fc.Arbitrary<Declared> = fc
    .record({
      kind: fc.constantFrom(...ORDER),
      name: fc.constantFrom('a', 'b', 'c'),
      type: fc.constantFrom('http', 'mqtt'),
      origin: fc.constantFrom('file', 'cli'),
      interval: fc.constantFrom(1, 2),
    })
    .map(({ interval, ...one }): Declared => ({ ...one, spec: { name: one.name, type: one.type, config: { interval, urls: ['x'] } } }));
  const keyOf = ({ kind, name }: Declared): string => `${kind}/${name}`;
  const config = fc.uniqueArray(declared, { selector: keyOf, maxLength: 15 });
  const places = (changes: readonly Change[]): number[] => changes.map(({ declared: { kind } }) => ORDER.indexOf(kind));

  it('changes nothing when nothing changed, in whatever order it is written', () => {
    fc.assert(
      fc.property(config, (same) => {
        const changes = diff(same, structuredClone(same).reverse());
        expect(changes.map((one) => one.do)).to.deep.equal(same.map(() => 'keep'));
      }),
    );
  });

  it('leads from what runs to what is wanted, and touches nothing else', () => {
    fc.assert(
      fc.property(config, config, (running, wanted) => {
        const now = new Map(running.map((one) => [keyOf(one), one]));
        for (const change of diff(running, wanted)) {
          const before = now.get(keyOf(change.declared));
          expect(before === undefined).to.equal(change.do === 'start');
          if (change.do === 'replace') expect(change.before).to.equal(before);
          if (change.do === 'stop') now.delete(keyOf(change.declared));
          else now.set(keyOf(change.declared), change.declared);
        }
        expect([...now.values()]).to.have.deep.members(wanted);
      }),
    );
  });

  it('keeps a resource exactly when its spec is the same, wherever it comes from', () => {
    fc.assert(
      fc.property(config, config, (running, wanted) => {
        for (const change of diff(running, wanted)) {
          const before = running.find((one) => keyOf(one) === keyOf(change.declared));
          const isSame = JSON.stringify(before?.spec) === JSON.stringify(change.declared.spec);
          if (change.do === 'keep' || change.do === 'replace') expect(change.do).to.equal(isSame ? 'keep' : 'replace');
        }
      }),
    );
  });

  it('stops first, those who send before those who receive; and starts the other way', () => {
    fc.assert(
      fc.property(config, config, (running, wanted) => {
        const changes = diff(running, wanted);
        const stops = changes.filter((one) => one.do === 'stop');
        expect(changes.slice(0, stops.length)).to.deep.equal(stops);
        expect(places(stops)).to.deep.equal(places(stops).toSorted((a, b) => b - a));
        const rest = places(changes.slice(stops.length));
        expect(rest).to.deep.equal(rest.toSorted((a, b) => a - b));
      }),
    );
  });

  it('is taken back by the way from what is wanted to what ran', () => {
    fc.assert(
      fc.property(config, config, (running, wanted) => {
        const back = { start: 'stop', stop: 'start', replace: 'replace', keep: 'keep' } as const;
        const verbs = (changes: readonly Change[], turn: (verb: Change['do']) => string): string[] =>
          changes.map((one) => `${turn(one.do)} ${keyOf(one.declared)}`).sort();
        expect(verbs(diff(wanted, running), (verb) => verb)).to.deep.equal(verbs(diff(running, wanted), (verb) => back[verb]));
      }),
    );
  });

  it('does not care in which order the keys of a spec are written', () => {
    const one = (spec: unknown): Declared => ({ kind: 'rule', name: 'r', type: 'rule', origin: 'file', spec });
    expect(diff([one({ a: 1, b: 2 })], [one({ b: 2, a: 1 })]).map((change) => change.do)).to.deep.equal(['keep']);
  });
});
