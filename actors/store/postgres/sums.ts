/**
 * What PostgreSQL adds up of a piece of a series: the rows or samples of one line of `given` (id, step, begins, ends), by bucket. Of either kind the
 * same columns: the bucket, how many samples, and what the function needs.
 */
import { LOG_GAMMA, Sketch } from '../../sketch.ts';
import type { Wanted } from '../query/engine.ts';
import { Partial } from '../query/partial.ts';
import type { Cell } from '../query/program.ts';
import type { Fn } from '../query/query.ts';

export interface Sum {
  /** SELECTs, each to stand in a LATERAL. Their parameters are those of `bucketsOf`. */
  readonly samples: string;
  readonly rows: string;
  /** Columns behind bucket and count, each by its type. */
  readonly types: readonly ('float8' | 'bytea')[];
  /** Lines that a bucket comes to, about; and what each row comes to, where it is not added up. */
  readonly perBucket: number;
  readonly perRow: number;
  readonly start: () => Partial;
  /** Lines of one bucket come one after the other. */
  readonly read: (part: Partial, count: number, more: readonly Cell[]) => void;
}

const POINTS = 'FROM points WHERE series_id = id AND ts >= begins AND ts < ends AND ts BETWEEN ?::bigint AND ?::bigint';
const ROLLED =
  'FROM rollups WHERE series_id = id AND rollups.step = given.step AND ts >= begins AND ts < ends AND ts + first_at BETWEEN ?::bigint AND ?::bigint';
type Make = (bucketAt: (ts: string) => string, isOne: boolean) => Pick<Sum, 'samples' | 'rows'>;

const number = (cell: Cell | undefined): number => Number(cell ?? Number.NaN); // NULL: not a number
const plain = { perBucket: 1, perRow: 0, start: () => new Partial() };

const simple =
  (samples: string, rows: string): Make =>
  (bucketAt) => ({
    samples: `SELECT ${bucketAt('ts')} AS bucket, count(*) AS count, ${samples} AS value ${POINTS} GROUP BY 1`,
    rows: `SELECT ${bucketAt('ts + first_at')} AS bucket, sum(count)::bigint AS count, ${rows} AS value ${ROLLED} GROUP BY 1`,
  });

/** The first sample of each bucket, or the last. */
const end =
  (which: 'first' | 'last', order: '' | ' DESC'): Make =>
  (bucketAt, isOne) => {
    const sought = `ORDER BY ts${order}, seq${order} LIMIT 1`;
    const samples = (from: string): string => `SELECT ${bucketAt('ts')} AS bucket, 1::bigint AS count, value, ts::float8 AS at${from} ${POINTS}`;
    const row = `SELECT ${bucketAt('ts + first_at')} AS bucket, 1::bigint AS count, ${which} AS value, (ts + ${which}_at)::float8 AS at, ts ${ROLLED}`;
    const each = (from: string, by: string): string => `SELECT DISTINCT ON (bucket) bucket, count, value, at FROM (${from}) AS one ORDER BY bucket, ${by}`;
    return {
      samples: isOne ? `${samples('')} ${sought}` : each(samples(', ts, seq'), `ts${order}, seq${order}`),
      rows: each(row, `ts${order}`),
    };
  };

/**
 * How much a counter has grown. The step from one bucket to the next is not counted here, nor that from one piece to the next. What comes first in a
 * bucket has nothing before it, and what comes last nothing behind.
 */
const grown = (one: string, order: string, first: string, last: string, within: string): string =>
  `SELECT bucket, sum(count)::bigint AS count, (sum(count) - 1)::float8, CASE WHEN count(${within}) = count(*) THEN sum(${within}) +` +
  ` coalesce(sum(CASE WHEN ${first} >= before THEN ${first} - before ELSE ${first} END) FILTER (WHERE before IS NOT NULL), 0) END,` +
  ` max(${first}) FILTER (WHERE before IS NULL), max(${last}) FILTER (WHERE behind IS NULL) FROM` +
  ` (SELECT *, lag(${last}) OVER one AS before, lead(${last}) OVER one AS behind FROM (${one}) AS given_one WINDOW one AS (PARTITION BY bucket ORDER BY ${order})) AS stepped GROUP BY 1`;
