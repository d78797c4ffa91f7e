/** What a supervisor needs of its children, whatever the strategy; and what it can be asked about them. */
import type { ChildSpec, ChildType } from './child-spec.ts';
import type { Pid } from './process.ts';

export type Request =
  | { readonly op: 'start_child'; readonly spec?: ChildSpec; readonly args?: readonly unknown[] }
  | { readonly op: 'terminate_child' | 'restart_child' | 'delete_child' | 'get_childspec'; readonly id: unknown }
  | { readonly op: 'which_children' | 'count_children' };

/** One line of `whichChildren`. `pid` is undefined for a child that is not running. */
export interface ChildInfo {
  readonly id: unknown;
  readonly pid: Pid | undefined | 'restarting';
  readonly type: ChildType;
}

export interface Counts {
  readonly specs: number;
  readonly active: number;
  readonly supervisors: number;
  readonly workers: number;
}

/** A restart that failed, and under which key to look for it when it is tried again; undefined when it went well. */
export type TryAgain = { readonly key: unknown } | undefined;

export interface Group<C extends { readonly spec: ChildSpec; readonly restarting: boolean }> {
  /** The answer, or the promise of it. */
  ask(request: Request): unknown;
  byPid(pid: Pid): C | undefined;
  retrying(key: unknown): C | undefined;
  /** The child has ended and is not to be restarted. */
  forget(child: C): void;
  /** Whether its end is the end of the supervisor (supervisor:do_auto_shutdown/2); asked after `forget`. */
  endsAll(child: C): boolean;
  restart(child: C): Promise<TryAgain>;
  terminateAll(): Promise<void>;
}
