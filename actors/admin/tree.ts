/** The live supervision tree, read from the processes themselves: it asks nobody and costs the hot path nothing. */
import { reasonText } from '../../lib/exit.ts';
import { type Process, processes } from '../../lib/process.ts';
import type { TreeNode } from '../../proto/api.ts';
import type { Quarantine } from './quarantine.ts';
import type { Restarts } from './restarts.ts';

/** The tree below the process named `root`. Quarantined resources stand under their branch, as `quarantined`. */
export function treeOf(root: string, restarts: Restarts, quarantine: Quarantine): TreeNode | undefined {
  const children = new Map<Process | undefined, Process[]>();
  let top: Process | undefined;
  for (const one of processes()) {
    children.set(one.parent, [...(children.get(one.parent) ?? []), one]);
    if (one.name === root) top = one;
  }
  const node = (one: Process): TreeNode => {
    const past = restarts.of(one.name);
    return {
      name: one.name,
      kind: one.kind,
      status: one.status,
      mailbox: one.queueLength,
      handled: one.handled,
      restarts: past?.restarts ?? 0,
      uptimeMs: Math.round(one.clock.now() - one.startedMs),
      lastExit: past?.lastExit ?? (one.exitReason === undefined ? null : reasonText(one.exitReason)),
      children: [...(children.get(one) ?? []).map(node), ...parked(one.name)],
    };
  };
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
        restarts: restarts.of(resource)?.restarts ?? 0,
        uptimeMs: 0,
        lastExit: reason,
        children: [],
      }));
  return top && node(top);
}
