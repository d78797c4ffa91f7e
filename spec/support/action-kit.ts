/** An action that runs, and can be asked for an attempt as the outbox does. */
import type { TSchema } from 'typebox';
import { type Ask, call } from '../../lib/call.ts';
import type { Pid } from '../../lib/process.ts';
import { Registry } from '../../lib/registry.ts';
import { type ActionType, actionChild } from '../../actors/actions/action.ts';
import type { Job, Outcome } from '../../actors/job.ts';
import { type Logger, logger } from '../../actors/logger.ts';
import type { Names } from '../../actors/names.ts';
import { configOf, termsOf, type Root } from './actors.ts';

export interface Ready {
  readonly pid: Pid;
  readonly names: Names;
  deliver(job: Job): Promise<Outcome>;
}

/** @throws when the config is one that the node would refuse. */
export async function prepare<S extends TSchema>(root: Root, type: ActionType<S>, written: object, log: Logger = logger('spec')): Promise<Ready> {
  const config = configOf(type.schema, written);
  const faults = type.check?.(config) ?? [];
  if (faults.length > 0) throw new Error(`the spec's own config is wrong: ${JSON.stringify(faults)}`);
  const names: Names = new Registry();
  const pid = await root.start(actionChild('it', type, config, termsOf({}), names, log));
  return { pid, names, deliver: (job) => call(pid, { deliver: job } as Ask<Outcome>, 20_000) };
}
