// A condition's text read: what binds how tightly, what becomes a leaf, every fault at its place, within limits and in linear time.
import { expect } from 'chai';
import fc from 'fast-check';
import { parseCondition } from '../../../actors/rules/condition/condition.ts';
import { parseText } from '../../../actors/rules/text/text.ts';
import { printText } from '../../../actors/rules/text/print.ts';
import { faultLine, soup, written } from '../../support/texts.ts';

const NUM_RUNS = process.env.ARGOS_LONG ? 100_000 : 4_000;
/** What a text stands for, or its faults in lines. */
const read = (text: string): unknown => {
  const got = parseText(text);
  return 'json' in got ? got.json : got.faults.map(faultLine);
};
const VALUE = 'a value (boiler.payload.temperature, parameters.x, 5, "a text", [1, 2], max(…))';
const OPERATOR = 'an operator (and, or, ==, >, in, …) or the end';
const PATH = 'a path with its monitor, as in boiler.payload.temperature, or a text in quotation marks';

describe('parseText', () => {
  const SAME: readonly (readonly [text: string, full: string])[] = [
    ['true or false and null', 'true or (false and null)'],
    ['true and false or null', '(true and false) or null'],
    ['not true and false', '(not true) and false'],
    ['not 1 == 2', 'not (1 == 2)'],
    ['not not true or false', '(not (not true)) or false'],
    ['1 + 2 < 3 * 4', '(1 + 2) < (3 * 4)'],
    ['1 + 2 * 3 - 4', '(1 + (2 * 3)) - 4'],
    ['1 - 2 - 3', '(1 - 2) - 3'],
    ['8 / 4 / 2', '(8 / 4) / 2'],
    ['1 - 2 + 3', '(1 - 2) + 3'],
    ['8 / 4 * 2 % 3', '((8 / 4) * 2) % 3'],
    ['-m.x * 2', '(-m.x) * 2'],
    ['!m.x == 1', '(!m.x) == 1'],
    ['- -5', '-(-5)'],
    ['!!m.x and ! !m.x', '(!!m.x) and !(!m.x)'],
    ['m.x + 1 in [1] or 2 * 3 between 1 + 1 and 7', '((m.x + 1) in [1]) or ((2 * 3) between (1 + 1) and 7)'],
    ['m.x between 1 and 2 and m.y', '(m.x between 1 and 2) and m.y'],
    ['m.x not contains "a" or true', '(not (m.x contains "a")) or true'],
    ['1 < 2 < 3 and true', '(1 < 2 < 3) and true'],
  ];
  for (const [text, full] of SAME)
    it(`reads ${text} as ${full}`, () => {
      expect(read(text)).to.deep.equal(read(full)).and.not.an('array');
    });

  it('takes as many as stand in a row of and, or, + and *, and no others', () => {
    expect(read('1 + 2 + 3')).to.deep.equal({ '+': [1, 2, 3] });
    expect(read('(1 + 2) + 3')).to.deep.equal({ '+': [{ '+': [1, 2] }, 3] });
    expect(read('1 and 2 and (3 and 4)')).to.deep.equal({ and: [1, 2, { and: [3, 4] }] });
    expect(read('1 - 2 - 3')).to.deep.equal({ '-': [{ '-': [1, 2] }, 3] });
  });

  it('makes a leaf of a path and an operand, from either side, and JsonLogic of all else', () => {
    const turned: readonly (readonly [string, string])[] = [
      ...(['==', '!='] as const).map((op) => [op, op] as const),
      ...([['>', '<'] as const, ['>=', '<='] as const, ['<', '>'] as const, ['<=', '>='] as const] as const),
    ];
    for (const [op, other] of turned) {
      for (const [value, json] of [
        ['-5', -5] as const,
        ["'a'", 'a'] as const,
        ['[1, [null]]', [1, [null]]] as const,
        ['parameters.p.q', { var: 'parameters.p.q' }] as const,
      ]) {
        expect(read(`m.x ${op} ${value}`)).to.deep.equal({ field: 'm.x', op, value: json });
        expect(read(`${value} ${op} m.x`)).to.deep.equal({ field: 'm.x', op: other, value: json });
      }
      for (const value of ['m.y', '(1 + 1)', 'var("x")', '[m.y]', 'max(1, 2)'])
        expect(read(`m.x ${op} ${value}`)).to.deep.equal({ [op]: [{ field: 'm.x' }, read(value)] });
    }
    expect(read('m.x === 5')).to.deep.equal({ '===': [{ field: 'm.x' }, 5] });
    expect(read('1 == 2')).to.deep.equal({ '==': [1, 2] });
  });

  it('reads the words of a leaf behind any value, with not and without', () => {
    const cases: Readonly<Record<string, unknown>> = {
      'm.x in [1]': { field: 'm.x', op: 'in', value: [1] },
      'm.x not_in parameters.l': { field: 'm.x', op: 'not_in', value: { var: 'parameters.l' } },
      'm.x in m.y': { in: [{ field: 'm.x' }, { field: 'm.y' }] },
      'm.x not in m.y': { not: { in: [{ field: 'm.x' }, { field: 'm.y' }] } },
      '"a" not in m.y': { not: { field: 'm.y', op: 'contains', value: 'a' } },
      'm.x contains m.y': { in: [{ field: 'm.y' }, { field: 'm.x' }] },
      'cat(m.x) contains "a"': { contains: [{ cat: [{ field: 'm.x' }] }, 'a'] },
      'cat(m.x) not in ["a"]': { not_in: [{ cat: [{ field: 'm.x' }] }, ['a']] },
      'var("x") matches "a"': { matches: [{ var: 'x' }, 'a'] },
      'm.x not starts_with "a"': { not: { field: 'm.x', op: 'starts_with', value: 'a' } },
      'm.x not between 1 and 2': { not: { field: 'm.x', op: 'between', value: [1, 2] } },
      'm.x between parameters.low and 2': { '<=': [{ var: 'parameters.low' }, { field: 'm.x' }, 2] },
      'var("x") exists': { exists: [{ var: 'x' }] },
      'm.x not changed': { not: { field: 'm.x', op: 'changed' } },
    };
    for (const [text, json] of Object.entries(cases)) expect(read(text), text).to.deep.equal(json);
  });

  it('reads numbers, texts and names as they are written', () => {
    const cases: Readonly<Record<string, unknown>> = {
      '[0, 007, 1.50, 1e3, 1E-2, -0.5]': [0, 7, 1.5, 1000, 0.01, -0.5],
      '"\\"\\\'\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u{1f600}\'"': "\"'\\/\b\f\n\r\tA😀'",
      "'\"'": '"',
      '["", \'\', "and", true, false, null]': ['', '', 'and', true, false, null],
      'a.and.in.true': { field: 'a.and.in.true' },
      'not.x': { field: 'not.x' },
      '"1st".x."a b"[0][12].größe': { field: '1st.x.a b.0.12.größe' },
      'a--b-1.x': { field: 'a--b-1.x' },
      'rule.a-b.firing': { field: 'rule.a-b.firing' },
      '"parameters".x': { field: 'parameters.x' },
      'parameters."a b".c[1]': { var: 'parameters.a b.c.1' },
      'm.x -1': { '-': [{ field: 'm.x' }, 1] },
      'm.x - n.y': { '-': [{ field: 'm.x' }, { field: 'n.y' }] },
      'm.x\r\n>\t5': { field: 'm.x', op: '>', value: 5 },
    };
    for (const [text, json] of Object.entries(cases)) expect(read(text), text).to.deep.equal(json);
    expect(Object.is(read('-0'), -0)).to.equal(true);
  });

  it('reads functions, windows and operators in quotation marks', () => {
    const cases: Readonly<Record<string, unknown>> = {
      'f()': { f: [] },
      'var("a")': { var: 'a' },
      'var(["a"])': { var: [['a']] },
      'not [1]': { not: [[1]] },
      'max(m.x, 5)': { max: [{ field: 'm.x' }, 5] },
      'max(m.x, 5m)': { max: ['m.x', '5m'] },
      'max(m.x, parameters.p)': { max: [{ field: 'm.x' }, { var: 'parameters.p' }] },
      'avg(rule.a-b.state, parameters.p)': { avg: ['rule.a-b.state', { var: 'parameters.p' }] },
      'percentile(m.x, 1h30m, parameters.p)': { percentile: ['m.x', '1h30m', { var: 'parameters.p' }] },
      'max(...var("l"))': { max: { var: 'l' } },
      '"my fn"(1)': { 'my fn': [1] },
      '"__proto__"(1)': JSON.parse('{"__proto__": [1]}'),
      '"avg"("m.x", 5)': { avg: ['m.x', 5] },
    };
    for (const [text, json] of Object.entries(cases)) expect(read(text), text).to.deep.equal(json);
  });
});

