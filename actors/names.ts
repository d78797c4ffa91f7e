/** Where actors find one another at run time: `store`, `outbox`, `monitor:NAME`, `rule:NAME`, `action:NAME`, `listener:NAME`. */
import type { Registry } from '../lib/registry.ts';
import type { RetryPolicy } from './retry-policy.ts';

/** What the outbox must know of an action to serve it. */
export interface Terms {
  readonly retry: RetryPolicy;
  /** Executions that may run at the same time. */
  readonly concurrency: number;
}

/** Actions carry their terms; all others nothing. */
export type Names = Registry<Terms | undefined>;
