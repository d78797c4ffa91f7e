/** What travels down the corridor to the rules and the store: batches, never single samples. Imports nothing. */

/** The normalised fields of what was seen: own, plain JSON values. */
export type Fields = Readonly<Record<string, unknown>>;

/** One look at a target, or one message from it. */
export interface Observation {
  /** Wall clock, ms since 1970. */
  readonly atMs: number;
  /** The monitor's whole state after it. */
  readonly fields: Fields;
  /** The fields that it brought; left out: all of them. */
  readonly seen?: readonly string[];
}

/** What one monitor saw, oldest first. One Event is one message to a rule, however many observations it holds. */
export interface Event {
  readonly monitor: string;
  readonly observations: readonly Observation[];
  /** The number of the stored batch that it comes from, if it does. */
  readonly seq?: number | undefined;
}

/** One measured value, as devices and services send it. */
export interface Metric {
  readonly name: string;
  readonly value: number;
  /** ms since 1970. */
  readonly timestamp: number;
  readonly service: string;
  readonly tags: Readonly<Record<string, string>>;
}

export type Level = 'debug' | 'info' | 'warn' | 'error' | 'fatal';
export const LEVELS: readonly Level[] = ['debug', 'info', 'warn', 'error', 'fatal'];

export interface Log {
  readonly level: Level;
  readonly message: string;
  /** ms since 1970. */
  readonly timestamp: number;
  readonly service: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** What a listener took from the wire in one go. */
export interface Telemetry {
  /** The listener: `http`, `mqtt`, …. */
  readonly protocol: string;
  readonly metrics: readonly Metric[];
  readonly logs: readonly Log[];
}
