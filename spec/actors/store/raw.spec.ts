// Raw samples as the source of an aggregation, read by the smallest of pieces.
import { join } from 'node:path';
import type Database from 'better-sqlite3';
import { expect } from 'chai';
import fc from 'fast-check';
import { bucketOf, type Wanted } from '../../../actors/store/query/engine.ts';
import { Partial } from '../../../actors/store/query/partial.ts';
import type { Program, Rows } from '../../../actors/store/query/program.ts';
import type { Fn } from '../../../actors/store/query/query.ts';
import { rawSource, type Sizes } from '../../../actors/store/query/raw.ts';
import { openWriter } from '../../../actors/store/sqlite/open.ts';
import { tempFolder } from '../../support/services.ts';

const FNS: readonly Fn[] = ['avg', 'sum', 'min', 'max', 'count', 'rate', 'first', 'last', 'p50'];
const SERIES = [1, 2, 3];

interface Sample {
  readonly series: number;
  readonly ts: number;
  readonly value: number;
}
const samples = fc.array(
  fc.record({ series: fc.constantFrom(...SERIES), ts: fc.oneof(fc.integer({ min: -20, max: 60 }), fc.constant(7)), value: fc.integer({ min: -80, max: 80 }) }),
  { maxLength: 60, size: 'max' },
);
const sizes = fc.record({ slice: fc.integer({ min: 1, max: 9 }), scan: fc.integer({ min: 1, max: 9 }), shortMs: fc.integer({ min: 0, max: 30 }) });
const wanted = fc
  .record({ fn: fc.constantFrom(...FNS), a: fc.integer({ min: -25, max: 65 }), b: fc.integer({ min: -25, max: 65 }), stepMs: fc.constantFrom(1, 3, 10, 1_000) })
  .map(({ fn, a, b, stepMs }): Wanted => {
    const [fromMs, toMs] = [Math.min(a, b), Math.max(a, b)];
    return { fn, fromMs, toMs, stepMs, baseMs: Math.floor(fromMs / stepMs) * stepMs };
  });

describe('rawSource', () => {
  let db: Database.Database;
  before(() => {
    db = openWriter(join(tempFolder(), 'argos.db'));
    db.pragma('synchronous = OFF');
  });
  after(() => db.close());

  function fill(given: readonly Sample[]): void {
    const add = db.prepare('INSERT INTO points (series_id, ts, seq, value) VALUES (?, ?, ?, ?)');
    db.transaction(() => {
      db.exec('DELETE FROM points');
      for (const [seq, { series, ts, value }] of given.entries()) add.run(series, ts, seq, value);
    })();
  }
  /** @returns the greatest number of rows that a statement has answered. */
  function run(program: Program<void>): number {
    let most = 0;
    for (let rows: Rows = []; ; most = Math.max(most, rows.length)) {
      const { done, value } = program.next(rows);
      if (done) return most;
      rows = value
        ? (db
            .prepare(value.sql)
            .raw()
            .all(...value.params) as Rows)
        : [];
    }
  }
  interface Emitted {
    readonly series: number;
    readonly bucket: number;
    readonly part: Partial;
  }
  function emitted(asked: Wanted, pieces: Sizes): { readonly parts: readonly Emitted[]; readonly most: number } {
    const parts: Emitted[] = [];
    const most = run(rawSource(pieces).parts(SERIES, asked, (series, bucket, part) => parts.push({ series, bucket, part })));
    return { parts, most };
  }

  it('gives series after series, bucket after bucket, and has every sample once, wherever it cuts', () => {
    fc.assert(
      fc.property(samples, wanted, sizes, (given, asked, pieces) => {
        fill(given);
        const { parts } = emitted(asked, pieces);
        const order = parts.map(({ series, bucket }) => series * 1_000 + bucket);
        expect(order).to.deep.equal(order.toSorted((a, b) => a - b));

        const got = new Map<string, Partial>();
        for (const { series, bucket, part } of parts) {
          const there = got.get(`${series} ${bucket}`) ?? Partial.for(asked.fn);
          there.append(part);
          got.set(`${series} ${bucket}`, there);
        }
        const right = new Map<string, Partial>();
        for (const { series, ts, value } of given.toSorted((a, b) => a.series - b.series || a.ts - b.ts)) {
          if (ts < asked.fromMs || ts > asked.toMs) continue;
          const key = `${series} ${bucketOf(asked, ts)}`;
          const there = right.get(key) ?? Partial.for(asked.fn);
          there.add(value, ts);
          right.set(key, there);
        }
        const shown = (all: ReadonlyMap<string, Partial>): unknown => [...all].map(([key, part]) => [key, part.value(asked.fn, 1)]);
        expect(shown(got)).to.deep.equal(shown(right));
      }),
      { numRuns: process.env.ARGOS_LONG ? 5_000 : 300 },
    );
  });

  it('reads no more at once than it should, but for samples of one instant', () => {
    fill(Array.from({ length: 500 }, (_, i) => ({ series: 1, ts: i, value: i })));
    const range = { fromMs: 0, toMs: 499, baseMs: 0, stepMs: 1 };
    for (const fn of ['avg', 'p50'] as const) {
      const { parts, most } = emitted({ ...range, fn }, { slice: 20, scan: 20, shortMs: 10 });
      expect([parts.length, most]).to.deep.equal([500, 20]);
    }
  });

  it('has an infinite sum where it is more than a number can hold', () => {
    fill([1.7e308, 1.7e308, -1.7e308, -1.7e308].map((value, i) => ({ series: 1, ts: i, value })));
    const { parts } = emitted({ fn: 'sum', fromMs: 0, toMs: 1, baseMs: 0, stepMs: 1_000 }, { slice: 9, scan: 9, shortMs: 1_000 });
    expect(parts.map(({ part }) => part.value('sum', 1))).to.deep.equal([Number.POSITIVE_INFINITY]);
  });
});
