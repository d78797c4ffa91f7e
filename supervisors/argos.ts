/**
 * The whole tree, and the corridor read from its end:
 *
 *   listeners, monitors ─▶ rules ─▶ outbox ─▶ actions          secrets and store under all
 *
 * Children start from the store up, so whoever sends finds its receiver running; they stop the other way, so each stage drains into one
 * that still listens. `rest_for_one` is that same arrow: a dead stage takes those that send to it along, and leaves those that it sends to
 * alone. A restarted branch comes up empty; admin stands last, so it restarts too, and fills the branches again from what is declared.
 */
import type { ChildSpec } from '../lib/child-spec.ts';
import type { Process } from '../lib/process.ts';
import type { StartResult } from '../lib/start.ts';
import { startSupervisor } from '../lib/supervisor.ts';

/** One child spec a stage. */
export interface Stages {
  readonly store: ChildSpec;
  readonly secrets: ChildSpec;
  readonly actions: ChildSpec;
  readonly outbox: ChildSpec;
  readonly rules: ChildSpec;
  readonly monitors: ChildSpec;
  readonly listeners: ChildSpec;
  readonly admin: ChildSpec;
}

/** A stage may fail ten times in a minute before the node gives up and leaves the rest to whoever started it. */
const FLAGS = { strategy: 'rest_for_one', intensity: 10, period: 60 } as const;

/** Answers the start error of the first stage that does not start; the stages before it have been stopped again. */
export const startArgos = (parent: Process, { store, secrets, actions, outbox, rules, monitors, listeners, admin }: Stages): Promise<StartResult> =>
  startSupervisor(parent, { flags: FLAGS, children: [store, secrets, actions, outbox, rules, monitors, listeners, admin] }, { name: 'argos' });
