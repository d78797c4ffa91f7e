/** What PostgreSQL adds up of the samples of a bucket, and how its rows read. */
import { LOG_GAMMA, Sketch } from '../../sketch.ts';
import type { Statement } from '../changes.ts';
import type { Wanted } from '../engine.ts';
import type { Partial } from '../partial.ts';
import { statement } from '../program.ts';

export interface Sum {
  /** Rows: series and bucket, in this order, then what is read. @param ids `{1,2}` */
  readonly ask: (ids: string, wanted: Wanted) => Statement;
  /** Rows of one bucket, about. */
  readonly rows: number;
  readonly sketch: () => Sketch | undefined;
  readonly read: (part: Partial, numbers: readonly number[]) => void;
}

const WITHIN = 'FROM points WHERE series_id = ANY (?::int[]) AND ts BETWEEN ?::bigint AND ?::bigint';
const MANY = '(ts - ?::bigint) / ?::bigint';
const ONE = '?::bigint';

/** @param sql for what the bucket of a sample is. Where the range lies in one bucket, nobody needs to divide. */
function asker(sql: (bucket: string) => string): Sum['ask'] {
  const [many, one] = [sql(MANY), sql(ONE)];
  return (ids, { fromMs, toMs, baseMs, stepMs }) => {
    const bucket = Math.floor((fromMs - baseMs) / stepMs);
    const within = [ids, fromMs, toMs];
    return Math.floor((toMs - baseMs) / stepMs) === bucket ? statement(one, bucket, ...within) : statement(many, baseMs, stepMs, ...within);
  };
}
const samples = (bucket: string): string => `(SELECT series_id, ts, seq, value, ${bucket} AS bucket ${WITHIN}) AS sample`;

const simple = (columns: string, read: Sum['read']): Sum => ({
  ask: asker((bucket) => `SELECT series_id, ${bucket} AS bucket, ${columns} ${WITHIN} GROUP BY 1, 2 ORDER BY 1, 2`),
  rows: 1,
  sketch: () => undefined,
  read,
});

const end = (order: '' | ' DESC'): Sum => {
  const many = `SELECT DISTINCT ON (series_id, bucket) series_id, bucket, ts, value FROM ${samples(MANY)} ORDER BY series_id, bucket, ts${order}, seq${order}`;
  const sought = `SELECT ts, value FROM points WHERE series_id = id AND ts BETWEEN ?::bigint AND ?::bigint ORDER BY ts${order}, seq${order} LIMIT 1`;
  const one = `SELECT id, ?::bigint, ts, value FROM unnest(?::int[]) AS given (id) CROSS JOIN LATERAL (${sought}) AS sought ORDER BY id`;
  return { ask: asker((bucket) => (bucket === ONE ? one : many)), rows: 1, sketch: () => undefined, read: (part, [ts = 0, value = 0]) => part.add(value, ts) };
};

/** The step from one bucket to the next is not counted here. The first sample of a bucket has none before it, and the last none behind. */
const rate = (bucket: string): string =>
  'SELECT series_id, bucket, count(*), count(before), coalesce(sum(CASE WHEN value >= before THEN value - before ELSE value END) FILTER (WHERE before IS NOT NULL), 0),' +
  ' max(value) FILTER (WHERE before IS NULL), max(value) FILTER (WHERE behind IS NULL) FROM' +
  ` (SELECT series_id, bucket, value, lag(value) OVER one AS before, lead(value) OVER one AS behind FROM ${samples(bucket)}` +
  ' WINDOW one AS (PARTITION BY series_id, bucket ORDER BY ts, seq)) AS stepped GROUP BY 1, 2 ORDER BY 1, 2';

/** By the bins of a sketch: of each, one value stands for all. Closer to 0 than a double of full precision is 0. */
const distribution = (bucket: string): string =>
  `SELECT series_id, bucket, min(value), count(*) FROM ${samples(bucket)} GROUP BY series_id, bucket, sign(value),` +
  ` CASE WHEN abs(value) < 2.2250738585072014e-308 THEN 0 ELSE ceil(ln(abs(value)) / ${LOG_GAMMA}) END ORDER BY series_id, bucket`;

export const SUMS: Readonly<Record<string, Sum>> = {
  avg: simple('count(*), sum(value)', (part, [count, sum]) => Object.assign(part, { count, sum })),
  sum: simple('count(*), sum(value)', (part, [count, sum]) => Object.assign(part, { count, sum })),
  min: simple('count(*), min(value)', (part, [count, min]) => Object.assign(part, { count, min })),
  max: simple('count(*), max(value)', (part, [count, max]) => Object.assign(part, { count, max })),
  count: simple('count(*)', (part, [count]) => Object.assign(part, { count })),
  first: end(''),
  last: end(' DESC'),
  rate: {
    ask: asker(rate),
    rows: 1,
    sketch: () => undefined,
    read: (part, [count, steps, increase, first, last]) => Object.assign(part, { count, steps, increase, first, last }),
  },
  p: {
    ask: asker(distribution),
    rows: 100,
    sketch: () => new Sketch(),
    read(part, [value = 0, count = 0]) {
      part.count += count;
      part.sketch?.add(value, count);
    },
  },
};
