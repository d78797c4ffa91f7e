/** A condition's text into tokens, in linear time. What is no token is a fault, and the reading goes on behind it. Pure. */
import type { Faults } from './faults.ts';
import { Reader } from './reader.ts';
import { INFIX_WORDS } from './shapes.ts';
import { isWord, meant } from './words.ts';

interface Span {
  readonly at: number;
  /** Behind its last character. */
  readonly end: number;
}
export interface Word extends Span {
  readonly kind: 'word';
  readonly text: string;
}
export interface Sign extends Span {
  readonly kind: 'sign';
  readonly text: string;
}
interface Plain extends Span {
  /** `bad`: a fault has been told, so that nobody needs to tell it again. */
  readonly kind: 'duration' | 'bad' | 'end';
  readonly text: string;
}
interface Numeral extends Span {
  readonly kind: 'number';
  readonly value: number;
}
interface Quoted extends Span {
  readonly kind: 'string';
  readonly value: string;
}
export interface Path extends Span {
  readonly kind: 'path';
  readonly segments: readonly string[];
  /** Whether the first of them stands in quotation marks: `parameters` then is a monitor's name like any. */
  readonly quoted: boolean;
}
export type Token = Word | Sign | Plain | Numeral | Quoted | Path;

const BLANK = /\s+/y;
const NAME = /[\p{L}\p{N}_]+/uy;
/** A name with dashes in it; it may not end in one, which is looked at afterwards. */
const DASHED = /[\p{L}\p{N}_-]+/uy;
/** What would go on with a path, where there is none. */
const STRAY = /\.[\p{L}\p{N}_.-]*/uy;
const INITIAL = /[\p{L}_]/uy;
const SEGMENT_START = /["'\p{L}\p{N}_]/uy;
const NUMBER = /\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const DURATION = /(?:\d+(?:ms|[smhdw]))+/y;
const INDEX = /\[(\d+)\]/y;
const WRONG_INDEX = /\[[^[\]\r\n]*\]?/y;
const SIGN = /\.\.\.|===|!==|[=!<>]=|!!|[<>!+\-*/%()[\],]/y;
const FOREIGN_SIGN = /&&?|\|\|?|<>|=>|=<|=~|=(?!=)/y;
/** What configuration and templates have around a name. */
const REFERENCE = /\$\{[^{}\r\n]*\}/y;

/** The whole text; the last token is the end. */
export function tokensOf(text: string, faults: Faults): readonly Token[] {
  const lexer = new Lexer(text, faults);
  const tokens: Token[] = [];
  for (let token = lexer.token(); ; token = lexer.token()) {
    tokens.push(token);
    if (token.kind === 'end') return tokens;
  }
}

class Lexer extends Reader {
  #noResourceUntil = 0;

  token(): Token {
    this.take(BLANK);
    const at = this.at;
    if (at >= this.text.length || this.faults.enough) return { kind: 'end', text: '', at, end: at };
    if (this.isQuote) return this.#string();
    if (this.sees(NUMBER)) return this.#number();
    if (this.sees(INITIAL)) return this.#name();
    const foreign = this.take(FOREIGN_SIGN);
    if (foreign !== undefined) return this.#foreign(at, foreign);
    const sign = this.take(SIGN);
    if (sign !== undefined) return this.#plain('sign', at, sign);
    if (this.take(REFERENCE) !== undefined) return this.#bad(at, 'the name without ${ and }');
    if (this.take(STRAY) === undefined) this.at += String.fromCodePoint(this.text.codePointAt(at) ?? 0).length;
    return this.#bad(at, 'a path, a value or an operator');
  }

  #string(): Token {
    const at = this.at;
    const value = this.quoted();
    if (value === undefined) return this.#plain('bad', at);
    return this.#startsSegment() ? this.#path(at, value, true) : { kind: 'string', value, at, end: this.at };
  }

  #number(): Token {
    const at = this.at;
    const text = this.take(NUMBER) ?? '';
    if (!this.sees(NAME)) {
      const value = Number(text);
      return Number.isFinite(value) ? { kind: 'number', value, at, end: this.at } : this.#bad(at, 'a number of less than 1.8e308');
    }
    this.at = at;
    const duration = this.take(DURATION);
    if (duration !== undefined && !this.sees(NAME)) return this.#plain('duration', at, duration);
    this.at = Math.max(this.at, at + text.length);
    this.take(NAME);
    return this.#bad(at, 'a number, or a length of time in ms, s, m, h, d, w: 5m, 1h30m');
  }

  /** A word, or the path that begins with it. */
  #name(): Token {
    const at = this.at;
    const dashed = this.#dashed();
    if (dashed !== undefined) return this.#path(at, dashed, false);
    const name = this.take(NAME) ?? '';
    return this.next === '.' ? this.#path(at, name, false) : this.#plain('word', at, name);
  }

  /** A resource's name, in which dashes need no quotation marks: with a dot behind it, it cannot be a difference. Undefined where it is none. */
  #dashed(): string | undefined {
    const { at } = this;
    if (at < this.#noResourceUntil) return undefined;
    const name = this.take(DASHED) ?? '';
    if (name !== '' && !name.endsWith('-') && this.#startsSegment()) return name;
    this.#noResourceUntil = this.at; // wherever within it one begins, it ends here: a chain of dashes is not read again at each
    this.at = at;
    return undefined;
  }

  #path(at: number, first: string, quoted: boolean): Token {
    const segments = [first];
    const isRule = first === 'rule' && !quoted;
    let isSound = this.#isName(at, first);
    for (;;) {
      const segmentAt = this.at + 1;
      const segment = this.#segment(isRule && segments.length === 1);
      if (segment === undefined) break;
      if (segment === BAD) return this.#plain('bad', at);
      isSound = this.#isName(segmentAt, segment) && isSound;
      segments.push(segment);
    }
    return this.#endsInDash() || !isSound ? this.#plain('bad', at) : { kind: 'path', segments, quoted, at, end: this.at };
  }

  /** The next part of a path: `.name`, `."odd name"` or `[0]`; undefined where it ends. */
  #segment(mayHaveDashes: boolean): string | undefined | typeof BAD {
    const at = this.at;
    if (this.text[at] === '[') {
      const index = this.take(INDEX);
      if (index !== undefined) return index.slice(1, -1);
      const wrong = this.take(WRONG_INDEX) ?? '';
      this.faults.add(at + 1, at + wrong.length, 'a number and ]: a name stands behind a dot, in quotation marks where it is odd');
      return BAD;
    }
    if (this.text[at] !== '.') return undefined;
    this.at++;
    if (this.isQuote) return this.quoted() ?? BAD;
    const name = (mayHaveDashes ? this.#dashed() : undefined) ?? this.take(NAME);
    if (name === undefined) this.faults.add(this.at, this.at + 1, 'a name behind the dot');
    return name ?? BAD;
  }

  /** A field is written `monitor.a.b` in JSON: its names have no dots. */
  #isName(at: number, segment: string): boolean {
    const isName = segment !== '' && !segment.includes('.');
    if (!isName) this.faults.add(at, this.at, 'a name without dots, and not an empty one');
    return isName;
  }

  /** `boiler.flow-rate` may be a name or a difference: it is neither until the author has said which. */
  #endsInDash(): boolean {
    const at = this.at;
    if (this.text[at] !== '-') return false;
    this.at++;
    const isDash = this.sees(NAME);
    this.at = at;
    if (!isDash) return false;
    this.take(DASHED);
    this.faults.add(at, this.at, 'blanks around - for a difference, or the name in quotation marks');
    this.take(STRAY);
    return true;
  }

  #foreign(at: number, sign: string): Token {
    const near = meant(sign, INFIX_WORDS) ?? sign;
    this.faults.add(at, this.at, 'an operator', near);
    return this.#plain(isWord(near) ? 'word' : 'sign', at, near);
  }

  #plain(kind: (Word | Sign | Plain)['kind'], at: number, text = this.text.slice(at, this.at)): Token {
    return { kind, text, at, end: this.at };
  }

  #bad(at: number, expected: string): Token {
    this.faults.add(at, this.at, expected);
    return this.#plain('bad', at);
  }

  /** Whether a dot with a name behind it stands here. */
  #startsSegment(): boolean {
    SEGMENT_START.lastIndex = this.at + 1;
    return this.next === '.' && SEGMENT_START.test(this.text);
  }
}

/** A part of a path of which the fault is told. */
const BAD = Symbol('bad');