describe('parseText tells', () => {
  const FAULTS: Readonly<Record<string, readonly string[]>> = {
    '': [`1:1: ${VALUE}, got \`the end\``],
    ' \n ': [`2:2: ${VALUE}, got \`the end\``],
    'm.x >': [`1:6: ${VALUE}, got \`the end\``],
    'm.x > > 5': [`1:7: ${VALUE}, got \`>\``],
    'm.x 5': [`1:5: ${OPERATOR}, got \`5\``],
    temperature: [`1:1: ${PATH}, got \`temperature\``],
    'm.x =\n5': ['1:5: an operator, got `=`; perhaps `==`'],
    'm.x && m.y || m.z <> 1 and m.a => 2 and m.b =< 3 and m.c =~ "x"': [
      '1:5: an operator, got `&&`; perhaps `and`',
      '1:12: an operator, got `||`; perhaps `or`',
      '1:19: an operator, got `<>`; perhaps `!=`',
      '1:32: an operator, got `=>`; perhaps `>=`',
      '1:45: an operator, got `=<`; perhaps `<=`',
      '1:58: an operator, got `=~`; perhaps `matches`',
    ],
    'm.x is 5 AND m.y has 2 nd m.z startswith "a"': [
      '1:5: an operator, got `is`; perhaps `==`',
      '1:10: an operator, got `AND`; perhaps `and`',
      '1:18: an operator, got `has`; perhaps `contains`',
      '1:24: an operator, got `nd`; perhaps `and`',
      '1:31: an operator, got `startswith`; perhaps `starts_with`',
    ],
    'm.x not lik "a"': [`1:9: one of in, not_in, contains, starts_with, ends_with, matches, exists, between, changed behind not, got \`lik\``],
    'nto m.x or m.y == ture': [`1:1: ${PATH}, got \`nto\`; perhaps \`not\``, `1:19: ${PATH}, got \`ture\`; perhaps \`true\``],
    'm.x not contians "a"': ['1:9: an operator, got `contians`; perhaps `contains`'],
    'f(m.x - 5m)': [`1:9: ${VALUE}; a length of time stands in a window, as in avg(boiler.payload.temperature, 5m), got \`5m\``],
    'm.x 5 (m.y or 6 7) and m.z 8': [`1:5: ${OPERATOR}, got \`5\``, `1:28: ${OPERATOR}, got \`8\``],
    '(m.x > ]': [`1:8: ${VALUE}, got \`]\``],
    'a-.x > 5': [`1:1: ${PATH}, got \`a\``, '1:3: a path, a value or an operator, got `.x`'],
    '"rule".a-b.c > 5': ['1:9: blanks around - for a difference, or the name in quotation marks, got `-b`'],
    'm.x == not m.y': [`1:8: ${VALUE}; here, not stands in parentheses, got \`not\``],
    'm.x > 5 and\n  and m.y': [`2:3: a value before and, got \`and\``],
    'contains(m.x, 1)': ['1:1: a value before contains, got `contains`'],
    '(m.x > 5': ['1:9: an operator or ) (it is open since 1:1), got `the end`'],
    'm.x in [1, 2': ['1:13: an operator, a comma or ] (it is open since 1:8), got `the end`'],
    'm.x in (1, 2) and m.y adn m.z': [
      '1:10: an operator (a list stands in [ ]) or ) (it is open since 1:8), got `,`',
      '1:23: an operator, got `adn`; perhaps `and`',
    ],
    'm.x) and m.y ] or m.z = 1': [`1:4: ${OPERATOR}, got \`)\``, `1:14: ${OPERATOR}, got \`]\``, '1:23: an operator, got `=`; perhaps `==`'],
    'm.x == 1 == 2': ['1:10: and, or or the end: no comparison stands in another, and only 1 < x < 5 and 1 <= x <= 5 have three sides, got `==`'],
    'm.x exists == true': ['1:12: and, or or the end: no comparison stands in another, and only 1 < x < 5 and 1 <= x <= 5 have three sides, got `==`'],
    'm.x > 5m': [`1:7: ${VALUE}; a length of time stands in a window, as in avg(boiler.payload.temperature, 5m), got \`5m\``],
    'avg(m.x, 300) > 1': ['1:10: a length of time, as in 5m or 1h30m, or a parameter, got `300`'],
    'avg("m.x", 5m) > 1': ['1:5: the path that the window is over, as in avg(boiler.payload.temperature, 5m), got `"m.x"`'],
    'avg(parameters.x, 5m) > 1': ['1:5: the path that the window is over, as in avg(boiler.payload.temperature, 5m), got `parameters.x`'],
    'avg(m.x) > 1': ['1:8: a comma and a length of time, as in 5m or 1h30m, or a parameter, got `)`'],
    'percentile(m.x, 5m) > 1': ['1:19: a comma and a number from 0 to 100, or a parameter, got `)`'],
    'avg(m.x, 5m, 95) > 1': ['1:12: ) (it is open since 1:4), got `,`'],
    'mean(m.x, 5m) > 1': ['1:1: one of avg sum min max count rate delta stddev percentile first last age changed, got `mean`; perhaps `avg`'],
    'm.x between 1 or 5': ['1:15: and, as in x between 1 and 5, got `or`'],
    'm.x matches m.y': ['1:13: a text that is written out, or a parameter, behind matches, got `m.y`'],
    'm.x + 1 changed': ['1:1: a path before changed, got `m.x + 1`'],
    'boiler.flow-rate.x-y.z > 5': ['1:12: blanks around - for a difference, or the name in quotation marks, got `-rate`'],
    'boiler.flow-rate > 5 or m.x-1 > 2': [
      '1:12: blanks around - for a difference, or the name in quotation marks, got `-rate`',
      '1:28: blanks around - for a difference, or the name in quotation marks, got `-1`',
    ],
    'm. > 5': ['1:3: a name behind the dot, got ` `'.replace('` `', '``')],
    'm.x["a"] > 5': ['1:5: a number and ]: a name stands behind a dot, in quotation marks where it is odd, got `"a"]`'],
    'm."a.b" > 5 and m."" > 1': ['1:3: a name without dots, and not an empty one, got `"a.b"`', '1:19: a name without dots, and not an empty one, got `""`'],
    'm.x == "abc\n and m.y == \'d': ['1:8: a text that ends with " in the same line, got `"abc`', "2:13: a text that ends with ' in the same line, got `'d`"],
    'm.x == "\\q\\u12\\u{110000}"': [
      '1:9: one of \\" \\\' \\\\ \\/ \\b \\f \\n \\r \\t \\u0041 \\u{1f600}, got `\\q`',
      '1:11: one of \\" \\\' \\\\ \\/ \\b \\f \\n \\r \\t \\u0041 \\u{1f600}, got `\\u`',
      '1:15: one of \\" \\\' \\\\ \\/ \\b \\f \\n \\r \\t \\u0041 \\u{1f600}, got `\\u{110000}`',
    ],
    'm.x == 5x or m.y == 1e or m.z == 1e999': [
      '1:8: a number, or a length of time in ms, s, m, h, d, w: 5m, 1h30m, got `5x`',
      '1:21: a number, or a length of time in ms, s, m, h, d, w: 5m, 1h30m, got `1e`',
      '1:34: a number of less than 1.8e308, got `1e999`',
    ],
    '${parameters.x} > 5': ['1:1: the name without ${ and }, got `${parameters.x}`'],
    'm.x > 5 # a word': [`1:9: a path, a value or an operator, got \`#\``],
  };
  for (const [text, faults] of Object.entries(FAULTS))
    it(`what is wrong with ${JSON.stringify(text)}`, () => {
      expect(read(text)).to.deep.equal(faults);
    });

  it('at most twenty faults', () => {
    expect(read('m.x = 1 and '.repeat(100))).to.have.length(20);
  });

  it('where the parts of the JSON stand, so that what parseCondition has against them has its place in the text', () => {
    const text = "boiler.x > 5 and\n  (m.y matches '(' or foo(1) or\n   avg(m.x, 0s) > 1 or max('a', 2) in [1] or [] > m.constructor)";
    const places = parseCondition(text, {}, '/c').faults.map(({ expected }) => /line (\d+), column (\d+)/.exec(expected)?.slice(1).map(Number));
    expect(places).to.deep.equal([
      [2, 16],
      [2, 23],
      [3, 13],
      [3, 28],
      [3, 51],
    ]);
    expect(parseCondition('m.x > 5 adn m.y > 5', {}, '/c').faults).to.deep.equal([
      { path: '/c', expected: 'an operator (line 1, column 9 of the condition)', got: 'adn', nearest: 'and' },
    ]);
  });
});

