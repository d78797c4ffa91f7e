/** What crosses the control socket: requests and replies, shared by the node, the CLI and whoever speaks HTTP to it. */
import { type Static, Type } from 'typebox';

export const KINDS = ['monitor', 'rule', 'action', 'listener', 'silence', 'function', 'system_config'] as const;
export type Kind = (typeof KINDS)[number];
/** The kinds that may be created, replaced and deleted one by one. */
export const EDITABLE: readonly Kind[] = ['monitor', 'rule', 'action', 'silence', 'system_config'];

/** A text that holds configuration, and what to call it in messages. */
export const sourceSchema = Type.Object(
  { file: Type.String({ maxLength: 4_096 }), text: Type.String({ maxLength: 10_485_760 }) },
  { additionalProperties: false },
);
export type Source = Static<typeof sourceSchema>;

/** One thing that is wrong with a configuration, at its place. Lines and columns count from 1. */
export interface PlacedFault {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** JSON pointer (RFC 6901). */
  readonly pointer: string;
  readonly expected: string;
  readonly got?: unknown;
  readonly nearest?: string | undefined;
}

/** What became of one resource. */
export interface Applied {
  readonly kind: Kind;
  readonly name: string;
  readonly change: 'start' | 'replace' | 'stop' | 'keep';
  readonly outcome: 'applied' | 'unchanged' | 'rejected' | 'reverted';
  readonly reason?: string;
}
export interface ChangeReply {
  /** The number of the version that this made; the running one when nothing changed. */
  readonly version: number;
  readonly resources: readonly Applied[];
  /** Sections that differ from those with which the node was started: they count from its next start. Left out: none. */
  readonly atRestart?: readonly string[];
}

export interface ResourceInfo {
  readonly kind: Kind;
  readonly name: string;
  readonly type: string;
  readonly origin: 'file' | 'cli' | 'api';
  /** `running`, `quarantined`, `stopped`; of a silence `active`, `pending`, `expired`. */
  readonly status: string;
  /** What the resource says of itself. */
  readonly detail: unknown;
  /** As declared, secrets blanked. */
  readonly config?: unknown;
}

type Phase = 'inactive' | 'pending' | 'firing' | 'recovering';
/** A part of a condition, with what it comes to now. */
export interface ExplainedPart {
  readonly text: string;
  /** Where it is written, as a JSON pointer. */
  readonly at: string;
  /** null is unknown. */
  readonly truth: boolean | null;
  readonly value?: unknown;
  /** Why it is unknown. */
  readonly reason?: string;
  readonly of?: readonly ExplainedPart[];
}
/** An evaluation that changed something. */
export interface RuleChange {
  readonly at: string;
  readonly instance: string;
  readonly from: Phase;
  readonly to: Phase;
  /** `condition`, `no_data`, `error`, `edit`. */
  readonly cause: string;
  readonly details: string;
}
/** How one alert stands. */
export interface AlertDetail {
  readonly phase: Phase;
  readonly since: string;
  readonly episode: string | null;
  readonly lastTold: string | null;
  /** Why a firing that runs has not been told. */
  readonly held: string | null;
  /** Who holds it back: the silence, the rule or monitor that it depends on, the person. */
  readonly heldBy: string | null;
  /** Who has seen to what fires. */
  readonly acknowledged: { readonly at: string; readonly by: string; readonly comment: string } | null;
  /** What runs: `for`, `keep_firing_for`, `cooldown`, and how many seconds of how many have passed. */
  readonly timers: Readonly<Record<string, { readonly passed: number; readonly of: number }>>;
  /** Seconds since anything came that it reads; null: nothing has since the rule was started. */
  readonly dataAge: number | null;
  readonly explanation: ExplainedPart | null;
  /** What ends it, where the rule says so. */
  readonly clearWhen?: ExplainedPart;
  /** The last evaluations that changed something, newest first. */
  readonly changes: readonly RuleChange[];
}
/** What a rule says of itself; with `for_each` that of the alert that matters most, and of each by its monitor. */
export interface RuleDetail extends AlertDetail {
  readonly instances?: Readonly<Record<string, AlertDetail>>;
  /** How many alerts there are, of which those that matter most are shown; and how many monitors have none, since there is no room for more. */
  readonly count?: number;
  readonly refused?: number;
}

