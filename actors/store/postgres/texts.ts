/**
 * How texts reach PostgreSQL: statements with their `?` numbered, and texts that it could not hold. It knows no U+0000; so that one is written as
 * two characters, with a noncharacter (Unicode 23.7: never in open interchange) in front, and what is read back is as it was given. Character
 * by character, so that equality, LIKE and substrings mean what they meant before.
 */

const MARK = '\uFDD0';
const NUL = `${MARK}\uFDD1`;
const ITSELF = `${MARK}\uFDD2`;

export const written = (text: string): string => (text.includes('\0') || text.includes(MARK) ? text.replaceAll(MARK, ITSELF).replaceAll('\0', NUL) : text);
export const read = (text: string): string => (text.includes(MARK) ? text.replaceAll(NUL, '\0').replaceAll(ITSELF, MARK) : text);

/** A list of texts as PostgreSQL reads it. */
export const listOf = (texts: readonly (string | null)[]): string =>
  `{${texts.map((text) => (text === null ? 'NULL' : `"${text.replaceAll(/["\\]/g, '\\$&')}"`)).join(',')}}`;

/** Literals and quoted names, in which a `?` is a character like any other; or one that stands for a value. */
const TOKEN = /'(?:[^']|'')*'|"(?:[^"]|"")*"|\?/g;
const numbered = new Map<string, string>();

/** `?` as `$1`, `$2`, …. */
export function numberedOf(sql: string): string {
  const there = numbered.get(sql);
  if (there !== undefined) return there;
  let last = 0;
  const text = sql.replaceAll(TOKEN, (token) => (token === '?' ? `$${++last}` : token));
  numbered.set(sql, text);
  return text;
}
