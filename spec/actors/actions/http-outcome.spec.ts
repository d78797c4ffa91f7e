// What an answer means for an execution.
import { expect } from 'chai';
import fc from 'fast-check';
import { outcome } from '../../../actors/actions/http.ts';

const NOW_MS = Date.UTC(2026, 0, 1);
const status = fc.integer({ min: 100, max: 599 });
const mayPass = fc.oneof(fc.constantFrom(408, 425, 429), fc.integer({ min: 500, max: 599 }));
const header = fc.oneof(
  fc.string(),
  fc.constant(undefined),
  fc.integer(),
  fc.array(fc.string()),
  fc.date().map((date) => date.toString()),
);
const kind = (code: number): string => outcome(code, undefined, NOW_MS).kind;

describe('action type http: outcome', () => {
  it('delivers on 2xx, whatever else the answer says', () => {
    fc.assert(
      fc.property(fc.integer({ min: 200, max: 299 }), header, (code, retryAfter) => {
        expect(outcome(code, retryAfter, NOW_MS)).to.deep.equal({ kind: 'delivered', detail: `status ${code}` });
      }),
    );
  });

  it('retries what may pass and discards what will not', () => {
    for (const code of [408, 425, 429, 500, 502, 503, 504, 599]) expect(kind(code), String(code)).to.equal('retry');
    for (const code of [100, 199, 300, 301, 307, 400, 401, 403, 404, 409, 410, 413, 422, 499]) expect(kind(code), String(code)).to.equal('discard');
  });

  it('names the status when it does not deliver', () => {
    expect(outcome(404, '5', NOW_MS)).to.deep.equal({ kind: 'discard', reason: 'receiver answered 404', class: 'client' });
    expect(outcome(503, undefined, NOW_MS)).to.deep.equal({ kind: 'retry', reason: 'receiver answered 503', class: 'server' });
  });

  it('says what was wrong: who we are, what we ask, how often, or that it could not or was too slow', () => {
    const classes = {
      401: 'auth',
      403: 'auth',
      407: 'auth',
      400: 'client',
      404: 'client',
      301: 'client',
      429: 'rate',
      408: 'timeout',
      425: 'server',
      500: 'server',
      503: 'server',
    };
    for (const [code, what] of Object.entries(classes)) expect(outcome(Number(code), undefined, NOW_MS), code).to.have.property('class', what);
  });

  it('waits as many seconds as Retry-After asks', () => {
    fc.assert(
      fc.property(mayPass, fc.nat(999_999_999), (code, seconds) => {
        expect(outcome(code, ` ${seconds} `, NOW_MS)).to.include({ kind: 'retry', reason: `receiver answered ${code}`, afterMs: seconds * 1_000 });
      }),
    );
  });

  it('waits until the date that Retry-After gives, and not at all when it has passed', () => {
    fc.assert(
      fc.property(mayPass, fc.integer({ min: -100_000, max: 100_000_000 }), (code, seconds) => {
        const retryAfter = new Date(NOW_MS + seconds * 1_000).toUTCString();
        expect(outcome(code, retryAfter, NOW_MS)).to.have.property('afterMs', Math.max(0, seconds * 1_000));
      }),
    );
  });

  it('takes no notice of a Retry-After that is neither', () => {
    for (const retryAfter of ['soon', 'try again in 2040', '-5', '12.5', '1e9', '99999999999', '', '2040-01-01', 'Fri, nothing GMT', ['120'], 120])
      expect(outcome(429, retryAfter, NOW_MS), String(retryAfter)).to.deep.equal({ kind: 'retry', reason: 'receiver answered 429', class: 'rate' });
  });

  it('never answers a wait that is not a number of milliseconds', () => {
    fc.assert(
      fc.property(status, header, (code, retryAfter) => {
        const got = outcome(code, retryAfter, NOW_MS);
        if (got.kind === 'retry' && got.afterMs !== undefined) expect(got.afterMs).to.satisfy((ms: number) => Number.isSafeInteger(ms) && ms >= 0);
      }),
    );
  });
});
