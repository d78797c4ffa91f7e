/** Rows in COPY's binary format (PostgreSQL, COPY, "Binary Format"): numbers keep every bit, and nothing needs to be escaped. */
import { written } from './texts.ts';

const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1'); // no flags, no extension
const START_SIZE = 1 << 16;
const TWO_32 = 2 ** 32;

export class Rows {
  #buffer = Buffer.allocUnsafe(START_SIZE);
  #end = SIGNATURE.copy(this.#buffer);
  count = 0;

  row(columns: number): this {
    this.count++;
    this.#end = this.#room(2).writeInt16BE(columns, this.#end);
    return this;
  }
  int4(value: number): this {
    const at = this.#head(4);
    this.#end = this.#buffer.writeInt32BE(value, at);
    return this;
  }
  /** @param value a whole number within ±2⁵³. */
  int8(value: number): this {
    const at = this.#head(8);
    const high = Math.floor(value / TWO_32);
    this.#buffer.writeInt32BE(high, at);
    this.#end = this.#buffer.writeUInt32BE(value - high * TWO_32, at + 4);
    return this;
  }
  float8(value: number | null): this {
    if (value === null) {
      this.#end = this.#room(4).writeInt32BE(-1, this.#end);
      return this;
    }
    const at = this.#head(8);
    this.#end = this.#buffer.writeDoubleBE(value, at);
    return this;
  }
  text(value: string): this {
    return this.bytes(Buffer.from(written(value)));
  }
  bytes(value: Uint8Array): this {
    const at = this.#head(value.length);
    this.#buffer.set(value, at);
    this.#end = at + value.length;
    return this;
  }

  /** All of it, with its trailer. The rows are of no use afterwards. */
  finish(): Uint8Array {
    this.#end = this.#room(2).writeInt16BE(-1, this.#end);
    return this.#buffer.subarray(0, this.#end);
  }

  /** Write a field's length. @returns where its `size` bytes go. */
  #head(size: number): number {
    return this.#room(size + 4).writeInt32BE(size, this.#end);
  }

  #room(bytes: number): Buffer {
    if (this.#end + bytes > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(2 * this.#buffer.length, this.#end + bytes));
      this.#buffer.copy(larger, 0, 0, this.#end);
      this.#buffer = larger;
    }
    return this.#buffer;
  }
}
