/** One execution that the outbox owes: an action to be carried out for an alert. Imports nothing but the goods. */
import type { Alert } from './alert.ts';

/** `queued` and `retrying` are due at some time; the last three are ends. */
export type JobStatus = 'queued' | 'running' | 'retrying' | 'succeeded' | 'failed' | 'suppressed';

export interface Job {
  /** Made of rule, episode, state and action, so that one execution stays one over retries, crashes and replays: receivers drop repeats by it. */
  readonly id: string;
  readonly action: string;
  readonly alert: Alert;
  /** ms since 1970. */
  readonly createdMs: number;
  /** It is told together with the others of this group that are owed when it is due; ms since 1970. */
  readonly group?: { readonly id: string; readonly dueMs: number };
  /** Of a group, as it is delivered: the alerts of all; `alert` is the first. */
  readonly alerts?: readonly Alert[];
}

/** How one attempt ended. `retry`: the fault may pass · `discard`: it will not. */
export type Outcome =
  | { readonly kind: 'delivered'; readonly detail?: string }
  | { readonly kind: 'retry'; readonly reason: string; readonly afterMs?: number }
  | { readonly kind: 'discard'; readonly reason: string };
