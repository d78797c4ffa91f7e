/** The small supervisor around one monitor, rule, action or listener. When it gives up, only this resource is out, and quarantine takes it. */
import type { ChildSpec } from '../lib/child-spec.ts';
import { startSupervisor } from '../lib/supervisor.ts';

/** A resource may crash five times in a minute; more than that is a loop, and trying on at once would only make noise. */
const FLAGS = { strategy: 'one_for_one', intensity: 5, period: 60 } as const;

/** Temporary under its branch: a resource that gives up is not charged to its neighbours. */
export const resource = (child: ChildSpec): ChildSpec => ({
  id: child.id,
  restart: 'temporary',
  type: 'supervisor',
  start: (parent) => startSupervisor(parent, { flags: FLAGS, children: [child] }, { name: `${String(child.id)} supervisor` }),
});
