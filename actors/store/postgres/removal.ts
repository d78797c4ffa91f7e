/**
 * Takes samples that are older than a cut, and what was made of them. Samples go by the day, as partitions do, so that they may stay a day longer than
 * they have to; those of services that keep them shorter go series by series. Whatever takes samples says in the same transaction up to where, and
 * takes none that wait to be rolled up (late.ts): so a query has every sample once, as a sample or in a row. Part of the thread that keeps house.
 */
import { type Cuts, cutsOf, keepOf, type Policy } from '../retention.ts';
import { FIRST_MS, HOUR_MS, MINUTE_MS, minuteOf } from '../query/rollup.ts';
import { DAY_MS } from './days.ts';
import { mayTryAgain } from './faults.ts';
import type { Late } from './late.ts';
import { list, transaction } from './rollups.ts';
import type { Session } from './session.ts';
import { dropChunks, isHypertable } from './timescale.ts';

const CHUNK = 5_000; // rows that go at once, about
const SERIES = 1_000;
/** A partition is dropped when nobody uses the table at this moment; else the next time. */
const LOCK_MS = 500;
/** Samples that come late while their like are taken are in the way, so often. */
const ATTEMPTS = 3;

type Before = Pick<Cuts, 'raw' | 'minutes' | 'hours'>;

export class Removal {
  readonly #session: Session;
  readonly #late: Late;
  readonly #goOn: () => Promise<void>;
  readonly #chunk: number;

  /** @param goOn is asked between pieces of work. */
  constructor(session: Session, late: Late, goOn: () => Promise<void>, chunk = CHUNK) {
    this.#session = session;
    this.#late = late;
    this.#goOn = goOn;
    this.#chunk = chunk;
  }

  /** What is due. @param rolled what is younger is not down-sampled yet, and stays. */
  async all(policy: Policy, nowMs: number, rolled: number): Promise<void> {
    const { rows } = await this.#session.ask('SELECT DISTINCT service FROM series');
    const cuts = rows.map(({ service }): Before & { readonly service: string } => {
      const { raw, minutes, hours } = cutsOf(keepOf(policy, String(service)), nowMs);
      return { service: String(service), raw: Math.min(raw, rolled), minutes, hours };
    });
    const oldest = Math.min(...cuts.map(({ raw }) => raw));
    if (Number.isFinite(oldest)) await this.#days(oldest);
    for (const { service, ...before } of cuts) {
      const ids = (await this.#session.ask('SELECT id FROM series WHERE service = ? ORDER BY id', [service])).rows.map(({ id }) => Number(id));
      for (let i = 0; i < ids.length; i += SERIES) {
        const some = ids.slice(i, i + SERIES);
        if (Number.isFinite(before.raw) && before.raw >= oldest + DAY_MS) await this.#samples(some, before.raw);
        await this.#rows(list(some), before);
      }
    }
  }

  /** Days that are over for everybody, the oldest first; and of the default partition what is as old. */
  async #days(oldest: number): Promise<void> {
    const end = Math.floor(oldest / DAY_MS) * DAY_MS;
    if (await isHypertable(this.#session)) {
      const { rows } = await this.#session.run("SELECT value FROM marks WHERE name = 'dropped'");
      if (!(Number(rows[0]?.value) >= end)) await this.#drop(end, () => dropChunks(this.#session, end));
      return;
    }
    const { rows: others } = await this.#session.ask('SELECT DISTINCT series_id FROM points_default WHERE ts < ?', [end]);
    await this.#samples(
      others.map(({ series_id }) => Number(series_id)),
      end,
    );
    const { rows } = await this.#session.run("SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'points'::regclass");
    const days = rows.map(({ name }) => ({ name: String(name), end: endOf(String(name)) })).filter((day) => day.end <= end);
    for (const { name, end } of days.toSorted((a, b) => a.end - b.end))
      if (!(await this.#drop(end, () => this.#session.run(`DELETE FROM points_default WHERE ts < ${end}; DROP TABLE ${name}`)))) return;
  }

  /** @param take takes all samples that are older. @returns false: not now, others use the table. */
  async #drop(before: number, take: () => Promise<unknown>): Promise<boolean> {
    await this.#late.refresh(this.#goOn, { before });
    const [session, late] = [this.#session, this.#late];
    try {
      return await transaction(session, async () => {
        await session.run(`SET LOCAL lock_timeout = ${LOCK_MS}; LOCK TABLE ONLY points IN ACCESS EXCLUSIVE MODE`);
        while (!(await late.some({ before }))); // what has come meanwhile; now nothing more comes
        await session.ask(DROPPED, [before]);
        await take();
        return true;
      });
    } catch (error) {
      if (mayTryAgain(error)) return false;
      throw error;
    } finally {
      await this.#goOn();
    }
  }

  /** By the key from one to another, a series after the other. */
  async #samples(ids: readonly number[], before: number): Promise<void> {
    const { rows } = await this.#session.ask(WITH_SAMPLES, [list(ids), before]);
    for (const { id } of rows) {
      let attempts = 0;
      for (let taken = FIRST_MS; taken < before && attempts < ATTEMPTS; await this.#goOn()) {
        const edge = await this.#edge(Number(id), before);
        if (await this.#take(Number(id), edge)) taken = edge;
        else attempts++;
      }
    }
  }

  /** A whole minute up to which there are about as many samples of the series as go at once. */
  async #edge(series: number, before: number): Promise<number> {
    const { rows } = await this.#session.ask(EDGE, [series, before, series, this.#chunk]);
    return rows[0] ? Math.min(before, minuteOf(Number(rows[0].ts)) + MINUTE_MS) : before;
  }

  /** @returns false: one of them has come late, and waits to be rolled up. */
  async #take(series: number, before: number): Promise<boolean> {
    const session = this.#session;
    await this.#late.refresh(this.#goOn, { before, series });
    await session.run('BEGIN');
    try {
      const since = Number((await session.ask(SINCE, [series])).rows[0]?.since);
      await session.ask('DELETE FROM points WHERE series_id = ? AND ts >= ? AND ts < ?', [series, since, before]);
      // Who has brought one that was deleted just now has left word of it in the same transaction.
      const { rows } = await session.ask('SELECT 1 FROM stale_rollups WHERE series_id = ? AND ts >= ? AND ts < ? LIMIT 1', [series, since, before]);
      if (rows.length === 0) await session.ask(REMOVED, [series, before]);
      await session.run(rows.length === 0 ? 'COMMIT' : 'ROLLBACK');
      return rows.length === 0;
    } catch (error) {
      await session.run('ROLLBACK').catch(() => {});
      throw error;
    }
  }

