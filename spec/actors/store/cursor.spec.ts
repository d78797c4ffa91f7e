// Cursors: only the query that was given one can go on from it.
import { expect } from 'chai';
import fc from 'fast-check';
import { decodeCursor, encodeCursor, type Kind } from '../../../actors/store/query/cursor.ts';
import type { LogQuery, MetricQuery, TraceQuery } from '../../../actors/store/query/query.ts';
import { logQuery, metricQuery } from '../../support/history.ts';
import { traceQuery } from '../../support/spans.ts';

const REFUSAL = 'cursor: expected the `next` of an answer to this same query, got ';
const position = fc.array(fc.oneof(fc.maxSafeInteger(), fc.string({ unit: 'binary' })), { minLength: 1, maxLength: 3 });
const shapeOf = (keys: readonly (number | string)[]): readonly Kind[] => keys.map((key) => (typeof key === 'number' ? 'number' : 'string'));
const query = fc.oneof(metricQuery, logQuery, traceQuery);
/** What decides on the items and their order. */
const essence = ({ fromMs, toMs, limit, ...rest }: MetricQuery & LogQuery & TraceQuery): string =>
  JSON.stringify({ order: 'newest', latest: false, tags: {}, ...rest }, (_, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );

describe('cursor', () => {
  it('comes back as the position that it was made of, and is fit for a URL', () => {
    fc.assert(
      fc.property(query, position, (asked, numbers) => {
        const text = encodeCursor(asked, numbers);
        expect(text).to.match(/^[\w-]+$/);
        expect(decodeCursor(asked, text, shapeOf(numbers))).to.deep.equal(numbers);
      }),
    );
  });

  it('is the same query while matchers and order are the same: another range, limit or order of tags does not matter', () => {
    const asked = { service: { is: 'a' }, tags: { x: { is: '1' }, y: { is: '2' } }, fromMs: 1, limit: 5 };
    const again = { tags: { y: { is: '2' }, x: { is: '1' } }, service: { is: 'a' }, toMs: 9, order: 'newest', latest: false, budgetMs: 5 } as const;
    expect(decodeCursor(again, encodeCursor(asked, [7]), ['number'])).to.deep.equal([7]);
  });

  it('refuses the cursor of another query', () => {
    fc.assert(
      fc.property(query, query, position, (asked, other, numbers) => {
        fc.pre(essence(asked) !== essence(other));
        expect(() => decodeCursor(other, encodeCursor(asked, numbers), shapeOf(numbers))).to.throw(REFUSAL);
      }),
    );
  });

  it('refuses a cursor that was changed, and any other text', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.nat(), fc.constantFrom(...'AZaz09-_'), (number, at, letter) => {
        const text = encodeCursor({}, [number]);
        const i = at % text.length;
        const changed = text.slice(0, i) + letter + text.slice(i + 1);
        fc.pre(Buffer.compare(Buffer.from(changed, 'base64url'), Buffer.from(text, 'base64url')) !== 0);
        expect(() => decodeCursor({}, changed, ['number'])).to.throw(REFUSAL);
      }),
    );
    const text = fc.oneof(
      fc.string(),
      fc.json().map((json) => Buffer.from(json).toString('base64url')),
    );
    fc.assert(
      fc.property(text, (other) => {
        expect(() => decodeCursor({}, other, ['number'])).to.throw(REFUSAL);
      }),
    );
    expect(() => decodeCursor({}, encodeCursor({}, [1, 2]), ['number'])).to.throw(REFUSAL);
    for (const other of [['1'], [1.5], [2 ** 53]]) expect(() => decodeCursor({}, encodeCursor({}, other), ['number'])).to.throw(REFUSAL);
    for (const shape of [['string'], ['number', 'number'], []] as const) expect(() => decodeCursor({}, encodeCursor({}, [1]), shape)).to.throw(REFUSAL);
  });
});
