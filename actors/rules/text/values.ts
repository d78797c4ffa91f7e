/** The tokens of a condition's text into its JSON: arithmetic, values, functions, windows. Pure. */
import { DEEPEST } from '../values/values.ts';
import type { Faults } from './faults.ts';
import type { Path, Token, Word } from './lexer.ts';
import { type Node, Nodes } from './nodes.ts';
import { ALSO_FUNCTIONS, CHAINED, CONSTANTS, INFIX_WORDS, LEVEL, RESERVED, SIGNS, WINDOWS } from './shapes.ts';
import { Steps } from './steps.ts';
import { meant } from './words.ts';

const VALUE = 'a value (boiler.payload.temperature, parameters.x, 5, "a text", [1, 2], max(…))';
const PATH = 'a path with its monitor, as in boiler.payload.temperature, or a text in quotation marks';
const PREFIXES: ReadonlySet<string> = new Set(['-', '+', '!', '!!']);
const VALUE_WORDS: readonly string[] = ['not', ...CONSTANTS.keys()];
/** Each level of a condition takes two at the most when it is written: itself, and its parentheses. The value of a leaf has levels of its own. */
const DEEPEST_NESTING = 3 * DEEPEST;

export abstract class Values extends Steps {
  readonly nodes: Nodes;
  #nested = 0;

  constructor(tokens: readonly Token[], faults: Faults) {
    super(tokens, faults);
    this.nodes = new Nodes((at) => this.#tooDeep(at));
  }

  /** What may stand in parentheses. */
  protected abstract condition(): Node;

  protected sum(): Node {
    return this.#arithmetic(LEVEL.sum, () => this.#arithmetic(LEVEL.product, () => this.#prefixed()));
  }

  #arithmetic(level: number, operand: () => Node): Node {
    let left = operand();
    for (;;) {
      const sign = this.peek();
      if (sign.kind !== 'sign' || SIGNS.get(sign.text) !== level) return left;
      this.step();
      const items = [left, operand()];
      while (CHAINED.has(sign.text) && this.takes(sign.text)) items.push(operand());
      left = this.nodes.infix(sign.text, sign.at, items);
    }
  }

  #prefixed(): Node {
    const sign = this.peek();
    if (sign.kind !== 'sign' || !PREFIXES.has(sign.text)) return this.#value();
    this.step();
    const number = this.peek();
    if (sign.text === '-' && number.kind === 'number') {
      this.step();
      return this.nodes.simple(-number.value, sign.at);
    }
    return this.nest(sign.at, () => this.nodes.operation(sign.text, sign.at, [this.#prefixed()]));
  }

  #value(): Node {
    const token = this.peek();
    switch (token.kind) {
      case 'number':
        this.step();
        return this.nodes.simple(token.value, token.at);
      case 'string':
        this.step();
        return this.sees('(') ? this.#call(token.value, token.at) : this.nodes.simple(token.value, token.at);
      case 'path':
        this.step();
        return this.nodes.simple(isOfParameters(token) ? { var: token.segments.join('.') } : { field: token.segments.join('.') }, token.at);
      case 'duration':
        this.expected(`${VALUE}; a length of time stands in a window, as in avg(boiler.payload.temperature, ${token.text})`);
        return this.#nothing(this.step().at);
      case 'word':
        return this.#word(token);
      case 'bad':
        return this.#nothing(this.step().at);
      default:
        return this.#bracket();
    }
  }

  #word({ text, at }: Word): Node {
    const constant = CONSTANTS.get(text);
    if (constant !== undefined) {
      this.step();
      return this.nodes.simple(constant, at);
    }
    if (this.sees('(', 1) && !RESERVED.has(text)) {
      this.step();
      return this.#function(text, at);
    }
    const isInfix = INFIX_WORDS.includes(text);
    const near = isInfix ? undefined : meant(text, VALUE_WORDS);
    if (text === 'not') this.expected(`${VALUE}; here, not stands in parentheses`);
    else this.expected(isInfix ? `a value before ${text}` : PATH, near);
    if (text === 'and' || text === 'or') return this.#nothing(at);
    this.step();
    if (this.sees('(') && text !== 'not') return this.#call(text, at);
    return text === 'not' || near === 'not' ? this.#value() : this.#nothing(at);
  }

