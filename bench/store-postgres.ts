/**
 * The store on PostgreSQL: samples by COPY until so many are there, down-sampling, then queries, then commits beside heavy queries. The server is Debian's,
 * with its own settings (fsync, synchronous_commit), on the same machine. `node bench/store-postgres.ts [samples]`, default 10⁷; three minutes.
 */
import type { Query } from '../actors/store/query/query.ts';
import type { Columns } from '../actors/store/query/columns.ts';
import { engine } from '../actors/store/postgres/engine.ts';
import { Rollups } from '../actors/store/postgres/rollups.ts';
import { Session } from '../actors/store/postgres/session.ts';
import type { Rows, Statement } from '../actors/store/query/program.ts';
import { HOUR_MS, MINUTE_MS } from '../actors/store/query/rollup.ts';
import { Thread } from '../actors/store/thread.ts';
import type { Boot, Work } from '../actors/store/work.ts';
import { startPostgres, stopServices, tempFolder } from '../spec/support/services.ts';

const TOTAL = Number(process.argv[2] ?? 10_000_000);
const SERIES = 1_000;
const BATCH = 10_000;
/** Batches under way. */
const LANES = 4;
/** Between two samples of a series. */
const STEP_MS = 1_000;
const MOST_MS = 10_000;

const { url } = await startPostgres([]);
const data = { urls: [url], schema: undefined, node: 'bench', durability: 'power', file: tempFolder() };
const thread = (name: string): Promise<Thread> =>
  Thread.start(new URL(`../actors/store/postgres/${name}.ts`, import.meta.url), data, new AbortController().signal);
const writer = await thread('writer');
const reader = await thread('reader');
await writer.ask<Boot>({ do: 'boot' });

const quantile = (sorted: readonly number[], q: number): string => (sorted[Math.floor(q * (sorted.length - 1))] ?? Number.NaN).toFixed(2);
const told = (what: string, ms: number[]): void => {
  const sorted = ms.toSorted((a, b) => a - b);
  console.log(`${what.padEnd(58)} p50 ${quantile(sorted, 0.5)} ms, p99 ${quantile(sorted, 0.99)} ms, ${sorted.length} times`);
};

const series = Array.from({ length: SERIES }, (_, i) => ({ id: i + 1, service: 'bench', name: `m${i}`, tags: '{}' }));
/** From the next hour on, since what is older than a minute when it comes is late; and not at its beginning, so that no range is of whole minutes. */
const beginMs = Math.ceil(Date.now() / HOUR_MS) * HOUR_MS + 30_500;
let [sent, seq] = [0, 0];
function columns(): Columns {
  const of = { series: new Uint32Array(BATCH), ts: new Float64Array(BATCH), value: new Float64Array(BATCH) };
  for (let i = 0; i < BATCH; i++) {
    const n = sent + i;
    of.series[i] = (n % SERIES) + 1;
    of.ts[i] = beginMs + Math.floor(n / SERIES) * STEP_MS;
    of.value[i] = 20 + (((n + 1) * 48_271) % 100_003) / 1_000;
  }
  sent += BATCH;
  return of;
}
const post = (work: Work, judged?: number): Promise<void> =>
  new Promise((resolve, reject) => writer.post(work, judged, ({ error }) => (error ? reject(new Error(error.message)) : resolve())));
const append = (): Promise<void> =>
  post(
    { do: 'append', batch: { seq: ++seq, atMs: Date.now(), protocol: 'bench', series: sent === 0 ? series : [], columns: columns(), logs: '[]' } },
    Math.max(0, seq - 20),
  );

const session = await Session.open({ urls: [url], schema: undefined, application: 'bench' });
const rollups = await Rollups.of(session);
await rollups.roll(beginMs, async () => {});

const since = performance.now();
const batches: number[] = [];
async function lane(): Promise<void> {
  while (sent < TOTAL) {
    const begun = performance.now();
    await append();
    batches.push(performance.now() - begun);
  }
}
await append();
await Promise.all(Array.from({ length: LANES }, lane));
const rate = (ms: number): string => `${Math.round(sent / (ms / 1_000)).toLocaleString('en')} samples/s`;
console.log(`${sent.toLocaleString('en')} samples in batches of ${BATCH}, ${LANES} under way: ${rate(performance.now() - since)}`);
told('a batch, until it is acknowledged', batches);

