/** What a condition is judged on. */
import { at, own } from '../values/values.ts';

export interface Facts {
  /** The state of a monitor (of a rule: `rule:NAME`); undefined when it has none yet. */
  now(monitor: string): unknown;
  /** The state before that. */
  before(monitor: string): unknown;
  /** The value of a window now, by its place in `windows(tree)`; undefined when there is no data in it. */
  window(index: number): unknown;
  /** All states by the names of their monitors: `{"var": ""}`. */
  whole(): unknown;
  /** What a custom function answers to these arguments; undefined when it has not. */
  call(name: string, args: readonly unknown[]): unknown;
}

/** The facts of plain data, `{"monitor": {"field": …}}`: there is no past, and nobody answers. */
export const factsOf = (data: unknown): Facts => ({
  now: (monitor) => (monitor.startsWith('rule:') ? at(data, ['rule', monitor.slice('rule:'.length)]) : own(data, monitor)),
  before: () => undefined,
  window: () => undefined,
  whole: () => data,
  call: () => undefined,
});
