/** What stored history rules are judged on again: which samples the store is asked for, and what monitors had seen, made of them. Pure. */
import type { Event, Fields } from '../actors/event.ts';
import type { Read } from '../actors/feed.ts';
import { glob } from '../actors/glob.ts';
import type { StoredAs } from '../actors/monitors/monitor.ts';
import { EACH, type Program, programOf } from '../actors/rules/program.ts';
import type { SimulatedRule } from '../actors/rules/simulation.ts';
import { nameOf, nodes, type Tree } from '../actors/rules/condition/tree.ts';
import type { Declared } from '../proto/api.ts';
import type { ExportQuery } from '../proto/store.ts';
import { monitorType } from './catalogue.ts';
import { withPath } from './test-run.ts';

/** Samples of one monitor, as an export of the store has them. */
export interface HistoryQuery {
  readonly monitor: string;
  readonly query: Omit<ExportQuery, 'format'>;
  /** Those of the answer that are meant. */
  readonly wants: (sample: StoredSample) => boolean;
  /** A listener has stored them, as they were sent; else a monitor has, by their paths. */
  readonly pushed: boolean;
}
export interface StoredSample {
  readonly timestamp: string;
  readonly service: string;
  readonly name: string;
  readonly value: number;
  readonly tags: Readonly<Record<string, string>>;
}

/** What the rules read of the store. */
export function queriesOf(rules: readonly SimulatedRule[], declared: readonly Declared[], fromMs: number, toMs: number): readonly HistoryQuery[] {
  const monitors = declared.filter(({ kind }) => kind === 'monitor');
  const wanted = new Map<string, Set<string> | 'all'>();
  const want = (monitor: string, fields: Read): void => {
    const there = wanted.get(monitor) ?? new Set();
    wanted.set(monitor, there === 'all' || fields === 'all' ? 'all' : new Set([...there, ...fields]));
  };
  for (const { config } of rules) {
    const { reads, each } = programOf(config, []);
    for (const [monitor, fields] of reads) want(monitor, fields);
    for (const one of each ? monitors.filter(({ name: monitor }) => each.matches(monitor)) : []) want(one.name, each?.fields ?? []);
  }
  return monitors.flatMap((monitor): readonly HistoryQuery[] => {
    const fields = wanted.get(monitor.name);
    if (!fields) return [];
    const { config } = monitor.spec as { readonly config: unknown }; // load.ts has checked it
    const stored = monitorType(monitor.type)?.stored;
    const span = { what: 'metrics' as const, fromMs, toMs };
    if (stored) return pushedQuery(monitor.name, stored(config as never), span);
    const first = (name: string): string => name.split('.', 1)[0] ?? '';
    const wants = ({ name }: StoredSample): boolean => fields === 'all' || fields.has(first(name));
    return [{ monitor: monitor.name, query: { ...span, service: `monitor:${monitor.name}` }, wants, pushed: false }];
  });
}

function pushedQuery(monitor: string, as: StoredAs | undefined, span: Omit<ExportQuery, 'format'>): readonly HistoryQuery[] {
  if (!as) return []; // logs
  const tags = Object.entries(as.tags).map(([key, pattern]) => [key, glob(pattern)] as const);
  const wants = (sample: StoredSample): boolean => tags.every(([key, matches]) => matches(Object.hasOwn(sample.tags, key) ? sample.tags[key] : undefined));
  const named = { ...(as.service === undefined ? {} : { service: as.service }), ...(as.name === undefined ? {} : { name: as.name }) };
  return [{ monitor, query: { ...span, ...named }, wants, pushed: true }];
}

/** So many are held in memory at the most. */
const MOST = 5_000_000;
export class TooMuch extends Error {
  override readonly name = 'TooMuch';
}

/** Samples of many series, put in the order of time. */
export class Past {
  readonly #series: { readonly monitor: string; readonly path: readonly string[]; readonly item: StoredSample | undefined }[] = [];
  readonly #indexes = new Map<string, number>();
  readonly #times: number[] = [];
  readonly #values: number[] = [];
  readonly #of: number[] = [];

