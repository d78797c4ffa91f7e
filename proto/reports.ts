/** What `argos test`, `argos plan` and `argos backtest` have found: shared by those who find it and those who print it. */
import type { ExplainedPart, Kind, PlacedFault } from './api.ts';

export interface TestedFile {
  readonly file: string;
  /** Of the file, or of the configuration under test: with any nothing of it is run. */
  readonly faults: readonly PlacedFault[];
  readonly cases: readonly TestedCase[];
}
export interface TestedCase {
  readonly name: string;
  /** Where it is written. */
  readonly line: number;
  readonly failures: readonly TestFailure[];
}
/** One expectation that is not met. */
export interface TestFailure {
  readonly line: number;
  readonly column: number;
  /** Time since the start of the case, `1m30s`. */
  readonly at: string;
  readonly rule: string;
  readonly instance?: string | undefined;
  /** The key of the expectation: `state`, `actions`, …. */
  readonly what: string;
  readonly expected: unknown;
  readonly got: unknown;
  /** The condition at that time. */
  readonly explanation?: ExplainedPart | undefined;
}

/** What a reload would do. Nothing has been done. */
export interface Plan {
  /** The version that runs; null: no node does, and all is new. */
  readonly version: number | null;
  readonly resources: readonly PlannedResource[];
  /** What becomes of the alerts of each rule that is there before or after. */
  readonly rules: readonly PlannedRule[];
  /** Sections that count from the node's next start. */
  readonly atRestart?: readonly string[];
}
export interface PlannedResource {
  readonly kind: Kind;
  readonly name: string;
  readonly change: 'start' | 'replace' | 'stop' | 'keep';
  /** Of `replace`: what differs, `condition`, `config.url`. */
  readonly differs?: readonly string[];
}
export interface PlannedRule {
  readonly name: string;
  readonly state: 'new' | 'kept' | 'reevaluated' | 'reset' | 'removed';
  readonly reason: string;
}

/** What a rule would have done over stored history, beside what it did. */
export interface Backtest {
  readonly rule: string;
  /** ISO 8601. */
  readonly from: string;
  readonly to: string;
  /** How many samples were judged. */
  readonly samples: number;
  readonly episodes: readonly ReplayedEpisode[];
  /** Episodes on record that would not have been. */
  readonly lost: readonly RecordedEpisode[];
  /** What the answer cannot be relied on for, in words. */
  readonly limits: readonly string[];
}
export interface RecordedEpisode {
  readonly started: string;
  /** null: it runs at the end of the time. */
  readonly ended: string | null;
  readonly instance: string;
  readonly severity: string;
  readonly details: string;
}
export interface ReplayedEpisode extends RecordedEpisode {
  /** Whether the firing would have been told; else `held` says why not. */
  readonly told: boolean;
  readonly held: string | null;
  /** Beside what is on record: there at the same time (to a second), at another, or not there. */
  readonly beside: 'same' | 'shifted' | 'new';
  /** The one on record, of `shifted`. */
  readonly was?: { readonly started: string; readonly ended: string | null };
}
