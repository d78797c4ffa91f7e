/**
 * What is known of some series at one moment: up to where they are rolled up, what of them is gone, which rows are out of date. It is asked for by
 * itself, or told beside an answer, of the same moment as that.
 */
import type { Known, Time } from '../query/pieces.ts';
import { type Rows, statement, type Statement } from '../query/program.ts';
import { MINUTE_MS } from '../query/rollup.ts';
import { list } from './rollups.ts';

export interface Knowledge {
  readonly rolled: number;
  /** Samples of all series are gone before this. */
  readonly dropped: number;
  /** Of these series more is gone: samples and minutes before these. */
  readonly removed: ReadonlyMap<number, readonly [raw: number, minutes: number]>;
  readonly stale: ReadonlyMap<number, readonly Time[]>;
}

const NOTHING = Number.NEGATIVE_INFINITY;
const NONE: readonly [number, number] = [NOTHING, NOTHING];

/** The first column of each line. */
const [ROLLED, DROPPED, REMOVED, STALE] = [-1, -2, -3, -4];
const MARKS = `SELECT CASE name WHEN 'rolled' THEN ${ROLLED} ELSE ${DROPPED} END, 0::bigint, value::bigint, 0::float8 FROM marks WHERE name IN ('rolled', 'dropped')`;
const GONE = `SELECT ${REMOVED}, series_id, raw_before, minutes_before FROM removed WHERE series_id = ANY (?::int[]) AND greatest(raw_before, minutes_before) > ?::bigint`;
const WITHIN = 'FROM stale_rollups WHERE series_id = ANY (?::int[]) AND ts >= ?::bigint AND ts < ?::bigint';
/** Minutes that follow on each other as one. */
const RUNS =
  `SELECT ${STALE}, series_id, min(ts), max(ts) FROM` +
  ` (SELECT series_id, ts, ts - ${MINUTE_MS} * row_number() OVER (PARTITION BY series_id ORDER BY ts) AS run ${WITHIN}) AS one GROUP BY series_id, run`;
const SOME = `(SELECT ${STALE}, series_id, ts, ts ${WITHIN} LIMIT 1)`;

const told = (stale: string): string => `${MARKS} UNION ALL ${GONE} UNION ALL ${stale}`;
const ALL = `${told(RUNS)} ORDER BY 1, 2, 3`;
/** Whether any row is out of date, and all else. Four columns: a number below 0, two of type bigint, one float8. */
export const ASIDE = told(SOME);
export const boundOf = (series: readonly number[], { from, to }: Time): Statement['params'] => [list(series), from, list(series), from, Math.max(from, to)];

export const asked = (series: readonly number[], range: Time): Statement => statement(ALL, ...boundOf(series, range));

/** @param lines whose first column is below 0. */
export function knowledgeOf(lines: Rows): Knowledge {
  const marks = new Map(lines.map(([kind, , value]) => [Number(kind), Number(value)]));
  const removed = new Map<number, readonly [number, number]>();
  const stale = new Map<number, Time[]>();
  for (const [kind, id, one, other] of lines) {
    const [series, from, to] = [Number(id), Number(one), Number(other)];
    if (kind === REMOVED) removed.set(series, [from, to]);
    if (kind !== STALE) continue;
    const times = stale.get(series) ?? [];
    times.push({ from, to: to + MINUTE_MS });
    stale.set(series, times);
  }
  return { rolled: marks.get(ROLLED) ?? NOTHING, dropped: marks.get(DROPPED) ?? NOTHING, removed, stale };
}

export function knownOf({ rolled, dropped, removed, stale }: Knowledge, series: number): Known {
  const [raw, minutes] = removed.get(series) ?? NONE;
  return { rolled, raw: Math.max(dropped, raw), minutes, stale: stale.get(series) ?? [] };
}

/** As it is mostly. Then the next series will be so, too. */
export const isPlain = ({ removed, stale }: Knowledge): boolean => removed.size + stale.size === 0;

/** Whether what was known before is still so. Rows that were out of date are not read, and those that are now say what the samples were a moment ago. */
export function holds(before: Knowledge, now: Knowledge, series: number): boolean {
  const [[raw, minutes], [rawNow, minutesNow]] = [before.removed.get(series) ?? NONE, now.removed.get(series) ?? NONE];
  return before.rolled <= now.rolled && before.dropped === now.dropped && raw === rawNow && minutes === minutesNow;
}
