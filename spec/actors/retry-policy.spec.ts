// How long to wait before trying again.
import { expect } from 'chai';
import fc from 'fast-check';
import { Type } from 'typebox';
import { backoffMs, type RetryPolicy, retryPolicy } from '../../actors/retry-policy.ts';
import { check } from '../../actors/schema.ts';

describe('backoffMs', () => {
  const policy = (backoff_strategy: RetryPolicy['backoff_strategy']): fc.Arbitrary<RetryPolicy> =>
    fc.record({
      max_retries: fc.nat(10),
      backoff_strategy: fc.constant(backoff_strategy),
      retry_timeout: fc.oneof(fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 1, max: 86_400_000 })),
      max_backoff: fc.integer({ min: 1, max: 86_400_000 }),
    });
  const any = fc.constantFrom<RetryPolicy['backoff_strategy'][]>('fixed', 'linear', 'exponential').chain(policy);
  const attempt = fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 1_000_000 }));
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

  it('is a whole number of milliseconds from 1 to max_backoff, at every try', () => {
    fc.assert(
      fc.property(any, attempt, random, (one, n, r) => {
        expect(backoffMs(one, n, r)).to.satisfy((ms: number) => Number.isSafeInteger(ms) && ms >= 1 && ms <= one.max_backoff);
      }),
    );
  });

  it('is the base each time when fixed', () => {
    fc.assert(
      fc.property(policy('fixed'), attempt, random, (one, n, r) => {
        expect(backoffMs(one, n, r)).to.equal(Math.min(one.retry_timeout, one.max_backoff));
      }),
    );
  });

  it('is the base times the number of the try when linear', () => {
    fc.assert(
      fc.property(policy('linear'), attempt, random, (one, n, r) => {
        expect(backoffMs(one, n, r)).to.equal(Math.min(one.retry_timeout * n, one.max_backoff));
      }),
    );
  });

  it('has full jitter when exponential: any share of the base, doubled for each try before', () => {
    fc.assert(
      fc.property(policy('exponential'), fc.integer({ min: 1, max: 40 }), random, (one, n, r) => {
        let span = one.retry_timeout;
        for (let i = 1; i < n; i++) span = Math.min(one.max_backoff, span * 2);
        expect(backoffMs(one, n, r)).to.equal(Math.max(1, Math.round(r * Math.min(span, one.max_backoff))));
      }),
    );
  });

  it('never grows past the cap by overflow', () => {
    const one: RetryPolicy = { max_retries: 3, backoff_strategy: 'exponential', retry_timeout: 86_400_000, max_backoff: 300_000 };
    expect(backoffMs(one, 1_000_000, 0.999_999_999)).to.equal(300_000);
  });
});

describe('retry_policy', () => {
  const resource = Type.Object({ retry_policy: retryPolicy });

  it('has a default for each of its keys, and need not be written', () => {
    const value = { max_retries: 3, backoff_strategy: 'exponential', retry_timeout: 1_000, max_backoff: 300_000 };
    expect(check(resource, {})).to.deep.equal({ value: { retry_policy: value }, faults: [] });
    expect(check(resource, { retry_policy: { max_retries: 0 } })).to.deep.equal({ value: { retry_policy: { ...value, max_retries: 0 } }, faults: [] });
  });

  it('refuses what cannot be waited, and a strategy that it does not know', () => {
    const wrong = { max_retries: -1, backoff_strategy: 'exponentail', retry_timeout: 0, max_backoff: 86_400_001, retries: 1 };
    const { faults } = check(resource, { retry_policy: wrong });
    const keys = faults.map(({ path }) => path.replace('/retry_policy/', ''));
    expect(keys.sort()).to.deep.equal(['backoff_strategy', 'max_backoff', 'max_retries', 'retries', 'retry_timeout']);
    expect(faults.find(({ path }) => path.endsWith('strategy'))?.nearest).to.equal('exponential');
  });
});
