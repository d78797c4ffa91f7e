/** History as it ought to be answered: samples and logs in a list, asked naively; and arbitrary ones with arbitrary questions. */
import fc from 'fast-check';
import { LEVELS, type Log, type Metric, type Trace } from '../../actors/event.ts';
import type { AggregateQuery, Fn, Group, LogQuery, Match, MetricQuery, Where } from '../../actors/store/query/query.ts';

/** A sample with its place: series are numbered as they first came, and samples as they came. */
interface Placed {
  readonly metric: Metric;
  readonly series: number;
  readonly seq: number;
}

export class History {
  readonly #samples: Placed[] = [];
  readonly #logs: Log[] = [];
  readonly #series = new Map<string, number>();

  add(metrics: readonly Metric[], logs: readonly Log[]): void {
    for (const metric of metrics) {
      const key = JSON.stringify([metric.service, metric.name, Object.entries(metric.tags).sort()]);
      const series = this.#series.get(key) ?? this.#series.size;
      this.#series.set(key, series);
      this.#samples.push({ metric, series, seq: this.#samples.length });
    }
    this.#logs.push(...logs);
  }

  /** Without limit. */
  metrics(query: MetricQuery): Metric[] {
    const found = this.#found(query);
    if (query.latest) return [...bySeries(found)].map(([, samples]) => lastOf(samples).metric);
    return (query.order === 'oldest' ? found : found.toReversed()).map(({ metric }) => metric);
  }

  logs(query: LogQuery): Log[] {
    const found = this.#logs
      .filter((log) => fits(query, log) && (!query.levels || query.levels.includes(log.level)))
      .filter(({ message }) => query.text === undefined || message.toLowerCase().includes(query.text.toLowerCase()))
      .map((log, i) => ({ log, i }))
      .sort((a, b) => a.log.timestamp - b.log.timestamp || a.i - b.i)
      .map(({ log }) => log);
    return query.order === 'oldest' ? found : found.toReversed();
  }

  aggregate(query: AggregateQuery): Group[] {
    const found = this.#found(query);
    const [fromMs, toMs] = [Math.ceil(query.fromMs ?? found[0]?.metric.timestamp ?? 0), Math.floor(query.toMs ?? found.at(-1)?.metric.timestamp ?? 0)];
    const steps = query.fn === 'rate' ? stepsOf(found) : new Map<Placed, number>();
    const beginOf = (ts: number): number => (query.stepMs === undefined ? fromMs : Math.floor(ts / query.stepMs) * query.stepMs);
    const { by = [] } = query;
    const groups = Map.groupBy(found, ({ metric }) => by.map((label) => labelOf(metric, label)).join('\0'));
    return [...groups]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, members]) => {
        const labels = Object.fromEntries(key.split('\0').flatMap((word, i) => (by[i] === undefined ? [] : [[by[i], word]])));
        const buckets = Map.groupBy(members, ({ metric }) => beginOf(metric.timestamp));
        const points = [...buckets]
          .map(([begin, samples]): [number, number] => {
            const end = query.stepMs === undefined ? toMs + 1 : Math.min(begin + query.stepMs, toMs + 1);
            const seconds = (end - Math.max(begin, fromMs)) / 1_000;
            const values = samples.map(({ metric }) => metric.value);
            return [begin, query.fn === 'rate' ? rate(samples, steps, seconds) : computed(query.fn, values)];
          })
          .filter(([, value]) => !Number.isNaN(value))
          .sort(([a], [b]) => a - b);
        return { labels, points };
      })
      .filter(({ points }) => points.length > 0);
  }

  /** In the order of time, series and arrival. */
  #found(query: MetricQuery | AggregateQuery): Placed[] {
    return this.#samples
      .filter(({ metric }) => fits(query, metric) && (!query.name || matches(query.name, metric.name)))
      .sort((a, b) => a.metric.timestamp - b.metric.timestamp || a.series - b.series || a.seq - b.seq);
  }
}

