/** What must not be lost, as changes; and each change as statements that both engines understand. */
import type { Param, Statement } from './query/program.ts';
import { type ErrorClass, type Job, type JobStatus, PRIORITIES } from '../job.ts';

/** Those of one `commit` happen together or not at all. */
export type Change =
  | { readonly set: 'rule_state'; readonly rule: string; readonly state: unknown }
  /** The alert of one instance; null: the instance is no more. */
  | { readonly set: 'rule_instance'; readonly rule: string; readonly instance: string; readonly state: unknown }
  | { readonly set: 'forget_rule'; readonly rule: string }
  | { readonly set: 'monitor_state'; readonly monitor: string; readonly atMs: number; readonly fields: unknown }
  | { readonly set: 'forget_monitor'; readonly monitor: string }
  | { readonly set: 'episode'; readonly episode: Episode }
  | { readonly set: 'job'; readonly job: Job; readonly status: 'queued' | 'suppressed'; readonly reason?: string }
  /** With a fence: only when the job is still leased under it. */
  | { readonly set: 'attempt'; readonly attempt: Attempt; readonly status: JobStatus; readonly dueMs: number; readonly fence?: number | undefined }
  /** Lets go of one that is leased under this fence. */
  | { readonly set: 'release'; readonly id: string; readonly fence: number }
  /** Renews all leases of an owner, or, with null, lets go of what they hold. */
  | { readonly set: 'leases'; readonly owner: string; readonly untilMs: number | null }
  /** Executions that have failed for good wait again, with all their tries before them; or are given up. */
  | { readonly set: 'redrive'; readonly ids: readonly string[]; readonly dueMs: number }
  | { readonly set: 'drop'; readonly ids: readonly string[]; readonly atMs: number }
  /** An action is no more: what waits for it has failed. */
  | { readonly set: 'forget_action'; readonly action: string; readonly atMs: number }
  /** What is of no use any more and not under way. */
  | { readonly set: 'expire'; readonly nowMs: number }
  | { readonly set: 'job_status'; readonly id: string; readonly status: JobStatus; readonly reason: string; readonly dueMs: number }
  | { readonly set: 'version'; readonly version: ConfigVersion }
  /** MQTT: an empty payload forgets the topic. */
  | { readonly set: 'retained'; readonly retained: Retained }
  | { readonly set: 'audit'; readonly audit: Audit }
  | { readonly set: 'api_key'; readonly key: ApiKey }
  | { readonly set: 'forget_api_key'; readonly id: string };

export interface Attempt {
  readonly job: string;
  /** From 1. */
  readonly number: number;
  readonly startedMs: number;
  readonly durationMs: number;
  readonly outcome: 'delivered' | 'retry' | 'discard';
  readonly reason: string | null;
  /** What was wrong, where that is known. */
  readonly class: ErrorClass | null;
}
/** A step in the life of the configuration. `overlay` is what the CLI and the API have made over the file. */
export interface ConfigVersion {
  readonly number: number;
  readonly atMs: number;
  readonly author: string;
  readonly reason: string;
  readonly diff: readonly string[];
  readonly overlay: unknown;
}
/** From firing to resolved. */
export interface Episode {
  readonly id: string;
  readonly rule: string;
  /** Of a rule with `for_each`: the monitor; else ''. */
  readonly instance: string;
  readonly severity: string;
  readonly details: string;
  readonly startedMs: number;
  readonly endedMs: number | null;
}
export interface Retained {
  readonly topic: string;
  readonly atMs: number;
  readonly qos: number;
  readonly payload: Uint8Array;
}
export interface Audit {
  readonly atMs: number;
  readonly author: string;
  readonly action: string;
  readonly subject: string;
  readonly outcome: string;
}
export interface ApiKey {
  readonly id: string;
  readonly name: string;
  /** Of the key itself, which is kept nowhere. */
  readonly hash: Uint8Array;
  readonly roles: readonly string[];
  readonly createdMs: number;
  readonly expiresMs: number | null;
}

