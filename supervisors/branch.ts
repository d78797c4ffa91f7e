/** A branch: a dynamic supervisor for the resources of one kind. It comes up empty; admin fills it. */
import type { Names } from '../actors/names.ts';
import type { ChildSpec } from '../lib/child-spec.ts';
import { startDynamicSupervisor } from '../lib/dynamic-supervisor.ts';
import { isStarted } from '../lib/start.ts';

/** Its children are temporary, so it restarts none: the numbers guard against nothing but its own faults. */
const FLAGS = { maxRestarts: 3, maxSeconds: 5 } as const;

export const branch = (id: 'actions' | 'rules' | 'monitors' | 'listeners', names: Names): ChildSpec => ({
  id,
  type: 'supervisor',
  start: async (parent) => {
    const started = await startDynamicSupervisor(parent, FLAGS, { name: id });
    if (isStarted(started)) names.register(started.ok, id, undefined);
    return started;
  },
});