  /** Minutes go only where the samples have gone, since they are made anew from those; and hours only where the minutes have. @param ids `{1,2}` */
  async #rows(ids: string, { minutes, hours }: Before): Promise<void> {
    if (!Number.isFinite(minutes)) return;
    await this.#session.ask(MINUTES_GONE, [minutes, ids]);
    await this.#older(MINUTE_MS, ids, minutes);
    if (Number.isFinite(hours)) await this.#older(HOUR_MS, ids, hours);
  }

  async #older(step: number, ids: string, before: number): Promise<void> {
    const chunk = this.#chunk;
    for (let taken = chunk; taken === chunk; await this.#goOn()) taken = (await this.#session.ask(OLDER, [ids, step, before, chunk])).count;
  }
}

/** Of a partition, when its day is over; NaN: it is none of a day. */
function endOf(partition: string): number {
  const [, year = '', month = '', day = ''] = /points_(\d{4})(\d\d)(\d\d)$/.exec(partition) ?? [];
  return Date.parse(`${year}-${month}-${day}T00:00:00Z`) + DAY_MS;
}

const DROPPED = "INSERT INTO marks (name, value) VALUES ('dropped', ?) ON CONFLICT (name) DO UPDATE SET value = greatest(marks.value, excluded.value)";
const SINCE = `SELECT coalesce((SELECT raw_before FROM gone WHERE series_id = ?), ${FIRST_MS}) AS since`;
const REMOVED =
  `INSERT INTO removed (series_id, raw_before, minutes_before) VALUES (?, ?, ${FIRST_MS})` +
  ' ON CONFLICT (series_id) DO UPDATE SET raw_before = greatest(removed.raw_before, excluded.raw_before)';
/** Series that have samples to be taken: not what came late. */
const WITH_SAMPLES =
  'SELECT id FROM unnest(?::int[]) AS given (id) LEFT JOIN gone ON gone.series_id = id' +
  ` WHERE EXISTS (SELECT 1 FROM points WHERE points.series_id = id AND ts < ?::bigint AND ts >= coalesce(raw_before, ${FIRST_MS}))`;
const EDGE =
  'SELECT ts FROM points WHERE series_id = ? AND ts < ?::bigint' +
  ` AND ts >= coalesce((SELECT raw_before FROM gone WHERE gone.series_id = ?), ${FIRST_MS}) ORDER BY ts LIMIT 1 OFFSET ?`;
const MINUTES_GONE =
  'INSERT INTO removed (series_id, raw_before, minutes_before) SELECT series_id, raw_before, before FROM' +
  ` (SELECT series_id, raw_before, least(?::bigint, floor(raw_before / ${HOUR_MS}::float8)::bigint * ${HOUR_MS}) AS before FROM gone WHERE series_id = ANY (?::int[])) AS cut` +
  ` WHERE EXISTS (SELECT 1 FROM rollups WHERE rollups.series_id = cut.series_id AND step IN (${MINUTE_MS}, ${HOUR_MS}) AND ts < before)` +
  ' ON CONFLICT (series_id) DO UPDATE SET raw_before = excluded.raw_before, minutes_before = greatest(removed.minutes_before, excluded.minutes_before)';
const OLDER =
  'DELETE FROM rollups WHERE ctid = ANY (ARRAY (SELECT rollups.ctid FROM rollups JOIN removed USING (series_id)' +
  ' WHERE series_id = ANY (?::int[]) AND step = ? AND ts < least(minutes_before, ?::bigint) LIMIT ?))';