  #bracket(): Node {
    const { at } = this.peek();
    if (this.takes('(')) return this.nest(at, () => this.#parentheses(at));
    if (this.takes('[')) return this.nest(at, () => this.nodes.list(this.#items(']', at), at));
    this.expected(VALUE);
    this.skip();
    return this.#nothing(at);
  }

  #parentheses(at: number): Node {
    const node = this.condition();
    this.closes(')', at, this.sees(',') ? 'an operator (a list stands in [ ])' : 'an operator');
    return node;
  }

  #items(close: ')' | ']', at: number): readonly Node[] {
    if (this.takes(close)) return [];
    const items = [this.condition()];
    while (this.takes(',')) items.push(this.condition());
    this.closes(close, at, 'an operator, a comma');
    return items;
  }

  #call(name: string, at: number): Node {
    const open = this.step().at;
    return this.nest(at, () => (this.takes('...') ? this.#spread(name, at, open) : this.nodes.operation(name, at, this.#items(')', open))));
  }

  #spread(name: string, at: number, open: number): Node {
    const of = this.condition();
    this.closes(')', open, 'an operator');
    return this.nodes.spread(name, at, of);
  }

  /** A function, or a window where it is written as one. */
  #function(name: string, at: number): Node {
    const looksLikeWindow = this.sees(',', 2) && this.ahead(3).kind === 'duration';
    const isWindow = WINDOWS.includes(name);
    if (!looksLikeWindow && (!isWindow || ALSO_FUNCTIONS.has(name))) return this.#call(name, at);
    if (!isWindow) this.faults.add(at, at + name.length, `one of ${WINDOWS.join(' ')}`, meant(name, WINDOWS));
    const open = this.step().at;
    const items = [this.#windowPath(), this.#windowValue('duration', 'a length of time, as in 5m or 1h30m')];
    if (name === 'percentile') items.push(this.#windowValue('number', 'a number from 0 to 100'));
    this.closes(')', open);
    return this.nodes.window(name, at, items);
  }

  #windowPath(): Node {
    const token = this.peek();
    if (token.kind === 'path' && !isOfParameters(token)) return this.nodes.simple(token.segments.join('.'), this.step().at);
    this.expected('the path that the window is over, as in avg(boiler.payload.temperature, 5m)');
    this.skip([',', ')', ']']);
    return this.#nothing(token.at);
  }

  #windowValue(kind: 'duration' | 'number', expected: string): Node {
    const hasComma = this.takes(',');
    const token = this.peek();
    if (hasComma && token.kind === kind) return this.nodes.simple(token.kind === 'number' ? token.value : token.text, this.step().at);
    if (hasComma && token.kind === 'path' && isOfParameters(token)) return this.nodes.simple({ var: token.segments.join('.') }, this.step().at);
    this.expected(`${hasComma ? '' : 'a comma and '}${expected}, or a parameter`);
    this.skip([',', ')', ']']);
    return this.#nothing(token.at);
  }

  /** Where a fault has been told. */
  #nothing(at: number): Node {
    return this.nodes.simple(undefined, at);
  }

  protected nest(at: number, part: () => Node): Node {
    if (++this.#nested > DEEPEST_NESTING) this.#tooDeep(at);
    const node = part();
    this.#nested--;
    return node;
  }

  #tooDeep(at: number): void {
    this.stop(at, `a condition of at most ${DEEPEST} levels`);
  }
}

const isOfParameters = ({ segments: [first], quoted }: Path): boolean => first === 'parameters' && !quoted;
