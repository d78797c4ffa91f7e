/** Where a page left off, as a text that only the same query can go on from. */
import { refused } from './program.ts';
import type { LogQuery, MetricQuery, TraceQuery } from './query.ts';

type Query = MetricQuery & LogQuery & TraceQuery;
/** Numbers are whole. */
interface Kinds {
  readonly number: number;
  readonly string: string;
}
export type Kind = keyof Kinds;
type Position = readonly Kinds[Kind][];
type PositionOf<S extends readonly Kind[]> = { readonly [I in keyof S]: Kinds[S[I]] };

/** @param position the keys of the last item. */
export function encodeCursor(query: Query, position: Position): string {
  return Buffer.from(JSON.stringify([checksum(query, position), ...position])).toString('base64url');
}

/** @param shape of the position. @throws QueryError `refused`: it is no cursor, or that of another query. */
export function decodeCursor<const S extends readonly Kind[]>(query: Query, text: string, shape: S): PositionOf<S> {
  const [sum, ...position] = parsed(text);
  if (isOf(shape, position) && sum === checksum(query, position)) return position;
  throw refused('cursor: expected the `next` of an answer to this same query', text);
}

function parsed(text: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

const isOf = <const S extends readonly Kind[]>(shape: S, position: readonly unknown[]): position is PositionOf<S> & Position =>
  position.length === shape.length && position.every((key, i) => typeof key === shape[i] && (typeof key === 'string' || Number.isSafeInteger(key)));

/** FNV-1a over what decides on the items and their order. The range may differ from page to page: "the last hour" moves. */
function checksum(query: Query, position: Position): number {
  const { service, name, tags = {}, order = 'newest', latest = false, levels, text, traceId, statuses, minDurationMs } = query;
  const tagsInOrder = Object.entries(tags).sort(([a], [b]) => (a < b ? -1 : 1));
  const ofLines = [levels ? [...levels].sort() : 0, text ?? 0, traceId ?? 0, statuses ? [...statuses].sort() : 0, minDurationMs ?? ''];
  const all = JSON.stringify([service ?? 0, name ?? 0, tagsInOrder, order, latest, ...ofLines, position]);
  let hash = 0x811c9dc5;
  for (let i = 0; i < all.length; i++) hash = Math.imul(hash ^ all.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
