// Which alerts a silence is about.
import { expect } from 'chai';
import fc from 'fast-check';
import { matches, parseMatcher, type Subject } from '../../../actors/rules/alert/matchers.ts';

const ALERT: Subject = { rule: 'too_hot', instance: '', severity: 'warning', monitors: ['boiler', 'pump'], labels: { site: 'north', empty: '' } };
const does = (text: string, alert: Subject = ALERT): boolean => {
  const matcher = parseMatcher(text);
  if (!('of' in matcher)) throw new Error(matcher.expected);
  return matches([matcher], alert);
};
const wrong = (text: string): string | undefined => {
  const matcher = parseMatcher(text);
  return 'of' in matcher ? undefined : matcher.expected + (matcher.nearest === undefined ? '' : ` (${matcher.nearest}?)`);
};

describe('a matcher', () => {
  it('means what it says: equal, not, RE2 over the whole value, and not that', () => {
    const yes = [
      'rule = too_hot',
      'rule=too_hot',
      ' rule  =  "too_hot" ',
      'rule != too_cold',
      'rule =~ too_.*',
      'rule =~ too_(hot|cold)',
      'rule !~ hot',
      'severity =~ "w.*"',
    ];
    const no = ['rule = too', 'rule =~ hot', 'rule !~ .*hot', 'severity != warning', 'labels.site = south'];
    for (const text of yes) expect(does(text), text).to.equal(true);
    for (const text of no) expect(does(text), text).to.equal(false);
  });

  it('of a label, or an instance, that is not there sees an empty one, and nothing that objects inherit', () => {
    for (const text of [
      'labels.rack = ""',
      'labels.rack != a',
      'labels.rack =~ .*',
      'labels.empty = ""',
      'instance = ""',
      'labels.constructor = ""',
      'labels.__proto__ = ""',
    ])
      expect(does(text), text).to.equal(true);
    expect(does('labels.rack =~ .+')).to.equal(false);
  });

  it('of a monitor matches when one of them does, and the negative when none does', () => {
    for (const text of ['monitor = pump', 'monitor =~ b.*', 'monitor != fan', 'monitor !~ f.*']) expect(does(text), text).to.equal(true);
    for (const text of ['monitor = fan', 'monitor != pump', 'monitor !~ b.*']) expect(does(text), text).to.equal(false);
    expect(does('monitor = ""', { ...ALERT, monitors: [] })).to.equal(true);
  });

  it('and its negative are opposites, for any value, written in quotes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (site, value) => {
        const alert = { ...ALERT, labels: { site } };
        expect(does(`labels.site = ${JSON.stringify(value)}`, alert)).to.equal(site === value);
        expect(does(`labels.site != ${JSON.stringify(value)}`, alert)).to.equal(site !== value);
        expect(does(`labels.site = ${JSON.stringify(site)}`, alert)).to.equal(true);
      }),
    );
  });

  it('that is wrong is refused in words: what it is of, how it compares, and with what', () => {
    expect(wrong('sevrity = a')).to.equal('a matcher that begins with one of rule, instance, severity, monitor, labels.KEY (severity?)');
    for (const text of ['', '=', 'labels. = a', 'name = a']) expect(wrong(text), text).to.match(/^a matcher that begins with/);
    for (const text of ['rule', 'rule == a', 'rule ~ a', 'rule a']) expect(wrong(text), text).to.equal('one of = != =~ !~ after rule');
    for (const text of ['rule =', 'rule = "a', 'rule = a"', 'rule = "a" b', 'rule = "\\x"']) expect(wrong(text), text).to.match(/^a value after =/);
    for (const text of ['rule =~ (', 'rule !~ (?=a)']) expect(wrong(text), text).to.match(/^a pattern in RE2 syntax/);
    expect(wrong(`rule =~ ${'a'.repeat(1_025)}`)).to.equal('a pattern of at most 1024 characters');
  });

  it('never throws, whatever it is given', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.string().map((text) => `rule =~ ${text}`),
        ),
        (text) => void parseMatcher(text),
      ),
      { numRuns: 2_000 },
    );
  });

  it('takes linear time over a value that is made to be slow', () => {
    const began = performance.now();
    expect(does('rule =~ (a*)*b', { ...ALERT, rule: 'a'.repeat(20_000) })).to.equal(false);
    expect(performance.now() - began).to.be.below(2_000);
  });
});