const bySeries = (samples: readonly Placed[]): [number, Placed[]][] => [...Map.groupBy(samples, ({ series }) => series)].sort(([a], [b]) => a - b);
const lastOf = <T>(list: readonly T[]): T => list.at(-1) as T;

export function fits({ service, tags = {}, fromMs = Number.NEGATIVE_INFINITY, toMs = Number.POSITIVE_INFINITY }: Where, item: Metric | Log | Trace): boolean {
  if (item.timestamp < fromMs || item.timestamp > toMs || (service && !matches(service, item.service))) return false;
  return Object.entries(tags).every(([key, match]) => matches(match, tagOf(item, key)));
}

export function matches(match: Match, text: string): boolean {
  if ('not' in match) return !matches(match.not, text);
  if ('is' in match) return match.is === text;
  const pattern = 'matches' in match ? match.matches : match.like.split('*').map(escaped).join('.*');
  return new RegExp(`^(?:${pattern})$`, 's').test(text);
}
const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');

const tagOf = ({ tags }: Pick<Metric, 'tags'>, key: string): string => (Object.hasOwn(tags, key) ? (tags[key] ?? '') : '');
const labelOf = ({ service, name, tags }: Metric, label: string): string =>
  label === 'service' ? service : label === 'name' ? name : tagOf({ tags }, label.slice('tags.'.length));

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** `values` in the order of time. */
function computed(fn: Fn, values: readonly number[]): number {
  switch (fn) {
    case 'avg':
      return sum(values) / values.length;
    case 'sum':
      return sum(values);
    case 'count':
      return values.length;
    case 'min':
      return values.reduce((a, b) => Math.min(a, b));
    case 'max':
      return values.reduce((a, b) => Math.max(a, b));
    case 'first':
      return values[0] ?? Number.NaN;
    case 'last':
      return lastOf(values);
    default:
      return quantile(values, Number(fn.slice(1)) / 100);
  }
}

export const quantile = (values: readonly number[], q: number): number => values.toSorted((a, b) => a - b)[Math.floor(q * (values.length - 1))] ?? Number.NaN;

/** How far each sample has gone up from the one before of its series, which may lie in another bucket; after a reset, from 0. */
function stepsOf(all: readonly Placed[]): Map<Placed, number> {
  const steps = new Map<Placed, number>();
  for (const [, series] of bySeries(all))
    for (const [i, now] of series.slice(1).entries()) {
      const [after, before] = [now.metric.value, series[i]?.metric.value ?? 0];
      steps.set(now, after >= before ? after - before : after);
    }
  return steps;
}

function rate(samples: readonly Placed[], steps: ReadonlyMap<Placed, number>, seconds: number): number {
  const known = samples.map((sample) => steps.get(sample)).filter((step) => step !== undefined);
  return known.length === 0 ? Number.NaN : sum(known) / seconds;
}

/** Texts and times are few, so that they meet; values are eighths, so that sums are exact in any order. */
export const service = fc.constantFrom('api', 'api-2', 'web');
export const name = fc.constantFrom('cpu', 'cpu.user', 'mem');
export const tags = fc.record({ host: fc.constantFrom('a', 'b', 'ab'), zone: fc.constantFrom('x', 'y') }, { requiredKeys: [], noNullPrototype: true });
export const timestamp = fc.oneof(fc.integer({ min: -3_000, max: 12_000 }), fc.constantFrom(-1_000, 0, 1_000, 2_000));
const value = fc.integer({ min: -400, max: 4_000 }).map((n) => n / 8);
const words = fc.constantFrom('Disk full', 'disk FULL again', 'Straße', 'ÉTÉ', 'été 100%', 'a_b', "it's", '');

const spread = fc.array(fc.record({ service, name, tags, timestamp, value }), { maxLength: 120, size: 'max' });
/** Many of one series and of each instant, and a few of others. */
const crowded = fc.array(
  fc.record({
    service: fc.constant('api'),
    name: fc.constant('cpu'),
    tags: fc.oneof({ weight: 9, arbitrary: fc.constant({ host: 'a' }) }, { weight: 1, arbitrary: tags }),
    timestamp: fc.constantFrom(0, 1_000),
    value,
  }),
  { maxLength: 120, size: 'max' },
);
export const metrics = fc.oneof({ weight: 2, arbitrary: spread }, { weight: 1, arbitrary: crowded });
export const logs = fc.array(fc.record({ service, level: fc.constantFrom(...LEVELS), message: words, tags, timestamp }), { maxLength: 60, size: 'max' });

