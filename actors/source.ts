/** A monitor as the feed knows it: who reads which of its fields, and what it has seen last. */
import type { Event, Observation } from './event.ts';
import type { Inbox, Marked } from './inbox.ts';

/** So many observations of a monitor are kept in memory at the least, and twice as many at the most. */
const HISTORY = 100;

/** Which fields of a monitor: the first words of their paths. */
export type Read = readonly string[] | 'all';
/** Which fields of which monitors wake a rule. */
export type Reads = ReadonlyMap<string, Read>;
/** What a rule is sent. */
export interface Wake extends Marked {
  readonly event: Event;
}
export interface Latest {
  readonly last: Observation;
  readonly history: readonly Observation[];
}

/** Monitors that are read by a pattern: those of a rule with `for_each`. */
export interface EachRead {
  readonly matches: (monitor: string) => boolean;
  readonly fields: Read;
}
export interface Reader {
  readonly inbox: Inbox<Omit<Wake, 'mark'>>;
  reads: Reads;
  each: EachRead | undefined;
  /** What it has judged in another life of the node, by monitor. */
  judged: Readonly<Record<string, number>>;
}
/** A monitor that is read, or that has been heard of. */
export interface Source {
  /** Whom it concerns, and which of its fields. */
  readers: Map<Reader, Read>;
  /** It has published, and those that read by a pattern have been found. */
  met: boolean;
  latest: { last: Observation; readonly history: Observation[] } | undefined;
}

/** Of a monitor that nobody reads: most of what rules say of themselves. */
export const NOBODY: Source['readers'] = new Map();

export function read(source: Source, reader: Reader, fields: Read): void {
  if (source.readers === NOBODY) source.readers = new Map();
  source.readers.set(reader, fields);
}
export function readEach(source: Source, reader: Reader, monitor: string): void {
  const { each, reads } = reader;
  if (!each?.matches(monitor)) return;
  const there = reads.get(monitor) ?? [];
  read(source, reader, there === 'all' || each.fields === 'all' ? 'all' : [...there, ...each.fields]);
}

export function remember(source: Source, last: Observation, observations: readonly Observation[]): void {
  source.latest ??= { last, history: [] };
  const { history } = source.latest;
  if (observations.length === 1) history.push(last);
  else history.push(...observations.slice(-2 * HISTORY));
  if (history.length > 2 * HISTORY) history.splice(0, history.length - HISTORY);
  source.latest.last = last;
}

/** Whether an observation brought any of the fields; of a monitor that is not read, none. */
export function touches({ fields, seen }: Observation, read: Read | undefined): boolean {
  if (read === 'all') return true;
  for (const field of read ?? []) if (seen ? seen.includes(field) : Object.hasOwn(fields, field)) return true;
  return false;
}
