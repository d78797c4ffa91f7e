/** Going through the tokens of a condition's text: what stands here, what should, and where to go on after a fault. Pure. */
import type { Faults } from './faults.ts';
import type { Token } from './lexer.ts';
import { INFIX_WORDS } from './shapes.ts';
import { isWord, meant } from './words.ts';

const END: Token = { kind: 'end', text: '', at: 0, end: 0 };

export class Steps {
  readonly faults: Faults;
  readonly #tokens: readonly Token[];
  readonly #end: Token;
  #next = 0;
  /** Nothing more is read, and no fault told. */
  #stopped = false;
  /** The word that was meant, in place of the one that stands here. */
  #mended: Token | undefined;

  constructor(tokens: readonly Token[], faults: Faults) {
    this.faults = faults;
    this.#tokens = tokens;
    this.#end = tokens.at(-1) ?? END;
  }

  peek(): Token {
    if (this.#stopped) return this.#end;
    return this.#mended ?? this.#tokens[this.#next] ?? this.#end;
  }

  /** @param far how many tokens behind the one here. */
  ahead(far: number): Token {
    return this.#stopped ? this.#end : (this.#tokens[this.#next + far] ?? this.#end);
  }

  /** Where the token ends that stands before this one. */
  get behind(): number {
    return this.#tokens[this.#next - 1]?.end ?? 0;
  }

  step(): Token {
    const token = this.peek();
    this.#mended = undefined;
    this.#next++;
    return token;
  }

  /** Whether this word or sign stands here, or so many tokens behind. */
  sees(text: string, far = 0): boolean {
    const token = far === 0 ? this.peek() : this.ahead(far);
    return (token.kind === 'word' || token.kind === 'sign') && token.text === text;
  }

  /** The same, and goes on behind it. */
  takes(text: string): boolean {
    const seen = this.sees(text);
    if (seen) this.step();
    return seen;
  }

  /** A fault here, unless one has been told of what stands here. */
  expected(what: string, near?: string): void {
    const { kind, at, end } = this.peek();
    if (kind !== 'bad' && !this.#stopped) this.faults.add(at, end, what, near);
    if (this.faults.enough) this.#stopped = true;
  }

  /** A fault after which nothing can be read. */
  stop(at: number, what: string): void {
    if (!this.#stopped) this.faults.add(at, at + 1, what);
    this.#stopped = true;
  }

  /** Where an operator may stand: a word that is nearly one is a fault, and then taken for it. */
  mend(): void {
    const here = this.peek();
    if (here.kind !== 'word' || INFIX_WORDS.includes(here.text)) return;
    const near = meant(here.text, INFIX_WORDS);
    if (near === undefined) return;
    this.expected('an operator', near);
    this.#mended = { ...here, kind: isWord(near) ? 'word' : 'sign', text: near };
  }

  /** Goes on where the part that has a fault may end: before `and`, `or`, a comma or a bracket that closes it. */
  skip(stopsAt: readonly string[] = ['and', 'or', ',', ')', ']']): void {
    for (let open = 0; this.peek().kind !== 'end'; this.step()) {
      if (open === 0 && stopsAt.some((text) => this.sees(text))) return;
      if (this.sees('(') || this.sees('[')) open++;
      else if (this.sees(')') || this.sees(']')) open--;
    }
  }

  /**
   * The bracket that closes.
   *
   * @param openAt where the one is that opens.
   * @param also what else may stand here, if anything.
   */
  closes(sign: ')' | ']', openAt: number, also?: string): void {
    if (this.takes(sign)) return;
    const { line, column } = this.faults.placeOf(openAt);
    this.expected(`${also === undefined ? '' : `${also} or `}${sign} (it is open since ${line}:${column})`);
    this.skip([')', ']']);
    if (!this.takes(')')) this.takes(']');
  }
}
