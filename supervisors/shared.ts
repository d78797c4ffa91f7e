/** What nodes that share a database keep apart. A node with a database of its own has no name there. */
import { hostname } from 'node:os';
import type { Queue } from '../actors/outbox/port.ts';
import type { Change } from '../actors/store/changes.ts';
import type { StoreOptions } from '../actors/store/server.ts';
import type { Store } from '../actors/store/store.ts';

const LEASE_MS = 60_000;
/** Executions of one group in one delivery. */
const MOST_TOGETHER = 1_000;

/** What this node is called among them; undefined when there are none. */
export const nodeOf = ({ url, node }: StoreOptions): string | undefined => (url === undefined ? undefined : (node ?? hostname()));

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
