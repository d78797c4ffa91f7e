/** What the outbox, and whoever asks for executions, is given of the store. */
import { type Ask, call } from '../lib/call.ts';
import type { Chosen, ExecutionsPort } from '../actors/admin/routes/executions.ts';
import type { Names } from '../actors/names.ts';
import { lookAgain, type OutboxDetail } from '../actors/outbox/outbox.ts';
import type { OutboxPort, Queue } from '../actors/outbox/port.ts';
import type { Change } from '../actors/store/changes.ts';
import type { Store } from '../actors/store/store.ts';

const LEASE_MS = 60_000;
/** Executions of one group in one delivery. */
const MOST_TOGETHER = 1_000;
/** Executions that are put back or dropped at once. */
const MOST_CHOSEN = 10_000;
const ANSWER_MS = 1_000;

/** What is owed, as the store has it. @param node what this node is called among those that share it. */
export const queueIn = (store: Store, node = 'this', leaseMs = LEASE_MS): Queue => {
  const lease = (): { owner: string; nowMs: number; leaseMs: number } => ({ owner: node, nowMs: Date.now(), leaseMs });
  return {
    leaseMs,
    claim: (action, limit, ordered) => store.claim({ ...lease(), action, limit, ordered }),
    claimGroup: ({ job, attempts }) =>
      job.group ? store.claim({ ...lease(), action: job.action, limit: MOST_TOGETHER, group: { id: job.group.id, attempts } }) : Promise.resolve([]),
    renew: () => store.commit([{ set: 'leases', owner: node, untilMs: Date.now() + leaseMs }]),
    release: (dues) =>
      store.commit(dues ? dues.map(({ job, fence }): Change => ({ set: 'release', id: job.id, fence })) : [{ set: 'leases', owner: node, untilMs: null }]),
    expire: () => store.commit([{ set: 'expire', nowMs: Date.now() }]),
  };
};
/** What the outbox is given of the store. */
export const outboxIn = (store: Store, node: string | undefined): Pick<OutboxPort, 'queue' | 'attempted'> => ({
  queue: queueIn(store, node),
  attempted: (records) =>
    store.commit(
      records.map(({ job, fence, number, startedMs, durationMs, outcome, status, dueMs }): Change => {
        const { reason = null, class: what = null } = outcome.kind === 'delivered' ? {} : outcome;
        return { set: 'attempt', status, dueMs, fence, attempt: { job, number, startedMs, durationMs, outcome: outcome.kind, reason, class: what } };
      }),
    ),
});

/** How the outbox stands; undefined when it is away. */
export async function outboxStatus(names: Names): Promise<OutboxDetail | undefined> {
  const outbox = names.whereis('outbox');
  return outbox && call(outbox, { ask: 'status' } as Ask<OutboxDetail>, ANSWER_MS).catch(() => undefined);
}

export function executionsIn(store: Store, names: Names): ExecutionsPort {
  /** Those of them that are at such an end. Of named ones all or none. */
  const chosen = async ({ ids, ...filter }: Chosen): Promise<readonly string[]> => {
    const there = ids ? (await Promise.all(ids.map((id) => store.jobs({ id })))).flat() : await store.jobs({ ...filter, status: 'failed', limit: MOST_CHOSEN });
    const ended = there.filter(({ status }) => status === 'failed' || status === 'expired').map(({ job }) => job.id);
    return ids && ended.length < new Set(ids).size ? [] : ended;
  };
  const each = async (which: Chosen, change: (ids: readonly string[]) => Change): Promise<readonly string[]> => {
    const ids = await chosen(which);
    if (ids.length > 0) await store.commit([change(ids)]);
    return ids;
  };
  return {
    jobs: (filter) => store.jobs(filter),
    attempts: (job) => store.attempts(job),
    running: async () => (await outboxStatus(names))?.running ?? [],
    putBack: async (which) => {
      const ids = await each(which, (all) => ({ set: 'redrive', ids: all, dueMs: Date.now() }));
      lookAgain(names);
      return ids;
    },
    drop: (which) => each(which, (all) => ({ set: 'drop', ids: all, atMs: Date.now() })),
  };
}
