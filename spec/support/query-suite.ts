/** What queries answer, whatever the engine: each engine's spec runs it over a store of its own. */
import { expect } from 'chai';
import fc from 'fast-check';
import type { Metric } from '../../actors/event.ts';
import type { Group, Match } from '../../actors/store/query/query.ts';
import type { Page } from '../../actors/store/query/query.ts';
import { type Store, StoreError } from '../../actors/store/store.ts';
import { Root } from './actors.ts';
import { aggregateQuery, History, logQuery, logs, metricQuery, metrics } from './history.ts';

const NUM_RUNS = process.env.ARGOS_LONG ? 300 : 60;
const RUN = 'run';

export const metric = (more: Partial<Metric> = {}): Metric => ({ name: 'm', service: 's', value: 1, timestamp: 1_000, tags: {}, ...more });

/** What it rejects with. */
export const failure = (promise: Promise<unknown>): Promise<StoreError> =>
  promise.then(
    (value) => expect.fail(`it was answered: ${JSON.stringify(value).slice(0, 100)}`),
    (error: unknown) => (error instanceof StoreError ? error : Promise.reject(error)),
  );

export const append = (store: Store, given: readonly Metric[]): Promise<number> => store.append({ protocol: 'spec', metrics: given, logs: [] });

/** All pages, one after the other; each is full but the last. */
export async function walked<T>(limit: number, pageAt: (at: { readonly cursor?: string }) => Promise<Page<T>>): Promise<T[]> {
  const items: T[] = [];
  for (let at: { readonly cursor?: string } = {}; ; ) {
    const page = await pageAt(at);
    items.push(...page.items);
    if (page.next === undefined) return items;
    expect(page.items.length).to.equal(limit);
    at = { cursor: page.next };
  }
}

/** Quantiles are right within 1 %, everything else to the last digits. */
function expectAlike(got: readonly Group[], wanted: readonly Group[], tolerance: number): void {
  expect(got.map(({ labels, points }) => [labels, points.map(([ts]) => ts)])).to.deep.equal(
    wanted.map(({ labels, points }) => [labels, points.map(([ts]) => ts)]),
  );
  for (const [i, { points }] of got.entries())
    for (const [j, [, value]] of points.entries()) {
      const right = wanted[i]?.points[j]?.[1] ?? Number.NaN;
      expect(Math.abs(value - right), `${value} instead of ${right}`).to.be.at.most(Math.abs(right) * tolerance);
    }
}

