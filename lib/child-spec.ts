/** How a supervisor starts, restarts and stops one child (OTP: supervisor, "Child Specification"). The words are OTP's. */
import type { Process } from './process.ts';
import { keyOf } from './key.ts';
import type { StartResult } from './start.ts';

export type Restart = 'permanent' | 'transient' | 'temporary';
/** Milliseconds to wait for an orderly exit before the child is killed; `infinity` waits; `brutal_kill` kills at once. */
export type Shutdown = number | 'infinity' | 'brutal_kill';
export type ChildType = 'worker' | 'supervisor';
/** Starts a process linked to `parent`. Under `simple_one_for_one` it also gets what `startChild` was given. */
export type StartChild = (parent: Process, ...args: readonly unknown[]) => StartResult | Promise<StartResult>;

export interface ChildSpec {
  /** Unique under its supervisor. */
  readonly id: unknown;
  readonly start: StartChild;
  /** `permanent`: always · `transient`: after an abnormal exit · `temporary`: never. Default `permanent`. */
  readonly restart?: Restart;
  /** Default 5,000 for a worker, `infinity` for a supervisor. */
  readonly shutdown?: Shutdown;
  /** Default `worker`. */
  readonly type?: ChildType;
  /** Its end may end the supervisor, as `autoShutdown` says. Default false. */
  readonly significant?: boolean;
}

export type AutoShutdown = 'never' | 'any_significant' | 'all_significant';
/** Why a spec or a flag is refused: the fault's name and the value, as OTP has it. */
export type Refusal = readonly [fault: string, value: unknown] | 'missing_id' | 'missing_start';

const RESTARTS: readonly unknown[] = ['permanent', 'transient', 'temporary'];
const TYPES: readonly unknown[] = ['worker', 'supervisor'];

export const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null && !Array.isArray(value);

/** supervisor:check_childspec/2, with its order of checks. A field that is undefined is not there. */
export function refuseChild(spec: ChildSpec, autoShutdown: AutoShutdown): Refusal | undefined {
  if (!isObject(spec)) return ['invalid_child_spec', spec];
  const { id, start, restart = 'permanent', shutdown = 5_000, type = 'worker', significant = false } = spec;
  if (id === undefined) return 'missing_id';
  if (start === undefined) return 'missing_start';
  if (typeof start !== 'function') return ['invalid_mfa', start];
  if (!RESTARTS.includes(restart)) return ['invalid_restart_type', restart];
  if (significant === true && autoShutdown === 'never')
    return [
      'bad_combination',
      [
        ['auto_shutdown', 'never'],
        ['significant', true],
      ],
    ];
  if (significant === true && restart === 'permanent')
    return [
      'bad_combination',
      [
        ['restart', 'permanent'],
        ['significant', true],
      ],
    ];
  if (typeof significant !== 'boolean') return ['invalid_significant', significant];
  if (!TYPES.includes(type)) return ['invalid_child_type', type];
  const fits = shutdown === 'infinity' || shutdown === 'brutal_kill' || (Number.isInteger(shutdown) && Number(shutdown) >= 0);
  return fits ? undefined : ['invalid_shutdown', shutdown];
}

/** supervisor:check_childspecs/1: the first fault of the list, `{duplicate_child_name, Id}` among them. */
export function refuseChildren(specs: readonly ChildSpec[], autoShutdown: AutoShutdown): Refusal | undefined {
  const ids = new Set<unknown>();
  for (const spec of specs) {
    const refusal = refuseChild(spec, autoShutdown);
    if (refusal) return refusal;
    if (ids.has(keyOf(spec.id))) return ['duplicate_child_name', spec.id];
    ids.add(keyOf(spec.id));
  }
  return undefined;
}