type Table = { readonly [C in Change as C['set']]: (change: C) => readonly Statement[] };
const one = (sql: string, ...params: readonly Param[]): readonly Statement[] => [{ sql, params }];
const upsert = (table: string, key: string, columns: string): string => {
  const rest = columns.split(', ').filter((column) => column !== key);
  const marks = columns.replaceAll(/\w+/g, '?');
  return `INSERT INTO ${table} (${columns}) VALUES (${marks}) ON CONFLICT (${key}) DO UPDATE SET ${rest.map((c) => `${c} = excluded.${c}`).join(', ')}`;
};

const SET_RULE_STATE = upsert('rule_states', 'rule', 'rule, state');
const SET_RULE_INSTANCE =
  'INSERT INTO rule_instances (rule, instance, state) VALUES (?, ?, ?) ON CONFLICT (rule, instance) DO UPDATE SET state = excluded.state';
const SET_MONITOR_STATE = upsert('monitor_states', 'monitor', 'monitor, at_ms, fields');
const SET_RETAINED = upsert('retained', 'topic', 'topic, at_ms, qos, payload');
const SET_API_KEY = upsert('api_keys', 'id', 'id, name, hash, roles, created_ms, expires_ms');
/** Jobs that are not at their end. */
export const OPEN = "status IN ('queued', 'running', 'retrying')";
// An episode keeps its beginning; its end comes later.
const SET_EPISODE =
  'INSERT INTO episodes (id, rule, instance, severity, details, started_ms, ended_ms) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET ended_ms = excluded.ended_ms';
// A job that is there already stays as it is: after a crash the same firing may be decided again.
const ADD_JOB =
  'INSERT INTO jobs (id, rule, action, status, reason, due_ms, created_ms, job, priority, group_id, expires_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING';
const REDRIVE =
  "UPDATE jobs SET status = 'queued', reason = NULL, base = attempts, due_ms = ?, expires_ms = NULL WHERE status IN ('failed', 'expired') AND id = ?";
const DROP = "UPDATE jobs SET status = 'suppressed', reason = 'dropped', due_ms = ? WHERE status IN ('failed', 'expired') AND id = ?";
const EXPIRE = `UPDATE jobs SET status = 'expired', reason = 'it was not carried out in time', due_ms = ? WHERE ${OPEN} AND expires_ms <= ? AND (lease_ms IS NULL OR lease_ms <= ?)`;
const OWNED = 'EXISTS (SELECT 1 FROM jobs WHERE id = ? AND fence = ?)';
const ADD_ATTEMPT =
  'INSERT INTO attempts (job_id, number, started_ms, duration_ms, outcome, reason, class) SELECT ?, ?, ?, ?, ?, ?, ? WHERE ? < 0 OR ' +
  `${OWNED} ON CONFLICT (job_id, number) DO UPDATE SET started_ms = excluded.started_ms, duration_ms = excluded.duration_ms, outcome = excluded.outcome, reason = excluded.reason, class = excluded.class`;
const ATTEMPTED = 'UPDATE jobs SET status = ?, reason = ?, attempts = ?, due_ms = ?, owner = NULL, lease_ms = NULL WHERE id = ? AND (? < 0 OR fence = ?)';
const ADD_VERSION = 'INSERT INTO config_versions (number, at_ms, author, reason, diff, overlay) VALUES (?, ?, ?, ?, ?, ?)';
const ADD_AUDIT = 'INSERT INTO audit (at_ms, author, action, subject, outcome) VALUES (?, ?, ?, ?, ?)';

/** By the severity of its alert. */
const priorityOf = ({ alert }: Job): number => Math.max(0, RANKS.indexOf(alert.severity));
const RANKS: readonly string[] = PRIORITIES;

