/** How much is kept. To count hundreds of millions of rows takes minutes, and commits would wait: beyond a million it is what the planner takes it for. */
import type { Read } from '../reads.ts';

const EXACT = 1_000_000;
const about = (table: string): string =>
  `(SELECT coalesce(sum(greatest(reltuples, 0)), 0) FROM pg_class WHERE oid = '${table}'::regclass OR oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = '${table}'::regclass))`;
const count = (table: string): string =>
  `CASE WHEN ${about(table)} > ${EXACT} THEN ${about(table)}::bigint ELSE (SELECT count(*) FROM ${table}) END AS ${table}`;

export const counts: Read<unknown> = {
  sql: `SELECT ${['series', 'points', 'logs'].map(count).join(', ')}`,
  params: [],
  as: ([row]) => ({ series: Number(row?.series), points: Number(row?.points), logs: Number(row?.logs) }),
};
