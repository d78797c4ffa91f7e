/** Pages of logs. What SQL can say of them the same way in every engine is said there; the rest is tested here, line by line. */
import type { Log } from '../event.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { type Test, testOf } from './match.ts';
import { levelsOf, pagingOf, type Span } from './plan.ts';
import { type Cell, type Program, refused, statement } from './program.ts';
import type { LogQuery, Order } from './query.ts';

/** A page on its way between threads: rows of ts, service, level, message and tags as JSON. */
export interface LinePage {
  readonly lines: readonly (readonly Cell[])[];
  readonly next?: string;
}

/** Lines that one statement reads. */
const MOST_AT_ONCE = 2_000;

/** @throws QueryError `refused`. */
export function* linePage(query: LogQuery): Program<LinePage> {
  const { span, limit, order } = pagingOf(query);
  const after = query.cursor === undefined ? undefined : decodeCursor(query, query.cursor, 2);
  const filter = filterOf(query);
  const { sql, end, begin } = order === 'oldest' ? oldestFirst(span, filter) : newestFirst(span, filter);
  let [ts, id] = begun(span, order, after) ?? begin;
  const lines: (readonly Cell[])[] = [];
  for (let atOnce = Math.min(limit + 1, MOST_AT_ONCE); ; atOnce = MOST_AT_ONCE) {
    const rows = yield statement(sql, end, ts, id, ...filter.params, atOnce);
    for (const row of rows) {
      if (!filter.test(row)) continue;
      if (lines.length === limit) return { lines, next: encodeCursor(query, [ts, id]) };
      [id, ts] = [Number(row[0]), Number(row[1])];
      lines.push(row.slice(1));
    }
    const last = rows.at(-1);
    if (!last || rows.length < atOnce) return { lines };
    [id, ts] = [Number(last[0]), Number(last[1])];
  }
}

/** Where the page before left off, unless the range has moved past that. */
function begun({ fromMs, toMs }: Span, order: Order, after: readonly number[] | undefined): readonly [ts: number, id: number] | undefined {
  const [ts, id] = after ?? [];
  if (ts === undefined || id === undefined || (order === 'oldest' ? ts < fromMs : ts > toMs)) return undefined;
  return [ts, id];
}

interface Way {
  readonly sql: string;
  /** The other end of the range. */
  readonly end: number;
  readonly begin: readonly [ts: number, id: number];
}
const LINE = 'SELECT id, ts, service, level, message, tags FROM logs WHERE';
const oldestFirst = ({ fromMs, toMs }: Span, { sql }: Filter): Way => ({
  sql: `${LINE} ts <= ? AND (ts, id) > (?, ?)${sql} ORDER BY ts, id LIMIT ?`,
  end: toMs,
  begin: [fromMs, -1],
});
const newestFirst = ({ fromMs, toMs }: Span, { sql }: Filter): Way => ({
  sql: `${LINE} ts >= ? AND (ts, id) < (?, ?)${sql} ORDER BY ts DESC, id DESC LIMIT ?`,
  end: fromMs,
  begin: [toMs, Number.MAX_SAFE_INTEGER],
});

interface Filter {
  readonly sql: string;
  readonly params: readonly string[];
  /** Of the row: what SQL has not decided. */
  readonly test: (row: readonly Cell[]) => boolean;
}

/** A service as it is has an index, and levels are few; no two engines mean the same by patterns and by the case of letters. */
function filterOf(query: LogQuery): Filter {
  const { service, text, tags = {} } = query;
  const levels = levelsOf(query);
  const exact = service && 'is' in service ? service.is : undefined;
  const isService = service && testOf(service);
  const tagged = Object.entries(tags).map(([key, match]): [string, Test] => [key, testOf(match)]);
  const wanted = textOf(text)?.toLowerCase();
  return {
    sql: (exact === undefined ? '' : ' AND service = ?') + (levels ? ` AND level IN (${levels.map(() => '?').join(', ') || 'NULL'})` : ''),
    params: [...(exact === undefined ? [] : [exact]), ...(levels ?? [])],
    test: ([, , from, , message, json]) =>
      (exact !== undefined || !isService || isService(String(from))) &&
      (wanted === undefined || String(message).toLowerCase().includes(wanted)) &&
      (tagged.length === 0 || fits(JSON.parse(String(json)) as Log['tags'], tagged)),
  };
}

function textOf(text: unknown): string | undefined {
  if (text !== undefined && typeof text !== 'string') throw refused('text: expected a text', text);
  return text;
}

const fits = (tags: Log['tags'], tagged: readonly (readonly [string, Test])[]): boolean =>
  tagged.every(([key, is]) => is(Object.hasOwn(tags, key) ? (tags[key] ?? '') : ''));
