// What docs/configuration.head.md says of the text form is so: its grammar, its examples, its faults.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { COMPARISONS } from '../../../actors/rules/values/leaf.ts';
import { parseText } from '../../../actors/rules/text/text.ts';
import { SIGNS } from '../../../actors/rules/text/shapes.ts';
import { WINDOW_FUNCTIONS } from '../../../actors/rules/windows/windows.ts';
import { grammar, sentences } from '../../support/ebnf.ts';
import { faultLine } from '../../support/texts.ts';

const NUM_RUNS = process.env.ARGOS_LONG ? 10_000 : 1_000;
const page = readFileSync(join(import.meta.dirname, '..', '..', '..', 'docs', 'configuration.head.md'), 'utf8');
const section = /^## As text\n([\s\S]*?)(?=^## |(?![\s\S]))/m.exec(page)?.[1] ?? '';
/** The rows of the table with this head: the cells, without their quotation marks. */
const rows = (head: string): readonly (readonly [string, string])[] => {
  const table = new RegExp(`^\\| ${head} \\|\\n\\| --- \\| --- \\|\\n((?:\\|.*\\n?)*)`, 'm').exec(section)?.[1] ?? '';
  return [...table.matchAll(/^\| `(.*?)` \| (.*) \|$/gm)].map(([, text = '', other = '']) => [text, other]);
};
const faultsOf = (text: string): string => {
  const got = parseText(text);
  return 'json' in got ? JSON.stringify(got.json) : got.faults.map(faultLine).join(' · ');
};

describe('the page on the text form', () => {
  const examples = rows('text \\| JSON');
  it('has its examples', () => {
    expect(examples.length).to.be.above(25);
  });
  for (const [text, json] of examples)
    it(`says what ${text} is`, () => {
      const got = parseText(text);
      expect('json' in got ? got.json : faultsOf(text)).to.deep.equal(JSON.parse(json.slice(1, -1)));
    });

  const faulty = rows('text \\| fault');
  it('has its faults', () => {
    expect(faulty.length).to.be.above(4);
  });
  for (const [text, fault] of faulty)
    it(`says what is wrong with ${text}`, () => {
      expect(faultsOf(text)).to.equal(fault);
    });

  const blocks = [...section.matchAll(/```ebnf\n([\s\S]*?)```/g)].map(([, text = '']) => grammar(text));
  const [loose = new Map(), lexical = new Map()] = blocks;
  const rules = new Map([...loose, ...lexical]);

  it('has a grammar, and the text form knows every sentence of it', () => {
    const any = sentences(rules, 'condition', {
      lexical: new Set(lexical.keys()),
      blanks: [' ', '  ', '\n', '\t '],
      specials: {
        'a letter of Unicode': ['a', 'k', 'Z', 'ö', '日'],
        '0 to 9, a to f, A to F': ['0', '1', '4', 'a', 'F'],
        'any but quotation marks, \\ and line ends': ['x', ' ', '-', '😀', '('],
      },
    });
    let longest = 0;
    fc.assert(
      fc.property(any, (text) => {
        longest = Math.max(longest, text.length);
        const got = parseText(text);
        // What a grammar without context cannot say: how high a code point is, how large a number, that a path's names are not empty and have no dots.
        if ('json' in got) return;
        expect(
          got.faults.map(({ expected }) => expected).filter((one) => !/^(one of \\"|a number of less|a name without dots)/.test(one)),
          text,
        ).to.deep.equal([]);
      }),
      { numRuns: NUM_RUNS },
    );
    expect(longest).to.be.above(200);
  });

  it('has every operator and every window function in it', () => {
    const terminals = new Set([...section.matchAll(/"([^"\s]+)"/g)].map(([, text]) => text));
    for (const word of [...COMPARISONS, ...SIGNS.keys(), ...WINDOW_FUNCTIONS]) expect(terminals, word).to.include(word);
  });
});