const TABLE: Table = {
  rule_state: ({ rule, state }) => one(SET_RULE_STATE, rule, JSON.stringify(state)),
  rule_instance: ({ rule, instance, state }) =>
    state === null
      ? one('DELETE FROM rule_instances WHERE rule = ? AND instance = ?', rule, instance)
      : one(SET_RULE_INSTANCE, rule, instance, JSON.stringify(state)),
  forget_rule: ({ rule }) => [...one('DELETE FROM rule_states WHERE rule = ?', rule), ...one('DELETE FROM rule_instances WHERE rule = ?', rule)],
  monitor_state: ({ monitor, atMs, fields }) => one(SET_MONITOR_STATE, monitor, atMs, JSON.stringify(fields)),
  forget_monitor: ({ monitor }) => one('DELETE FROM monitor_states WHERE monitor = ?', monitor),
  episode: ({ episode: e }) => one(SET_EPISODE, e.id, e.rule, e.instance, e.severity, e.details, e.startedMs, e.endedMs),
  job: ({ job, status, reason = null }) =>
    one(
      ADD_JOB,
      job.id,
      job.alert.rule,
      job.action,
      status,
      reason,
      job.group?.dueMs ?? job.createdMs,
      job.createdMs,
      JSON.stringify(job),
      priorityOf(job),
      job.group?.id ?? null,
      job.expiresMs ?? null,
    ),
  release: ({ id, fence }) => one('UPDATE jobs SET owner = NULL, lease_ms = NULL WHERE id = ? AND fence = ?', id, fence),
  redrive: ({ ids, dueMs }) => ids.map((id) => ({ sql: REDRIVE, params: [dueMs, id] })),
  drop: ({ ids, atMs }) => ids.map((id) => ({ sql: DROP, params: [atMs, id] })),
  forget_action: ({ action, atMs }) =>
    one(`UPDATE jobs SET status = 'failed', reason = 'its action was removed', due_ms = ? WHERE ${OPEN} AND action = ?`, atMs, action),
  expire: ({ nowMs }) => one(EXPIRE, nowMs, nowMs, nowMs),
  attempt: ({ attempt: a, status, dueMs, fence = -1 }) => [
    { sql: ADD_ATTEMPT, params: [a.job, a.number, a.startedMs, a.durationMs, a.outcome, a.reason, a.class, fence, a.job, fence] },
    { sql: ATTEMPTED, params: [status, a.reason, a.number, dueMs, a.job, fence, fence] },
  ],
  job_status: ({ id, status, reason, dueMs }) => one('UPDATE jobs SET status = ?, reason = ?, due_ms = ? WHERE id = ?', status, reason, dueMs, id),
  leases: ({ owner, untilMs }) =>
    untilMs === null
      ? one(`UPDATE jobs SET owner = NULL, lease_ms = NULL WHERE owner = ? AND ${OPEN}`, owner)
      : one(`UPDATE jobs SET lease_ms = ? WHERE owner = ? AND ${OPEN}`, untilMs, owner),
  version: ({ version: v }) => one(ADD_VERSION, v.number, v.atMs, v.author, v.reason, JSON.stringify(v.diff), JSON.stringify(v.overlay)),
  retained: ({ retained: r }) =>
    r.payload.length > 0 ? one(SET_RETAINED, r.topic, r.atMs, r.qos, r.payload) : one('DELETE FROM retained WHERE topic = ?', r.topic),
  audit: ({ audit: a }) => one(ADD_AUDIT, a.atMs, a.author, a.action, a.subject, a.outcome),
  api_key: ({ key: k }) => one(SET_API_KEY, k.id, k.name, k.hash, JSON.stringify(k.roles), k.createdMs, k.expiresMs),
  forget_api_key: ({ id }) => one('DELETE FROM api_keys WHERE id = ?', id),
};

export function statementsOf(change: Change): readonly Statement[] {
  const statements: (change: never) => readonly Statement[] = TABLE[change.set];
  return statements(change as never); // the table's own type pairs each change with its statements
}
