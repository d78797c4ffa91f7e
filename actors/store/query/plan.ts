/** A query from outside, checked and with its defaults. */
import { LEVELS, SPAN_STATUSES } from '../../event.ts';
import { refused } from './program.ts';
import type { AggregateQuery, Fn, Limits, LogQuery, Order, TraceQuery, Where } from './query.ts';

export const MOST_ROWS = 100_000;
const DEFAULT_ROWS = 1_000;
const DEFAULT_BUDGET_MS = 10_000;
const MOST_BUDGET_MS = 600_000;
/** All that a Date can say. */
const END_OF_TIME_MS = 8.64e15;

/** ms since 1970, both included. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}
export interface Paging {
  readonly span: Span;
  readonly limit: number;
  readonly order: Order;
}
export interface Aggregation extends Required<Pick<AggregateQuery, 'fn' | 'by'>> {
  readonly span: Span;
  /** Which ends of the range are open. */
  readonly open: { readonly from: boolean; readonly to: boolean };
  readonly stepMs: number | undefined;
}

/** @throws QueryError `refused`, as all here. */
export const budgetOf = ({ budgetMs = DEFAULT_BUDGET_MS }: { readonly budgetMs?: number }): number => whole('budgetMs', budgetMs, 1, MOST_BUDGET_MS);
/** The same without the check, for whoever only waits for the answer. */
export const patienceOf = ({ budgetMs = DEFAULT_BUDGET_MS }: { readonly budgetMs?: number }): number => (budgetMs > 0 ? Math.min(budgetMs, MOST_BUDGET_MS) : 0);

export function spanOf({ fromMs = -END_OF_TIME_MS, toMs = END_OF_TIME_MS }: Where): Span {
  return { fromMs: instant('fromMs', fromMs, Math.ceil), toMs: instant('toMs', toMs, Math.floor) };
}

export function pagingOf(query: Where & Limits & { readonly order?: Order }): Paging {
  const { limit = DEFAULT_ROWS, order = 'newest' } = query;
  if (order !== 'newest' && order !== 'oldest') throw refused('order: expected `newest` or `oldest`', order);
  return { span: spanOf(query), limit: whole('limit', limit, 1, MOST_ROWS), order };
}

export const levelsOf = ({ levels }: LogQuery): LogQuery['levels'] => some('levels', levels, LEVELS);
export const statusesOf = ({ statuses }: TraceQuery): TraceQuery['statuses'] => some('statuses', statuses, SPAN_STATUSES);

function some<T>(key: string, got: readonly T[] | undefined, all: readonly T[]): readonly T[] | undefined {
  for (const one of got ?? []) if (!all.includes(one)) throw refused(`${key}: expected some of ${all.join(', ')}`, one);
  return got;
}

export function minDurationOf({ minDurationMs }: TraceQuery): number | undefined {
  if (minDurationMs !== undefined && !Number.isFinite(minDurationMs)) throw refused('minDurationMs: expected a number of milliseconds', minDurationMs);
  return minDurationMs;
}

/** @param got it may have come from outside. */
export function textOf(key: string, got: unknown): string | undefined {
  if (got !== undefined && typeof got !== 'string') throw refused(`${key}: expected a text`, got);
  return got;
}

const SIMPLE: readonly string[] = ['avg', 'sum', 'min', 'max', 'count', 'rate', 'first', 'last'] satisfies Fn[];
const PERCENTILE = /^p(100|\d{1,2}(\.\d{1,3})?)$/;
const LABEL = /^(service|name|tags\..+)$/s;

export function aggregationOf(query: AggregateQuery): Aggregation {
  const { fn, stepMs, by = [], fromMs, toMs } = query;
  if (!SIMPLE.includes(fn) && !PERCENTILE.test(fn)) throw refused(`fn: expected one of ${SIMPLE.join(', ')}, or p0 … p100`, fn);
  for (const label of by) if (!LABEL.test(label)) throw refused('by: expected `service`, `name` or `tags.` and the name of a tag', label);
  const open = { from: fromMs === undefined, to: toMs === undefined };
  return { fn, by, span: spanOf(query), open, stepMs: stepMs === undefined ? undefined : whole('stepMs', stepMs, 1, END_OF_TIME_MS) };
}

function whole(key: string, got: number, least: number, most: number): number {
  if (!Number.isInteger(got) || got < least || got > most) throw refused(`${key}: expected a whole number from ${least} to ${most}`, got);
  return got;
}

function instant(key: string, got: number, round: (ms: number) => number): number {
  if (typeof got !== 'number' || !(Math.abs(got) <= END_OF_TIME_MS)) throw refused(`${key}: expected milliseconds since 1970`, got);
  return round(got);
}
