/** What the outbox is given to work with, and what crosses that way. */
import type { Job, JobStatus, Outcome } from '../job.ts';
import type { Logger } from '../logger.ts';
import type { Names } from '../names.ts';

export interface OutboxPort {
  readonly names: Names;
  readonly log: Logger;
  readonly queue: Queue;
  /** Write an attempt down, and what is to come: for each execution that it was for, together. */
  attempted(attempt: readonly AttemptRecord[]): Promise<void>;
}

/** An execution that this node has claimed. */
export interface Due {
  readonly job: Job;
  readonly attempts: number;
  /** How many there had been when it was put back by hand: it has all its tries before it again. */
  readonly base: number;
  readonly priority: number;
  readonly dueMs: number;
  /** Of the claim. */
  readonly fence: number;
  /** Of a group: those that go with it. */
  readonly others?: readonly Due[];
}
export const allOf = (due: Due): readonly Due[] => [due, ...(due.others ?? [])];

export interface AttemptRecord {
  readonly job: string;
  /** Of the claim: with another one the attempt is not written, since somebody else has taken the execution over. */
  readonly fence: number;
  readonly number: number;
  readonly startedMs: number;
  readonly durationMs: number;
  readonly outcome: Outcome;
  readonly status: JobStatus;
  readonly dueMs: number;
}

/** What is owed, as the store has it: also for other nodes, where they share the store. */
export interface Queue {
  /** A claim is over so many ms after it was made or renewed. */
  readonly leaseMs: number;
  /** Lease up to `limit` executions of this action that are due and that nobody holds, the important ones first. `ordered`: the oldest of all, if it is due. */
  claim(action: string, limit: number, ordered: boolean): Promise<readonly Due[]>;
  /** Lease the others of its group that are at the same point. */
  claimGroup(of: Due): Promise<readonly Due[]>;
  /** Hold on to all that this node has claimed. */
  renew(): Promise<void>;
  /** Let go of these, or of all. */
  release(dues?: readonly Due[]): Promise<void>;
  /** What is of no use any more is at its end. */
  expire(): Promise<void>;
}
