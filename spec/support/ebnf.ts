/** A grammar in EBNF, as the docs have it, into random sentences of its language. */
import fc from 'fast-check';

type Part =
  | { readonly kind: 'sequence' | 'choice'; readonly of: readonly Part[] }
  | { readonly kind: 'option' | 'repetition'; readonly of: Part }
  | { readonly kind: 'rule' | 'terminal' | 'special'; readonly text: string };

const TOKEN = /\s*("[^"]*"|'[^']*'|\?[^?]*\?|\w+|[=;|()[\]{}])/y;

/** The rules of a grammar, in the order in which they are written. @throws where it is none. */
export function grammar(text: string): ReadonlyMap<string, Part> {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  for (let found = TOKEN.exec(text); found; found = TOKEN.exec(text)) tokens.push(found[1] ?? '');
  const take = (expected?: string): string => {
    const token = tokens.shift() ?? '';
    if (expected !== undefined && token !== expected) throw new Error(`expected ${expected}, got ${token}, before ${tokens.slice(0, 8).join(' ')}`);
    return token;
  };
  const choice = (): Part => {
    const of = [sequence()];
    while (tokens[0] === '|') {
      take();
      of.push(sequence());
    }
    return { kind: 'choice', of };
  };
  const sequence = (): Part => {
    const of: Part[] = [];
    while (!['|', ')', ']', '}', ';'].includes(tokens[0] ?? ';')) of.push(part());
    return { kind: 'sequence', of };
  };
  const enclosed = (close: string): Part => {
    const inner = choice();
    take(close);
    return inner;
  };
  const part = (): Part => {
    const token = take();
    if (token === '(') return enclosed(')');
    if (token === '[') return { kind: 'option', of: enclosed(']') };
    if (token === '{') return { kind: 'repetition', of: enclosed('}') };
    if (token.startsWith('?')) return { kind: 'special', text: token.slice(1, -1).trim() };
    return /^['"]/.test(token) ? { kind: 'terminal', text: token.slice(1, -1) } : { kind: 'rule', text: token };
  };
  const rules = new Map<string, Part>();
  while (tokens.length > 0) {
    const name = take();
    take('=');
    rules.set(name, choice());
    take(';');
  }
  return rules;
}

export interface Options {
  /** What a special sequence stands for. */
  readonly specials: Readonly<Record<string, readonly string[]>>;
  /** Rules within which nothing stands between the parts. */
  readonly lexical: ReadonlySet<string>;
  /** What may stand between the parts of all others. */
  readonly blanks: readonly string[];
}

/** Sentences that the rule `start` makes. They end: deep down, each choice is the one that is soonest done. */
export function sentences(rules: ReadonlyMap<string, Part>, start: string, { specials, lexical, blanks }: Options): fc.Arbitrary<string> {
  const heights = heightsOf(rules);
  const write = (part: Part, pick: (below: number) => number, depth: number, isLexical: boolean): string => {
    switch (part.kind) {
      case 'terminal':
        return part.text;
      case 'special': {
        const samples = specials[part.text] ?? [];
        const sample = samples[pick(samples.length)];
        if (sample === undefined) throw new Error(`nothing is said to stand for ? ${part.text} ?`);
        return sample;
      }
      case 'rule':
        return write(ruleOf(rules, part.text), pick, depth + 1, isLexical || lexical.has(part.text));
      case 'option':
        return depth < DEEP && pick(2) === 1 ? write(part.of, pick, depth, isLexical) : '';
      case 'repetition': {
        const times = depth < DEEP ? pick(3) : 0;
        return joined(Array.from({ length: times }, () => write(part.of, pick, depth, isLexical)));
      }
      case 'choice': {
        const soonest = Math.min(...part.of.map((one) => heightOf(one, heights)));
        const open = depth < DEEP ? part.of : part.of.filter((one) => heightOf(one, heights) === soonest);
        return write(open[pick(open.length)] ?? { kind: 'terminal', text: '' }, pick, depth, isLexical);
      }
      case 'sequence':
        return joined(part.of.map((one) => write(one, pick, depth, isLexical)));
    }
    function joined(texts: readonly string[]): string {
      return texts.filter((one) => one !== '').join(isLexical ? '' : (blanks[pick(blanks.length)] ?? ' '));
    }
  };
  return fc.array(fc.nat(0xffff), { minLength: 200, maxLength: 200 }).map((choices) => {
    let next = 0;
    const pick = (below: number): number => (below === 0 ? 0 : (choices[next++ % choices.length] ?? 0) % below);
    return write({ kind: 'rule', text: start }, pick, 0, false);
  });
}
/** Of rules within rules; no sentence of a grammar that is not deeper itself grows beyond some thousand characters. */
const DEEP = 12;

function ruleOf(rules: ReadonlyMap<string, Part>, name: string): Part {
  const rule = rules.get(name);
  if (!rule) throw new Error(`the grammar has no rule ${name}`);
  return rule;
}

/** In how many steps a rule can be done. */
function heightsOf(rules: ReadonlyMap<string, Part>): ReadonlyMap<string, number> {
  const heights = new Map<string, number>();
  for (let changed = true; changed; ) {
    changed = false;
    for (const [name, rule] of rules) {
      const height = 1 + heightOf(rule, heights);
      if (height < (heights.get(name) ?? Number.POSITIVE_INFINITY)) changed = heights.set(name, height).size > 0;
    }
  }
  return heights;
}

function heightOf(part: Part, heights: ReadonlyMap<string, number>): number {
  switch (part.kind) {
    case 'rule':
      return heights.get(part.text) ?? Number.POSITIVE_INFINITY;
    case 'choice':
      return Math.min(...part.of.map((one) => heightOf(one, heights)));
    case 'sequence':
      return Math.max(0, ...part.of.map((one) => heightOf(one, heights)));
    default:
      return 0;
  }
}
