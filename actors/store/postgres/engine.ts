/**
 * PostgreSQL's own words for the queries: many series in one statement, since a statement costs a round trip. Each names both ends of its range by
 * themselves, so that the planner leaves out the days that lie outside.
 */
import { bucketOf, type Engine, type Source } from '../query/engine.ts';
import { Partial } from '../query/partial.ts';
import { statement } from '../query/program.ts';
import { rawSource } from '../query/raw.ts';
import { rolledSource, SIZES } from '../query/rolled.ts';
import { HOUR_MS, MINUTE_MS, type Step } from '../query/rollup.ts';
import { list } from './rollups.ts';
import { manyAtOnce } from './source.ts';

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
const ROW = (which: 'first_at' | 'last_at', step: Step): string =>
  `(SELECT ts + ${which} FROM rollups WHERE series_id = given.id AND step = ${step} AND ts BETWEEN ?::bigint - ${step - 1} AND ?::bigint` +
  ` AND ts + first_at BETWEEN ?::bigint AND ?::bigint ORDER BY ts ${which === 'first_at' ? '' : 'DESC'} LIMIT 1)`;
const STEPS = [MINUTE_MS, HOUR_MS] as const;
// Samples, and what is left of them where they are gone.
const ENDS = [
  `least((${END} LIMIT 1), ${STEPS.map((step) => ROW('first_at', step)).join(', ')}) AS first`,
  `greatest((${END} DESC LIMIT 1), ${STEPS.map((step) => ROW('last_at', step)).join(', ')}) AS last`,
];
const EXTENT = `SELECT min(first), max(last) FROM (SELECT ${ENDS.join(', ')} FROM ${SERIES}) AS ends`;

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

const extent: Engine['extent'] = (series, { fromMs, toMs }) => {
  const span = [fromMs, toMs];
  const end = [...span, ...STEPS.flatMap(() => [...span, ...span])];
  return statement(EXTENT, ...end, ...end, list(series));
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
  extent,
  source: manyAtOnce(extent, rolledSource(rawSource(), SIZES, 'gone')),
};
/** For what the other cannot add up. */
export const patientEngine: Engine = { ...engine, source: rolledSource(scanned, { ...SIZES, slice: 0 }, 'gone') };
