/** Where a page left off, as a text that only the same query can go on from. */
import { refused } from './program.ts';
import type { LogQuery, MetricQuery } from './query.ts';

type Numbers = readonly number[];

/** @param position whole numbers: the keys of the last item. */
export function encodeCursor(query: MetricQuery & LogQuery, position: Numbers): string {
  return Buffer.from(JSON.stringify([checksum(query, position), ...position])).toString('base64url');
}

/** @param length of the position. @throws QueryError `refused`: it is no cursor, or that of another query. */
export function decodeCursor(query: MetricQuery & LogQuery, text: string, length: number): Numbers {
  const numbers = parsed(text);
  if (numbers?.length === length + 1) {
    const [sum, ...position] = numbers;
    if (sum === checksum(query, position)) return position;
  }
  throw refused('cursor: expected the `next` of an answer to this same query', text);
}

function parsed(text: string): Numbers | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    return Array.isArray(value) && value.every(Number.isSafeInteger) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** FNV-1a over what decides on the items and their order. The range may differ from page to page: "the last hour" moves. */
function checksum({ service, name, tags = {}, order = 'newest', latest = false, levels, text }: MetricQuery & LogQuery, position: Numbers): number {
  const tagsInOrder = Object.entries(tags).sort(([a], [b]) => (a < b ? -1 : 1));
  const all = JSON.stringify([service ?? 0, name ?? 0, tagsInOrder, order, latest, levels ? [...levels].sort() : 0, text ?? 0, position]);
  let hash = 0x811c9dc5;
  for (let i = 0; i < all.length; i++) hash = Math.imul(hash ^ all.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
