/**
 * Retention: what is older than a cut goes, in small pieces, each a transaction of its own. Samples go by the day, as partitions do, so that they
 * may stay a day longer than they have to; those of services that keep them shorter go series by series. Part of the thread that keeps house.
 */
import { type Cuts, cutsOf, keepOf, type Policy } from '../retention.ts';
import { HOUR_MS, hourOf, MINUTE_MS } from '../rollup.ts';
import { DAY_MS } from './days.ts';
import { mayTryAgain } from './faults.ts';
import type { Session } from './session.ts';
import { dropChunks, isHypertable } from './timescale.ts';

const CHUNK = 5_000;
const SERIES = 1_000;
/** A partition is dropped when nobody uses the table at this moment; else the next time. */
const LOCK_MS = 500;
const ENDED = "status NOT IN ('queued', 'running', 'retrying')";

/** By their index, one after the other: DISTINCT would read them all. */
const servicesOf = (table: string): string =>
  `WITH RECURSIVE one AS ((SELECT service FROM ${table} ORDER BY service LIMIT 1) UNION ALL` +
  ` SELECT (SELECT service FROM ${table} WHERE service > one.service ORDER BY service LIMIT 1) FROM one WHERE one.service IS NOT NULL)` +
  ' SELECT service FROM one WHERE service IS NOT NULL';

export class Sweep {
  readonly #session: Session;
  readonly #goOn: () => Promise<void>;

  /** @param goOn is asked between pieces of work. */
  constructor(session: Session, goOn: () => Promise<void>) {
    this.#session = session;
    this.#goOn = goOn;
  }

  /** Everything that is due. @param rolled what is younger is not down-sampled yet, and stays. */
  async all(policy: Policy, nowMs: number, rolled: number): Promise<void> {
    for (const table of ['logs', 'traces'] as const)
      for (const service of await this.#services(servicesOf(table)))
        await this.#older(table, 'service = ? AND ts < ?', service, cutsOf(keepOf(policy, service), nowMs)[table]);
    await this.#metrics(policy, nowMs, rolled);
    await this.#journal(policy, nowMs);
  }

  /** When the oldest sample or log is of; null: there is none. */
  async oldest(): Promise<number | null> {
    const { rows } = await this.#session.run(
      'SELECT least((SELECT min(ts) FROM logs), (SELECT min(first.ts) FROM series CROSS JOIN LATERAL (SELECT ts FROM points WHERE series_id = series.id ORDER BY ts LIMIT 1) AS first)) AS oldest',
    );
    const oldest = rows[0]?.oldest;
    return typeof oldest === 'number' ? oldest : null;
  }

  async #metrics(policy: Policy, nowMs: number, rolled: number): Promise<void> {
    const services = await this.#services('SELECT DISTINCT service FROM series');
    const cuts = services.map((service): Pick<Cuts, 'raw' | 'minutes' | 'hours'> & { readonly service: string } => {
      const { raw, minutes, hours } = cutsOf(keepOf(policy, service), nowMs);
      const taken = Math.min(raw, rolled);
      const made = Math.min(minutes, hourOf(taken)); // minutes go only where the samples have gone: an hour is made anew from minutes
      return { service, raw: taken, minutes: made, hours: Math.min(hours, made) };
    });
    const oldest = Math.min(...cuts.map(({ raw }) => raw));
    for (const { service, raw } of cuts) if (Number.isFinite(raw)) await this.#session.ask(REMOVED, [service, raw]);
    if (Number.isFinite(oldest)) await this.#days(oldest);
    for (const { service, raw, minutes, hours } of cuts) {
      const ids = (await this.#session.ask('SELECT id FROM series WHERE service = ?', [service])).rows.map(({ id }) => Number(id));
      for (let i = 0; i < ids.length; i += SERIES) {
        const some = `{${ids.slice(i, i + SERIES).join(',')}}`;
        if (Number.isFinite(raw) && raw >= oldest + DAY_MS) await this.#samples(some, raw);
        for (const [step, before] of [[MINUTE_MS, minutes] as const, [HOUR_MS, hours] as const])
          await this.#older('rollups', 'series_id = ANY (?::int[]) AND step = ? AND ts < ?', some, step, before);
      }
    }
  }

