/** Headers of spans as lines. Those of one trace lie together. */
import { type Lines, oneOf } from './lines.ts';
import { testOf } from './match.ts';
import { minDurationOf, statusesOf, textOf } from './plan.ts';
import { statement } from './program.ts';
import type { TraceQuery } from './query.ts';

export const TRACES: Lines<TraceQuery> = {
  table: 'traces',
  columns: ['name', 'duration_ms', 'status', 'parent_id'],
  key: { trace_id: 'string', span_id: 'string' },
  filterOf(query) {
    const [traceId, statuses, minDurationMs] = [textOf('traceId', query.traceId), statusesOf(query), minDurationOf(query)];
    const isName = query.name && testOf(query.name);
    return {
      ...(traceId === undefined ? {} : { few: statement('trace_id = ?', traceId) }),
      where: [...(statuses ? [oneOf('status', statuses)] : []), ...(minDurationMs === undefined ? [] : [statement('duration_ms >= ?', minDurationMs)])],
      test: ([, , , name]) => !isName || isName(String(name)),
    };
  },
};
