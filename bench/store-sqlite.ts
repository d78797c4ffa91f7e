/**
 * The store on SQLite beside better-sqlite3 alone, and beside VictoriaMetrics and InfluxDB where Debian has them: the same samples, one after the
 * other on the same machine. `node --expose-gc bench/store-sqlite.ts [samples]`, default 10⁷; five minutes.
 */
import { loadavg } from 'node:os';
import { stopServices } from '../spec/support/services.ts';
import { ArgosSqlite, within } from './argos-sqlite.ts';
import { bareSqlite } from './bare-sqlite.ts';
import { averageOf, type Contestant, HOUR_MS, hourOf, LANES, nameOf, SERIES, times } from './history.ts';
import { influxdb, victoriaMetrics } from './peers.ts';
import { machine, quantile, round, table } from './support.ts';

const TOTAL = Number(process.argv[2] ?? 10_000_000);
const ONE = 300;
const ALL = 5;
const COMMITS_MS = 10_000;
const HOUR = hourOf(TOTAL);
const MANY = `avg over 1 h of ${SERIES.toLocaleString('en')} series (3,600 samples each)`;

const ms = (sorted: readonly number[], digits = 2): string => `p50 ${round(quantile(sorted, 0.5), digits)} ms, p99 ${round(quantile(sorted, 0.99), digits)} ms`;
const seriesFor = (i: number): number => (i * 37) % SERIES;
const near = (got: number, wanted: number, what: string): void => {
  if (!(Math.abs(got - wanted) < 1e-9 * Math.abs(wanted))) throw new Error(`${what}: expected ${wanted}, got ${got}`);
};
let sum = 0;
for (let series = 0; series < SERIES; series++) sum += averageOf(series, HOUR, TOTAL);
const average = sum / SERIES;

interface Asked {
  readonly one: string;
  readonly all: string;
}
async function asked(of: Contestant): Promise<Asked> {
  const { fromMs, toMs } = HOUR;
  const one = await times(
    ONE,
    (i) => of.avgOfOne(seriesFor(i), fromMs, toMs),
    (got, i) => near(got, averageOf(seriesFor(i), HOUR, TOTAL), `${of.name}, ${nameOf(seriesFor(i))}`),
  );
  const all = await times(
    ALL,
    () => of.avgOfAll(fromMs, toMs),
    (got) => near(got, average, `${of.name}, all series`),
  );
  return { one: ms(one), all: ms(all, 0) };
}

interface Told extends Asked {
  readonly name: string;
  readonly filled: string;
  readonly bytes: string;
}
async function told(of: Contestant): Promise<Told> {
  const { perSecond, cpuMicros } = await of.fill(TOTAL);
  const answers = await asked(of);
  const bytes = `${round((await of.bytes()) / TOTAL)} bytes`;
  return { name: of.name, filled: `${Math.round(perSecond).toLocaleString('en')} samples/s, ${round(cpuMicros)} µs CPU each`, bytes, ...answers };
}
async function beside(of: Contestant | undefined, name: string): Promise<readonly Told[]> {
  if (!of) {
    console.log(`Debian has no ${name} here, or it cannot be fetched.\n`);
    return [];
  }
  const one = await told(of);
  await of.stop();
  return [one];
}

/** One after the other, for so long. */
async function commits(store: ArgosSqlite['store'], forMs: number): Promise<number[]> {
  const until = performance.now() + forMs;
  const taken: number[] = [];
  while (performance.now() < until) {
    const begun = performance.now();
    await store.commit([{ set: 'rule_state', rule: 'r', state: begun }]);
    taken.push(performance.now() - begun);
  }
  return taken.sort((a, b) => a - b);
}

const argos = new ArgosSqlite();
await argos.start();
const filled = await argos.fill(TOTAL);
const batches = argos.batchMs.sort((a, b) => a - b);
const raw = await asked(argos);
const alone = await commits(argos.store, COMMITS_MS);
let [over, heavy] = [false, 0];
const heavies = [1, 2].map(async () => {
  for (; !over; heavy++) await argos.store.aggregate({ fn: 'rate', ...HOUR, budgetMs: 60_000 });
});
const crowded = await commits(argos.store, COMMITS_MS);
over = true;
await Promise.all(heavies);
await argos.stop();
const { heaps } = argos.memory;

