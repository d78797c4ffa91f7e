/** Why a process ends. The words are Erlang's; see the reference manual, "Processes", section "Receiving Exit Signals". */
import { inspect } from 'node:util';

/**
 * `'normal'` and `'shutdown'` are orderly, as is the pair `['shutdown', term]`; `'killed'` is what `'kill'` leaves behind;
 * `'noproc'` says that there was nobody. A crash is the Error itself; any other term stands for itself. Tuples are arrays.
 */
export type ExitReason = unknown;

/** Thrown by a process's own code to end it with `reason`: `erlang:exit/1`. It carries no stack, since it is no fault. */
export class Exit {
  readonly reason: ExitReason;
  constructor(reason: ExitReason) {
    this.reason = reason;
  }
}

/** The process that was addressed does not exist (`noproc`). */
export class NoProc extends Error {
  override readonly name = 'NoProc';
  readonly reason = 'noproc';
  constructor(what: string) {
    super(`no such process: ${what}`);
  }
}

/** True for the pair `['shutdown', term]`, and for nothing longer. */
export const isShutdownPair = (reason: ExitReason): boolean => Array.isArray(reason) && reason.length === 2 && reason[0] === 'shutdown';

/** False when a `transient` child has ended as it should: `normal`, `shutdown` or `{shutdown, term}` (supervisor, "Restart"). */
export const isAbnormal = (reason: ExitReason): boolean => reason !== 'normal' && reason !== 'shutdown' && !isShutdownPair(reason);

/** The exit reason of a process whose own code threw: an `Exit`'s reason, an Error itself, else `{nocatch, thrown}`. */
export function reasonOf(thrown: unknown): ExitReason {
  if (thrown instanceof Exit) return thrown.reason;
  return thrown instanceof Error ? thrown : ['nocatch', thrown];
}

/** A reason in one line, for logs and tables. It may be any term, also one that is no JSON, and one that lies in itself. */
export const reasonText = (reason: ExitReason): string => textOf(reason, []);

/** Tuples within tuples that are written out. */
const DEEPEST = 8;

function textOf(reason: ExitReason, around: readonly unknown[]): string {
  if (reason instanceof Error) return String(reason.message) || reason.name;
  if (typeof reason === 'string') return reason;
  if (Array.isArray(reason)) {
    if (around.length === DEEPEST || around.includes(reason)) return '{…}';
    return `{${reason.map((one) => textOf(one, [...around, reason])).join(', ')}}`;
  }
  if (typeof reason !== 'object' || reason === null) return String(reason);
  if ('id' in reason && (typeof reason.id === 'string' || typeof reason.id === 'number')) return String(reason.id);
  return inspect(reason, { depth: 3, breakLength: Number.POSITIVE_INFINITY });
}
