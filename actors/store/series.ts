/** Series, interned: one number for each service, name and set of tags. */
import type { Columns, Series } from './query/columns.ts';
import type { Metric } from '../event.ts';

export type KnownSeries = Series & { stored: boolean };

/** The lengths tell where one text ends: a text may hold any character. */
const keyOf = ({ service, name, tags }: Omit<Series, 'id'>): string => `${service.length},${name.length},${service}${name}${tags}`;
const sortedJson = (tags: Readonly<Record<string, string>>): string => {
  const keys = Object.keys(tags);
  return keys.length === 0 ? '{}' : JSON.stringify(Object.fromEntries(keys.sort().map((key) => [key, tags[key]])));
};

export class Interned {
  readonly #byKey = new Map<string, KnownSeries>();
  readonly #byId = new Map<number, KnownSeries>();
  #lastId = 0;

  /** One that is not stored is sent along with every batch that has it, until one of them is committed. */
  of({ service, name, tags }: Pick<Metric, 'service' | 'name' | 'tags'>): KnownSeries {
    const one = { service: service.toWellFormed(), name: name.toWellFormed(), tags: sortedJson(tags) }; // as the database will keep them
    const key = keyOf(one);
    const there = this.#byKey.get(key);
    if (there) return there;
    const fresh = { ...one, id: ++this.#lastId, stored: false };
    this.#add(key, fresh);
    return fresh;
  }

  metrics({ series, ts, value }: Columns): Metric[] {
    return Array.from(series, (id, i) => {
      const { service, name, tags } = this.#byId.get(id) ?? { service: '', name: '', tags: '{}' };
      return { service, name, tags: JSON.parse(tags) as Record<string, string>, timestamp: ts[i] ?? 0, value: value[i] ?? 0 };
    });
  }

  /** What the database has, and nothing else. */
  known(series: readonly Series[]): void {
    this.#byKey.clear();
    this.#byId.clear();
    for (const one of series) {
      this.#add(keyOf(one), { ...one, stored: true });
      this.#lastId = Math.max(this.#lastId, one.id);
    }
  }

  #add(key: string, series: KnownSeries): void {
    this.#byKey.set(key, series);
    this.#byId.set(series.id, series);
  }
}
