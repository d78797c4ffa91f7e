/** Logs as lines. Levels are few; a part of a text is nothing that an index knows. */
import { type Lines, oneOf } from './lines.ts';
import { levelsOf, textOf } from './plan.ts';
import type { LogQuery } from './query.ts';

export const LOGS: Lines<LogQuery> = {
  table: 'logs',
  columns: ['level', 'message'],
  key: { id: 'number' },
  filterOf(query) {
    const levels = levelsOf(query);
    const wanted = textOf('text', query.text)?.toLowerCase();
    return {
      where: levels ? [oneOf('level', levels)] : [],
      test: ([, , , , message]) => wanted === undefined || String(message).toLowerCase().includes(wanted),
    };
  },
};