/** The episodes that somebody has now seen to. */
export interface AckReply {
  readonly episodes: readonly string[];
}

export interface TreeNode {
  readonly name: string;
  readonly kind: string;
  readonly status: string;
  readonly mailbox: number;
  readonly handled: number;
  /** Time in handlers, that included for which they waited for something. */
  readonly busyMs: number;
  readonly restarts: number;
  readonly uptimeMs: number;
  readonly lastExit: string | null;
  readonly children: readonly TreeNode[];
}

export interface Quarantined {
  readonly resource: string;
  readonly reason: string;
  readonly since: string;
  readonly nextProbe: string;
  readonly probes: number;
}

export interface Status {
  readonly name: string;
  readonly health: 'ok' | 'degraded';
  readonly faults: readonly string[];
  readonly pid: number;
  readonly node: string;
  readonly argos: string;
  readonly startedAt: string;
  readonly version: number;
  readonly environment: string;
  readonly processes: number;
  readonly memoryBytes: number;
  readonly resources: Readonly<Record<Kind, number>>;
  readonly firing: readonly string[];
  readonly listeners: readonly { readonly name: string; readonly address: string; readonly connections: number }[];
  readonly items: { readonly received: number; readonly stored: number; readonly rejected: number; readonly shed: number };
  /** null when the store cannot be asked. */
  readonly executions: { readonly open: number; readonly failed: number } | null;
  /** Where executions have gone: `closed` is well; `open`, and nobody is sent there; `half_open`, one tries. */
  readonly destinations: readonly { readonly destination: string; readonly breaker: 'closed' | 'open' | 'half_open' }[];
  /** null when the store cannot be asked. */
  readonly store: StoreStatus | null;
  readonly restarts: number;
  readonly quarantine: readonly Quarantined[];
}

/** Bytes; ms since 1970; milliseconds of commits in the last minute. null: not known, or not to be known. */
export interface StoreStatus {
  readonly sizeBytes: number;
  readonly walBytes: number;
  readonly maxBytes: number | null;
  readonly growthBytesPerDay: number | null;
  readonly oldestSampleMs: number | null;
  readonly commitMs: { readonly p50: number; readonly p99: number } | null;
  readonly fsyncMs: { readonly p50: number; readonly p99: number } | null;
  readonly disk: { readonly freeBytes: number; readonly totalBytes: number } | null;
}

/** Every error of the API. `faults` where a configuration is invalid. */
export interface ApiError {
  readonly error: {
    readonly code: 'usage' | 'not_found' | 'conflict' | 'config_invalid' | 'not_ready' | 'failed';
    readonly message: string;
    readonly faults?: readonly PlacedFault[];
    readonly resources?: readonly Applied[];
  };
}

/** A resource as it is wanted: checked, defaults filled in, references resolved. */
export interface Declared {
  readonly kind: Kind;
  readonly name: string;
  readonly type: string;
  readonly origin: 'file' | 'cli' | 'api';
  readonly spec: unknown;
  /** Rules: the monitors whose states its actions name beside those that it reads. */
  readonly needs?: readonly string[];
}

/** What the CLI or the API has made over the file: a resource's text, or null where one has been deleted. */
export interface OverlayEntry {
  readonly kind: Kind;
  readonly name: string;
  readonly origin: 'cli' | 'api';
  readonly source: Source | null;
}

/** All that a configuration is made of. */
export interface Wanted {
  readonly sources: readonly Source[];
  readonly overlay: readonly OverlayEntry[];
  /** `--env`; over `system.environment`. */
  readonly environment?: string | undefined;
  /** Left out where there is no vault to look into: any name is then taken for one that is there. */
  readonly secrets?: Readonly<Record<string, string>>;
}
/** What came of it: the resources, or every fault. */
export interface Declaration {
  readonly declared: readonly Declared[];
  /** The sections of the node itself, with their defaults; one that has a fault is empty. */
  readonly system: Readonly<Record<string, unknown>>;
  readonly store: Readonly<Record<string, unknown>>;
  readonly retention: Readonly<Record<string, unknown>>;
  readonly faults: readonly PlacedFault[];
}
