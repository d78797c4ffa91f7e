/** What must not be lost, in words that the store's thread understands: rule states, jobs, attempts, config versions. Each has its statement here. */
import type Database from 'better-sqlite3';
import type { Job, JobStatus } from '../job.ts';

/** A change of the journal. Those of one `commit` happen together or not at all. */
export type Change =
  | { readonly set: 'rule_state'; readonly rule: string; readonly state: unknown }
  | { readonly set: 'forget_rule'; readonly rule: string }
  | { readonly set: 'job'; readonly job: Job; readonly status: 'queued' | 'suppressed'; readonly reason?: string }
  | { readonly set: 'attempt'; readonly attempt: Attempt; readonly status: JobStatus; readonly dueMs: number }
  | { readonly set: 'job_status'; readonly id: string; readonly status: JobStatus; readonly reason: string; readonly dueMs: number }
  | { readonly set: 'version'; readonly version: ConfigVersion };

export interface Attempt {
  readonly job: string;
  /** From 1. */
  readonly number: number;
  readonly startedMs: number;
  readonly durationMs: number;
  readonly outcome: 'delivered' | 'retry' | 'discard';
  readonly reason: string | null;
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

export interface StoredJob {
  readonly job: Job;
  readonly status: JobStatus;
  readonly reason: string | null;
  readonly attempts: number;
  readonly dueMs: number;
}

export interface JobFilter {
  readonly rule?: string;
  readonly action?: string;
  readonly status?: JobStatus;
  readonly id?: string;
  /** Newest first; default 100. */
  readonly limit?: number;
}

type Row = Readonly<Record<string, unknown>>;

export class Journal {
  readonly #apply: { readonly [C in Change as C['set']]: (change: C) => void };
  readonly #db: Database.Database;

  constructor(db: Database.Database) {
    this.#db = db;
    const setState = db.prepare('INSERT INTO rule_states (rule, state) VALUES (?, ?) ON CONFLICT (rule) DO UPDATE SET state = excluded.state');
    const forgetRule = db.prepare('DELETE FROM rule_states WHERE rule = ?');
    // A job that is there already stays as it is: after a crash the same firing may be decided again.
    const addJob = db.prepare(
      'INSERT INTO jobs (id, rule, action, status, reason, due_ms, created_ms, job) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING',
    );
    const addAttempt = db.prepare('INSERT OR REPLACE INTO attempts (job_id, number, started_ms, duration_ms, outcome, reason) VALUES (?, ?, ?, ?, ?, ?)');
    const attempted = db.prepare('UPDATE jobs SET status = ?, reason = ?, attempts = ?, due_ms = ? WHERE id = ?');
    const setStatus = db.prepare('UPDATE jobs SET status = ?, reason = ?, due_ms = ? WHERE id = ?');
    const addVersion = db.prepare('INSERT INTO config_versions (number, at_ms, author, reason, diff, overlay) VALUES (?, ?, ?, ?, ?, ?)');
    this.#apply = {
      rule_state: ({ rule, state }) => setState.run(rule, JSON.stringify(state)),
      forget_rule: ({ rule }) => forgetRule.run(rule),
      job: ({ job, status, reason = null }) =>
        addJob.run(job.id, job.alert.rule, job.action, status, reason, job.createdMs, job.createdMs, JSON.stringify(job)),
      attempt: ({ attempt: a, status, dueMs }) => {
        addAttempt.run(a.job, a.number, a.startedMs, a.durationMs, a.outcome, a.reason);
        attempted.run(status, a.reason, a.number, dueMs, a.job);
      },
      job_status: ({ id, status, reason, dueMs }) => setStatus.run(status, reason, dueMs, id),
      version: ({ version: v }) => addVersion.run(v.number, v.atMs, v.author, v.reason, JSON.stringify(v.diff), JSON.stringify(v.overlay)),
    };
  }

  apply(change: Change): void {
    const apply: (change: never) => void = this.#apply[change.set];
    apply(change as never); // the table's own type pairs each change with its statement
  }

  ruleState(rule: string): unknown {
    const row = this.#db.prepare('SELECT state FROM rule_states WHERE rule = ?').get(rule) as Row | undefined;
    return row && JSON.parse(String(row.state));
  }

  /** Jobs that are not at their end, the first due first. */
  openJobs(): StoredJob[] {
    return this.#jobs("status IN ('queued', 'running', 'retrying') ORDER BY due_ms, created_ms", []);
  }

  /** Executions that are not at their end, and those that have failed for good. */
  jobCounts(): { readonly open: number; readonly failed: number } {
    const count = (where: string): number => Number(this.#db.prepare(`SELECT count(*) FROM jobs WHERE ${where}`).pluck().get());
    return { open: count("status IN ('queued', 'running', 'retrying')"), failed: count("status = 'failed'") };
  }

  jobs({ rule, action, status, id, limit = 100 }: JobFilter): StoredJob[] {
    const given = Object.entries({ rule, action, status, id }).filter(([, value]) => value !== undefined);
    const where = given.map(([column]) => `${column} = ?`).join(' AND ') || 'TRUE';
    return this.#jobs(`${where} ORDER BY created_ms DESC, id LIMIT ?`, [...given.map(([, value]) => value), limit]);
  }

  attempts(job: string): Attempt[] {
    const rows = this.#db.prepare('SELECT * FROM attempts WHERE job_id = ? ORDER BY number').all(job) as Row[];
    return rows.map((r) => ({
      job,
      number: Number(r.number),
      startedMs: Number(r.started_ms),
      durationMs: Number(r.duration_ms),
      outcome: r.outcome as Attempt['outcome'],
      reason: r.reason as string | null,
    }));
  }

  /** Newest first. */
  versions(limit: number): ConfigVersion[] {
    const rows = this.#db.prepare('SELECT * FROM config_versions ORDER BY number DESC LIMIT ?').all(limit) as Row[];
    return rows.map((r) => ({
      number: Number(r.number),
      atMs: Number(r.at_ms),
      author: String(r.author),
      reason: String(r.reason),
      diff: JSON.parse(String(r.diff)) as string[],
      overlay: JSON.parse(String(r.overlay)) as unknown,
    }));
  }

  #jobs(where: string, bound: readonly unknown[]): StoredJob[] {
    const rows = this.#db.prepare(`SELECT job, status, reason, attempts, due_ms FROM jobs WHERE ${where}`).all(...bound) as Row[];
    return rows.map((r) => ({
      job: JSON.parse(String(r.job)) as Job,
      status: r.status as JobStatus,
      reason: r.reason as string | null,
      attempts: Number(r.attempts),
      dueMs: Number(r.due_ms),
    }));
  }
}