describe('parseText ends', () => {
  it('with the JSON or with faults in their order, whatever it is given', () => {
    const damaged = fc.tuple(written(2), fc.nat(), fc.nat(9), soup).map(([json, at, length, other]) => {
      const text = printText(json) ?? '';
      const from = at % (text.length + 1);
      return text.slice(0, from) + (length > 4 ? other.slice(0, 3) : '') + text.slice(from + length);
    });
    let [good, bad] = [0, 0];
    fc.assert(
      fc.property(fc.oneof(soup, damaged, fc.string({ unit: 'binary', maxLength: 60 })), (text) => {
        const got = parseText(text);
        if ('json' in got) {
          good++;
          JSON.stringify(got.json);
          return;
        }
        bad++;
        expect(got.faults.length).to.be.within(1, 20);
        const lines = text.split('\n');
        const offsets = got.faults.map(({ line, column }) => {
          const before = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
          expect(column).to.be.within(1, (lines[line - 1]?.length ?? -1) + 1);
          return before + column;
        });
        expect(offsets).to.deep.equal([...new Set(offsets)].sort((a, b) => a - b));
      }),
      { numRuns: NUM_RUNS },
    );
    expect(good / NUM_RUNS).to.be.above(0.05);
    expect(bad / NUM_RUNS).to.be.above(0.3);
  });

  const told = (text: string): unknown => {
    const got = parseText(text);
    return 'json' in got ? 'json' : got.faults.map(({ expected }) => expected);
  };

  it('at 65,536 characters', () => {
    expect(read(`'${'x'.repeat(65_534)}'`)).to.have.length(65_534);
    expect(read(`'${'x'.repeat(65_535)}'`)).to.deep.equal([`1:65537: a text of at most 65536 characters, got \`'\``]);
    expect(told('x'.repeat(10_000_000))).to.deep.equal(['a text of at most 65536 characters']);
  });

  it('at 64 levels, without a full stack', () => {
    const nests: readonly (readonly [open: string, close: string, levels: number])[] = [
      ...(['not ', '! ', '- ', '+', '!!'] as const).map((sign) => [sign, '', 63] as const),
      ...([['[', ']', 63] as const, ['f(', ')', 63] as const, ['-(', ')', 63] as const, ['"-"(...', ')', 63] as const, ['(', ')', 192] as const] as const),
      ...([['', ' - 1', 63] as const, ['(1 + ', ')', 63] as const, ['true and (false or ', ')', 31] as const] as const),
    ];
    for (const [open, close, levels] of nests) {
      const nested = (times: number): string => `${open.repeat(times)}m.x${close.repeat(times)}`;
      expect(told(nested(levels)), open).to.equal('json');
      expect(told(nested(levels + 1)), open).to.deep.equal(['a condition of at most 64 levels']);
      expect(told(nested(Math.floor(65_500 / (open.length + close.length)))), open).to.deep.equal(['a condition of at most 64 levels']);
    }
  });

  it('at 10,000 parts', () => {
    const wide = (parts: number): string => Array.from({ length: parts - 1 }, () => 1).join(' or ');
    expect(told(wide(10_000))).to.equal('json');
    expect(told(wide(10_001))).to.deep.equal(['a condition of at most 10000 parts']);
    expect(told(`max(1, 2) in [${Array.from({ length: 20_000 }, () => 1).join()}]`)).to.equal('json');
    expect(told(`m.x in [${Array.from({ length: 20_000 }, () => 1).join()}]`)).to.equal('json');
  });

  it('in time that grows with the length and no faster', () => {
    const units = [
      ...[
        'a-',
        'a.',
        'a',
        '-',
        '1m',
        '1',
        '"',
        "'",
        '\\',
        '"\\',
        '(',
        ')',
        '[',
        ']',
        ',',
        '!',
        'not ',
        '${',
        '&',
        '...',
        '.',
        '😀',
        '\n',
        ' ',
        'x(',
        '"a"(',
        'm.x[0]',
      ],
      ...[
        'm.x ',
        'm.x and ',
        'm.x adn ',
        'm.x - ',
        'm.x<',
        'm.x-a ',
        'm.x = 1 or ',
        'x between 1 and ',
        'avg(m.x, 5m) ',
        'nto ',
        'm."a"',
        '[1],',
        'm.x in [',
        '5 ',
        'f(1) ',
      ],
      ...['m.x not ', "'a' ", 'm[', 'rule.', 'rule.a-', '"a".', '1e', '1.', '0x', 'a--b'],
    ];
    const most = 250_000; // µs of the processor for 65,536 characters, of which it takes 20,000; a reading that grew with the square would take seconds
    for (const unit of units) {
      const text = unit.repeat(Math.floor(65_536 / unit.length));
      const began = process.cpuUsage();
      parseText(text);
      const { user, system } = process.cpuUsage(began);
      expect(user + system, unit).to.be.below(most);
    }
  });
});
