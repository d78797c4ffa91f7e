/** Retention: what is older than a cut goes, in small pieces, each a transaction of its own; samples by removal.ts. Part of the thread that keeps house. */
import { cutsOf, keepOf, type Policy } from '../retention.ts';
import type { Removal } from './removal.ts';
import type { Session } from './session.ts';

const CHUNK = 5_000;
const ENDED = "status NOT IN ('queued', 'running', 'retrying')";

/** By their index, one after the other: DISTINCT would read them all. */
const servicesOf = (table: string): string =>
  `WITH RECURSIVE one AS ((SELECT service FROM ${table} ORDER BY service LIMIT 1) UNION ALL` +
  ` SELECT (SELECT service FROM ${table} WHERE service > one.service ORDER BY service LIMIT 1) FROM one WHERE one.service IS NOT NULL)` +
  ' SELECT service FROM one WHERE service IS NOT NULL';

export class Sweep {
  readonly #session: Session;
  readonly #removal: Removal;
  readonly #goOn: () => Promise<void>;

  /** @param goOn is asked between pieces of work. */
  constructor(session: Session, removal: Removal, goOn: () => Promise<void>) {
    this.#session = session;
    this.#removal = removal;
    this.#goOn = goOn;
  }

  /** Everything that is due. @param rolled what is younger is not down-sampled yet, and stays. */
  async all(policy: Policy, nowMs: number, rolled: number): Promise<void> {
    for (const table of ['logs', 'traces'] as const)
      for (const service of await this.#services(servicesOf(table)))
        await this.#older(table, 'service = ? AND ts < ?', service, cutsOf(keepOf(policy, service), nowMs)[table]);
    await this.#removal.all(policy, nowMs, rolled);
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
