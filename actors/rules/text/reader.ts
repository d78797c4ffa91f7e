/** A text read from left to right: what matches where one stands, and what stands in quotation marks. Pure. */
import type { Faults } from './faults.ts';

const PLAIN: Readonly<Record<string, RegExp>> = { '"': /[^"\\\r\n]+/y, "'": /[^'\\\r\n]+/y };
const ESCAPE = /\\(?:u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|(["'\\/bfnrt]))/y;
const ESCAPED: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };
const HIGHEST_CODE_POINT = 0x10ffff;

export class Reader {
  readonly text: string;
  readonly faults: Faults;
  at = 0;

  constructor(text: string, faults: Faults) {
    this.text = text;
    this.faults = faults;
  }

  /** The character here; `''` at the end. */
  get next(): string {
    return this.text[this.at] ?? '';
  }

  get isQuote(): boolean {
    return this.next === '"' || this.next === "'";
  }

  /** @param pattern sticky, as all here. */
  sees(pattern: RegExp): boolean {
    pattern.lastIndex = this.at;
    return pattern.test(this.text);
  }

  take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const [found] = pattern.exec(this.text) ?? [];
    this.at += found?.length ?? 0;
    return found;
  }

  /** What stands in quotation marks; undefined, and a fault, when they do not end in the line. */
  quoted(): string | undefined {
    const at = this.at;
    const quote = this.next;
    this.at++;
    const plain = PLAIN[quote];
    let value = '';
    for (;;) {
      value += (plain && this.take(plain)) ?? '';
      if (this.next === quote) {
        this.at++;
        return value;
      }
      if (this.next !== '\\') {
        this.faults.add(at, this.at, `a text that ends with ${quote} in the same line`);
        return undefined;
      }
      value += this.#escaped();
    }
  }

  #escaped(): string {
    const at = this.at;
    ESCAPE.lastIndex = at;
    const [all = '\\', long, short, sign] = ESCAPE.exec(this.text) ?? [];
    this.at += all.length;
    if (sign !== undefined) return ESCAPED[sign] ?? sign;
    const code = Number.parseInt(long ?? short ?? 'none', 16);
    if (code <= HIGHEST_CODE_POINT) return String.fromCodePoint(code);
    this.faults.add(at, at + Math.max(2, all.length), String.raw`one of \" \' \\ \/ \b \f \n \r \t \u0041 \u{1f600}`);
    return '';
  }
}
