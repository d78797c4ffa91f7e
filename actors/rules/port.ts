/** What a rule is given to work with, and what it answers. */
import type { Feed } from '../feed.ts';
import type { Mark } from '../inbox.ts';
import type { Job } from '../job.ts';
import type { Logger } from '../logger.ts';
import type { Names } from '../names.ts';
import { type Acked, type AlertState, type Hold, INACTIVE } from './alert/alert-state.ts';
import type { Subject } from './alert/matchers.ts';
import type { RuleConfig } from './schema.ts';
import type { Identity } from './condition/identity.ts';

/** To a rule with `for_each`: this monitor is no more, and the alert that was its own ends. */
export class MonitorGone {
  readonly monitor: string;
  constructor(monitor: string) {
    this.monitor = monitor;
  }
}

/** To a rule: what holds its alerts back is another. */
export const RECONSIDER = Symbol('what holds alerts back has changed');

export interface RulePort {
  readonly names: Names;
  readonly feed: Feed;
  readonly log: Logger;
  /** The rule's state as it was last committed; undefined for a new rule. */
  load(rule: string): Promise<RuleState | undefined>;
  /** The monitors that there are. */
  monitors(): ReadonlySet<string>;
  /** The alerts of its instances. */
  instances(rule: string): Promise<readonly { readonly instance: string; readonly state: AlertState }[]>;
  /** Resolves when all of it is lasting, together; with the executions that are owed, as they are written down. */
  commit(rule: string, news: News): Promise<readonly Job[]>;
  /** What holds the telling of an alert back at that time, from outside the rule. When that changes the rule is sent `RECONSIDER`. */
  hold(alert: Subject, atMs: number): Hold | undefined;
  /** These have been committed and are due. */
  due(jobs: readonly Job[]): void;
  /** What a custom function answers; undefined when it has no answer. It does so in bounded time, and never rejects. */
  call(name: string, args: readonly unknown[]): Promise<unknown>;
  /** The last batch of listeners that is in the history by now. */
  storedUpTo(): number;
  /** What a monitor has seen at a path since then, oldest first. */
  history(monitor: string, path: readonly string[], fromMs: number): AsyncIterable<{ readonly tsMs: number; readonly value: unknown }>;
}

/** The alert of a rule without `for_each` (else the blank one), and how far the rule has come. */
export interface RuleState extends AlertState {
  /** Up to where the rule had read when this was committed: what comes after it has not been judged. */
  readonly read?: Mark;
  /** What the rule meant when this was committed, and how it was written: whoever was told is told the end, also when the rule is gone from the file. */
  readonly meant?: Identity;
  readonly config?: RuleConfig;
  /** Which of the nodes that share a database has committed it. */
  readonly node?: string;
}
export interface InstanceState {
  readonly instance: string;
  /** null: it is no more. */
  readonly state: AlertState | null;
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

/** What of a stored state is the alert's. */
export function alertOf(stored: RuleState | undefined): AlertState {
  if (!stored) return INACTIVE;
  const { read: _read, meant: _meant, config: _config, node: _node, ...alert } = stored;
  return alert;
}

/** `status`: answers a RuleDetail; of one instance an AlertDetail, or undefined when there is none · `ack`: somebody has seen to what fires, of one instance or of all; answers an AckReply. */
export type RuleAsk =
  | { readonly ask: 'status'; readonly instance?: string }
  | ({ readonly ask: 'ack'; readonly instance?: string | undefined } & Omit<Acked, 'atMs'>);