const toMs = beginMs + (TOTAL / SERIES) * STEP_MS - 1;
const rolling = performance.now();
await rollups.roll(toMs + 3 * MINUTE_MS, async () => {}); // as three minutes later
console.log(`rolled up, all at once: ${rate(performance.now() - rolling)}`);
await session.run('VACUUM ANALYZE points'); // as the server does by itself within minutes
await session.run('VACUUM ANALYZE rollups');

const fromMs = toMs - 3_600 * STEP_MS + 1;
const wanted = { fn: 'avg', fromMs, toMs, baseMs: fromMs, stepMs: toMs - fromMs + 1 } as const;
/** ms that the server says it has planned and worked. */
async function explained({ sql, params }: Statement): Promise<number> {
  const [row] = await session.table({ sql: `EXPLAIN (ANALYZE, FORMAT JSON) ${sql}`, params });
  const plans = row?.[0] as unknown as readonly { readonly 'Planning Time': number; readonly 'Execution Time': number }[] | undefined;
  return plans?.[0] ? plans[0]['Planning Time'] + plans[0]['Execution Time'] : Number.NaN;
}
const server: number[] = [];
for (let i = 0; i < 200; i++) {
  const program = engine.source.parts([((i * 37) % SERIES) + 1], wanted, () => {});
  let ms = 0;
  for (let rows: Rows = []; ; ) {
    const { done, value } = program.next(rows);
    if (done) break;
    if (value) ms += await explained(value);
    rows = value ? await session.table(value) : [];
  }
  server.push(ms);
}
told('avg of 3,600 samples of one series, within the server', server);

async function timed(what: string, times: number, query: (i: number) => Query): Promise<void> {
  const ms: number[] = [];
  for (let i = 0; i < times; i++) {
    const begun = performance.now();
    await reader.ask(query(i));
    ms.push(performance.now() - begun);
  }
  told(what, ms);
}
const one = (i: number): object => ({ name: { is: `m${(i * 37) % SERIES}` } });
await timed('avg of 3,600 samples of one series', 200, (i) => ({ do: 'aggregate', query: { fn: 'avg', fromMs, toMs, ...one(i) } }));
await timed('avg of 3,600 samples of each of 1,000 series', 20, () => ({ do: 'aggregate', query: { fn: 'avg', fromMs, toMs } }));
await timed('the same by the minute', 10, () => ({ do: 'aggregate', query: { fn: 'avg', fromMs, toMs, stepMs: MINUTE_MS } }));
await timed('p99 of the same', 10, () => ({ do: 'aggregate', query: { fn: 'p99', fromMs, toMs } }));
await timed('rate of the same', 10, () => ({ do: 'aggregate', query: { fn: 'rate', fromMs, toMs } }));
await timed('avg by 90 s, which no rows fit: 3,600,000 samples', 3, () => ({ do: 'aggregate', query: { fn: 'avg', fromMs, toMs, stepMs: 90_000 } }));
await timed('the last sample of each of 1,000 series', 5, () => ({ do: 'metrics', query: { latest: true } }));
await timed('the newest 1,000 samples of all', 5, () => ({ do: 'metrics', query: { limit: 1_000 } }));

const commits: number[] = [];
let over = false;
const heavy = Promise.all(
  [1, 2].map(async () => {
    while (!over) await reader.ask({ do: 'aggregate', query: { fn: 'rate', fromMs, toMs, stepMs: 90_000 } } satisfies Query);
  }),
);
for (const until = performance.now() + MOST_MS; performance.now() < until; ) {
  const begun = performance.now();
  await post({ do: 'commit', changes: [{ set: 'rule_state', rule: 'r', state: begun }] });
  commits.push(performance.now() - begun);
}
over = true;
told('a commit, beside two queries over 3,600,000 samples each', commits);
await heavy;
stopServices();
process.exit(0);
