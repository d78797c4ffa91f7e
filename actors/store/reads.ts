/** What the journal is asked: each question as a statement that both engines understand, and how its rows read. */
import type { Param, Statement } from './query/program.ts';
import type { Fields } from '../event.ts';
import { type Job, type JobStatus, PRIORITIES } from '../job.ts';
import { type ApiKey, type Attempt, type Audit, type ConfigVersion, type Episode, OPEN, type Retained } from './changes.ts';
import type { Ask, JobFilter, Write } from './work.ts';

export interface StoredJob {
  readonly job: Job;
  readonly status: JobStatus;
  readonly reason: string | null;
  readonly attempts: number;
  /** How many attempts there had been when it was put back by hand. */
  readonly base: number;
  readonly priority: number;
  readonly dueMs: number;
  /** Of the lease under which it was claimed last. */
  readonly fence: number;
}
export interface MonitorState {
  readonly monitor: string;
  readonly atMs: number;
  readonly fields: Fields;
}

export type Row = Readonly<Record<string, unknown>>;
export interface Read<T> extends Statement {
  readonly as: (rows: readonly Row[]) => T;
}
const read = <T>(sql: string, params: readonly Param[], as: (rows: readonly Row[]) => T): Read<T> => ({ sql, params, as });
const each =
  <T>(map: (row: Row) => T) =>
  (rows: readonly Row[]): T[] =>
    rows.map(map);
const json = (text: unknown): unknown => JSON.parse(String(text));
const number = (value: unknown): number => Number(value);
const orNull = (value: unknown): number | null => (value === null ? null : Number(value));

const JOB = 'job, status, reason, attempts, base, priority, due_ms, fence';
const jobOf = (r: Row): StoredJob => ({
  job: json(r.job) as Job,
  status: r.status as JobStatus,
  reason: r.reason as string | null,
  attempts: number(r.attempts),
  base: number(r.base),
  priority: number(r.priority),
  dueMs: number(r.due_ms),
  fence: number(r.fence),
});

/** Jobs that are not at their end, the first due first. */
const openJobs = (): Read<StoredJob[]> => read(`SELECT ${JOB} FROM jobs WHERE ${OPEN} ORDER BY due_ms, created_ms`, [], each(jobOf));

function jobs({ rule, action, status, id, limit = 100 }: JobFilter): Read<StoredJob[]> {
  const given = Object.entries({ rule, action, status, id }).filter((pair): pair is [string, string] => pair[1] !== undefined);
  const where = given.map(([column]) => `${column} = ?`).join(' AND ') || '1 = 1';
  return read(`SELECT ${JOB} FROM jobs WHERE ${where} ORDER BY created_ms DESC, id LIMIT ?`, [...given.map(([, value]) => value), limit], each(jobOf));
}

/**
 * Lease due jobs of one action, the important ones first: those that nobody holds, or whose lease is over; with `group` all of that group that are at the same
 * point. `lock` is what the engine needs to keep two nodes apart. The fence of a job grows with each lease; who comes with an older one is too late.
 */
export const claim = ({ owner, limit, nowMs, leaseMs, action, group, ordered }: Extract<Write, { do: 'claim' }>, lock: string): Read<StoredJob[]> => {
  const free = `${OPEN} AND due_ms <= ? AND (lease_ms IS NULL OR lease_ms <= ?) AND (expires_ms IS NULL OR expires_ms > ?)`;
  const times = [nowMs, nowMs, nowMs];
  const ofPriority = (priority: number): string =>
    `SELECT id FROM (SELECT id FROM jobs WHERE action = ? AND priority = ${priority} AND ${free} ORDER BY due_ms, created_ms LIMIT ? ${lock}) AS p${priority}`;
  const inOrder = `SELECT id FROM (SELECT * FROM jobs WHERE action = ? AND ${OPEN} ORDER BY created_ms, id LIMIT 1) AS oldest WHERE ${free} LIMIT ?`;
  const due = ordered
    ? { sql: inOrder, params: [action, ...times, limit] }
    : group
      ? { sql: `SELECT id FROM jobs WHERE group_id = ? AND attempts = ? AND ${free} LIMIT ? ${lock}`, params: [group.id, group.attempts, ...times, limit] }
      : { sql: HIGHEST_FIRST.map(ofPriority).join(' UNION ALL '), params: HIGHEST_FIRST.flatMap(() => [action, ...times, limit]) };
  return read(
    // Materialized: a plan that looks for the due ones once more for each row would lock more than `limit`.
    `WITH due AS MATERIALIZED (${due.sql}), first AS MATERIALIZED (SELECT id FROM due LIMIT ?)` +
      ` UPDATE jobs SET owner = ?, lease_ms = ?, fence = fence + 1 WHERE id IN (SELECT id FROM first) RETURNING ${JOB}`,
    [...due.params, limit, owner, nowMs + leaseMs],
    (rows) => rows.map(jobOf).sort(byTurn),
  );
};
const HIGHEST_FIRST = PRIORITIES.map((_, priority) => priority).toReversed();
const byTurn = (a: StoredJob, b: StoredJob): number => b.priority - a.priority || a.dueMs - b.dueMs || a.job.createdMs - b.job.createdMs;

