/** What a rule is given to work with, and what it answers. */
import type { Feed } from '../feed.ts';
import type { Job } from '../job.ts';
import type { Logger } from '../logger.ts';
import type { Names } from '../names.ts';
import type { AlertState } from './alert-state.ts';
import type { Explained } from './explain.ts';

export interface RulePort {
  readonly names: Names;
  readonly feed: Feed;
  readonly log: Logger;
  /** The rule's state as it was last committed; undefined for a new rule. */
  load(rule: string): Promise<unknown>;
  /** Resolves when state and executions are lasting, together. */
  commit(rule: string, state: AlertState, executions: readonly Execution[]): Promise<void>;
  /** These have been committed and are due. */
  due(jobs: readonly Job[]): void;
}

/** One that is owed; or that would be, had it not been suppressed. */
export interface Execution {
  readonly job: Job;
  readonly suppressed?: string;
}

/** What a rule answers when it is asked how it stands. */
export interface RuleStatus {
  readonly phase: AlertState['phase'];
  readonly since: string;
  readonly episode: string | null;
  readonly lastTold: string | null;
  readonly explanation: Explained;
}