const matchOf = (...texts: readonly string[]): fc.Arbitrary<Match> =>
  fc.letrec<{ match: Match; simple: Match }>((tie) => ({
    match: fc.oneof({ weight: 4, arbitrary: tie('simple') }, { weight: 2, arbitrary: fc.record({ not: tie('match') }) }),
    simple: fc.oneof(
      fc.record({ is: fc.constantFrom(...texts, ...texts, 'none', '') }),
      fc.record({ like: fc.constantFrom('*', 'a*', '*b', 'c*u', '*p*', ...texts) }),
      fc.record({ matches: fc.constantFrom('[abx]', '.*', 'a|b', '(?:api|cpu).?.*', '', '.+') }),
    ),
  })).match;

/** Each key is there now and then, so that most questions have an answer. */
export const sometimes = <T extends object>(model: { readonly [K in keyof T]: fc.Arbitrary<T[K]> }, oneIn: number): fc.Arbitrary<Partial<T>> => {
  const options = Object.entries<fc.Arbitrary<unknown>>(model).map(([key, arbitrary]) =>
    fc.oneof({ weight: oneIn - 1, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: arbitrary.map((one) => [[key, one]]) }),
  );
  return fc.tuple(...options).map((keys) => Object.fromEntries(keys.flat()) as Partial<T>);
};

export const range = fc.tuple(timestamp, timestamp, fc.integer({ min: 0, max: 9 })).map(([a, b, way]) => ({
  ...(way > 2 && { fromMs: way === 9 ? Math.max(a, b) : Math.min(a, b) + (way % 2) / 2 }),
  ...(way > 5 && { toMs: way === 9 ? Math.min(a, b) : Math.max(a, b) + (way % 2) / 2 }),
}));
const taggedBy = sometimes({ host: matchOf('a', 'ab'), zone: matchOf('x'), constructor: fc.constant({ is: '' }) }, 3);
export const metricsWhere = sometimes({ service: matchOf('api', 'web'), name: matchOf('cpu', 'mem'), tags: taggedBy }, 4);
const logsWhere = sometimes({ service: matchOf('api', 'web'), tags: taggedBy }, 4);
export const paged = sometimes(
  {
    limit: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 16, max: 24 }), fc.integer({ min: 6, max: 60 })),
    order: fc.constantFrom('newest', 'oldest'),
  },
  2,
);
export const both = <A, B>(a: fc.Arbitrary<A>, b: fc.Arbitrary<B>): fc.Arbitrary<A & B> => fc.tuple(a, b).map(([x, y]) => ({ ...x, ...y }));

export const metricQuery: fc.Arbitrary<MetricQuery> = both(both(metricsWhere, range), both(paged, sometimes({ latest: fc.constant(true) }, 4)));
const lines = sometimes({ levels: fc.subarray([...LEVELS]), text: fc.constantFrom('disk', 'FULL', 'é', 'STRASSE', 'straß', '%', '_', "'", '') }, 4);
export const logQuery: fc.Arbitrary<LogQuery> = both(both(logsWhere, range), both(paged, lines));

const fn = fc.constantFrom<Fn>('avg', 'sum', 'min', 'max', 'count', 'rate', 'first', 'last', 'p50', 'p90', 'p99', 'p0', 'p100', 'p99.9');
const by = fc.subarray(['service', 'name', 'tags.host', 'tags.zone', 'tags.constructor']);
const folded = sometimes({ by, stepMs: fc.constantFrom(1, 7, 1_000, 60_000, 1e12) }, 2);
export const aggregateQuery: fc.Arbitrary<AggregateQuery> = both(both(metricsWhere, range), both(folded, fc.record({ fn })));
