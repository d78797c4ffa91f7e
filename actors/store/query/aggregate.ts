/** Aggregations: parts of series and buckets, put together by group. */
import type { Emit, Engine, Wanted } from './engine.ts';
import { Partial } from './partial.ts';
import { type Aggregation, aggregationOf, type Span } from './plan.ts';
import { type Program, QueryError } from './program.ts';
import type { AggregateQuery } from './query.ts';
import { labelOf, type Selected, type Selection } from './selection.ts';

const MOST_BUCKETS = 100_000;
/** A distribution takes some kilobytes, so those of one group are put together before the next group's. */
const MOST_DISTRIBUTIONS = 10_000;

/** A group on its way: in columns, since it crosses between threads. */
export interface GroupColumns {
  readonly labels: Readonly<Record<string, string>>;
  /** Begin of each bucket, ms since 1970. */
  readonly ts: Float64Array<ArrayBuffer>;
  readonly value: Float64Array<ArrayBuffer>;
}

/** @throws QueryError `refused`, `too_much`. */
export function* aggregated(query: AggregateQuery, engine: Engine, selection: Selection): Program<readonly GroupColumns[]> {
  const plan = aggregationOf(query);
  const chosen = yield* selection.select(query);
  const span = yield* closed(plan, engine, chosen);
  if (!span) return [];
  const wanted = wantedOf(plan, span);
  const groups = grouped(chosen, plan.by);
  const answer = new Answer(wanted);
  const distributions = plan.fn.startsWith('p');
  for (const batch of distributions ? groups.map((group) => [group]) : [groups]) {
    const fold = new Fold(distributions ? MOST_DISTRIBUTIONS : MOST_BUCKETS);
    for (const group of batch) fold.expect(group);
    const series = batch.flatMap(({ members }) => members).sort((a, b) => a - b);
    yield* engine.source.parts(series, wanted, fold.emit);
    fold.end();
    for (const group of batch) answer.add(group);
  }
  return answer.groups;
}

/** Ends of the range that are left open, where it matters: at the first and the last sample. @returns nothing when there is none. */
function* closed({ span, open, fn, stepMs }: Aggregation, engine: Engine, chosen: readonly Selected[]): Program<Span | undefined> {
  if (span.fromMs > span.toMs) return undefined;
  const needed = (open.from && (stepMs === undefined || fn === 'rate')) || (open.to && fn === 'rate');
  if (!needed) return span;
  let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < chosen.length; i += engine.atOnce) {
    const ids = chosen.slice(i, i + engine.atOnce).map(({ id }) => id);
    const [row] = yield engine.extent(ids, span);
    if (typeof row?.[0] === 'number' && row[0] < first) first = row[0];
    if (typeof row?.[1] === 'number' && row[1] > last) last = row[1];
  }
  return last < first ? undefined : { fromMs: open.from ? first : span.fromMs, toMs: open.to ? last : span.toMs };
}

function wantedOf({ fn, stepMs }: Aggregation, span: Span): Wanted {
  if (stepMs === undefined) return { ...span, fn, baseMs: span.fromMs, stepMs: span.toMs - span.fromMs + 1 };
  return { ...span, fn, baseMs: Math.floor(span.fromMs / stepMs) * stepMs, stepMs };
}

interface Grouped {
  readonly labels: Readonly<Record<string, string>>;
  readonly members: number[];
  readonly buckets: Map<number, Partial>;
}

/** In the order of their labels. */
function grouped(chosen: readonly Selected[], by: readonly string[]): readonly Grouped[] {
  const groups = new Map<string, Grouped>();
  for (const series of chosen) {
    const labels = Object.fromEntries(by.map((label) => [label, wordOf(series, label)]));
    const key = JSON.stringify(labels);
    const there: Grouped = groups.get(key) ?? { labels, members: [], buckets: new Map() };
    groups.set(key, there);
    there.members.push(series.id);
  }
  return [...groups.values()].sort(({ labels: a }, { labels: b }) => {
    const first = by.find((label) => a[label] !== b[label]);
    return first === undefined ? 0 : (a[first] ?? '') < (b[first] ?? '') ? -1 : 1;
  });
}

function wordOf(series: Selected, label: string): string {
  return label === 'service' || label === 'name' ? series[label] : labelOf(series, label.slice('tags.'.length));
}

/** Puts parts into the buckets of their groups. One series comes after the other, and each from its first bucket on. */
class Fold {
  readonly #bucketsOf = new Map<number, Map<number, Partial>>();
  readonly #most: number;
  #count = 0;
  #series = Number.NaN;
  #bucket = Number.NaN;
  #part = new Partial();

  constructor(most: number) {
    this.#most = most;
  }

  expect({ members, buckets }: Grouped): void {
    for (const series of members) this.#bucketsOf.set(series, buckets);
  }

  readonly emit: Emit = (series, bucket, part) => {
    if (series === this.#series && bucket === this.#bucket) {
      this.#part.append(part);
      return;
    }
    if (series === this.#series) part.follow(this.#part.last);
    this.end();
    [this.#series, this.#bucket, this.#part] = [series, bucket, part];
  };

  /** What has come last is complete. */
  end(): void {
    if (this.#part.count === 0) return;
    const buckets = this.#bucketsOf.get(this.#series);
    const there = buckets?.get(this.#bucket);
    if (there) there.join(this.#part);
    else if (++this.#count > this.#most) throw tooMuch(this.#most);
    else buckets?.set(this.#bucket, this.#part);
    this.#part = new Partial();
  }
}

const tooMuch = (most: number): QueryError =>
  new QueryError('too_much', `the answer has more than ${most.toLocaleString('en')} buckets: ask for a longer step, a shorter range or fewer groups`);

class Answer {
  readonly groups: GroupColumns[] = [];
  readonly #wanted: Wanted;
  #count = 0;

  constructor(wanted: Wanted) {
    this.#wanted = wanted;
  }

  add({ labels, buckets }: Grouped): void {
    const points = [...buckets]
      .map(([bucket, part]) => [bucket, part.value(this.#wanted.fn, this.#seconds(bucket))] as const)
      .filter(([, value]) => !Number.isNaN(value));
    buckets.clear();
    if (points.length === 0) return;
    this.#count += points.length;
    if (this.#count > MOST_BUCKETS) throw tooMuch(MOST_BUCKETS);
    points.sort(([a], [b]) => a - b);
    const { baseMs, stepMs } = this.#wanted;
    this.groups.push({ labels, ts: Float64Array.from(points, ([bucket]) => baseMs + bucket * stepMs), value: Float64Array.from(points, ([, value]) => value) });
  }

  /** How much of a bucket lies in the range. */
  #seconds(bucket: number): number {
    const { fromMs, toMs, baseMs, stepMs } = this.#wanted;
    const begin = baseMs + bucket * stepMs;
    return (Math.min(begin + stepMs, toMs + 1) - Math.max(begin, fromMs)) / 1_000;
  }
}