const attempts = (job: string): Read<Attempt[]> =>
  read(
    'SELECT * FROM attempts WHERE job_id = ? ORDER BY number',
    [job],
    each((r) => ({
      job,
      number: number(r.number),
      startedMs: number(r.started_ms),
      durationMs: number(r.duration_ms),
      outcome: r.outcome as Attempt['outcome'],
      reason: r.reason as string | null,
      class: r.class as Attempt['class'],
    })),
  );

/** Newest first. */
const versions = (limit: number): Read<ConfigVersion[]> =>
  read(
    'SELECT * FROM config_versions ORDER BY number DESC LIMIT ?',
    [limit],
    each((r) => ({
      number: number(r.number),
      atMs: number(r.at_ms),
      author: String(r.author),
      reason: String(r.reason),
      diff: json(r.diff) as string[],
      overlay: json(r.overlay),
    })),
  );

/** Newest first. */
const episodes = (limit: number): Read<Episode[]> =>
  read(
    'SELECT * FROM episodes ORDER BY started_ms DESC, id LIMIT ?',
    [limit],
    each((r) => ({
      id: String(r.id),
      rule: String(r.rule),
      instance: String(r.instance),
      severity: String(r.severity),
      details: String(r.details),
      startedMs: number(r.started_ms),
      endedMs: orNull(r.ended_ms),
    })),
  );

/** Newest first. */
const audit = (limit: number): Read<Audit[]> =>
  read(
    'SELECT * FROM audit ORDER BY id DESC LIMIT ?',
    [limit],
    each((r) => ({ atMs: number(r.at_ms), author: String(r.author), action: String(r.action), subject: String(r.subject), outcome: String(r.outcome) })),
  );

const retainedOf = (r: Row): Retained => ({ topic: String(r.topic), atMs: number(r.at_ms), qos: number(r.qos), payload: r.payload as Uint8Array });
const apiKeyOf = (r: Row): ApiKey => ({
  id: String(r.id),
  name: String(r.name),
  hash: r.hash as Uint8Array,
  roles: json(r.roles) as string[],
  createdMs: number(r.created_ms),
  expiresMs: orNull(r.expires_ms),
});
const monitorStateOf = (r: Row): MonitorState => ({ monitor: String(r.monitor), atMs: number(r.at_ms), fields: json(r.fields) as Fields });
const numbers = (rows: readonly Row[]): Record<string, number> => Object.fromEntries(Object.entries(rows[0] ?? {}).map(([key, n]) => [key, Number(n)]));

const COUNTS = 'SELECT (SELECT count(*) FROM series) AS series, (SELECT count(*) FROM points) AS points, (SELECT count(*) FROM logs) AS logs';
// Executions that are not at their end, and those that have failed for good.
const JOB_COUNTS = `SELECT (SELECT count(*) FROM jobs WHERE ${OPEN}) AS open, (SELECT count(*) FROM jobs WHERE status = 'failed') AS failed`;

/** Every question but those that need the engine's own hand: `boot`, `unjudged` and `health`. */
export function readOf(work: Exclude<Ask, { do: 'boot' | 'unjudged' | 'health' }>): Read<unknown> {
  switch (work.do) {
    case 'ruleState':
      return read('SELECT state FROM rule_states WHERE rule = ?', [work.rule], ([row]) => row && json(row.state));
    case 'ruleInstances':
      return read(
        'SELECT instance, state FROM rule_instances WHERE rule = ?',
        [work.rule],
        each((r) => ({ instance: String(r.instance), state: json(r.state) })),
      );
    case 'rules':
      return read(
        'SELECT rule FROM rule_states ORDER BY rule',
        [],
        each((r) => String(r.rule)),
      );
    case 'openJobs':
      return openJobs();
    case 'jobCounts':
      return read(JOB_COUNTS, [], numbers);
    case 'counts':
      return read(COUNTS, [], numbers);
    case 'jobs':
      return jobs(work.filter);
    case 'attempts':
      return attempts(work.job);
    case 'versions':
      return versions(work.limit);
    case 'audit':
      return audit(work.limit);
    case 'episodes':
      return episodes(work.limit);
    case 'retained':
      return read('SELECT * FROM retained ORDER BY topic', [], each(retainedOf));
    case 'apiKeys':
      return read('SELECT * FROM api_keys ORDER BY id', [], each(apiKeyOf));
    case 'monitorStates':
      return read('SELECT * FROM monitor_states', [], each(monitorStateOf));
  }
}
