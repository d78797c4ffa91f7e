/** What crosses to the store's threads and back. Either engine does all of it, and answers what is said here. */
import type { JobStatus } from '../job.ts';
import type { Log } from '../event.ts';
import type { Change } from './changes.ts';
import type { Columns, Series } from './query/columns.ts';
import type { Query } from './query/query.ts';

/** What is acknowledged as one. */
export interface Batch {
  /** Grows by one with each; what is judged is told by it. 0: nobody is to judge it. */
  readonly seq: number;
  /** When it was received, ms since 1970. */
  readonly atMs: number;
  readonly protocol: string;
  readonly series: readonly Series[];
  readonly columns: Columns;
  /** The logs as JSON: a text crosses faster than objects. */
  readonly logs: string;
  /** The headers of spans, likewise; left out: none. */
  readonly traces?: string;
}
/** One that was acknowledged before the node died, and not judged. */
export interface Unjudged extends Omit<Batch, 'series' | 'logs' | 'traces'> {
  readonly logs: readonly Log[];
}

export interface JobFilter {
  readonly rule?: string;
  readonly action?: string;
  readonly status?: JobStatus;
  readonly id?: string;
  /** Newest first; default 100. */
  readonly limit?: number;
}

/** Done by the one that writes, many in one transaction. */
export type Write =
  | { readonly do: 'append'; readonly batch: Batch }
  | { readonly do: 'commit'; readonly changes: readonly Change[] }
  /** Leases up to `limit` due jobs of this action to `owner`, or of this group of it. Answers StoredJobs, each with its fence. */
  | {
      readonly do: 'claim';
      readonly owner: string;
      readonly limit: number;
      readonly nowMs: number;
      readonly leaseMs: number;
      readonly action: string;
      readonly group?: { readonly id: string; readonly attempts: number } | undefined;
      /** The oldest that is open, if it is due, and none before it. */
      readonly ordered?: boolean | undefined;
    };
/** Small questions to the journal, answered beside the writes and after all those before them. */
export type Ask =
  | { readonly do: 'boot' }
  /** Answers Health; cheap enough for every ten seconds. */
  | { readonly do: 'health' }
  | { readonly do: 'ruleState' | 'ruleInstances'; readonly rule: string }
  | { readonly do: 'openJobs' | 'rules' | 'jobCounts' | 'counts' | 'monitorStates' | 'retained' | 'apiKeys' }
  | { readonly do: 'jobs'; readonly filter: JobFilter }
  | { readonly do: 'attempts'; readonly job: string }
  | { readonly do: 'versions' | 'audit' | 'episodes'; readonly limit: number }
  /** Batches after `seq`, oldest first. */
  | { readonly do: 'unjudged'; readonly after: number; readonly limit: number };
const QUERIES: readonly Work['do'][] = ['metrics', 'aggregate', 'logs', 'traces'] satisfies Query['do'][];
export const isQuery = (work: Work): work is Query => QUERIES.includes(work.do);
export type Work = Write | Ask | Query;

export interface Order {
  readonly id: number;
  readonly work: Work;
  /** All batches up to this one are judged. It rides along with a write. */
  readonly judged?: number | undefined;
}
/** `error`: nothing of the work has been written. */
export interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: Fault;
}
/** Unasked: another node that shares the database has written jobs that are due. */
export interface Notice {
  readonly notice: 'jobs';
}
/**
 * `full`: no space · `readonly` · `corrupt` · `away`: the thread or the server is · `refused`: this work alone · `timeout`, `too_much`: a query's
 * limits · `cancelled`: by who asked.
 */
export interface Fault {
  readonly code: 'full' | 'readonly' | 'corrupt' | 'away' | 'refused' | 'timeout' | 'too_much' | 'cancelled';
  readonly message: string;
}
/** What a thread tells when it is up. */
export interface Boot {
  readonly series: readonly Series[];
  readonly lastSeq: number;
}