  get samples(): number {
    return this.#times.length;
  }
  /** @throws TooMuch */
  add({ monitor, pushed, wants }: HistoryQuery, sample: StoredSample): void {
    if (!wants(sample)) return;
    if (this.#times.length >= MOST) throw new TooMuch(`more than ${MOST.toLocaleString('en')} samples: name a shorter time`);
    const key = JSON.stringify(pushed ? [monitor, sample.service, sample.name, sample.tags] : [monitor, sample.name]);
    let index = this.#indexes.get(key);
    if (index === undefined) {
      index = this.#series.push({ monitor, path: sample.name.split('.'), item: pushed ? sample : undefined }) - 1;
      this.#indexes.set(key, index);
    }
    this.#times.push(Date.parse(sample.timestamp));
    this.#values.push(sample.value);
    this.#of.push(index);
  }

  /** Whether anything of it is there: of a field, or of what lies within it. */
  has(isRead: (monitor: string) => boolean, path: readonly string[]): boolean {
    const starts = (there: readonly string[]): boolean => path.every((word, i) => there[i] === word);
    return this.#series.some(
      (one) => isRead(one.monitor) && (one.item ? ['value', 'service', 'name', 'tags', 'up'].includes(path[0] ?? '') : starts(one.path)),
    );
  }

  /** What one monitor saw at one time is one look. @param isTruth whether 1 and 0 at a path were true and false. */
  *events(isTruth: (monitor: string, path: readonly string[]) => boolean): Generator<Event> {
    const order = Uint32Array.from(this.#times.keys()).sort((a, b) => (this.#times[a] ?? 0) - (this.#times[b] ?? 0) || (this.#of[a] ?? 0) - (this.#of[b] ?? 0));
    const truths = this.#series.map(({ monitor, path, item }) => !item && isTruth(monitor, path));
    const states = new Map<string, Fields>();
    for (let i = 0; i < order.length; ) {
      const atMs = this.#times[order[i] ?? 0] ?? 0;
      const looks = new Map<string, Fields>();
      for (; i < order.length && this.#times[order[i] ?? 0] === atMs; i++) {
        const of = this.#of[order[i] ?? 0] ?? 0;
        const value = this.#values[order[i] ?? 0] ?? 0;
        const { monitor, path, item } = this.#series[of] ?? { monitor: '', path: [], item: undefined };
        if (item) {
          yield { monitor, observations: [{ atMs, fields: { service: item.service, name: item.name, value, tags: item.tags, timestamp: atMs, up: true } }] };
          continue;
        }
        const brought = looks.get(monitor) ?? {};
        looks.set(monitor, { ...brought, ...withPath({ ...states.get(monitor), ...brought }, path, truths[of] ? value !== 0 : value) });
      }
      for (const [monitor, brought] of looks) {
        const fields = { ...states.get(monitor), ...brought };
        states.set(monitor, fields);
        yield { monitor, observations: [{ atMs, fields, seen: Object.keys(brought) }] };
      }
    }
  }
}

/** Truth values are stored as 1 and 0: where a condition compares with true or false they are that again. */
export function truthsOf(programs: readonly Program[]): (monitor: string, path: readonly string[]) => boolean {
  const named = new Set<string>(programs.flatMap(({ dependsOn }) => dependsOn.map(({ monitor, field }) => nameOf(monitor, [field]))));
  const each = new Set<string>();
  for (const node of treesOf(programs).flatMap(nodes)) {
    const read = node.kind === 'leaf' ? node : node.kind === 'test' && node.of.kind === 'field' ? { ...node.of, value: node.value } : undefined;
    if (!read || ![read.value].flat().some((one) => typeof one === 'boolean')) continue;
    named.add(nameOf(read.monitor, read.path));
    each.add(read.path.join('.'));
  }
  return (monitor, path) =>
    path.join('.') === 'up' || named.has(nameOf(monitor, path)) || (programs.some((one) => one.each?.matches(monitor)) && each.has(path.join('.')));
}
const treesOf = (programs: readonly Program[]): readonly Tree[] => programs.flatMap(({ condition, clear }) => [condition.tree, ...(clear ? [clear.tree] : [])]);

/** The fields that conditions read, of which there is no history. */
export function withoutHistory(programs: readonly Program[], past: Past): readonly string[] {
  const missing = programs.flatMap((program) =>
    treesOf([program])
      .flatMap(nodes)
      .flatMap((node): readonly string[] => {
        const read = node.kind === 'window' ? node.window : node.kind === 'leaf' || node.kind === 'field' ? node : undefined;
        const path = read?.path ?? (node.kind === 'var' && !node.local ? node.name.slice(1) : undefined);
        const monitor = read?.monitor ?? (node.kind === 'var' ? node.name[0] : undefined);
        if (!path || monitor === undefined || monitor.startsWith('rule:')) return [];
        const isRead = program.each && monitor === EACH ? program.each.matches : (name: string): boolean => name === monitor;
        return past.has(isRead, path) ? [] : [nameOf(monitor, path)];
      }),
  );
  return [...new Set(missing)];
}