const inside = within(argos.file);
const oneInside = await times(ONE, (i) => inside.ask({ do: 'aggregate', query: { fn: 'avg', ...HOUR, name: { is: nameOf(seriesFor(i)) } } }));
const cpu = process.cpuUsage();
const allInside = await times(ALL, () => inside.ask({ do: 'aggregate', query: { fn: 'avg', ...HOUR } }));
const { user, system } = process.cpuUsage(cpu);
inside.close();
const rawBytes = (await argos.bytes()) / TOTAL;
const downMs = argos.downSample(HOUR.fromMs + 10 * HOUR_MS);
const rolledBytes = (await argos.bytes()) / TOTAL;
await argos.start();
const rolled = await asked(argos);
await argos.stop();

const bare = bareSqlite();
const besides = await told(bare);
const bareCommits = await times(1_000, (i) => bare.commit(i));
await bare.stop();

const total = TOTAL.toLocaleString('en');
console.log(
  `${machine()}, load ${round(loadavg()[0] ?? 0)}; ${total} samples in ${SERIES.toLocaleString('en')} series, batches of 10,000, ${LANES} under way\n`,
);
console.log(
  table(
    ['the store', 'figure', 'mark'],
    [
      ['insertion, until acknowledged', `${Math.round(filled.perSecond).toLocaleString('en')} samples/s`, '≥ 200,000'],
      ['CPU a sample: all threads · the one that writes', `${round(filled.cpuMicros)} µs · ${round(argos.writerMicros)} µs`, ''],
      ['a batch of 10,000, until it is acknowledged', ms(batches, 0), ''],
      ['avg over 1 h of one series, within the thread', ms(oneInside), '< 1 ms'],
      ['the same, as asked', raw.one, ''],
      ['the same, as asked, when it is down-sampled', rolled.one, '< 1 ms'],
      [`${MANY}, within the thread`, `${ms(allInside, 0)}, ${round((user + system) / 1_000 / ALL, 0)} ms CPU`, ''],
      ['the same, as asked', raw.all, ''],
      ['the same, as asked, when it is down-sampled', rolled.all, '< 200 ms'],
      ['down-sampling, a sample', `${round((downMs * 1_000) / TOTAL, 2)} µs CPU`, ''],
      ['on the disk, a sample, with what is down-sampled', `${round(rolledBytes)} bytes`, ''],
      [`a commit of one rule state (${alone.length} times); better-sqlite3 alone ${ms(bareCommits)}`, ms(alone), ''],
      [`the same (${crowded.length} times), beside two queries over 3,600,000 samples each (${heavy} times)`, ms(crowded), 'p99 < 20 ms'],
      [
        'heap of the thread that writes · that reads (V8, with what it holds outside), at the most',
        `${round(heaps.writer)} MB · ${round(heaps.reader)} MB`,
        '< 200 MB',
      ],
      ['both threads: growth of the process but for the main heap, at the most', `${round(argos.memory.grown)} MB`, '< 200 MB'],
    ],
  ),
);

const contestants: readonly Told[] = [
  {
    name: argos.name,
    filled: `${Math.round(filled.perSecond).toLocaleString('en')} samples/s, ${round(filled.cpuMicros)} µs CPU each`,
    bytes: `${round(rawBytes)} bytes`,
    ...raw,
  },
  besides,
  ...(await beside(await victoriaMetrics(), 'VictoriaMetrics')),
  ...(await beside(await influxdb(), 'InfluxDB')),
];

console.log();
console.log(
  table(
    ['what', ...contestants.map(({ name }) => name)],
    [
      ['insertion', ...contestants.map((one) => one.filled)],
      ['on the disk, a sample', ...contestants.map(({ bytes }) => bytes)],
      ['avg over 1 h of one series (3,600 samples)', ...contestants.map(({ one }) => one)],
      [MANY, ...contestants.map(({ all }) => all)],
    ],
  ),
);
stopServices();
process.exit(0);
