/** How a call of a custom function ends: an answer, or nothing, and then why. What crosses between the thread and its actor is here, too. */

/** Why there is no answer. */
export const FAILURES = ['unknown', 'threw', 'value', 'arguments', 'budget', 'ended', 'resting', 'overload', 'absent'] as const;
/**
 * `unknown`: the function answered undefined · `threw`: it threw · `value`: its answer is no JSON, or too long · `arguments`: they could not be sent ·
 * `budget`: it took too long · `ended`: its thread ended · `resting`: the thread is on its way back after such an end · `overload`: too many calls
 * wait already · `absent`: the function is not running.
 */
export type Failure = (typeof FAILURES)[number];

export type Outcome = { readonly value: unknown } | { readonly failure: Failure; readonly message: string };

/** To the thread. */
export interface Order {
  readonly call: number;
  readonly args: readonly unknown[];
}
/** From the thread: the answer as JSON, with how long it took. */
export type Answer =
  | { readonly call: number; readonly json: string; readonly ms: number }
  | { readonly call: number; readonly failure: Failure; readonly message: string; readonly ms: number };
/** The first word of the thread. */
export type Greeting = { readonly ready: true } | { readonly fault: string };

/** Of an answer as JSON, in characters. */
export const LONGEST_ANSWER = 65_536;
