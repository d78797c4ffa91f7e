/** One execution that the outbox owes: an action to be carried out for an alert. Imports nothing but the goods. */
import type { Alert } from './alert.ts';

/** `queued` and `retrying` are due at some time; the last four are ends. `failed` are the dead letters: they can be put back. */
export type JobStatus = 'queued' | 'running' | 'retrying' | 'succeeded' | 'failed' | 'expired' | 'suppressed';

/** Of those that wait for the same action, the higher goes first. */
export const PRIORITIES = ['info', 'warning', 'critical'] as const;

export interface Job {
  /** Made of rule, episode, state and action, so that one execution stays one over retries, crashes and replays: receivers drop repeats by it. */
  readonly id: string;
  readonly action: string;
  readonly alert: Alert;
  /** ms since 1970. */
  readonly createdMs: number;
  /** It is told together with the others of this group that are owed when it is due; ms since 1970. */
  readonly group?: { readonly id: string; readonly dueMs: number };
  /** It is of no use any more from then on; ms since 1970. */
  readonly expiresMs?: number;
  /** Of a group, as it is delivered: the alerts of all; `alert` is the first. */
  readonly alerts?: readonly Alert[];
}

/** How one attempt ended. `retry`: the fault may pass · `discard`: it will not. */
export type Outcome =
  | { readonly kind: 'delivered'; readonly detail?: string }
  | { readonly kind: 'retry'; readonly reason: string; readonly class?: ErrorClass; readonly afterMs?: number }
  | { readonly kind: 'discard'; readonly reason: string; readonly class?: ErrorClass };

/**
 * What was wrong: `client` the execution itself, or what we ask · `auth` who we are · `rate` how often we ask · `server` the receiver could not · `timeout` it took too long ·
 * `network` nobody was there. The last three say that the destination cannot work at all, and open its circuit breaker.
 */
export type ErrorClass = 'client' | 'auth' | 'rate' | 'server' | 'timeout' | 'network';
