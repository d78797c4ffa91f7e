// Headers of spans: kept with their batch, once each, and answered as a naive model would answer, on both engines.
import { expect } from 'chai';
import fc from 'fast-check';
import type { Trace } from '../../../actors/event.ts';
import type { TraceQuery } from '../../../actors/store/query/query.ts';
import { Root } from '../../support/actors.ts';
import { ENGINES } from '../../support/engines.ts';
import { failure, metric, walked } from '../../support/query-suite.ts';
import { Spans, span, spans, traceQuery } from '../../support/spans.ts';
import type { TestStore } from '../../support/store.ts';

const NUM_RUNS = process.env.ARGOS_LONG ? 300 : 60;
const ODD = ['\0', '\uFDD0', 'NULL', '{a,b}', '"', '\\', '\\"', "'", 'é😀', 'two\nlines', ' ', '?', '$1'];

for (const engine of ENGINES) {
  describe(`traces of ${engine.name}`, () => {
    let root: Root;
    let under: TestStore;
    before(async () => {
      root = new Root();
      under = await engine.fresh(root);
      await under.start();
    });
    after(() => root.end());
    const append = (traces: readonly Trace[]): Promise<number> => under.store.append({ protocol: 'spec', metrics: [], logs: [], traces });
    const ask = async (query: TraceQuery): Promise<readonly Trace[]> => (await under.store.traces(query)).items;

    it('are given as they are asked for, in order, page after page, each once', async () => {
      let runs = 0;
      await fc.assert(
        fc.asyncProperty(spans, fc.integer({ min: 1, max: 30 }), fc.array(traceQuery, { minLength: 1, maxLength: 8 }), async (given, atOnce, queries) => {
          const run = String(++runs);
          const mine = (traceId: string): string => `${run}/${traceId}`;
          const own = given.map((one) => ({ ...one, traceId: mine(one.traceId), tags: { ...one.tags, run } }));
          const model = new Spans();
          model.add(own);
          for (let i = 0; i < own.length; i += atOnce) await append(own.slice(i, i + atOnce));
          for (const query of queries) {
            const { traceId } = query;
            const asked = { ...query, ...(traceId !== undefined && { traceId: mine(traceId) }), tags: { ...query.tags, run: { is: run } } };
            const got = await walked(query.limit ?? 1_000, (at) => under.store.traces({ ...asked, ...at }));
            expect(got).to.deep.equal(model.traces(asked));
          }
        }),
        { numRuns: NUM_RUNS },
      );
    });

    it('come back as they were, whatever is in them', async () => {
      const odd = ODD.map((word, i) =>
        span({ traceId: `odd${word}`, spanId: word, parentId: word, service: word, name: word, tags: { [word]: word }, timestamp: i }),
      );
      const nameless = span({ traceId: '', spanId: '', timestamp: -8.64e15, durationMs: Number.MAX_VALUE });
      await append([...odd, nameless]);
      for (const one of odd) expect(await ask({ traceId: one.traceId })).to.deep.equal([one]);
      expect(await ask({ traceId: '' })).to.deep.equal([nameless]);
      expect(await ask({ order: 'oldest', limit: 1 })).to.deep.equal([nameless]);
    });

    it('that come twice stay as they came first, at once or one after the other', async () => {
      const first = span({ traceId: 'twice', durationMs: 1 });
      await append([first, span({ traceId: 'twice', durationMs: 2 }), span({ traceId: 'twice', spanId: 'other' })]);
      await Promise.all([append([span({ traceId: 'twice', timestamp: 5 })]), append([span({ traceId: 'twice', name: 'again' })])]);
      expect(await ask({ traceId: 'twice', order: 'oldest' })).to.deep.equal([span({ traceId: 'twice', spanId: 'other' }), first]);
    });

    it('are kept with the samples and logs of their batch, or all of it is not', async () => {
      const service = { is: 'batch' };
      const batch = (durationMs: number, timestamp = 1_000.75): Promise<number> =>
        under.store.append({
          protocol: 'spec',
          metrics: [metric({ service: 'batch' })],
          logs: [{ level: 'info', message: 'm', service: 'batch', timestamp: 1, tags: {} }],
          traces: [span({ traceId: 'good', service: 'batch' }), span({ traceId: 'bad', service: 'batch', timestamp, durationMs })],
        });
      const kept = async (): Promise<readonly number[]> => [
        (await under.metrics({ service })).length,
        (await under.logs({ service })).length,
        (await ask({ service })).length,
      ];
      expect((await failure(batch(Number.NaN))).code).to.equal('refused');
      expect((await failure(batch(1, Number.NaN))).code).to.equal('refused');
      expect(await kept()).to.deep.equal([0, 0, 0]);
      await batch(1);
      expect(await kept()).to.deep.equal([1, 1, 2]);
      expect((await ask({ traceId: 'bad' })).map(({ timestamp }) => timestamp)).to.deep.equal([1_000]);
    });

    it('say when a page is the last, and go on from a cursor when the range has moved on', async () => {
      await append([1, 2, 3, 4, 5].map((i) => span({ traceId: 'moving', spanId: String(i), timestamp: i * 1_000 })));
      const page = (query: TraceQuery) => under.store.traces({ traceId: 'moving', ...query });
      const ids = async (query: TraceQuery): Promise<readonly string[]> => (await page(query)).items.map(({ spanId }) => spanId);
      expect((await page({ limit: 5 })).next).to.equal(undefined);
      const cursor = (await page({ fromMs: 1_000, toMs: 4_000, limit: 2 })).next ?? '';
      expect(await ids({ cursor, fromMs: 2_000, toMs: 5_000 })).to.deep.equal(['2']);
      expect(await ids({ cursor, toMs: 1_500 })).to.deep.equal(['1']);
      const upwards = (await page({ order: 'oldest', limit: 2 })).next ?? '';
      expect(await ids({ order: 'oldest', cursor: upwards, fromMs: 4_000 })).to.deep.equal(['4', '5']);
    });

    it('name what they cannot be asked', async () => {
      await under.store.append({
        protocol: 'spec',
        metrics: [],
        logs: [1, 2].map((timestamp) => ({ level: 'info', message: '', service: 'cursors', timestamp, tags: {} })),
      });
      const logs = (await under.store.logs({ service: { is: 'cursors' }, limit: 1 })).next ?? '';
      const wrong: readonly [query: object, message: RegExp][] = [
        [{ statuses: ['bad'] }, /^statuses: expected some of unset, ok, error, got "bad"$/],
        [{ traceId: 7 }, /^traceId: expected a text, got 7$/],
        [{ minDurationMs: Number.NaN }, /^minDurationMs: expected a number of milliseconds, got null$/],
        [{ minDurationMs: '1' }, /^minDurationMs: expected a number of milliseconds, got "1"$/],
        [{ name: { matches: '(' } }, /^matches: expected a pattern in RE2 syntax/],
        [{ order: 'slowest' }, /^order: /],
        [{ limit: 0 }, /^limit: /],
        [{ service: { is: 'cursors' }, cursor: logs }, /^cursor: /],
      ];
      for (const [query, message] of wrong) {
        const { code, message: said } = await failure(under.store.traces(query));
        expect([code, said]).to.satisfy(([a, b]: [string, string]) => a === 'refused' && message.test(b), said);
      }
    });

    describe('60,000 of them', () => {
      const MANY = 60_000;
      const service = { is: 'many' };
      before(async () => {
        // Ten of each instant; one in 30,000 is slow.
        const all = Array.from({ length: MANY }, (_, i) =>
          span({
            traceId: String(i % 7_000),
            spanId: String(i),
            service: 'many',
            timestamp: Math.floor(i / 10),
            durationMs: i % 30_000 === 777 ? 9_000 : i % 100,
          }),
        );
        for (let i = 0; i < MANY; i += 10_000) await append(all.slice(i, i + 10_000));
      });

      it('are streamed page after page, and no further than is asked for', async () => {
        const seen: Trace[] = [];
        for await (const one of under.store.eachTrace({ service, order: 'oldest', limit: 7 })) if (seen.push(one) === 45) break;
        expect(seen.map(({ timestamp }) => timestamp)).to.deep.equal(seen.map((_, i) => Math.floor(i / 10)));
        const all = new Set<string>();
        for await (const { spanId } of under.store.eachTrace({ service, limit: 25_000 })) all.add(spanId);
        expect(all.size).to.equal(MANY);
      });

      it('are found by what few of them have', async () => {
        const slow = await ask({ service, minDurationMs: 9_000, order: 'oldest' });
        expect(slow.map(({ spanId }) => spanId)).to.deep.equal(['777', '30777']);
        expect(await ask({ service, statuses: ['error'] })).to.deep.equal([]);
        expect((await ask({ service, traceId: '6999' })).length).to.equal(8);
      });

      it('are given up when that takes longer than its budget, also when nothing is found', async () => {
        expect((await failure(under.store.traces({ service, statuses: ['error'], budgetMs: 1 }))).code).to.equal('timeout');
      });

      it('are given up as soon as nobody waits for them', async () => {
        const within = new AbortController();
        const cancelled = failure(under.store.traces({ service, statuses: ['error'] }, within.signal));
        const other = ask({ service, limit: 1 });
        within.abort();
        expect((await cancelled).code).to.equal('cancelled');
        expect((await other).length).to.equal(1);
      });
    });

    it('are not judged: after a restart what waits for the rules has none of them', async () => {
      const logs = [{ level: 'info', message: 'wait', service: 'judged', timestamp: 1, tags: {} }] as const;
      const seq = await under.store.append({ protocol: 'spec', metrics: [], logs, traces: [span({ traceId: 'judged' })] });
      expect(await append([span({ traceId: 'alone' })])).to.equal(0);
      under = await under.reopen();
      const waiting = [];
      for await (const { telemetry, ...rest } of under.store.unjudged()) waiting.push({ seq: rest.seq, ...telemetry });
      expect(waiting.at(-1)).to.deep.equal({ seq, protocol: 'spec', metrics: [], logs });
      expect((await ask({ traceId: 'judged' })).length + (await ask({ traceId: 'alone' })).length).to.equal(2);
      expect(await under.store.append({ protocol: 'spec', metrics: [metric()], logs: [] })).to.equal(seq + 1);
    });
  });
}
