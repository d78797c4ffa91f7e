// Pages of lines, statement by statement: none looks at more lines than it may, however few of them fit, and none is lost between two.
import { expect } from 'chai';
import fc from 'fast-check';
import type { Trace } from '../../../actors/event.ts';
import { type Line, linePage } from '../../../actors/store/query/lines.ts';
import { tracesOf } from '../../../actors/store/pages.ts';
import type { Rows } from '../../../actors/store/query/program.ts';
import type { TraceQuery } from '../../../actors/store/query/query.ts';
import { TRACES } from '../../../actors/store/query/traces.ts';
import { House } from '../../support/housekeeping.ts';
import { Spans, span, spans, traceQuery } from '../../support/spans.ts';

const INSERT = 'INSERT OR IGNORE INTO traces (trace_id, span_id, parent_id, ts, duration_ms, service, name, status, tags) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)';

describe('lines', () => {
  let house: House;
  before(() => {
    house = new House();
  });
  after(() => house.db.close());
  function fill(given: readonly Trace[]): void {
    house.db.transaction(() => {
      house.run('DELETE FROM traces');
      for (const { traceId, spanId, parentId = null, timestamp, durationMs, service, name, status, tags } of given)
        house.run(INSERT, traceId, spanId, parentId, timestamp, durationMs, service, name, status, JSON.stringify(tags));
    })();
  }
  /** All pages; and how many statements that took. */
  function walked(query: TraceQuery, mostSeen: number): { readonly items: readonly Trace[]; readonly statements: number } {
    const lines: Line[] = [];
    let statements = 0;
    for (let at: { readonly cursor?: string } = {}; ; ) {
      const program = linePage(TRACES, { ...query, ...at }, { mostSeen });
      for (let rows: Rows = []; ; ) {
        const { done, value } = program.next(rows);
        if (done) {
          lines.push(...value.lines);
          if (value.next === undefined) return { items: tracesOf({ lines }).items, statements };
          at = { cursor: value.next };
          break;
        }
        rows = value
          ? (house.db
              .prepare(value.sql)
              .raw()
              .all(...value.params) as Rows)
          : [];
        statements++;
      }
    }
  }

  it('are the same however far one statement looks', () => {
    fc.assert(
      fc.property(spans, fc.integer({ min: 1, max: 12 }), fc.array(traceQuery, { minLength: 1, maxLength: 8 }), (given, mostSeen, queries) => {
        const model = new Spans();
        model.add(given);
        fill(given);
        for (const query of queries) expect(walked(query, mostSeen).items).to.deep.equal(model.traces(query));
      }),
      { numRuns: process.env.ARGOS_LONG ? 2_000 : 200 },
    );
  });

  it('are looked at so many at once where SQL finds few that fit, and all at once where an index finds them', () => {
    fill(Array.from({ length: 10_000 }, (_, i) => span({ spanId: String(i), timestamp: i })));
    const none = walked({ statuses: ['error'], limit: 10 }, 1_000);
    expect(none.items).to.deep.equal([]);
    expect(none.statements).to.be.within(20, 30);
    expect(walked({ traceId: 'none' }, 1_000).statements).to.equal(1);
    expect(walked({ service: { is: 'none' }, statuses: ['error'] }, 1_000).statements).to.equal(2);
  });
});
