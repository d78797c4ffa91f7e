/** The program of each query. */
import type { Query } from './query.ts';
import { aggregated, type GroupColumns } from './aggregate.ts';
import type { Engine } from './engine.ts';
import { type LinePage, linePage } from './lines.ts';
import { LOGS } from './logs.ts';
import { budgetOf } from './plan.ts';
import { type Program, Watch } from './program.ts';
import { type SamplePage, samplePage } from './samples.ts';
import type { Selection } from './selection.ts';
import { TRACES } from './traces.ts';

/** What the thread answers: `metrics` with a page, `aggregate` with groups, `logs` and `traces` with lines. */
export type QueryAnswer = SamplePage | readonly GroupColumns[] | LinePage;

export interface Asking {
  readonly program: Program<QueryAnswer>;
  readonly watch: Watch;
}

/** @throws QueryError `refused`; the program throws them too. */
export function asking(work: Query, engine: Engine, selection: Selection): Asking {
  return { watch: new Watch(budgetOf(work.query), work.cancel), program: programOf(work, engine, selection) };
}

function* programOf(work: Query, engine: Engine, selection: Selection): Program<QueryAnswer> {
  if (work.do === 'logs') return yield* linePage(LOGS, work.query, engine);
  if (work.do === 'traces') return yield* linePage(TRACES, work.query, engine);
  yield* selection.refresh();
  if (work.do === 'aggregate') return yield* aggregated(work.query, engine, selection);
  return yield* samplePage(work.query, engine, selection);
}

/** What of an answer crosses to the other thread without being copied. */
export function transferredOf(answer: QueryAnswer): ArrayBuffer[] {
  if (isGroups(answer)) return answer.flatMap(({ ts, value }) => [ts.buffer, value.buffer]);
  return 'columns' in answer ? [answer.columns.series.buffer, answer.columns.ts.buffer, answer.columns.value.buffer] : [];
}

const isGroups = (answer: QueryAnswer): answer is readonly GroupColumns[] => Array.isArray(answer);
