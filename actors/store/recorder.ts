/**
 * What watching monitors have seen, on its way into the store: their numbers as samples of the service `monitor:NAME`, and the state that each has.
 * Nobody waits for it and nobody was told that it is kept, so it is gathered for a second and written at once; what cannot be kept is counted.
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
  readonly #dirty = new Set<string>();
  #waiting: Metric[] = [];

  /** @param stateOf what a monitor has seen last; undefined when it is no more. */
  constructor(stateOf: (monitor: string) => Observation | undefined) {
    this.#stateOf = stateOf;
  }

  /** Answers whether it is the first since the last `take`. */
  add({ monitor, observations }: Event): boolean {
    const first = this.#dirty.size === 0;
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
    return first;
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
