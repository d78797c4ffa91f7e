/**
 * Down-sampling: each closed minute of each series becomes a row, and each closed hour one made of its minutes. A window of time is rolled up whole,
 * from the samples, so that it may be done twice; how far that has come is the mark `rolled`. Samples that may come too late for their window leave
 * word of it (late.ts). Part of the thread that keeps house.
 */
import { extended, HOUR_MS, hourOf, MINUTE_MS, minuteOf, partialOf, ROLLUP, type RollupRow, type Step, stretch, valuesOf } from '../query/rollup.ts';
import type { Partial } from '../query/partial.ts';
import type { Row } from '../reads.ts';
import { Rows } from './rows.ts';
import type { Session } from './session.ts';

/** A sample that is so old when it comes leaves word: its minute may have been rolled up. */
export const LATE_MS = MINUTE_MS;
/** A minute is rolled up so long after its end: the difference is for clocks of nodes that differ. And after the end of all transactions of that time. */
export const CLOSED_MS = 2 * MINUTE_MS;
/** Time that is rolled up at once, and samples that are read at once, about. */
const WINDOW_MS = 10 * MINUTE_MS;
const SAMPLES = 20_000;
const [FIRST_SERIES, MOST_SERIES] = [100, 2_000];

const COLUMNS = `series_id, step, ${ROLLUP}`;
const CHANGED = ROLLUP.split(', ').map((column) => `${column} = excluded.${column}`);
const PUT = `INSERT INTO rollups (${COLUMNS}) SELECT ${COLUMNS} FROM rolled ON CONFLICT (series_id, step, ts) DO UPDATE SET ${CHANGED.join(', ')}`;
/** Samples of stretches of time, each of one series. */
const OF_STRETCHES =
  'SELECT id, ts, value FROM unnest(?::int[], ?::bigint[], ?::bigint[]) AS given (id, begins, ends)' +
  ' CROSS JOIN LATERAL (SELECT ts, seq, value FROM points WHERE series_id = id AND ts >= begins AND ts < ends AND ts >= ?::bigint AND ts < ?::bigint) AS sample' +
  ' ORDER BY id, ts, seq';
const MINUTES_OF_HOURS =
  `SELECT series_id, begins, ${ROLLUP} FROM unnest(?::int[], ?::bigint[]) AS given (id, begins)` +
  ` JOIN rollups ON series_id = id AND step = ${MINUTE_MS} AND ts >= begins AND ts < begins + ${HOUR_MS} ORDER BY series_id, ts`;

/** Since when the longest transaction that writes has been going on: what it brings is not there yet. ms. */
const LONGEST =
  'SELECT coalesce(extract(epoch FROM max(clock_timestamp() - xact_start)), 0)::float8 * 1000 AS ms FROM pg_stat_activity' +
  " WHERE backend_xid IS NOT NULL AND datname = current_database() AND application_name LIKE 'argos/%'";
const ROWS = `SELECT series_id, ${ROLLUP} FROM unnest(?::int[], ?::bigint[]) AS given (id, begins) JOIN rollups ON series_id = id AND ts = begins AND step = ?`;

const n = Number;
type Value = ReturnType<typeof valuesOf>[number] | undefined;
const orNull = (value: Value): number | null => (typeof value === 'number' ? value : null);
/** As PostgreSQL reads it. */
export const list = (numbers: readonly number[]): string => `{${numbers.join(',')}}`;
export interface Place {
  readonly series: number;
  readonly ts: number;
}

/** What is put together, by series and where it begins. */
export class Stretches {
  readonly #all = new Map<string, Place & { readonly partial: Partial }>();

  at(series: number, ts: number): Partial {
    const key = `${series} ${ts}`;
    const there = this.#all.get(key) ?? { series, ts, partial: stretch() };
    this.#all.set(key, there);
    return there.partial;
  }
  get all(): Iterable<Place & { readonly partial: Partial }> {
    return this.#all.values();
  }
}

function minutesOf(samples: readonly Row[]): Stretches {
  const minutes = new Stretches();
  for (const { id, ts, value } of samples) minutes.at(n(id), minuteOf(n(ts))).add(n(value), n(ts));
  return minutes;
}

export class Rollups {
  readonly #session: Session;

  private constructor(session: Session) {
    this.#session = session;
  }

  static async of(session: Session): Promise<Rollups> {
    await session.run('CREATE TEMP TABLE IF NOT EXISTS rolled (LIKE rollups) ON COMMIT DELETE ROWS');
    return new Rollups(session);
  }

  /** All before this is rolled up, ms since 1970. */
  async rolled(): Promise<number> {
    const { rows } = await this.#session.ask("SELECT value FROM marks WHERE name = 'rolled'");
    return Number(rows[0]?.value ?? Number.NaN);
  }

  /** Rolls up all that has closed. @param goOn is asked between pieces of work. */
  async roll(nowMs: number, goOn: () => Promise<void>): Promise<void> {
    const { rows } = await this.#session.run(LONGEST);
    const until = minuteOf(nowMs - Number(rows[0]?.ms) - CLOSED_MS);
    let at = await this.rolled();
    if (Number.isNaN(at)) at = await this.#begin(until);
    while (at < until) {
      const to = Math.min(until, at + WINDOW_MS, hourOf(at) + HOUR_MS);
      await this.#window(at, to, goOn);
      at = to;
      await this.#mark(at);
    }
  }

