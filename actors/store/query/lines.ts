/** Pages of lines: logs, headers of spans. What SQL can say of them the same way in every engine is said there; the rest is tested here, line by line. */
import { decodeCursor, encodeCursor, type Kind } from './cursor.ts';
import { type Test, testOf } from './match.ts';
import type { Engine } from './engine.ts';
import { pagingOf, type Span } from './plan.ts';
import { type Cell, type Program, statement, type Statement } from './program.ts';
import type { Limits, Order, Where } from './query.ts';

/** ts, service, tags as JSON, then the columns of its table and its key. */
export type Line = readonly Cell[];
/** A page on its way between threads. */
export interface LinePage {
  readonly lines: readonly Line[];
  readonly next?: string;
}

export interface LineQuery extends Where, Limits {
  readonly order?: Order;
}
/** A table of lines, and what can be asked of it beside time, service and tags. */
export interface Lines<Q extends LineQuery> {
  readonly table: string;
  readonly columns: readonly string[];
  /** What tells lines of one instant apart: they are in its order. */
  readonly key: Readonly<Record<string, Kind>>;
  /** @throws QueryError `refused`. */
  filterOf(query: Q): Filter;
}
export interface Filter {
  /** What leads to a few lines by an index of its own; left out: the service does, or time. */
  readonly few?: Statement;
  /** What SQL says of a line, and no index knows. */
  readonly where: readonly Statement[];
  /** What SQL does not say. */
  readonly test: (line: Line) => boolean;
}
/** That a column is one of these. */
export const oneOf = (column: string, given: readonly string[]): Statement =>
  statement(`${column} IN (${given.map(() => '?').join(', ') || 'NULL'})`, ...given);

/** Lines that one statement brings. */
const MOST_AT_ONCE = 2_000;
/** ts and key of a line. */
type Place = readonly (number | string)[];

/** @throws QueryError `refused`. */
export function* linePage<Q extends LineQuery>(from: Lines<Q>, query: Q, { mostSeen }: Pick<Engine, 'mostSeen'>): Program<LinePage> {
  const { span, limit, order } = pagingOf(query);
  const search = searchOf(query, from.filterOf(query));
  const keys = Object.values(from.key);
  const placeOf = (line: Line): Place => [Number(line[0]), ...line.slice(-keys.length).map((key, i) => (keys[i] === 'number' ? Number(key) : String(key)))];
  const reading = readingOf(from, search, span, order);
  const looksFar = mostSeen !== undefined && search.where.length > 0;
  let behind = query.cursor === undefined ? undefined : within(span, order, decodeCursor(query, query.cursor, ['number', ...keys]));
  let [atOnce, seen] = [Math.min(limit + 1, MOST_AT_ONCE), 4 * (limit + 1)];
  const lines: Line[] = [];
  for (;;) {
    const [edge] = looksFar ? yield reading.place(behind, Math.min(seen, mostSeen)) : [];
    const rows = yield reading.lines(behind, edge && placeOf(edge), atOnce);
    let taken: Line | undefined;
    for (const row of rows) {
      if (!search.test(row)) continue;
      if (lines.length === limit) return { lines, next: encodeCursor(query, taken ? placeOf(taken) : (behind ?? [])) };
      lines.push(row);
      taken = row;
    }
    const last = rows.length < atOnce ? edge : rows.at(-1);
    if (!last) return { lines };
    behind = placeOf(last);
    [atOnce, seen] = [MOST_AT_ONCE, 4 * seen];
  }
}

/** Where the page before left off, unless the range has moved past that. */
function within({ fromMs, toMs }: Span, order: Order, place: Place): Place | undefined {
  const ts = Number(place[0]);
  return (order === 'oldest' ? ts < fromMs : ts > toMs) ? undefined : place;
}

/** What lies behind a place, or from the beginning of the range, in its order. */
interface Reading {
  /** So many lines that SQL takes for fitting, none beyond `until`. */
  lines(behind: Place | undefined, until: Place | undefined, limit: number): Statement;
  /** The place that is so many lines on, whether they fit or not; no row: there are not so many. */
  place(behind: Place | undefined, lines: number): Statement;
}

function readingOf<Q extends LineQuery>({ table, columns, key }: Lines<Q>, { index, where }: Search, { fromMs, toMs }: Span, order: Order): Reading {
  const place = ['ts', ...Object.keys(key)];
  const [onward, back, begin, end, way] = order === 'oldest' ? ['>', '<', fromMs, toMs, ''] : ['<', '>', toMs, fromMs, ' DESC'];
  const inOrder = `ORDER BY ${place.map((one) => one + way).join(', ')}`;
  const lies = (sign: string, at: Place): Statement => statement(`(${place.join(', ')}) ${sign} (${at.map(() => '?').join(', ')})`, ...at);
  const select = (what: readonly string[], behind: Place | undefined, until: Place | undefined, more: readonly Statement[], limit: Statement): Statement => {
    const all = [
      behind ? lies(onward, behind) : statement(`ts ${onward}= ?`, begin),
      until ? lies(`${back}=`, until) : statement(`ts ${back}= ?`, end),
      ...more,
    ];
    const sql = `SELECT ${what.join(', ')} FROM ${table} WHERE ${all.map((one) => one.sql).join(' AND ')} ${inOrder} ${limit.sql}`;
    return statement(sql, ...all.flatMap(({ params }) => params), ...limit.params);
  };
  const whole = ['ts', 'service', 'tags', ...columns, ...Object.keys(key)];
  return {
    lines: (behind, until, limit) => select(whole, behind, until, [...index, ...where], statement('LIMIT ?', limit)),
    place: (behind, lines) => select(place, behind, undefined, index, statement('LIMIT 1 OFFSET ?', lines)),
  };
}

interface Search extends Pick<Filter, 'where' | 'test'> {
  readonly index: readonly Statement[];
}
/** A service as it is has an index; no two engines mean the same by patterns and by the case of letters. */
function searchOf({ service, tags = {} }: LineQuery, { few, where, test }: Filter): Search {
  const exact = !few && service && 'is' in service ? statement('service = ?', service.is) : undefined;
  const isService = service && testOf(service);
  const tagged = Object.entries(tags).map(([key, match]): [string, Test] => [key, testOf(match)]);
  const isTagged = (json: Cell | undefined): boolean => tagged.length === 0 || fits(JSON.parse(String(json)) as Readonly<Record<string, string>>, tagged);
  return {
    index: [few, exact].filter((one) => one !== undefined),
    where,
    test: (line) => (exact !== undefined || !isService || isService(String(line[1]))) && test(line) && isTagged(line[2]),
  };
}

const fits = (tags: Readonly<Record<string, string>>, tagged: readonly (readonly [string, Test])[]): boolean =>
  tagged.every(([key, is]) => is(Object.hasOwn(tags, key) ? (tags[key] ?? '') : ''));
