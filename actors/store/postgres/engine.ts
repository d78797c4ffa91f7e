/**
 * PostgreSQL's own words for the queries: many series in one statement, since a statement costs a round trip. Each names both ends of its range by
 * themselves, so that the planner leaves out the days that lie outside.
 */
import { bucketOf, type Engine, type Source } from '../engine.ts';
import { Partial } from '../partial.ts';
import { type Cell, statement } from '../program.ts';
import { rawSource } from '../raw.ts';
import { SUMS } from './sums.ts';

const AT_ONCE = 100;
const BETWEEN = 'ts BETWEEN ?::bigint AND ?::bigint';
const SAMPLE = `SELECT series_id, ts, seq, value FROM points WHERE series_id = given.id AND ${BETWEEN}`;
const SERIES = 'unnest(?::int[]) AS given (id)';
const PLACES = 'unnest(?::int[], ?::bigint[], ?::bigint[]) AS given (id, at, bound)';
const each = (from: string, sample: string): string => `SELECT one.* FROM ${from} CROSS JOIN LATERAL (${sample}) AS one`;

const OLDEST = each(PLACES, `${SAMPLE} AND (ts, seq) > (at, bound) ORDER BY ts, seq LIMIT ?`);
const NEWEST = each(PLACES, `${SAMPLE} AND (ts, seq) < (at, bound) ORDER BY ts DESC, seq DESC LIMIT ?`);
const LATEST = `${each(SERIES, `${SAMPLE} ORDER BY ts DESC, seq DESC LIMIT 1`)} ORDER BY series_id`;
const END = `SELECT ts FROM points WHERE series_id = given.id AND ${BETWEEN} ORDER BY ts`;
const EXTENT = `SELECT min(first.ts), max(last.ts) FROM ${SERIES} CROSS JOIN LATERAL (${END} LIMIT 1) AS first CROSS JOIN LATERAL (${END} DESC LIMIT 1) AS last`;

/** A list of numbers as PostgreSQL reads it. */
const list = (numbers: readonly number[]): string => `{${numbers.join(',')}}`;

/** Rows that one statement answers, about; and how many series it reads at the most. */
const ROWS = 50_000;
const MOST_SERIES = 200;
const oneByOne = rawSource();

/** Added up by the server, some series at once. Where there may be more buckets than samples, it goes by samples, series after series. */
const added: Source = {
  *parts(series, wanted, emit) {
    const sum = SUMS[wanted.fn.startsWith('p') ? 'p' : wanted.fn];
    const { toMs, baseMs, stepMs } = wanted;
    const rows = Math.ceil((toMs + 1 - baseMs) / stepMs) * (sum?.rows ?? Number.POSITIVE_INFINITY);
    if (!sum || rows > ROWS) return yield* oneByOne.parts(series, wanted, emit);
    const atOnce = Math.min(MOST_SERIES, Math.floor(ROWS / rows));
    for (let i = 0; i < series.length; i += atOnce) {
      const rows = yield sum.ask(list(series.slice(i, i + atOnce)), wanted);
      let at = 0;
      while (at < rows.length) {
        const [id, bucket] = rows[at] as [Cell, Cell];
        const part = new Partial(sum.sketch());
        for (let row = rows[at]; row && row[0] === id && row[1] === bucket; row = rows[++at]) sum.read(part, row.slice(2).map(Number));
        emit(Number(id), Number(bucket), part);
      }
    }
  },
};

const SCAN_ROWS = 20_000;
const SCAN = `SELECT ts, seq, value FROM points WHERE series_id = ? AND ${BETWEEN} AND (ts, seq) > (?::bigint, ?::bigint) ORDER BY ts, seq LIMIT ?`;

/** Sample by sample: where what a sum comes to is more than a double can hold, the server gives up; here it is infinite, as in SQLite. */
const scanned: Source = {
  *parts(series, wanted, emit) {
    for (const one of series) {
      for (let [ts, seq] = [wanted.fromMs, -1]; ; ) {
        const rows = yield statement(SCAN, one, ts, wanted.toMs, ts, seq, SCAN_ROWS);
        for (const row of rows) {
          const part = Partial.for(wanted.fn);
          part.add(Number(row[2]), Number(row[0]));
          emit(one, bucketOf(wanted, Number(row[0])), part);
        }
        const last = rows.at(-1);
        if (!last || rows.length < SCAN_ROWS) break;
        [ts, seq] = [Number(last[0]), Number(last[1])];
      }
    }
  },
};

export const engine: Engine = {
  atOnce: AT_ONCE,
  samples(places, end, order, limit) {
    const times = places.map(({ ts }) => ts);
    const span = order === 'oldest' ? [Math.min(...times), end] : [end, Math.max(...times)];
    const given = [list(places.map(({ series }) => series)), list(times), list(places.map(({ seq }) => seq))];
    return statement(order === 'oldest' ? OLDEST : NEWEST, ...given, ...span, limit);
  },
  latest: (series, { fromMs, toMs }) => statement(LATEST, list(series), fromMs, toMs),
  extent: (series, { fromMs, toMs }) => statement(EXTENT, list(series), fromMs, toMs, fromMs, toMs),
  source: added,
};
/** For what the other cannot add up. */
export const patientEngine: Engine = { ...engine, source: scanned };
