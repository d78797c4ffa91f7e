/** Words and signs of other languages and of hasty fingers: what was meant by them. Pure. */
import { nearest } from '../../schema.ts';

/** Longer ones are not misspelt. */
const LONGEST = 32;
const FOREIGN: ReadonlyMap<string, string> = new Map([
  ['&&', 'and'],
  ['&', 'and'],
  ['||', 'or'],
  ['|', 'or'],
  ['<>', '!='],
  ['=>', '>='],
  ['=<', '<='],
  ['=~', 'matches'],
  ['=', '=='],
  ['is', '=='],
  ['eq', '=='],
  ['equals', '=='],
  ['has', 'contains'],
  ['includes', 'contains'],
  ['like', 'matches'],
  ['average', 'avg'],
  ['mean', 'avg'],
  ['minimum', 'min'],
  ['maximum', 'max'],
]);

export const isWord = (text: string): boolean => /^\w/.test(text);

/** Which of `words` was meant by `word`; of an operator it may also be a sign. */
export function meant(word: string, words: readonly string[]): string | undefined {
  if (word.length > LONGEST) return undefined;
  const foreign = FOREIGN.get(word);
  if (foreign !== undefined && (words.includes(foreign) || !isWord(foreign))) return foreign;
  const letters = lettersOf(word);
  return words.find((one) => lettersOf(one) === letters) ?? nearest(word, words);
}

const lettersOf = (word: string): string => [...word.toLowerCase()].sort().join('');
