/** SQLite's own words for the queries: a statement a series, since a series' samples lie together and a statement costs microseconds. */
import type { Engine } from '../engine.ts';
import { statement } from '../program.ts';
import { rawSource } from '../raw.ts';

const SAMPLE = 'SELECT series_id, ts, seq, value FROM points WHERE series_id = ?';
const NEWEST = `${SAMPLE} AND ts >= ? AND (ts, seq) < (?, ?) ORDER BY ts DESC, seq DESC LIMIT ?`;
const OLDEST = `${SAMPLE} AND ts <= ? AND (ts, seq) > (?, ?) ORDER BY ts, seq LIMIT ?`;
const LATEST = `${SAMPLE} AND ts BETWEEN ? AND ? ORDER BY ts DESC, seq DESC LIMIT 1`;
const END = (which: 'min' | 'max'): string => `(SELECT ${which}(ts) FROM points WHERE series_id = ? AND ts BETWEEN ? AND ?)`;
const EXTENT = `SELECT ${END('min')}, ${END('max')}`;

const one = <T>([first]: readonly T[]): T => {
  if (first === undefined) throw new Error('a statement was asked for without a series');
  return first;
};

export const engine: Engine = {
  atOnce: 1,
  samples(places, end, order, limit) {
    const { series, ts, seq } = one(places);
    return statement(order === 'oldest' ? OLDEST : NEWEST, series, end, ts, seq, limit);
  },
  latest: (series, { fromMs, toMs }) => statement(LATEST, one(series), fromMs, toMs),
  extent: (series, { fromMs, toMs }) => statement(EXTENT, one(series), fromMs, toMs, one(series), fromMs, toMs),
  source: rawSource(),
};
