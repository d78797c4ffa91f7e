/**
 * Samples of a time that has been rolled up already. Their minutes wait in `stale_rollups` since the transaction that brought them. Where what came
 * with them is still there, a minute is made anew from all of it. Where retention has taken that, they are added, once, to the row that is left, and
 * go too. All but the growth of a counter stays exact with that: of samples that fall between others which are gone, the steps from one to the other
 * are not known. Part of the thread that keeps house.
 */
import type { Row } from '../reads.ts';
import { FIRST_MS, HOUR_MS, hourOf, MINUTE_MS, minuteOf } from '../query/rollup.ts';
import { list, type Place, type Rollups, Stretches, transaction } from './rollups.ts';
import type { Session } from './session.ts';

/** Minutes at once. */
const MINUTES = 500;
/** Which minutes: all that begin before an instant, of all series or of one. */
export interface Scope {
  readonly before: number;
  readonly series?: number;
}

/** Who is about to bring another sample of a minute holds it until his commit: it is left for the next time, or he would have left no word for it. */
const TAKE = (scope: string): string =>
  `WITH due AS (SELECT series_id, ts FROM stale_rollups WHERE ts < ?::bigint ${scope} ORDER BY series_id, ts LIMIT ? FOR UPDATE SKIP LOCKED),` +
  ' taken AS (DELETE FROM stale_rollups USING due WHERE stale_rollups.series_id = due.series_id AND stale_rollups.ts = due.ts RETURNING due.series_id, due.ts)' +
  ' SELECT series_id, ts, raw_before, minutes_before FROM taken LEFT JOIN gone USING (series_id)';
const TAKE_ALL = TAKE('');
const TAKE_ONE = TAKE('AND series_id = ?');
/** What has come of a time whose samples are gone. */
const TAKE_SAMPLES =
  'WITH taken AS (DELETE FROM points USING unnest(?::int[], ?::bigint[]) AS given (id, begins)' +
  ` WHERE series_id = id AND ts >= begins AND ts < begins + ${MINUTE_MS} AND ts >= ?::bigint AND ts < ?::bigint RETURNING id, ts, seq, value)` +
  ' SELECT id, ts, value FROM taken ORDER BY id, ts, seq';

interface Minute extends Place {
  readonly rawBefore: number;
  readonly minutesBefore: number;
}

export class Late {
  readonly #session: Session;
  readonly #rollups: Rollups;
  readonly #most: number;

  /** @param most minutes at once. */
  constructor(session: Session, rollups: Rollups, most = MINUTES) {
    this.#session = session;
    this.#rollups = rollups;
    this.#most = most;
  }

  /** All that waits, once. @param goOn is asked between pieces of work. */
  async refresh(goOn: () => Promise<void>, scope: Scope = { before: Number.POSITIVE_INFINITY }): Promise<void> {
    while (!(await transaction(this.#session, () => this.some(scope)))) await goOn();
  }

  /** A piece of it, within a transaction. @returns whether nothing more was waiting. */
  async some({ before, series }: Scope): Promise<boolean> {
    const rolled = await this.#rollups.rolled();
    if (Number.isNaN(rolled)) return true;
    const until = Math.min(before, rolled);
    const most = this.#most;
    const { rows } = await (series === undefined ? this.#session.ask(TAKE_ALL, [until, most]) : this.#session.ask(TAKE_ONE, [until, series, most]));
    const minutes = rows.map(minuteIn);
    const [whole, left] = [minutes.filter(({ ts, rawBefore }) => ts >= rawBefore), minutes.filter(({ ts, rawBefore }) => ts < rawBefore)];
    await this.#rollups.minutes(whole);
    await this.#add(left);
    const hours = new Map(minutes.filter(hasMinutes).map(({ series, ts }) => [`${series} ${hourOf(ts)}`, { series, ts: hourOf(ts) }]));
    await this.#rollups.hours([...hours.values()].filter(({ ts }) => ts + HOUR_MS <= rolled));
    return minutes.length < most;
  }

  /** Adds the samples of these minutes to what is left of them: the minute, or where minutes are gone the hour. */
  async #add(minutes: readonly Minute[]): Promise<void> {
    if (minutes.length === 0) return;
    const times = minutes.map(({ ts }) => ts);
    const given = [list(minutes.map(({ series }) => series)), list(times), Math.min(...times), Math.max(...times) + MINUTE_MS];
    const { rows } = await this.#session.ask(TAKE_SAMPLES, given);
    const byMinute = new Set(minutes.filter(hasMinutes).map(({ series, ts }) => `${series} ${ts}`));
    const [some, hours] = [new Stretches(), new Stretches()];
    for (const { id, ts, value } of rows) {
      const [series, at] = [Number(id), Number(ts)];
      const there = byMinute.has(`${series} ${minuteOf(at)}`) ? some.at(series, minuteOf(at)) : hours.at(series, hourOf(at));
      there.add(Number(value), at);
    }
    await this.#rollups.extend(MINUTE_MS, some);
    await this.#rollups.extend(HOUR_MS, hours);
  }
}

const hasMinutes = ({ ts, minutesBefore }: Minute): boolean => hourOf(ts) >= minutesBefore;
const minuteIn = (row: Row): Minute => ({
  series: Number(row.series_id),
  ts: Number(row.ts),
  rawBefore: Number(row.raw_before ?? FIRST_MS),
  minutesBefore: Number(row.minutes_before ?? FIRST_MS),
});
