/**
 * What monitors have seen, on its way into the store: the state that each has, and the numbers of those that watch by themselves as samples of the service
 * `monitor:NAME`. Nobody waits for it, so it is gathered for a second and written at once. With the states goes the mark up to where the rules have come: what is
 * behind it they are sent again after a crash, so that no state that was acknowledged is missing to them. Samples that cannot be kept are counted.
 */
import type { Event, Metric, Observation } from '../event.ts';
import * as vitals from '../vitals.ts';
import type { Change } from './changes.ts';

/** What is written at once: samples, and the states as changes. */
export interface Recording {
  readonly metrics: readonly Metric[];
  readonly changes: readonly Change[];
}

/** Samples that wait at most. */
const MOST_WAITING = 50_000;
/** Series of one monitor: names come from outside, and may be a new one each time. */
const MOST_SERIES = 200;
/** Objects within objects that are looked into. */
const DEEPEST = 4;

export class Recorder {
  readonly #stateOf: (monitor: string) => Observation | undefined;
  readonly #names = new Map<string, Set<string>>();
  readonly #dirty: Set<string>;
  #waiting: Metric[] = [];

  /**
   * @param stateOf what a monitor has seen last; undefined when it is no more.
   * @param dirty monitors whose states are not written yet, also those of listeners: what they saw is in the store as it came.
   */
  constructor(stateOf: (monitor: string) => Observation | undefined, dirty: Set<string>) {
    this.#stateOf = stateOf;
    this.#dirty = dirty;
  }

  add({ monitor, observations }: Event): void {
    this.#dirty.add(monitor);
    const service = `monitor:${monitor}`;
    const known = this.#names.get(monitor) ?? new Set();
    this.#names.set(monitor, known);
    for (const { atMs, fields, seen = Object.keys(fields) } of observations)
      for (const key of seen)
        for (const [name, value] of numbersIn(key, fields[key])) {
          if (known.size < MOST_SERIES) known.add(name);
          if (known.has(name) && this.#waiting.length < MOST_WAITING) this.#waiting.push({ service, name, value, timestamp: atMs, tags: {} });
          else vitals.unrecorded.inc({ monitor });
        }
  }

  /** The states of these have not been written. */
  again(changes: readonly Change[]): void {
    for (const change of changes) if (change.set === 'monitor_state') this.#dirty.add(change.monitor);
  }

  /** All that has gathered. */
  take(): Recording {
    const changes = [...this.#dirty].flatMap((monitor): Change[] => {
      const state = this.#stateOf(monitor);
      if (!state) this.#names.delete(monitor);
      return state ? [{ set: 'monitor_state', monitor, atMs: state.atMs, fields: state.fields }] : [];
    });
    const metrics = this.#waiting;
    this.#dirty.clear();
    this.#waiting = [];
    return { metrics, changes };
  }
}

/** The numbers within a field, each by its path: `body.temperature`. True is 1, false 0; lists and texts have none. */
export function* numbersIn(path: string, value: unknown, depth = 0): Generator<readonly [path: string, value: number]> {
  if (typeof value === 'number' && Number.isFinite(value)) yield [path, value];
  else if (typeof value === 'boolean') yield [path, Number(value)];
  else if (typeof value === 'object' && value !== null && !Array.isArray(value) && depth < DEEPEST)
    for (const [key, inner] of Object.entries(value)) yield* numbersIn(`${path}.${key}`, inner, depth + 1);
}
