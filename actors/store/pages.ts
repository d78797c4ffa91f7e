/** What the thread that reads has answered, as its users get it: made of columns here, since objects cross between threads slowly. */
import type { Level, Log, Metric, SpanStatus, Trace } from '../event.ts';
import type { GroupColumns } from './query/aggregate.ts';
import type { LinePage } from './query/lines.ts';
import type { Cell } from './query/program.ts';
import type { Group, Page, Cancel } from './query/query.ts';
import type { SamplePage } from './query/samples.ts';

type Tags = Readonly<Record<string, string>>;
const tagsOf = (json: Cell | undefined): Tags => JSON.parse(String(json)) as Tags;
const next = ({ next }: { readonly next?: string }): { readonly next?: string } => (next === undefined ? {} : { next });

/** Samples of one series share its tags. */
export function metricsOf(page: SamplePage): Page<Metric> {
  const identities = page.series.map(({ service, name, tags }) => ({ service, name, tags: tagsOf(tags) }));
  const { series, ts, value } = page.columns;
  const items: Metric[] = [];
  for (const [i, index] of series.entries()) {
    const identity = identities[index];
    if (identity) items.push({ ...identity, timestamp: ts[i] ?? 0, value: value[i] ?? 0 });
  }
  return { items, ...next(page) };
}

export const groupsOf = (groups: readonly GroupColumns[]): readonly Group[] =>
  groups.map(({ labels, ts, value }) => ({ labels, points: Array.from(ts, (tsMs, i): Group['points'][number] => [tsMs, value[i] ?? 0]) }));

export const logsOf = (page: LinePage): Page<Log> => ({ items: page.lines.map(logOf), ...next(page) });

export const tracesOf = (page: LinePage): Page<Trace> => ({ items: page.lines.map(traceOf), ...next(page) });

const logOf = ([ts, service, tags, level, message]: readonly Cell[]): Log => ({
  timestamp: Number(ts),
  service: String(service),
  level: level as Level, // as a log brought it
  message: String(message),
  tags: tagsOf(tags),
});

const traceOf = ([ts, service, tags, name, durationMs, status, parentId, traceId, spanId]: readonly Cell[]): Trace => ({
  traceId: String(traceId),
  spanId: String(spanId),
  ...(parentId === null ? {} : { parentId: String(parentId) }),
  service: String(service),
  name: String(name),
  timestamp: Number(ts),
  durationMs: Number(durationMs),
  status: status as SpanStatus, // as a span brought it
  tags: tagsOf(tags),
});

/** Page after page, each when it is asked for. */
export async function* each<T>(pageAt: (at: { readonly cursor?: string }) => Promise<Page<T>>): AsyncGenerator<T> {
  for (let at: { readonly cursor?: string } = {}; ; ) {
    const page = await pageAt(at);
    yield* page.items;
    if (page.next === undefined) return;
    at = { cursor: page.next };
  }
}

/** Ends with `cancelled()` as soon as the signal says so; the thread sees it in `cancel`. */
export function cancellable<T>(signal: AbortSignal, run: (cancel: Cancel) => Promise<T>, cancelled: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel: Cancel = new Int32Array(new SharedArrayBuffer(4));
    const stop = (): void => {
      Atomics.store(cancel, 0, 1);
      reject(cancelled());
    };
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop, { once: true });
    void run(cancel)
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', stop));
  });
}
