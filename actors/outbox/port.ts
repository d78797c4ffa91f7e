/** What the outbox is given to work with, and what crosses that way. */
import type { Job, JobStatus, Outcome } from '../job.ts';
import type { Logger } from '../logger.ts';
import type { Names } from '../names.ts';

export interface OutboxPort {
  readonly names: Names;
  readonly log: Logger;
  /** Executions that are not at their end, the first due first. */
  open(): Promise<readonly Due[]>;
  /** Write an attempt down, and what is to come: for each execution that it was for, together. */
  attempted(attempt: readonly AttemptRecord[]): Promise<void>;
  /** Where other nodes carry executions out, too: then each is claimed, and `open` is not asked. */
  readonly shared?: SharedQueue | undefined;
}
export interface Due {
  readonly job: Job;
  readonly attempts: number;
  readonly dueMs: number;
  /** Of the claim. */
  readonly fence?: number;
  /** Of a group: those that go with it. */
  readonly others?: readonly Due[];
}
export interface AttemptRecord {
  readonly job: string;
  /** Of the claim: with another one the attempt is not written, since somebody else has taken the execution over. */
  readonly fence: number | undefined;
  readonly number: number;
  readonly startedMs: number;
  readonly durationMs: number;
  readonly outcome: Outcome;
  readonly status: JobStatus;
  readonly dueMs: number;
}

/** What a shared store can do. */
export interface SharedQueue {
  /** Lease up to `limit` executions of these actions that are due and that nobody holds. */
  claim(actions: readonly string[], limit: number): Promise<readonly Due[]>;
  /** Hold on to all that this node has claimed. */
  renew(): Promise<void>;
  /** Let go of it. */
  release(): Promise<void>;
  /** A claim is over so many ms after it was made or renewed. */
  readonly leaseMs: number;
}
