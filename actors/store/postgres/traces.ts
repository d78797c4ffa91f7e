/** Headers of spans into their table. COPY would fail at one that is there already, so they come as lists. */
import type { Trace } from '../../event.ts';
import type { Session } from './session.ts';
import { listOf } from './texts.ts';

// Of those that come twice the first stays. In the order of their key: who shares the database takes them in the same one, and nobody waits in a circle.
const ADD =
  'INSERT INTO traces (trace_id, span_id, parent_id, ts, duration_ms, service, name, status, tags)' +
  ' SELECT DISTINCT ON (trace_id, span_id) trace_id, span_id, parent_id, ts, duration_ms, service, name, status, tags' +
  ' FROM unnest(?::text[], ?::text[], ?::text[], ?::bigint[], ?::float8[], ?::text[], ?::text[], ?::text[], ?::text[])' +
  ' WITH ORDINALITY AS given (trace_id, span_id, parent_id, ts, duration_ms, service, name, status, tags, place)' +
  ' ORDER BY trace_id, span_id, place ON CONFLICT DO NOTHING';

/** Within a transaction. */
export function addTraces(session: Session, traces: readonly Trace[]): Promise<unknown> {
  const texts = (of: (trace: Trace) => string | null): string => listOf(traces.map(of));
  // What is no number is null in JSON, and the table refuses it.
  const numbers = (of: (trace: Trace) => number | null): string => `{${traces.map((trace) => of(trace) ?? 'NULL').join(',')}}`;
  const wholeMs = (ms: number | null): number | null => ms && Math.trunc(ms);
  return session.ask(ADD, [
    texts(({ traceId }) => traceId),
    texts(({ spanId }) => spanId),
    texts(({ parentId = null }) => parentId),
    numbers(({ timestamp }) => wholeMs(timestamp)),
    numbers(({ durationMs }) => durationMs),
    texts(({ service }) => service),
    texts(({ name }) => name),
    texts(({ status }) => status),
    texts(({ tags }) => JSON.stringify(tags)),
  ]);
}
