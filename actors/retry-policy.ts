/** How long to wait before trying again: the `retry_policy` of monitors and actions, pure. Randomness is a parameter. */
import { type Static, Type } from 'typebox';
import { oneOf } from './schema.ts';

export const retryPolicy = Type.Object(
  {
    max_retries: Type.Integer({ minimum: 0, maximum: 1_000_000, default: 3, description: 'Tries after the first one.' }),
    backoff_strategy: oneOf(['fixed', 'linear', 'exponential'], {
      default: 'exponential',
      description: '`fixed`: the same wait each time · `linear`: the base times the number of the try · `exponential`: doubled each time, with full jitter.',
    }),
    retry_timeout: Type.Integer({ minimum: 1, maximum: 86_400_000, default: 1_000, description: 'The base of the wait, in milliseconds.' }),
    max_backoff: Type.Integer({ minimum: 1, maximum: 86_400_000, default: 300_000, description: 'No wait is longer, in milliseconds.' }),
  },
  { additionalProperties: false, default: {}, description: 'What to do when it fails.' },
);
export type RetryPolicy = Static<typeof retryPolicy>;

/**
 * The wait before try `attempt` + 1, in milliseconds.
 *
 * @param attempt how many have failed, from 1.
 * @param random 0 ≤ random < 1. Exponential waits have full jitter: anything from 0 to the doubled base, but at least 1 ms.
 */
export function backoffMs({ backoff_strategy, retry_timeout, max_backoff }: RetryPolicy, attempt: number, random: number): number {
  switch (backoff_strategy) {
    case 'fixed':
      return Math.min(max_backoff, retry_timeout);
    case 'linear':
      return Math.min(max_backoff, retry_timeout * attempt);
    case 'exponential':
      return Math.max(1, Math.round(random * Math.min(max_backoff, retry_timeout * 2 ** Math.min(attempt - 1, 50))));
  }
}
