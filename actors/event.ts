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

/** How a span ended, in OpenTelemetry's words. `unset`: nobody has said. */
export type SpanStatus = 'unset' | 'ok' | 'error';
export const SPAN_STATUSES: readonly SpanStatus[] = ['unset', 'ok', 'error'];

/** The header of a span: one piece of the work for one request, done by one service. It has its name from both its ids together. */
export interface Trace {
  readonly traceId: string;
  readonly spanId: string;
  /** The span that it is a part of; left out: none, it is the whole request. */
  readonly parentId?: string;
  readonly service: string;
  readonly name: string;
  /** When it began, ms since 1970. */
  readonly timestamp: number;
  readonly durationMs: number;
  readonly status: SpanStatus;
  readonly tags: Readonly<Record<string, string>>;
}

/** What a listener took from the wire in one go. */
export interface Telemetry {
  /** The listener: `http`, `mqtt`, …. */
  readonly protocol: string;
  readonly metrics: readonly Metric[];
  readonly logs: readonly Log[];
  /** No rule judges them. A span that is there already stays as it is: what is sent twice is kept once. */
  readonly traces?: readonly Trace[];
}
