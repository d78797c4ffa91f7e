/** Where actors find one another at run time: `store`, `outbox`, `monitor:NAME`, `rule:NAME`, `action:NAME`, `listener:NAME`. */
import type { Registry } from '../lib/registry.ts';
import type { RetryPolicy } from './retry-policy.ts';

/** What the outbox must know of an action to serve it. */
export interface Terms {
  readonly retry: RetryPolicy;
  /** Executions that may run at the same time. */
  readonly concurrency: number;
  /** One after the other, as they were made: one that is tried again holds up those behind it. */
  readonly ordered: boolean;
  /** Where it goes; actions that go to the same place share how fast, and whether anybody is there. */
  readonly destination: string;
  readonly breaker: BreakerTerms;
  readonly rate?: Rate | undefined;
}
export interface BreakerTerms {
  /** So many failures one after the other open it. */
  readonly failures: number;
  /** So long it is open at first; twice as long each time that the trial fails. */
  readonly coolMs: number;
}
/** Of a token bucket: so many a second on average, and so many at once. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** Actions carry their terms; all others nothing. */
export type Names = Registry<Terms | undefined>;