const rate: Make = (bucketAt) => ({
  samples: grown(
    `SELECT ${bucketAt('ts')} AS bucket, 1::bigint AS count, ts, seq, value, 0::float8 AS increase ${POINTS}`,
    'ts, seq',
    'value',
    'value',
    'increase',
  ),
  rows: grown(`SELECT ${bucketAt('ts + first_at')} AS bucket, count, ts, first, last, increase ${ROLLED}`, 'ts', 'first', 'last', 'increase'),
});

/** By the bins of a sketch: of each, one value stands for all. Closer to 0 than a double of full precision is 0. */
const distribution: Make = (bucketAt) => ({
  samples:
    `SELECT bucket, count(*) AS count, min(value) AS value, NULL::bytea AS sketch FROM (SELECT ${bucketAt('ts')} AS bucket, value ${POINTS}) AS one` +
    ` GROUP BY bucket, sign(value), CASE WHEN abs(value) < 2.2250738585072014e-308 THEN 0 ELSE ceil(ln(abs(value)) / ${LOG_GAMMA}) END`,
  rows: `SELECT ${bucketAt('ts + first_at')} AS bucket, count, NULL::float8 AS value, sketch ${ROLLED}`,
});

const KINDS: Readonly<Record<string, Omit<Sum, 'samples' | 'rows'> & { readonly make: Make }>> = {
  avg: kindOf('sum', 'sum(value)', 'CASE WHEN count(sum) = count(*) THEN sum(sum) END'),
  sum: kindOf('sum', 'sum(value)', 'CASE WHEN count(sum) = count(*) THEN sum(sum) END'),
  min: kindOf('min', 'min(value)', 'min(min)'),
  max: kindOf('max', 'max(value)', 'max(max)'),
  count: kindOf('sum', '0::float8', '0::float8'),
  first: { ...plain, types: ['float8', 'float8'], make: end('first', ''), read: (part, _, [value, at]) => part.add(number(value), number(at)) },
  last: { ...plain, types: ['float8', 'float8'], make: end('last', ' DESC'), read: (part, _, [value, at]) => part.add(number(value), number(at)) },
  rate: {
    ...plain,
    types: ['float8', 'float8', 'float8', 'float8'],
    make: rate,
    read(part, count, more) {
      const [steps, increase, first, last] = more.map(number);
      Object.assign(part, { count, steps, increase, first, last });
    },
  },
  p: {
    types: ['float8', 'bytea'],
    perBucket: 100,
    perRow: 4, // it holds many numbers
    start: () => new Partial(new Sketch()),
    make: distribution,
    read(part, count, [value, bytes]) {
      part.count += count;
      if (bytes instanceof Uint8Array) part.sketch?.merge(Sketch.decode(bytes));
      else part.sketch?.add(number(value), count);
    },
  },
};

function kindOf(field: 'sum' | 'min' | 'max', samples: string, rows: string): (typeof KINDS)[string] {
  return {
    ...plain,
    types: ['float8'],
    make: simple(samples, rows),
    read: (part, count, [value]) => Object.assign(part, { count, [field]: number(value) }),
  };
}

const made = new Map<string, Sum>();
/** @param isOne the whole range lies in one bucket: nobody needs to divide. */
export function sumOf(fn: Fn, isOne: boolean): Sum {
  const kind = fn.startsWith('p') ? 'p' : fn;
  const key = `${kind} ${String(isOne)}`;
  const there = made.get(key);
  if (there) return there;
  const of = KINDS[kind];
  if (!of) throw new Error(`there is no sum of ${fn}`);
  const { make, ...rest } = of;
  const sum = { ...rest, ...make((ts) => (isOne ? '?::bigint' : `(${ts} - ?::bigint) / ?::bigint`), isOne) };
  made.set(key, sum);
  return sum;
}

/** The parameters of either SELECT. */
export const bucketsOf = ({ baseMs, stepMs, fromMs, toMs }: Wanted, isOne: boolean): readonly number[] => [
  ...(isOne ? [Math.floor((fromMs - baseMs) / stepMs)] : [baseMs, stepMs]),
  fromMs,
  toMs,
];
