/** The tokens of a condition's text into its JSON, by the grammar in docs/configuration.head.md: what stands between values. Pure. */
import type { Sign, Token, Word } from './lexer.ts';
import type { Node } from './nodes.ts';
import { BEHIND_WORDS, isField, isLiteral, isOperand, LEVEL, MOST_NODES, SIGNS, TRIPLE } from './shapes.ts';
import { Values } from './values.ts';

const OPERATOR = 'an operator (and, or, ==, >, in, …)';

export class Parser extends Values {
  /** The whole text; it means something only when there are no faults. */
  whole(): Node {
    const root = this.condition();
    while (this.peek().kind !== 'end') {
      this.expected(`${OPERATOR} or the end`);
      this.skip();
      while (['and', 'or', ',', ')', ']'].some((text) => this.takes(text)));
      if (this.peek().kind !== 'end') this.condition();
    }
    if (root.size > MOST_NODES) this.faults.add(root.at, this.behind, `a condition of at most ${MOST_NODES} parts`);
    return root;
  }

  protected override condition(): Node {
    return this.#joined('or', () => this.#joined('and', () => this.#not()));
  }

  #joined(word: string, part: () => Node): Node {
    const first = part();
    const { at } = this.peek();
    if (!this.takes(word)) return first;
    const parts = [first, part()];
    while (this.takes(word)) parts.push(part());
    return this.nodes.infix(word, at, parts);
  }

  #not(): Node {
    const { at } = this.peek();
    return this.takes('not') ? this.nest(at, () => this.nodes.unary('not', at, this.#not())) : this.#comparison();
  }

  #comparison(): Node {
    const left = this.#operand();
    const node = this.#compared(left);
    const more = this.peek();
    if (node === left || !(this.#isComparison(more) || this.#isBehind(more))) return node;
    this.expected('and, or or the end: no comparison stands in another, and only 1 < x < 5 and 1 <= x <= 5 have three sides');
    this.skip();
    return node;
  }

  #compared(left: Node): Node {
    const here = this.peek();
    if (this.#isBehind(here)) return this.#byWord(left, here.text, this.step().at, false);
    if (this.takes('not')) return this.#byNot(left);
    if (!this.#isComparison(here)) return left;
    const { at, text: op } = here;
    this.step();
    const right = this.#operand();
    if (!TRIPLE.has(op) || !this.takes(op)) return this.nodes.comparison(op, at, left, right);
    return this.nodes.infix(op, at, [left, right, this.#operand()]);
  }

  #byNot(left: Node): Node {
    this.mend();
    const word = this.peek();
    if (this.#isBehind(word)) return this.#byWord(left, word.text, this.step().at, true);
    this.expected(`one of ${BEHIND_WORDS.join(', ')} behind not`);
    this.skip();
    return left;
  }

  /** A value, and behind it perhaps a word that is nearly an operator. */
  #operand(): Node {
    const node = this.sum();
    this.mend();
    return node;
  }

  #byWord(left: Node, word: string, at: number, negated: boolean): Node {
    const { nodes } = this;
    const signed = (node: Node): Node => (negated ? { ...nodes.unary('not', at, node), at: left.at } : node);
    const isPath = isField(left.json);
    if (word === 'changed') {
      if (!isPath && left.json !== undefined) this.faults.add(left.at, at, 'a path before changed');
      return signed(nodes.leaf(left, word, at));
    }
    if (word === 'exists') {
      if (!isPath) return signed(nodes.infix(word, at, [left]));
      return negated ? nodes.leaf(left, word, at, nodes.simple(false, at)) : nodes.leaf(left, word, at);
    }
    if (word === 'between') return signed(this.#between(left, at));
    const right = this.#operand();
    if (word === 'not_in' || (word === 'in' && negated)) return this.#notIn(left, right, at);
    if (word === 'in') return nodes.comparison(word, at, left, right);
    if (isOperand(right.json)) return signed(nodes.test(word, at, left, right));
    if (word === 'contains') return signed(nodes.comparison('in', at, right, left));
    if (right.json !== undefined) this.faults.add(right.at, this.behind, `a text that is written out, or a parameter, behind ${word}`);
    return left;
  }

  #notIn(left: Node, right: Node, at: number): Node {
    if (isOperand(right.json)) return this.nodes.test('not_in', at, left, right);
    return { ...this.nodes.unary('not', at, this.nodes.comparison('in', at, left, right)), at: left.at };
  }

  #between(left: Node, at: number): Node {
    const low = this.#operand();
    if (!this.takes('and')) {
      this.expected('and, as in x between 1 and 5');
      this.skip();
      return left;
    }
    const high = this.#operand();
    if (!isLiteral(low.json) || !isLiteral(high.json)) return this.nodes.infix('<=', at, [low, left, high]);
    return this.nodes.test('between', at, left, this.nodes.list([low, high], low.at));
  }

  #isComparison(token: Token): token is Sign {
    return token.kind === 'sign' && SIGNS.get(token.text) === LEVEL.comparison;
  }

  #isBehind(token: Token): token is Word {
    return token.kind === 'word' && BEHIND_WORDS.includes(token.text);
  }
}
