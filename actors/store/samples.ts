/** Pages of samples: over several series in the order of time, or the last one of each. */
import { decodeCursor, encodeCursor } from './cursor.ts';
import type { Bound, Engine } from './engine.ts';
import { pagingOf, type Span } from './plan.ts';
import type { Program, Rows } from './program.ts';
import type { MetricQuery, Order } from './query.ts';
import type { Selected, Selection } from './selection.ts';
import type { Columns, Series } from './work.ts';

/** A page on its way between threads. */
export interface SamplePage {
  /** Those that occur. */
  readonly series: readonly Series[];
  /** `series` counts in the list above. */
  readonly columns: Columns;
  readonly next?: string;
}

/** series, ts, seq, value. */
type Sample = readonly [series: number, ts: number, seq: number, value: number];
const samplesOf = (rows: Rows): Sample[] => rows.map(([series, ts, seq, value]) => [Number(series), Number(ts), Number(seq), Number(value)]);

/** @throws QueryError `refused`. */
export function* samplePage(query: MetricQuery, engine: Engine, selection: Selection): Program<SamplePage> {
  const { span, limit, order } = pagingOf(query);
  const cursor = query.cursor === undefined ? undefined : decodeCursor(query, query.cursor, query.latest ? 1 : 3);
  const chosen = yield* selection.select(query);
  const read = query.latest ? latest(chosen, span, limit, engine, cursor?.[0]) : merged(chosen, span, limit, engine, order, begun(span, order, cursor));
  const samples = yield* read;
  const page = samples.slice(0, limit);
  const last = samples.length > limit ? page.at(-1) : undefined;
  const position = last && (query.latest ? [last[0]] : [last[1], last[0], last[2]]);
  return { ...columnsOf(page, chosen), ...(position && { next: encodeCursor(query, position) }) };
}

/** One more than the limit, if there is: then another page follows. */
function* latest(chosen: readonly Selected[], span: Span, limit: number, engine: Engine, after = 0): Program<readonly Sample[]> {
  const left = chosen.filter(({ id }) => id > after);
  const found: Sample[] = [];
  for (let i = 0; i < left.length && found.length <= limit; i += engine.atOnce) {
    const ids = left.slice(i, i + engine.atOnce).map(({ id }) => id);
    found.push(...samplesOf(yield engine.latest(ids, span)));
  }
  return found;
}

/**
 * Series after series, each read no further than to the last of those that are on the page so far. One more than the limit, if there is.
 *
 * @param after the last sample of the page before.
 */
function* merged(chosen: readonly Selected[], whole: Span, limit: number, engine: Engine, order: Order, after: After | undefined): Program<readonly Sample[]> {
  const sign = order === 'oldest' ? 1 : -1;
  const inOrder = (a: Sample, b: Sample): number => sign * (a[1] - b[1] || a[0] - b[0] || a[2] - b[2]);
  let span = !after ? whole : order === 'oldest' ? { ...whole, fromMs: after.ts } : { ...whole, toMs: after.ts };
  let found: Sample[] = [];
  for (let i = 0; i < chosen.length; i += engine.atOnce) {
    const bounds = chosen.slice(i, i + engine.atOnce).map(({ id }) => boundOf(id, order, after));
    found.push(...samplesOf(yield engine.samples(bounds, span, order, limit + 1)));
    if (found.length <= limit) continue;
    found = found.sort(inOrder).slice(0, limit + 1);
    const furthest = found[limit]?.[1] ?? after?.ts ?? 0;
    span = order === 'oldest' ? { ...span, toMs: furthest } : { ...span, fromMs: furthest };
  }
  return found.sort(inOrder);
}

interface After {
  readonly ts: number;
  readonly series: number;
  readonly seq: number;
}

/** Where the page before left off, unless the range has moved past that. */
function begun({ fromMs, toMs }: Span, order: Order, cursor: readonly number[] | undefined): After | undefined {
  const [ts, series, seq] = cursor ?? [];
  if (ts === undefined || series === undefined || seq === undefined || (order === 'oldest' ? ts < fromMs : ts > toMs)) return undefined;
  return { ts, series, seq };
}

/** Of the instant at which the page before ended, it has had the series that come before in order. */
function boundOf(series: number, order: Order, after: After | undefined): Bound {
  const [none, all] = order === 'oldest' ? [Number.MAX_SAFE_INTEGER, -1] : [-1, Number.MAX_SAFE_INTEGER];
  if (!after) return { series, seq: all };
  if (series === after.series) return { series, seq: after.seq };
  const had = order === 'oldest' ? series < after.series : series > after.series;
  return { series, seq: had ? none : all };
}

function columnsOf(samples: readonly Sample[], chosen: readonly Selected[]): Omit<SamplePage, 'next'> {
  const wanted = new Set(samples.map(([series]) => series));
  const series = chosen.filter(({ id }) => wanted.has(id)).map(({ id, service, name, tags }) => ({ id, service, name, tags }));
  const indexes = new Map(series.map(({ id }, i) => [id, i]));
  return {
    series,
    columns: {
      series: Uint32Array.from(samples, ([id]) => indexes.get(id) ?? 0),
      ts: Float64Array.from(samples, ([, ts]) => ts),
      value: Float64Array.from(samples, ([, , , value]) => value),
    },
  };
}
