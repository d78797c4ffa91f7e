/** What a rule is given to work with, and what it answers. */
import type { Feed } from '../feed.ts';
import type { Mark } from '../inbox.ts';
import type { Job } from '../job.ts';
import type { Logger } from '../logger.ts';
import type { Names } from '../names.ts';
import type { AlertState } from './alert/alert-state.ts';
import type { Identity } from './condition/identity.ts';

export interface RulePort {
  readonly names: Names;
  readonly feed: Feed;
  readonly log: Logger;
  /** The rule's state as it was last committed; undefined for a new rule. */
  load(rule: string): Promise<RuleState | undefined>;
  /** The alerts of its instances. */
  instances(rule: string): Promise<readonly InstanceState[]>;
  /** Resolves when all of it is lasting, together. */
  commit(rule: string, news: News): Promise<void>;
  /** These have been committed and are due. */
  due(jobs: readonly Job[]): void;
  /** What a monitor has seen at a path since then, oldest first. */
  history(monitor: string, path: readonly string[], fromMs: number): AsyncIterable<{ readonly tsMs: number; readonly value: unknown }>;
}

/** The alert of a rule without `for_each` (else the blank one), and how far the rule has come. */
export interface RuleState extends AlertState {
  /** Up to where the rule had read when this was committed: what comes after it has not been judged. */
  readonly read?: Mark;
  /** What the rule meant when this was committed. */
  readonly meant?: Identity;
}
export interface InstanceState {
  readonly instance: string;
  readonly state: AlertState;
}

/** What a rule has decided. */
export interface News {
  readonly state: RuleState;
  readonly instances: readonly InstanceState[];
  readonly episodes: readonly EpisodeNews[];
  readonly executions: readonly Execution[];
}
export interface EpisodeNews {
  readonly id: string;
  readonly instance: string;
  readonly severity: string;
  readonly details: string;
  readonly startedMs: number;
  readonly endedMs: number | null;
}
/** One that is owed; or that would be, had it not been suppressed. */
export interface Execution {
  readonly job: Job;
  readonly suppressed?: string;
}
