/** Deletes what of the journal has ended long ago. What is open or in force is never asked for. Part of the thread that writes. */
import type { Policy } from '../retention.ts';
import { FIRST_MS } from '../query/rollup.ts';
import { SCATTERED_MS, type Statements, type Steps } from './steps.ts';

/** Rows that go at once. */
const CHUNK = 32;

export function* sweepJournal(sql: Statements, policy: Policy, nowMs: number): Steps {
  yield* rows(sql, `DELETE FROM episodes WHERE ended_ms < ? ORDER BY ended_ms LIMIT ${CHUNK}`, nowMs - policy.episodesMs);
  yield* rows(sql, `DELETE FROM audit WHERE at_ms < ? ORDER BY at_ms LIMIT ${CHUNK}`, nowMs - policy.auditMs);
  const older = 'number < (SELECT min(number) FROM (SELECT number FROM config_versions ORDER BY number DESC LIMIT ?))';
  const versions = `DELETE FROM config_versions WHERE at_ms < ? AND ${older} ORDER BY number LIMIT ${CHUNK}`;
  yield* rows(sql, versions, nowMs - policy.versionsMs, policy.versionsAtLeast);
  yield* jobs(sql, nowMs - policy.jobsMs);
}

function* rows(sql: Statements, statement: string, ...values: readonly number[]): Steps {
  for (let gone = CHUNK; gone === CHUNK; ) {
    gone = sql.run(statement, ...values);
    yield gone * SCATTERED_MS;
  }
}

/** A job has ended when its last word came: `due_ms` of the end, the last attempt, or its creation, whichever was last. */
function* jobs(sql: Statements, before: number): Steps {
  const attempted = 'EXISTS (SELECT 1 FROM attempts WHERE job_id = jobs.id AND started_ms + duration_ms >= ?)';
  const ended = `status NOT IN ('queued', 'running', 'retrying') AND due_ms < ? AND (due_ms, id) > (?, ?)`;
  const next = `SELECT due_ms, id, created_ms >= ? OR ${attempted} FROM jobs WHERE ${ended} ORDER BY due_ms, id LIMIT ${CHUNK}`;
  for (let [at, last] = [FIRST_MS, '']; ; ) {
    const page = sql.rows(next, before, before, before, at, last);
    for (const [dueMs, id, young] of page) {
      [at, last] = [Number(dueMs), String(id)];
      if (young) continue;
      sql.run('DELETE FROM attempts WHERE job_id = ?', last);
      sql.run('DELETE FROM jobs WHERE id = ?', last);
    }
    yield page.length * 2 * SCATTERED_MS;
    if (page.length < CHUNK) return;
  }
}
