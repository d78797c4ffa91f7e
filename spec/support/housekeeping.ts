/** A database that is kept house of, with a clock of the spec's own, as small in its steps as can be; and what its rollups should be, reckoned naively. */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import type Database from 'better-sqlite3';
import type { Partial } from '../../actors/store/query/partial.ts';
import { hourOf, minuteOf, partialOf, ROLLUP, type RollupRow, stretch } from '../../actors/store/query/rollup.ts';
import { Housekeeping, type Limits } from '../../actors/store/sqlite/housekeeping.ts';
import { openWriter } from '../../actors/store/sqlite/open.ts';
import { Telemetry } from '../../actors/store/sqlite/telemetry.ts';
import { tempFolder } from './services.ts';

export interface Sample {
  readonly series: number;
  readonly ts: number;
  readonly value: number;
}
/** In a week of autumn; a whole hour. */
export const BEGIN_MS = Date.UTC(2026, 10, 22);

let made: string | undefined;
/** A database with nothing but its tables, which take their time to be made. */
function fresh(): string {
  if (made === undefined) {
    made = join(tempFolder(), 'argos.db');
    openWriter(made).close();
  }
  const file = join(tempFolder(), 'argos.db');
  copyFileSync(made, file);
  return file;
}

export class House {
  readonly file = fresh();
  db: Database.Database = openWriter(this.file);
  nowMs = BEGIN_MS;
  limits: Limits;
  /** 0: each step is a single piece of work. */
  stepMs: number;
  #telemetry!: Telemetry;
  keeping!: Housekeeping;
  #seq = 0;

  constructor(limits: Limits = {}, stepMs = 0) {
    this.limits = limits;
    this.stepMs = stepMs;
    this.restart();
  }

  /** As after the end of the node: nothing is remembered that the file does not hold. */
  restart(): void {
    this.db.close();
    this.db = openWriter(this.file);
    this.db.pragma('synchronous = OFF');
    this.db.pragma('wal_autocheckpoint = 10'); // a log in proportion to the data
    this.keeping = new Housekeeping(this.db, this.limits, () => this.nowMs, this.stepMs);
    this.#telemetry = new Telemetry(this.db, this.keeping.late);
  }
  /** @param services of the series, from 1 on. */
  series(...services: readonly string[]): void {
    for (const [i, service] of services.entries())
      this.run('INSERT OR IGNORE INTO series (id, service, name, tags) VALUES (?, ?, ?, ?)', i + 1, service, `m${i}`, '{}');
  }
  append(samples: readonly Sample[]): void {
    const seq = ++this.#seq;
    const columns = {
      series: Uint32Array.from(samples, ({ series }) => series),
      ts: Float64Array.from(samples, ({ ts }) => ts),
      value: Float64Array.from(samples, ({ value }) => value),
    };
    this.db.transaction(() => {
      this.#telemetry.append({ seq, atMs: this.nowMs, protocol: 'spec', series: [], columns, logs: '[]' });
      this.#telemetry.judged(seq);
    })();
  }
  /** @returns how many steps there were: until nothing is due, or so many at the most. */
  keep(most = Number.POSITIVE_INFINITY): number {
    for (let steps = 1; ; steps++) if (!this.keeping.step() || steps >= most) return steps;
  }

  run(sql: string, ...params: readonly (string | number | null)[]): void {
    this.db.prepare(sql).run(...params);
  }
  all(sql: string, ...params: readonly (string | number)[]): readonly Readonly<Record<string, unknown>>[] {
    return this.db.prepare(sql).all(...params) as Record<string, unknown>[];
  }
  count(table: string): number {
    return Number(this.all(`SELECT count(*) AS n FROM ${table}`)[0]?.n);
  }
  samples(): readonly Sample[] {
    return this.all('SELECT series_id, ts, value FROM points ORDER BY series_id, ts, seq').map((r) => ({
      series: Number(r.series_id),
      ts: Number(r.ts),
      value: Number(r.value),
    }));
  }
  /** By `series/ts`. */
  rollups(step: number): ReadonlyMap<string, Partial> {
    const rows = this.all(`SELECT series_id, ${ROLLUP} FROM rollups WHERE step = ? ORDER BY series_id, ts`, step);
    return new Map(rows.map((row) => [`${row.series_id}/${row.ts}`, partialOf(row as unknown as RollupRow)])); // that is what the columns are
  }
}

/** Each minute from its samples in the order of time, those of one instant as they came; each hour from its minutes. By `series/ts`. */
export function naive(samples: readonly Sample[]): { readonly minutes: ReadonlyMap<string, Partial>; readonly hours: ReadonlyMap<string, Partial> } {
  const [minutes, hours] = [new Map<string, Partial>(), new Map<string, Partial>()];
  const of = (map: Map<string, Partial>, key: string): Partial => {
    const there = map.get(key) ?? stretch();
    map.set(key, there);
    return there;
  };
  const inOrder = samples.toSorted((a, b) => a.series - b.series || a.ts - b.ts);
  for (const { series, ts, value } of inOrder) of(minutes, `${series}/${minuteOf(ts)}`).add(value, ts);
  for (const [key, minute] of minutes) {
    const [series, ts] = key.split('/');
    of(hours, `${series}/${hourOf(Number(ts))}`).append(minute);
  }
  return { minutes, hours };
}

/** What can be compared. */
export const plain = ({ sketch, ...numbers }: Partial): object => ({ ...numbers, sketch: sketch && Buffer.from(sketch.encode()).toString('hex') });
/** Where some of the samples are gone the order of what comes late is not known: then it is no matter of the growth of a counter. */
export const unordered = (partial: Partial): object => ({ ...plain(partial), increase: 0 });
export const shown = (rollups: ReadonlyMap<string, Partial>, show: (partial: Partial) => object, which: (series: string, ts: number) => boolean): object =>
  Object.fromEntries(
    [...rollups]
      .filter(([key]) => which(key.split('/')[0] ?? '', Number(key.split('/')[1])))
      .map(([key, partial]): [string, object] => [key, show(partial)])
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
