/** Spans as they ought to be answered: in a list, asked naively; and arbitrary ones with arbitrary questions. */
import fc from 'fast-check';
import { SPAN_STATUSES, type Trace } from '../../actors/event.ts';
import type { TraceQuery } from '../../actors/store/query/query.ts';
import { both, fits, matches, metricsWhere, name, paged, range, service, sometimes, tags, timestamp } from './history.ts';

export const span = (more: Partial<Trace> = {}): Trace => ({
  ...{ traceId: 't', spanId: 's', service: 'api', name: 'GET /', timestamp: 1_000, durationMs: 2.5, status: 'ok', tags: {} },
  ...more,
});

export class Spans {
  readonly #byKey = new Map<string, Trace>();

  /** What is there already stays as it is. */
  add(spans: readonly Trace[]): void {
    for (const one of spans) {
      const key = JSON.stringify([one.traceId, one.spanId]);
      if (!this.#byKey.has(key)) this.#byKey.set(key, one);
    }
  }

  /** Without limit. */
  traces(query: TraceQuery): Trace[] {
    const { traceId, statuses, minDurationMs = Number.NEGATIVE_INFINITY } = query;
    const found = [...this.#byKey.values()]
      .filter((one) => fits(query, one) && (!query.name || matches(query.name, one.name)) && (!statuses || statuses.includes(one.status)))
      .filter((one) => (traceId === undefined || one.traceId === traceId) && one.durationMs >= minDurationMs)
      .sort((a, b) => a.timestamp - b.timestamp || order(a.traceId, b.traceId) || order(a.spanId, b.spanId));
    return query.order === 'oldest' ? found : found.toReversed();
  }
}
const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Ids are few, so that spans come twice, and are to be told apart by the case of letters. */
const id = fc.constantFrom('a', 'b', 'B', 'ab', '10', '9', '');
const durationMs = fc.constantFrom(0, 0.5, 1, 250, 1e6);
export const spans: fc.Arbitrary<readonly Trace[]> = fc.array(
  fc.record(
    { traceId: id, spanId: id, parentId: id, service, name, timestamp, durationMs, status: fc.constantFrom(...SPAN_STATUSES), tags },
    { requiredKeys: ['traceId', 'spanId', 'service', 'name', 'timestamp', 'durationMs', 'status', 'tags'], noNullPrototype: true },
  ),
  { maxLength: 60, size: 'max' },
);
const ofSpans = sometimes({ traceId: id, statuses: fc.subarray([...SPAN_STATUSES]), minDurationMs: fc.oneof(durationMs, fc.constant(-1)) }, 4);
export const traceQuery: fc.Arbitrary<TraceQuery> = both(both(metricsWhere, range), both(paged, ofSpans));
