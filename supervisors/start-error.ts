/** What kept a tree from starting. */
import { reasonText } from '../lib/exit.ts';

/** The innermost reason of a start, as an Error. */
export function startError(result: unknown): Error {
  let reason = typeof result === 'object' && result !== null && 'error' in result ? result.error : result;
  while (Array.isArray(reason)) reason = reason[0] === 'failed_to_start_child' ? reason[2] : reason[1];
  return reason instanceof Error ? reason : new Error(`the node did not start: ${reasonText(reason)}`);
}
