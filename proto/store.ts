/** What `argos store` asks for, and what it is answered: shared by the node, the CLI and the threads that do it. */

/** What a check of the store has found out. */
export interface StoreCheck {
  readonly engine: 'sqlite' | 'postgres';
  /** How its pages and indexes were looked at: `integrity_check`, `quick_check`, `amcheck`, `catalog`. */
  readonly integrity: string;
  /** What is wrong, in words; none: all is well. */
  readonly findings: readonly string[];
  /** How many rows each table has. */
  readonly rows: Readonly<Record<string, number>>;
  /** Executions that are not at their end, and when the first of them is due, ms since 1970. */
  readonly openJobs: { readonly count: number; readonly oldestDueMs: number | null };
  /** What is stored and not yet judged by the rules, and when the first of it came, ms since 1970. */
  readonly unjudged: { readonly batches: number; readonly oldestMs: number | null };
}
/** What compacting the store has come to. */
export interface Compacted {
  readonly beforeBytes: number;
  readonly afterBytes: number;
}
/** What of the store is exported. `*` in a name matches any run of characters. */
export interface ExportQuery {
  readonly what: 'metrics' | 'logs' | 'traces' | 'episodes';
  readonly format: 'ndjson' | 'csv' | 'parquet';
  readonly service?: string | undefined;
  /** Of metrics, of spans; of episodes the rule. */
  readonly name?: string | undefined;
  /** ms since 1970, both included. */
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
}
