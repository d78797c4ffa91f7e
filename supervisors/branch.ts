/** A branch: a dynamic supervisor for the resources of one kind. It comes up with what is always there, if anything is; admin fills it. */
import type { Names } from '../actors/names.ts';
import type { ChildSpec } from '../lib/child-spec.ts';
import { startDynamicChild, startDynamicSupervisor } from '../lib/dynamic-supervisor.ts';
import { isStarted } from '../lib/start.ts';

/** What is declared is temporary, and never restarted by it: the numbers are of what is always there. */
const FLAGS = { maxRestarts: 3, maxSeconds: 5 } as const;

/** @param always started with it, and again whenever it ends. */
export const branch = (id: 'actions' | 'rules' | 'monitors' | 'listeners', names: Names, always: readonly ChildSpec[] = []): ChildSpec => ({
  id,
  type: 'supervisor',
  start: async (parent) => {
    const started = await startDynamicSupervisor(parent, FLAGS, { name: id });
    if (!isStarted(started)) return started;
    names.register(started.ok, id, undefined);
    for (const child of always) {
      const begun = await startDynamicChild(started.ok, { ...child, restart: 'permanent' });
      if (begun === 'ignore' || 'ok' in begun) continue;
      parent.exit(started.ok, 'shutdown');
      return begun;
    }
    return started;
  },
});
