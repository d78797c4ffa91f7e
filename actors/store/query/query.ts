/** What history can be asked, whoever asks: rules, actions, the query API, the console. Shapes only. */
import type { Level, SpanStatus } from '../../event.ts';

/** A text as it is · with `*` for any run of characters · by an RE2 pattern that has to match the whole · or not one of these. */
export type Match = { readonly is: string } | { readonly like: string } | { readonly matches: string } | { readonly not: Match };

/** A tag that a series has not is the empty text. */
export interface Where {
  readonly service?: Match;
  readonly tags?: Readonly<Record<string, Match>>;
  /** ms since 1970, both included. */
  readonly fromMs?: number;
  readonly toMs?: number;
}
export interface Limits {
  /** Rows of one answer at the most; default 1,000, and 100,000 at the most. */
  readonly limit?: number;
  /** Where the answer before left off: its `next`. */
  readonly cursor?: string;
  /** A query that takes longer is given up with `timeout`; default 10,000 ms, ten minutes at the most. */
  readonly budgetMs?: number;
}
/** By time; samples of one ms by series, then as they came. */
export type Order = 'newest' | 'oldest';

/** `rate` is a counter's increase a second, with its resets taken out; `p50` … `p99` are quantiles within 1 % of the value. */
export type Fn = 'avg' | 'sum' | 'min' | 'max' | 'count' | 'rate' | 'first' | 'last' | `p${number}`;
/** Of samples. */
export interface MetricQuery extends Where, Limits {
  readonly name?: Match;
  /** Default `newest`. */
  readonly order?: Order;
  /** The last sample of each series alone, series by series. */
  readonly latest?: boolean;
}
/**
 * Of 100,000 buckets at the most. An end of the range that is left open is where the samples end.
 *
 * Over a group, `avg`, `min`, quantiles and the like are over all samples of its series, `first` and `last` go by time, and `rate` is the sum of
 * the series' rates. A counter's step from one bucket to the next counts in the later one; a rate is over that part of the bucket that lies in
 * the range, and unknown (left out) while there is but one sample.
 */
export interface AggregateQuery extends Where, Pick<Limits, 'budgetMs'> {
  readonly name?: Match;
  readonly fn: Fn;
  /** Buckets of so many ms, aligned to 1970; left out: the whole range is one. */
  readonly stepMs?: number;
  /** `service`, `name`, `tags.x`: a group for each that differs. Default: all in one. */
  readonly by?: readonly string[];
}
export interface LogQuery extends Where, Limits {
  readonly levels?: readonly Level[];
  /** The message holds this, whatever the case of its letters. */
  readonly text?: string;
  readonly order?: Order;
}
/** By when spans began, then by their ids. */
export interface TraceQuery extends Where, Limits {
  /** Spans of this trace alone. */
  readonly traceId?: string;
  readonly name?: Match;
  readonly statuses?: readonly SpanStatus[];
  /** Only what took so long, or longer. */
  readonly minDurationMs?: number;
  readonly order?: Order;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** The cursor of the page that follows; absent: this is the last. */
  readonly next?: string;
}
/** One line of an aggregation. */
export interface Group {
  /** By the words of `by`. */
  readonly labels: Readonly<Record<string, string>>;
  /** Begin of the bucket (ms since 1970) and value, oldest first; buckets without samples are left out. */
  readonly points: readonly (readonly [tsMs: number, value: number])[];
}

/** Done by those that read, so that a heavy one delays no commit. */
export type Query = (
  | { readonly do: 'metrics'; readonly query: MetricQuery }
  | { readonly do: 'aggregate'; readonly query: AggregateQuery }
  | { readonly do: 'logs'; readonly query: LogQuery }
  | { readonly do: 'traces'; readonly query: TraceQuery }
) & { readonly cancel?: Cancel };
/** Memory that both threads see: its first number is not 0 when nobody waits for the answer any more. */
export type Cancel = Int32Array<SharedArrayBuffer>;
