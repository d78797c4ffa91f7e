/**
 * What an evaluation found, into what moves the alert: `clear_when` while it is open, `no_data` when nothing has come for too long, `on_error`
 * when it could not be evaluated. Pure, as the alert's life itself (alert-state.ts) is.
 */
import { type AlertState, type Damping, type HoldAt, isOpen, laterOf, type Step, step, stepOfEvent } from './alert-state.ts';
import type { Truth } from '../condition/compile.ts';

/** What is made of it when the rule cannot be judged: as if all were well · as if the condition held · as it was. */
export type Policy = 'ok' | 'alert' | 'keep';
const TRUTH: Readonly<Record<Policy, Truth>> = { ok: false, alert: true, keep: undefined };

/** How an alert lives, as the rule says it. */
export interface Life extends Damping {
  readonly mode: 'alert' | 'event';
  /** Left out: what was seen last holds, however old it is. Has no meaning in `mode: "event"`. */
  readonly noData?: { readonly afterMs: number; readonly policy: Policy } | undefined;
  readonly onError: Policy;
}

export interface Found {
  /** What the condition came to. */
  readonly truth: Truth;
  /** What `clear_when` came to; null for a rule without one. Looked at only while the alert is open. */
  readonly clear: Truth | null;
  /** The condition, or, while the alert is open, `clear_when`, could not be evaluated. */
  readonly failed: boolean;
  /** When that which the rule reads was last seen; null for never. ms since 1970 by Argos's own clock. */
  readonly dataMs: number | null;
  /** Since when it would have been seen: the rule's start, or that of its monitors. While nobody looks, nothing is missed. */
  readonly watchedMs: number;
}

/** What the verdict rests on. */
export type Cause = 'condition' | 'no_data' | 'error';
export interface Turn extends Step {
  readonly cause: Cause;
}

/** Judge what was found: at an event, and at each `wakeMs`. */
export function judge(state: AlertState, found: Found, nowMs: number, life: Life, holdAt?: HoldAt): Turn {
  if (life.mode === 'event') {
    const cause = found.failed ? 'error' : 'condition';
    return { ...stepOfEvent(state, found.failed ? TRUTH[life.onError] : found.truth, nowMs, life, holdAt), cause };
  }
  const { noDataMs, dueMs } = missing(state, found, laterOf(state, nowMs), life);
  const now: AlertState = noDataMs === state.noDataMs ? state : { ...state, noDataMs };
  if (noDataMs !== undefined) return { ...step(now, policyOf(life), nowMs, { ...life, forMs: 0 }, holdAt), cause: 'no_data' }; // `after` was its `for`
  const done = step(now, found.failed ? TRUTH[life.onError] : truthOf(state, found), nowMs, life, holdAt);
  return { ...done, wakeMs: earlier(done.wakeMs, dueMs), cause: found.failed ? 'error' : 'condition' };
}

/**
 * Since when there has been no data, or when `no_data` will decide. A node that starts has not looked yet: it gives the sources their time, so
 * that there is no storm at boot. But what was missing before it went away is missing until it is seen: a restart brings no data.
 */
function missing(
  { noDataMs }: AlertState,
  { dataMs, watchedMs }: Found,
  atMs: number,
  { noData }: Life,
): { readonly noDataMs?: number; readonly dueMs?: number } {
  if (!noData) return {};
  const sinceMs = Math.max(dataMs ?? 0, noDataMs ?? watchedMs);
  const dueMs = sinceMs + noData.afterMs;
  return atMs >= dueMs ? { noDataMs: sinceMs } : { dueMs };
}

const policyOf = ({ noData }: Life): Truth => noData && TRUTH[noData.policy];

/**
 * Hysteresis. While the alert is open it goes on until `clear_when` is true; a condition that is still true keeps it open nonetheless, or two that
 * overlap would begin a new episode at every event (so does Zabbix with a recovery expression).
 */
function truthOf(state: AlertState, { truth, clear }: Found): Truth {
  if (clear === null || truth === true || !isOpen(state)) return truth;
  return clear === undefined ? undefined : !clear;
}

const earlier = (a: number | undefined, b: number | undefined): number | undefined => (a === undefined || b === undefined ? (a ?? b) : Math.min(a, b));
