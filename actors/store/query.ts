/** What history can be asked, whoever asks: rules, actions, the query API, the console. Shapes only. */
import type { Level, Log, Metric } from '../event.ts';

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
  /** A query that takes longer is given up with `timeout`; default 10,000 ms. */
  readonly budgetMs?: number;
}

/** `rate` is a counter's increase a second, with its resets taken out; `p50` … `p99` are quantiles within 1 % of the value. */
export type Fn = 'avg' | 'sum' | 'min' | 'max' | 'count' | 'rate' | 'first' | 'last' | `p${number}`;
export interface Aggregate {
  readonly fn: Fn;
  /** Buckets of so many ms, aligned to 1970; left out: the whole range is one. */
  readonly stepMs?: number;
  /** `service`, `name`, `tags.x`: a group for each that differs. Default: all in one. */
  readonly by?: readonly string[];
}

export interface MetricQuery extends Where, Limits {
  readonly name?: Match;
  /** Default `newest`. */
  readonly order?: 'newest' | 'oldest';
  /** The last sample of each series alone. */
  readonly latest?: boolean;
  readonly aggregate?: Aggregate;
}
export interface LogQuery extends Where, Limits {
  readonly levels?: readonly Level[];
  /** The message holds this, whatever the case of its letters. */
  readonly text?: string;
  readonly order?: 'newest' | 'oldest';
}

export interface Page<T> {
  readonly items: readonly T[];
  /** The cursor of the page that follows; absent: this is the last. */
  readonly next?: string;
}
/** One line of an aggregation. */
export interface Group {
  readonly labels: Readonly<Record<string, string>>;
  /** Begin of the bucket (ms since 1970) and value, oldest first; buckets without samples are left out. */
  readonly points: readonly (readonly [tsMs: number, value: number])[];
}
export type MetricAnswer = Page<Metric> | { readonly groups: readonly Group[] };
export type LogAnswer = Page<Log>;
