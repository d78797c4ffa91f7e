/**
 * Grouping: what one action owes within its `group_wait`, and agrees in what `group_by` names, is told together. Which executions these are is decided when
 * they are made, and written down with them: after a crash the same ones go together again, so that a receiver knows a repeat by its key.
 */
import { createHash } from 'node:crypto';
import type { Alert } from '../alert.ts';
import type { Job } from '../job.ts';
import type { Due } from './port.ts';

/** As an action has it. */
export interface Grouping {
  /** `rule`, `severity`, `monitor`, `labels.KEY`; none: all of the action's. Firings and ends are apart. */
  readonly by: readonly string[];
  readonly waitMs: number;
}
type Group = NonNullable<Job['group']>;

const MOST_OPEN = 1_000;
const LABEL = 'labels.';

export class Groups {
  /** The last group of each key. */
  readonly #last = new Map<string, Group>();

  /** The execution, in the group that is open for it, or in a new one. */
  join(job: Job, { by, waitMs }: Grouping, nowMs: number): Job {
    const key = JSON.stringify([job.action, job.alert.state, ...by.map((of) => partOf(of, job.alert))]);
    const last = this.#last.get(key);
    if (last && nowMs < last.dueMs) return { ...job, group: last };
    const group = { id: job.id, dueMs: nowMs + waitMs };
    if (this.#last.size >= MOST_OPEN) for (const [other, { dueMs }] of this.#last) if (dueMs <= nowMs) this.#last.delete(other);
    this.#last.set(key, group);
    return { ...job, group };
  }
}

function partOf(of: string, { rule, severity, monitor, labels }: Alert): string | undefined {
  if (of.startsWith(LABEL)) return Object.hasOwn(labels, of.slice(LABEL.length)) ? labels[of.slice(LABEL.length)] : undefined;
  return { rule, severity, monitor }[of];
}

/** What goes together: of one group, and at the same point of its tries. Undefined for an execution that goes alone. */
export const groupOf = ({ job, attempts }: Due): string | undefined => job.group && `${job.group.id} ${attempts}`;

/** All of a group as one delivery: its key is made of theirs, so that it is another one when they are others. */
export function together(jobs: readonly [Job, ...Job[]]): Job {
  const sorted = jobs.toSorted((a, b) => a.createdMs - b.createdMs || (a.id < b.id ? -1 : 1));
  const [first = jobs[0]] = sorted;
  if (jobs.length === 1) return first;
  const ids = createHash('sha256').update(JSON.stringify(sorted.map(({ id }) => id)));
  return { ...first, id: `${first.id}+${jobs.length - 1}:${ids.digest('hex').slice(0, 16)}`, alerts: sorted.map(({ alert }) => alert) };
}
