/** What the formats of an export have in common. */

/** A sample, a log or a span, by its columns. */
export type Line = readonly (string | number | null)[];
export interface Column {
  readonly name: string;
  /** time: ms since 1970 · json: a text with an object. */
  readonly kind: 'time' | 'number' | 'text' | 'json';
  /** It can be null. */
  readonly optional?: true;
}
/** Bytes of a file, from its first to its last. */
export type Format = (columns: readonly Column[], lines: AsyncIterable<readonly Line[]>) => AsyncGenerator<Uint8Array>;
