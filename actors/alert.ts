/** A rule's verdict that changed, with all that its actions may speak of. Imports nothing but the goods. */
import type { Fields } from './event.ts';

export interface Alert {
  readonly rule: string;
  readonly description: string;
  readonly severity: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly state: 'firing' | 'resolved';
  /** From firing to resolved is one episode. */
  readonly episode: string;
  /** When the episode began, and when this was decided; ms since 1970. */
  readonly sinceMs: number;
  readonly atMs: number;
  /** In a sentence: which leaves held, with their values. */
  readonly details: string;
  /** The monitor whose event decided it, and the state of every monitor that the condition reads, at that moment. */
  readonly monitor: string | undefined;
  readonly monitors: Readonly<Record<string, Fields>>;
  /** The observation that decided it. */
  readonly event: Fields;
  /** The rule's own parameters. */
  readonly parameters: Fields;
}
