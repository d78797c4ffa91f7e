/** What nodes that share a database keep apart. A node with a database of its own has no name there. */
import { hostname } from 'node:os';
import type { SharedQueue } from '../actors/outbox/port.ts';
import type { StoreOptions } from '../actors/store/server.ts';
import type { Store } from '../actors/store/store.ts';

const LEASE_MS = 60_000;

/** What this node is called among them; undefined when there are none. */
export const nodeOf = ({ url, node }: StoreOptions): string | undefined => (url === undefined ? undefined : (node ?? hostname()));

/** Executions in a database that other nodes use, too. */
export const sharedQueue = (store: Store, node: string): SharedQueue => ({
  leaseMs: LEASE_MS,
  claim: (actions, limit) => store.claim(node, limit, Date.now(), LEASE_MS, actions),
  renew: () => store.commit([{ set: 'leases', owner: node, untilMs: Date.now() + LEASE_MS }]),
  release: () => store.commit([{ set: 'leases', owner: node, untilMs: null }]),
});
