/**
 * The store on PostgreSQL: samples by COPY until so many are there, then queries, then commits beside heavy queries. The server is Debian's, with its
 * own settings (fsync, synchronous_commit), on the same machine. `node bench/store-postgres.ts [samples]`, default 10⁷; a minute.
 */
import { Thread } from '../actors/store/thread.ts';
import type { Boot, Columns, Query, Work } from '../actors/store/work.ts';
import { Session } from '../actors/store/postgres/session.ts';
import { startPostgres, stopServices, tempFolder } from '../spec/support/services.ts';

const TOTAL = Number(process.argv[2] ?? 10_000_000);
const SERIES = 1_000;
const BATCH = 10_000;
/** Batches under way. */
const LANES = 4;
/** Between two samples of a series: all are of now, as devices send them. */
const STEP_MS = 5;
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
const beginMs = Date.now();
let [sent, seq] = [0, 0];
function columns(): Columns {
  const of = { series: new Uint32Array(BATCH), ts: new Float64Array(BATCH), value: new Float64Array(BATCH) };
  for (let i = 0; i < BATCH; i++) {
    of.series[i] = (i % SERIES) + 1;
    of.ts[i] = beginMs + Math.floor((sent + i) / SERIES) * STEP_MS;
    of.value[i] = 20 + ((i * 7 + sent) % 1_000) / 10;
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
console.log(
  `${sent.toLocaleString('en')} samples in batches of ${BATCH}, ${LANES} under way: ${Math.round(sent / ((performance.now() - since) / 1_000)).toLocaleString('en')} samples/s`,
);
told('a batch, until it is acknowledged', batches);

const session = await Session.open({ urls: [url], schema: undefined, application: 'bench' });
await session.run('VACUUM ANALYZE points'); // as the server does by itself within minutes
const [toMs, fromMs] = [beginMs + (TOTAL / SERIES) * STEP_MS, beginMs + (TOTAL / SERIES) * STEP_MS - 3_600 * STEP_MS];
const server: number[] = [];
for (let i = 0; i < 200; i++) {
  const [row] = (
    await session.run(
      `EXPLAIN (ANALYZE, FORMAT JSON) SELECT avg(value) FROM points WHERE series_id = ${(i * 37) % SERIES} AND ts BETWEEN ${fromMs} AND ${toMs}`,
    )
  ).rows;
  const plans = (row?.['QUERY PLAN'] ?? []) as readonly { readonly 'Execution Time': number }[];
  server.push(plans[0]?.['Execution Time'] ?? Number.NaN);
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
await timed('avg of 360 samples of each of 1,000 series', 5, () => ({ do: 'aggregate', query: { fn: 'avg', fromMs: toMs - 360 * STEP_MS, toMs } }));
await timed('avg of 3,600 samples of each of 1,000 series', 3, () => ({ do: 'aggregate', query: { fn: 'avg', fromMs, toMs } }));
await timed('the last sample of each of 1,000 series', 5, () => ({ do: 'metrics', query: { latest: true } }));
await timed('the newest 1,000 samples of all', 5, () => ({ do: 'metrics', query: { limit: 1_000 } }));

const commits: number[] = [];
let over = false;
const heavy = Promise.all(
  [1, 2].map(async () => {
    while (!over) await reader.ask({ do: 'aggregate', query: { fn: 'rate', fromMs, toMs } } satisfies Query);
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
