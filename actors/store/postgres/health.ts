/** What can be told of the store from here: the server's disk and its log are its own affair. */
import type { Health } from '../health.ts';
import type { Read } from '../reads.ts';

export const health: Read<Health> = {
  sql: 'SELECT pg_database_size(current_database()) AS size',
  params: [],
  as: ([row]) => ({
    sizeBytes: Number(row?.size),
    walBytes: 0,
    maxBytes: null,
    exhausted: false,
    disk: null,
    growthBytesPerDay: null,
    oldestSampleMs: null,
    rolledMs: null,
    commitMs: null,
    fsyncMs: null,
    waiting: 0,
    stalled: null,
  }),
};