  /** Days that are over for everybody. */
  async #days(before: number): Promise<void> {
    if (await isHypertable(this.#session)) return dropChunks(this.#session, before);
    const { rows } = await this.#session.run("SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'points'::regclass");
    for (const name of rows.map((row) => String(row.name))) {
      const [, year = '', month = '', day = ''] = /points_(\d{4})(\d\d)(\d\d)$/.exec(name) ?? [];
      if (!(Date.parse(`${year}-${month}-${day}T00:00:00Z`) + DAY_MS <= before)) continue;
      try {
        await this.#session.run(`SET lock_timeout = ${LOCK_MS}; DROP TABLE ${name}`);
      } catch (error) {
        if (!mayTryAgain(error)) throw error;
      } finally {
        await this.#session.run("SET lock_timeout = '10s'");
      }
      await this.#goOn();
    }
    await this.#older('points_default', 'ts < ?', before);
  }

  /** By the key from one to another, a series after the other. */
  async #samples(ids: string, before: number): Promise<void> {
    const edges =
      'SELECT id, coalesce((SELECT ts FROM points WHERE series_id = id AND ts < ?::bigint ORDER BY ts LIMIT 1 OFFSET ?), ?::bigint) AS edge' +
      ' FROM unnest(?::int[]) AS given (id) WHERE EXISTS (SELECT 1 FROM points WHERE series_id = id AND ts < ?::bigint)';
    for (;;) {
      const { rows } = await this.#session.ask(edges, [before, CHUNK, before, ids, before]);
      if (rows.length === 0) return;
      for (const { id, edge } of rows) {
        await this.#session.ask('DELETE FROM points WHERE series_id = ? AND ts <= ? AND ts < ?', [Number(id), Number(edge), before]);
        await this.#goOn();
      }
    }
  }

  async #journal({ episodesMs, jobsMs, auditMs, versionsMs, versionsAtLeast }: Policy, nowMs: number): Promise<void> {
    await this.#older('episodes', 'ended_ms < ?', nowMs - episodesMs);
    await this.#older('audit', 'at_ms < ?', nowMs - auditMs);
    const older = 'number < (SELECT min(number) FROM (SELECT number FROM config_versions ORDER BY number DESC LIMIT ?) AS last)';
    await this.#older('config_versions', `at_ms < ? AND ${older}`, nowMs - versionsMs, versionsAtLeast);
    // A job has ended when its last word came: `due_ms` of the end, the last attempt, or its creation, whichever was last.
    const before = nowMs - jobsMs;
    const attempted = 'EXISTS (SELECT 1 FROM attempts WHERE job_id = jobs.id AND started_ms + duration_ms >= ?)';
    await this.#older('jobs', `${ENDED} AND due_ms < ? AND created_ms < ? AND NOT ${attempted}`, before, before, before);
    await this.#older('attempts', 'NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.id = job_id)');
  }

  async #older(table: string, where: string, ...params: readonly (string | number)[]): Promise<void> {
    if (params.includes(Number.NEGATIVE_INFINITY)) return; // kept for ever
    for (let gone = CHUNK; gone === CHUNK; await this.#goOn())
      gone = (await this.#session.ask(`DELETE FROM ${table} WHERE ctid = ANY (ARRAY (SELECT ctid FROM ${table} WHERE ${where} LIMIT ${CHUNK}))`, params)).count;
  }

  async #services(sql: string): Promise<readonly string[]> {
    return (await this.#session.ask(sql)).rows.map(({ service }) => String(service));
  }
}

const REMOVED =
  'INSERT INTO removed (service, raw_before) VALUES (?, ?) ON CONFLICT (service) DO UPDATE SET raw_before = greatest(removed.raw_before, excluded.raw_before)';