/** @param open a store that nobody else uses; it ends with the root. */
export function itAnswersQueries(open: (root: Root) => Promise<Store>): void {
  let root: Root;
  let store: Store;
  let runs = 0;
  before(async () => {
    root = new Root();
    store = await open(root);
  });
  after(() => root.end());

  /** Each run sees its own: all that it writes and asks has its number as a tag. */
  function aRun(): { readonly tag: Readonly<Record<string, string>>; readonly mine: Readonly<Record<string, Match>> } {
    const run = String(++runs);
    return { tag: { [RUN]: run }, mine: { [RUN]: { is: run } } };
  }

  it('gives the samples that are asked for, in order, page after page', async () => {
    await fc.assert(
      fc.asyncProperty(metrics, fc.array(metricQuery, { minLength: 1, maxLength: 8 }), async (given, queries) => {
        const { tag, mine } = aRun();
        const own = given.map((one) => ({ ...one, tags: { ...one.tags, ...tag } }));
        const history = new History();
        history.add(own, []);
        for (let i = 0; i < own.length; i += 50) await append(store, own.slice(i, i + 50));
        for (const query of queries) {
          const asked = { ...query, tags: { ...query.tags, ...mine } };
          const got = await walked(query.limit ?? 1_000, (at) => store.metrics({ ...asked, ...at }));
          expect(got).to.deep.equal(history.metrics(asked));
        }
      }),
      { numRuns: NUM_RUNS },
    );
  });

  it('gives the logs that are asked for, in order, page after page', async () => {
    await fc.assert(
      fc.asyncProperty(logs, fc.array(logQuery, { minLength: 1, maxLength: 8 }), async (given, queries) => {
        const { tag, mine } = aRun();
        const own = given.map((one) => ({ ...one, tags: { ...one.tags, ...tag } }));
        const history = new History();
        history.add([], own);
        await store.append({ protocol: 'spec', metrics: [], logs: own });
        for (const query of queries) {
          const asked = { ...query, tags: { ...query.tags, ...mine } };
          const got = await walked(query.limit ?? 1_000, (at) => store.logs({ ...asked, ...at }));
          expect(got).to.deep.equal(history.logs(asked));
        }
      }),
      { numRuns: NUM_RUNS },
    );
  });

  it('aggregates by group and bucket: exactly, and quantiles within 1 %', async () => {
    await fc.assert(
      fc.asyncProperty(metrics, fc.array(aggregateQuery, { minLength: 1, maxLength: 12 }), async (given, queries) => {
        const { tag, mine } = aRun();
        const own = given.map((one) => ({ ...one, tags: { ...one.tags, ...tag } }));
        const history = new History();
        history.add(own, []);
        await append(store, own);
        for (const query of queries) {
          const asked = { ...query, tags: { ...query.tags, ...mine } };
          expectAlike(await store.aggregate(asked), history.aggregate(asked), query.fn.startsWith('p') ? 0.010_001 : 1e-12);
        }
      }),
      { numRuns: NUM_RUNS },
    );
  });

  describe('over 130,000 samples', () => {
    const DENSE = 120_000;
    const history = new History();
    const dense = { name: { is: 'dense' } };
    before(async () => {
      const all = Array.from({ length: DENSE }, (_, i) => metric({ name: 'dense', timestamp: 50 * Math.floor(i / 2), value: (i * 7_919) % 1_000 }));
      all.push(...Array.from({ length: 10_000 }, (_, i) => metric({ name: 'sparse', timestamp: 600 * i, value: i % 10, tags: { n: String(i % 5) } })));
      history.add(all, []);
      for (let i = 0; i < all.length; i += 20_000) await append(store, all.slice(i, i + 20_000));
    });

    it('pages through them all', async () => {
      const query = { service: { is: 's' }, name: { matches: 'dense|sparse' }, limit: 40_000 } as const;
      const got = await walked(query.limit, (at) => store.metrics({ ...query, ...at }));
      expect(got.length).to.equal(DENSE + 10_000);
      expect(got.map(({ value }) => value)).to.deep.equal(history.metrics(query).map(({ value }) => value));
    });

    it('aggregates them all', async () => {
      for (const fn of ['avg', 'rate', 'last', 'p95'] as const)
        for (const stepMs of [undefined, 7_000]) {
          const query = { fn, name: { matches: 'dense|sparse' }, by: ['name'], ...(stepMs && { stepMs }) };
          expectAlike(await store.aggregate(query), history.aggregate(query), fn === 'p95' ? 0.010_001 : 1e-9);
        }
    });

    it('streams them page after page, and no further than is asked for', async () => {
      const values: number[] = [];
      for await (const { value } of store.eachMetric({ ...dense, order: 'oldest', limit: 100 })) if (values.push(value) === 250) break;
      expect(values).to.deep.equal(
        history
          .metrics({ ...dense, order: 'oldest' })
          .slice(0, 250)
          .map(({ value }) => value),
      );
    });

    it('refuses more buckets than it can answer, and says what to narrow', async () => {
      const { code, message } = await failure(store.aggregate({ ...dense, fn: 'p50', stepMs: 1 }));
      expect([code, message]).to.deep.equal(['too_much', 'the answer has more than 10,000 buckets: ask for a longer step, a shorter range or fewer groups']);
    });

    it('gives a query up that takes longer than its budget', async () => {
      const { code, message } = await failure(store.aggregate({ ...dense, fn: 'p50', budgetMs: 1 }));
      expect(code).to.equal('timeout');
      expect(message).to.match(/^the query took longer than 1 ms: narrow /);
    });

    it('gives a query up as soon as nobody waits for it, and answers the others', async () => {
      const [before, within] = [AbortSignal.abort(), new AbortController()];
      expect((await failure(store.aggregate({ ...dense, fn: 'p50' }, before))).code).to.equal('cancelled');
      const cancelled = failure(store.aggregate({ ...dense, fn: 'p50' }, within.signal));
      const other = store.aggregate({ ...dense, fn: 'count' });
      within.abort();
      expect((await cancelled).code).to.equal('cancelled');
      expect((await other)[0]?.points[0]?.[1]).to.equal(DENSE);
    });
  });

  it('pages through one instant in the order of its series, however many samples one of them has', async () => {
    const { tag, mine } = aRun();
    const few = (name: string): Metric[] => Array.from({ length: 5 }, (_, i) => metric({ name: `${name}${i}`, tags: tag }));
    const all = [...few('before'), ...Array.from({ length: 60 }, (_, value) => metric({ name: 'many', value, tags: tag })), ...few('behind')];
    await append(store, all);
    for (const order of ['oldest', 'newest'] as const) {
      const got = await walked(20, (at) => store.metrics({ tags: mine, order, limit: 20, ...at }));
      expect(got).to.deep.equal(order === 'oldest' ? all : all.toReversed());
    }
  });

  it('finds a series that was stored after one with a greater number', async () => {
    const { tag, mine } = aRun();
    const [late, early] = ['late', 'early'].map((name) => metric({ name, tags: tag }));
    if (!late || !early) return;
    await failure(append(store, [late, metric({ value: Number.NaN, tags: tag })])); // NaN is NULL to a database
    await append(store, [early]);
    expect((await store.metrics({ tags: mine })).items).to.deep.equal([early]);
    await append(store, [late]);
    expect((await store.metrics({ tags: mine, order: 'oldest' })).items).to.have.deep.members([early, late]);
  });

  it('goes on from a cursor when the range has moved on', async () => {
    const { tag, mine } = aRun();
    await append(
      store,
      [1, 2, 3, 4, 5].map((i) => metric({ timestamp: i * 1_000, value: i, tags: tag })),
    );
    const values = async (query: object): Promise<readonly number[]> => (await store.metrics({ tags: mine, ...query })).items.map(({ value }) => value);
    const { next = '' } = await store.metrics({ tags: mine, fromMs: 1_000, toMs: 4_000, limit: 2 });
    expect(await values({ cursor: next, fromMs: 2_000, toMs: 5_000 })).to.deep.equal([2]);
    expect(await values({ cursor: next, toMs: 1_500 })).to.deep.equal([1]);

    const lines = [1, 2, 3, 4, 5].map((i) => ({ service: 's', level: 'info', message: String(i), timestamp: i * 1_000, tags: tag }) as const);
    await store.append({ protocol: 'spec', metrics: [], logs: lines });
    const texts = async (query: object): Promise<readonly string[]> => (await store.logs({ tags: mine, ...query })).items.map(({ message }) => message);
    const after = (await store.logs({ tags: mine, fromMs: 1_000, toMs: 4_000, limit: 2 })).next;
    expect(await texts({ cursor: after, fromMs: 2_000, toMs: 5_000 })).to.deep.equal(['2']);
    expect(await texts({ cursor: after, toMs: 1_500 })).to.deep.equal(['1']);
  });

  it('names what it cannot take', async () => {
    const cursor = (await store.metrics({ name: { is: 'dense' }, limit: 1 })).next ?? '';
    const metrics: readonly [query: object, message: RegExp][] = [
      [{ name: { matches: '(' } }, /^matches: expected a pattern in RE2 syntax \(.+\), got "\("$/],
      [{ tags: { a: { matches: 'a'.repeat(1_001) } } }, /^matches: expected a pattern of at most 1,000 characters, got "aaa/],
      [{ service: 'api' }, /^expected a matcher: .+, got "api"$/],
      [{ service: { is: 'a', like: 'b' } }, /^expected a matcher: /],
      [{ service: { not: { is: 7 } } }, /^expected a matcher: .+, got \{"is":7\}$/],
      [{ limit: 0 }, /^limit: expected a whole number from 1 to 100000, got 0$/],
      [{ limit: 100_001 }, /^limit: /],
      [{ budgetMs: Number.NaN }, /^budgetMs: expected a whole number from 1 to 600000, got null$/],
      [{ fromMs: Number.NaN }, /^fromMs: expected milliseconds since 1970/],
      [{ order: 'random' }, /^order: expected `newest` or `oldest`, got "random"$/],
      [{ cursor: 'x' }, /^cursor: expected the `next` of an answer to this same query, got "x"$/],
      [{ cursor, name: { is: 'sparse' } }, /^cursor: /],
      [{ cursor, name: { is: 'dense' }, latest: true }, /^cursor: /],
    ];
    for (const [query, message] of metrics) expect((await failure(store.metrics(query))).message).to.match(message);
    const aggregates: readonly [query: object, message: RegExp][] = [
      [{ fn: 'median' }, /^fn: expected one of avg, sum, .+, or p0 … p100, got "median"$/],
      [{ fn: 'p101' }, /^fn: /],
      [{ fn: 'avg', stepMs: 0 }, /^stepMs: expected a whole number from 1 /],
      [{ fn: 'avg', stepMs: 1.5 }, /^stepMs: /],
      [{ fn: 'avg', by: ['host'] }, /^by: expected `service`, `name` or `tags.` and the name of a tag, got "host"$/],
    ];
    for (const [query, message] of aggregates) expect((await failure(store.aggregate(query as never))).message).to.match(message);
    const lines: readonly [query: object, message: RegExp][] = [
      [{ levels: ['loud'] }, /^levels: expected some of debug, info, warn, error, fatal, got "loud"$/],
      [{ text: 7 }, /^text: expected a text, got 7$/],
      [{ cursor }, /^cursor: /],
    ];
    for (const [query, message] of lines) {
      const { code, message: said } = await failure(store.logs(query));
      expect([code, said]).to.satisfy(([a, b]: [string, string]) => a === 'refused' && message.test(b), said);
    }
  });
}
