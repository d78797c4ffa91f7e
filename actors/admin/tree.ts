/** The live supervision tree, read from the processes themselves: it asks nobody and costs the hot path nothing. */
import { reasonText } from '../../lib/exit.ts';
import { type Process, processes } from '../../lib/process.ts';
import type { TreeNode } from '../../proto/api.ts';
import type { Quarantine } from './quarantine.ts';
import type { Restarts } from './restarts.ts';

/** The tree below the process named `root`. Quarantined resources stand under their branch, as `quarantined`. */
export function treeOf(root: string, restarts: Restarts, quarantine: Quarantine): TreeNode | undefined {
  const node = (one: Process): TreeNode => ({
    name: one.name,
    kind: one.kind,
    status: one.status,
    mailbox: one.queueLength,
    handled: one.handled,
    busyMs: Math.round(one.busyMs),
    restarts: one.restarts,
    uptimeMs: Math.round(one.clock.now() - one.startedMs),
    lastExit: one.restarts > 0 ? reasonText(one.lastExit) : null,
    children: [...one.children.map(node), ...parked(one.name)],
  });
  const parked = (branch: string): TreeNode[] =>
    quarantine
      .list()
      .filter(({ resource }) => `${resource.split(':')[0]}s` === branch)
      .map(({ resource, reason }) => ({
        name: resource,
        kind: 'supervisor',
        status: 'quarantined',
        mailbox: 0,
        handled: 0,
        busyMs: 0,
        restarts: restarts.of(resource)?.restarts ?? 0,
        uptimeMs: 0,
        lastExit: reason,
        children: [],
      }));
  for (const one of processes()) if (one.name === root) return node(one);
  return undefined;
}