  /** What was there before is all made anew; there is not much of it. */
  async #begin(until: number): Promise<number> {
    const minute = `ts - ((ts % ${MINUTE_MS}) + ${MINUTE_MS}) % ${MINUTE_MS}`;
    await this.#session.ask(`INSERT INTO stale_rollups SELECT DISTINCT series_id, ${minute} FROM points WHERE ts < ? ON CONFLICT DO NOTHING`, [until]);
    await this.#mark(until);
    return until;
  }

  async #window(from: number, to: number, goOn: () => Promise<void>): Promise<void> {
    let atOnce = FIRST_SERIES;
    for (let last = 0; ; ) {
      const { rows } = await this.#session.ask('SELECT id FROM series WHERE id > ? ORDER BY id LIMIT ?', [last, atOnce]);
      if (rows.length === 0) return; // also those that came in meanwhile
      const ids = rows.map(({ id }) => Number(id));
      const samples = await this.#samples(
        ids.map((series) => ({ series, ts: from })),
        to - from,
      );
      if (samples.length > 0 || to % HOUR_MS === 0)
        await transaction(this.#session, async () => {
          await this.#put(MINUTE_MS, minutesOf(samples));
          if (to % HOUR_MS === 0) await this.hours(ids.map((series) => ({ series, ts: to - HOUR_MS })));
        });
      last = ids.at(-1) ?? last;
      atOnce = Math.max(1, Math.min(MOST_SERIES, 2 * atOnce, Math.round((atOnce * SAMPLES) / Math.max(1, samples.length))));
      await goOn();
    }
  }

  /** Makes these minutes from their samples. Within a transaction, as all that follows. */
  async minutes(minutes: readonly Place[]): Promise<void> {
    await this.#put(MINUTE_MS, minutesOf(await this.#samples(minutes, MINUTE_MS)));
  }

  /** Makes these hours from their minutes. */
  async hours(hours: readonly Place[]): Promise<void> {
    const given = [list(hours.map(({ series }) => series)), list(hours.map(({ ts }) => ts))];
    const { rows } = await this.#session.ask(MINUTES_OF_HOURS, given);
    const whole = new Stretches();
    for (const row of rows) whole.at(n(row.series_id), n(row.begins)).append(partialOf(row as unknown as RollupRow)); // its columns
    await this.#put(HOUR_MS, whole);
  }

  /** Adds to the rows that are there. */
  async extend(step: Step, more: Stretches): Promise<void> {
    const places = [...more.all];
    const given = [list(places.map(({ series }) => series)), list(places.map(({ ts }) => ts)), step];
    const { rows } = await this.#session.ask(ROWS, given);
    const there = new Map(rows.map((row) => [`${n(row.series_id)} ${n(row.ts)}`, row as unknown as RollupRow]));
    const whole = new Stretches();
    for (const { series, ts, partial } of places) {
      const row = there.get(`${series} ${ts}`);
      whole.at(series, ts).append(extended(row ? partialOf(row) : stretch(), partial));
    }
    await this.#put(step, whole);
  }

  /** From each of these places on, so long. */
  async #samples(places: readonly Place[], ms: number): Promise<readonly Row[]> {
    if (places.length === 0) return [];
    const times = places.map(({ ts }) => ts);
    const given = [list(places.map(({ series }) => series)), list(times), list(times.map((ts) => ts + ms))];
    return (await this.#session.ask(OF_STRETCHES, [...given, Math.min(...times), Math.max(...times) + ms])).rows;
  }

  async #put(step: Step, stretches: Stretches): Promise<void> {
    const rows = new Rows();
    for (const { series, ts, partial } of stretches.all) {
      if (partial.count === 0) continue;
      const [, count, sum, min, max, first, firstAt, last, lastAt, increase, sketch] = valuesOf(ts, partial);
      rows.row(13).int4(series).int4(step).int8(ts).int8(n(count)).float8(orNull(sum)).float8(n(min)).float8(n(max));
      rows
        .float8(n(first))
        .int4(n(firstAt))
        .float8(n(last))
        .int4(n(lastAt))
        .float8(orNull(increase))
        .bytes(sketch as Uint8Array); // the last of ROLLUP
    }
    if (rows.count === 0) return;
    await Promise.all([this.#session.copy(`rolled (${COLUMNS})`, rows.finish()), this.#session.ask(PUT), this.#session.run('TRUNCATE rolled')]);
  }

  #mark(rolled: number): Promise<unknown> {
    return this.#session.ask("INSERT INTO marks (name, value) VALUES ('rolled', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", [rolled]);
  }
}

/** All of it or nothing. */
export async function transaction<T>(session: Session, work: () => Promise<T>): Promise<T> {
  await session.run('BEGIN');
  try {
    const done = await work();
    await session.run('COMMIT');
    return done;
  } catch (error) {
    await session.run('ROLLBACK').catch(() => {});
    throw error;
  }
}
