/** Pages of samples: over several series in the order of time, or the last one of each. */
import type { Columns, Series } from './columns.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import type { Engine, Place } from './engine.ts';
import { pagingOf, type Span } from './plan.ts';
import type { Program, Rows } from './program.ts';
import type { MetricQuery, Order } from './query.ts';
import type { Selected, Selection } from './selection.ts';

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
  const cursor = query.cursor === undefined ? undefined : decodeCursor(query, query.cursor, query.latest ? ['number'] : ['number', 'number', 'number']);
  const chosen = yield* selection.select(query);
  const read = query.latest ? latest(chosen, span, limit, engine, cursor?.[0]) : merged(chosen, span, limit, engine, order, cursor);
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

/** Little is read of each series at first; then more of those of which more can be on the page. One more than the limit, if there is. */
function* merged(chosen: readonly Selected[], span: Span, limit: number, engine: Engine, order: Order, cursor?: readonly number[]): Program<readonly Sample[]> {
  const best = new Best(limit + 1, span, order);
  let open = placesOf(chosen, span, order, cursor);
  let most = Math.min(limit + 1, MOST_AT_ONCE, Math.max(FIRST_READ, Math.ceil((2 * limit) / open.length)));
  for (; open.length > 0; most = Math.min(most * 8, limit + 1, MOST_AT_ONCE)) {
    const more: Place[] = [];
    for (let i = 0; i < open.length; i += engine.atOnce) {
      const samples = samplesOf(yield engine.samples(open.slice(i, i + engine.atOnce), best.end, order, most));
      best.add(samples);
      more.push(...endsOf(samples, most));
    }
    best.trim();
    open = more.filter((place) => best.wants(place));
  }
  return best.samples;
}

/** Samples that are read at once of a series: first, when it may have none on the page, and at the most. */
const FIRST_READ = 16;
const MOST_AT_ONCE = 5_000;

/** The first samples in order of all that are seen. */
class Best {
  samples: Sample[] = [];
  /** Nothing beyond it is wanted. */
  end: number;
  readonly #most: number;
  readonly #sign: 1 | -1;

  constructor(most: number, { fromMs, toMs }: Span, order: Order) {
    this.#most = most;
    this.#sign = order === 'oldest' ? 1 : -1;
    this.end = order === 'oldest' ? toMs : fromMs;
  }

  add(samples: readonly Sample[]): void {
    for (const sample of samples) this.samples.push(sample);
    if (this.samples.length > 2 * this.#most + MOST_AT_ONCE) this.trim(); // not each time: it sorts
  }
  trim(): void {
    this.samples = this.samples.sort((a, b) => this.#sign * (a[1] - b[1] || a[0] - b[0] || a[2] - b[2])).slice(0, this.#most);
    this.end = this.#last?.[1] ?? this.end;
  }
  /** Whether something that follows there can be among the first. */
  wants({ ts }: Place): boolean {
    return this.#last === undefined || this.#sign * (ts - this.#last[1]) <= 0;
  }

  get #last(): Sample | undefined {
    return this.samples[this.#most - 1];
  }
}

/** Of what was read at once, the places after which there may be more. */
function endsOf(samples: readonly Sample[], most: number): readonly Place[] {
  const counts = new Map<number, number>();
  for (const [series] of samples) counts.set(series, (counts.get(series) ?? 0) + 1);
  const ends = new Map(samples.map(([series, ts, seq]) => [series, { series, ts, seq }]));
  return [...ends.values()].filter(({ series }) => counts.get(series) === most);
}

/** Where each series begins. Of the instant at which the page before ended, that page has had the series that come before in order. */
function placesOf(chosen: readonly Selected[], { fromMs, toMs }: Span, order: Order, cursor: readonly number[] = []): readonly Place[] {
  const [none, all] = order === 'oldest' ? [Number.MAX_SAFE_INTEGER, -1] : [-1, Number.MAX_SAFE_INTEGER];
  const [ts, lastSeries, lastSeq] = cursor;
  const moved = ts === undefined || (order === 'oldest' ? ts < fromMs : ts > toMs); // the range has moved past the cursor
  if (moved || lastSeries === undefined || lastSeq === undefined)
    return chosen.map(({ id }) => ({ series: id, ts: order === 'oldest' ? fromMs : toMs, seq: all }));
  const seqOf = (series: number): number => (series === lastSeries ? lastSeq : series < lastSeries === (order === 'oldest') ? none : all);
  return chosen.map(({ id }) => ({ series: id, ts, seq: seqOf(id) }));
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
