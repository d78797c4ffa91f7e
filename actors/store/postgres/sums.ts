/** What PostgreSQL adds up of the samples of a bucket, and how its rows read. All statements take base, step, series, from and to. */
import { LOG_GAMMA, Sketch } from '../../sketch.ts';
import type { Partial } from '../partial.ts';

export interface Sum {
  /** Rows: series and bucket, in this order, then what is read. */
  readonly sql: string;
  /** Rows of one bucket, about. */
  readonly rows: number;
  readonly sketch: () => Sketch | undefined;
  readonly read: (part: Partial, numbers: readonly number[]) => void;
}

const BUCKET = '(ts - ?::bigint) / ?::bigint AS bucket';
const WITHIN = 'FROM points WHERE series_id = ANY (?::int[]) AND ts BETWEEN ?::bigint AND ?::bigint';
const SAMPLES = `(SELECT series_id, ts, seq, value, ${BUCKET} ${WITHIN}) AS sample`;

const simple = (columns: string, read: Sum['read']): Sum => ({
  sql: `SELECT series_id, ${BUCKET}, ${columns} ${WITHIN} GROUP BY series_id, bucket ORDER BY series_id, bucket`,
  rows: 1,
  sketch: () => undefined,
  read,
});
const end = (order: '' | ' DESC'): Sum => ({
  sql: `SELECT DISTINCT ON (series_id, bucket) series_id, bucket, ts, value FROM ${SAMPLES} ORDER BY series_id, bucket, ts${order}, seq${order}`,
  rows: 1,
  sketch: () => undefined,
  read: (part, [ts = 0, value = 0]) => part.add(value, ts),
});

/** The step from one bucket to the next is not counted here. The first sample of a bucket has none before it, and the last none behind. */
const RATE =
  'SELECT series_id, bucket, count(*), count(before), coalesce(sum(CASE WHEN value >= before THEN value - before ELSE value END) FILTER (WHERE before IS NOT NULL), 0),' +
  ' max(value) FILTER (WHERE before IS NULL), max(value) FILTER (WHERE behind IS NULL) FROM' +
  ` (SELECT series_id, bucket, value, lag(value) OVER one AS before, lead(value) OVER one AS behind FROM ${SAMPLES}` +
  ' WINDOW one AS (PARTITION BY series_id, bucket ORDER BY ts, seq)) AS stepped GROUP BY series_id, bucket ORDER BY series_id, bucket';

/** By the bins of a sketch: of each, one value stands for all. Closer to 0 than a double of full precision is 0. */
const DISTRIBUTION =
  `SELECT series_id, bucket, min(value), count(*) FROM ${SAMPLES} GROUP BY series_id, bucket, sign(value),` +
  ` CASE WHEN abs(value) < 2.2250738585072014e-308 THEN 0 ELSE ceil(ln(abs(value)) / ${LOG_GAMMA}) END ORDER BY series_id, bucket`;

export const SUMS: Readonly<Record<string, Sum>> = {
  avg: simple('count(*), sum(value)', (part, [count, sum]) => Object.assign(part, { count, sum })),
  sum: simple('count(*), sum(value)', (part, [count, sum]) => Object.assign(part, { count, sum })),
  min: simple('count(*), min(value)', (part, [count, min]) => Object.assign(part, { count, min })),
  max: simple('count(*), max(value)', (part, [count, max]) => Object.assign(part, { count, max })),
  count: simple('count(*)', (part, [count]) => Object.assign(part, { count })),
  first: end(''),
  last: end(' DESC'),
  rate: { sql: RATE, rows: 1, sketch: () => undefined, read: (part, [count, steps, increase, first, last]) => Object.assign(part, { count, steps, increase, first, last }) },
  p: {
    sql: DISTRIBUTION,
    rows: 100,
    sketch: () => new Sketch(),
    read(part, [value = 0, count = 0]) {
      part.count += count;
      part.sketch?.add(value, count);
    },
  },
};
