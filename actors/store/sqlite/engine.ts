/** SQLite's own words for the queries: a statement a series, since a series' samples lie together and a statement costs microseconds. */
import type { Engine } from '../query/engine.ts';
import { statement } from '../query/program.ts';
import { rawSource } from '../query/raw.ts';
import { rolledSource } from '../query/rolled.ts';
import { HOUR_MS, MINUTE_MS, type Step } from '../query/rollup.ts';

const SAMPLE = 'SELECT series_id, ts, seq, value FROM points WHERE series_id = ?';
const NEWEST = `${SAMPLE} AND ts >= ? AND (ts, seq) < (?, ?) ORDER BY ts DESC, seq DESC LIMIT ?`;
const OLDEST = `${SAMPLE} AND ts <= ? AND (ts, seq) > (?, ?) ORDER BY ts, seq LIMIT ?`;
const LATEST = `${SAMPLE} AND ts BETWEEN ? AND ? ORDER BY ts DESC, seq DESC LIMIT 1`;
// Samples, and what is left of them where they are gone.
const EDGE = (end: 'min' | 'max'): string => `SELECT ${end}(ts) AS ts FROM points WHERE series_id = ? AND ts BETWEEN ? AND ?`;
const ROLLED = (which: 'first_at' | 'last_at', step: Step): string =>
  `SELECT * FROM (SELECT ts + ${which} FROM rollups WHERE series_id = ? AND step = ${step} AND ts BETWEEN ? AND ? AND ts + first_at BETWEEN ? AND ?` +
  ` ORDER BY ts ${which === 'first_at' ? 'ASC' : 'DESC'} LIMIT 1)`;
const STEPS = [MINUTE_MS, HOUR_MS] as const;
const EDGES = [EDGE('min'), EDGE('max'), ...STEPS.flatMap((step) => [ROLLED('first_at', step), ROLLED('last_at', step)])];
const EXTENT = `SELECT min(ts), max(ts) FROM (${EDGES.join(' UNION ALL ')})`;

const one = <T>([first]: readonly T[]): T => {
  if (first === undefined) throw new Error('a statement was asked for without a series');
  return first;
};

export const engine: Engine = {
  atOnce: 1,
  mostSeen: 20_000,
  samples(places, end, order, limit) {
    const { series, ts, seq } = one(places);
    return statement(order === 'oldest' ? OLDEST : NEWEST, series, end, ts, seq, limit);
  },
  latest: (series, { fromMs, toMs }) => statement(LATEST, one(series), fromMs, toMs),
  extent(series, { fromMs, toMs }) {
    const id = one(series);
    const rows = (step: Step): readonly number[] => [id, fromMs - step + 1, toMs, fromMs, toMs];
    return statement(EXTENT, ...[id, fromMs, toMs, id, fromMs, toMs], ...STEPS.flatMap((step) => [...rows(step), ...rows(step)]));
  },
  source: rolledSource(rawSource()),
};
