/** All series, kept beside the engine, and those of them that a query asks for: patterns and tags are nothing that an index knows. */
import type { Series } from './columns.ts';
import { type Test, testOf } from './match.ts';
import { type Program, statement } from './program.ts';
import type { Match, MetricQuery } from './query.ts';

export interface Selected extends Series {
  /** Parsed when they are first asked for. */
  labels?: Readonly<Record<string, string>>;
}

const PAGE = 10_000;
const COLUMNS = 'id, service, name, tags';

export class Selection {
  #byId = new Map<number, Selected>();
  #byName = new Map<string, Selected[]>();
  #byService = new Map<string, Selected[]>();
  #lastId = 0;

  /**
   * Take note of the series that have been added.
   *
   * Ids grow, but one can be stored after a greater one (when the batch that brought it first had failed), and series can be deleted: as soon as
   * there is a gap, the number of series tells whether it was one of these.
   */
  *refresh(): Program<void> {
    yield* this.#read();
    if (this.#byId.size === this.#lastId) return;
    const [row] = yield statement('SELECT count(*) FROM series');
    if (Number(row?.[0]) === this.#byId.size) return;
    const anew = new Selection();
    yield* anew.#read();
    [this.#byId, this.#byName, this.#byService, this.#lastId] = [anew.#byId, anew.#byName, anew.#byService, anew.#lastId];
  }

  *#read(): Program<void> {
    for (;;) {
      const rows = yield statement(`SELECT ${COLUMNS} FROM series WHERE id > ? ORDER BY id LIMIT ${PAGE}`, this.#lastId);
      for (const [id, service, name, tags] of rows) this.#add({ id: Number(id), service: String(service), name: String(name), tags: String(tags) });
      if (rows.length < PAGE) return;
    }
  }

  /** In the order of their ids. */
  *select({ service, name, tags = {} }: Pick<MetricQuery, 'service' | 'name' | 'tags'>): Program<readonly Selected[]> {
    const isService = service && testOf(service);
    const isName = name && testOf(name);
    const tagged = Object.entries(tags).map(([key, match]): [string, Test] => [key, testOf(match)]);
    const found: Selected[] = [];
    let left = PAGE;
    for (const one of this.#candidates(service, name)) {
      if (--left === 0) {
        left = PAGE;
        yield undefined;
      }
      if (isName && !isName(one.name)) continue;
      if (isService && !isService(one.service)) continue;
      if (tagged.every(([key, is]) => is(labelOf(one, key)))) found.push(one);
    }
    return found.sort((a, b) => a.id - b.id);
  }

  #candidates(service: Match | undefined, name: Match | undefined): Iterable<Selected> {
    if (name && 'is' in name) return this.#byName.get(name.is) ?? [];
    if (service && 'is' in service) return this.#byService.get(service.is) ?? [];
    return this.#byId.values();
  }

  #add(one: Selected): void {
    if (this.#byId.has(one.id)) return; // two programs can have asked for it at the same time
    this.#byId.set(one.id, one);
    listed(this.#byName, one.name).push(one);
    listed(this.#byService, one.service).push(one);
    this.#lastId = Math.max(this.#lastId, one.id);
  }
}

/** A tag that a series has not is the empty text. */
export function labelOf(series: Selected, tag: string): string {
  series.labels ??= JSON.parse(series.tags) as Record<string, string>;
  return Object.hasOwn(series.labels, tag) ? (series.labels[tag] ?? '') : '';
}

function listed(lists: Map<string, Selected[]>, key: string): Selected[] {
  const there = lists.get(key) ?? [];
  lists.set(key, there);
  return there;
}
