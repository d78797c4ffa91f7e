/**
 * Which series of the database a number of the sender's means. Senders give out numbers by themselves, two nodes the same ones; the database has
 * its own. Those that the sender was told when it started are the database's.
 */
import type { Series } from '../query/columns.ts';
import { createHash } from 'node:crypto';
import { Unfit } from './faults.ts';
import type { Session } from './session.ts';
import { written } from './texts.ts';

/** In one statement at the most. */
const CHUNK = 10_000;
/**
 * Numbers are given in the order in which the series came, since that is how samples of one instant are ordered. Two nodes that add the same ones in
 * different orders may be in each other's way: then one tries again.
 */
const INTERN =
  "WITH given AS (SELECT service, name, tags, decode(hash, 'hex') AS hash, n FROM ROWS FROM (json_to_recordset(?::json)" +
  ' AS (service text, name text, tags text, hash text)) WITH ORDINALITY AS one (service, name, tags, hash, n)),' +
  ' added AS (INSERT INTO series (service, name, tags, hash) SELECT service, name, tags, hash FROM given' +
  ' WHERE NOT EXISTS (SELECT 1 FROM series WHERE series.hash = given.hash) ORDER BY n ON CONFLICT (hash) DO NOTHING RETURNING id, hash)' +
  " SELECT id, encode(hash, 'hex') AS hash FROM added UNION ALL SELECT id, encode(hash, 'hex') FROM series JOIN given USING (hash)";

type Named = Pick<Series, 'service' | 'name' | 'tags'>;
/** What `written` has made of the texts in it is not to be made something of again. */
const ascii = (json: string): string => json.replaceAll(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
export const hashOf = ({ service, name, tags }: Named): string =>
  createHash('sha256')
    .update(JSON.stringify([service, name, tags]))
    .digest('hex');

export class SeriesMap {
  readonly #toOurs = new Map<number, number>();
  readonly #toTheirs = new Map<number, number>();
  /** Up to here the sender's numbers are the database's. */
  #told = 0;
  /** Of all that are known, the one that was made last. */
  #newest: { readonly id: number; readonly hash: string } = { id: 0, hash: '' };

  /** All series of the database, as the sender is told them. */
  async tell(session: Session): Promise<Series[]> {
    const { rows } = await session.ask('SELECT id, service, name, tags FROM series ORDER BY id');
    const series = rows.map((r) => ({ id: Number(r.id), service: String(r.service), name: String(r.name), tags: String(r.tags) }));
    const last = series.at(-1);
    this.#told = last?.id ?? 0;
    if (last) this.#newest = { id: last.id, hash: hashOf(last) };
    this.#toOurs.clear();
    this.#toTheirs.clear();
    return series;
  }

  /** Have those in the database that are new to it. Not within a transaction: what has a number here stays, whatever becomes of the batch. */
  async intern(session: Session, series: readonly Series[]): Promise<void> {
    const fresh = new Map(series.filter(({ id }) => id > this.#told && !this.#toOurs.has(id)).map((one) => [one.id, one])); // batches of one group may bring the same
    let missing = [...fresh.values()].map((one) => ({ ...one, hash: hashOf(one) }));
    while (missing.length > 0) {
      const chunk = missing.slice(0, CHUNK);
      const given = chunk.map(({ service, name, tags, hash }) => ({ service: written(service), name: written(name), tags: written(tags), hash }));
      const { rows } = await session.ask(INTERN, [ascii(JSON.stringify(given))]);
      const ids = new Map(rows.map(({ id, hash }) => [String(hash), Number(id)]));
      for (const { id, hash } of chunk) this.#learn(id, ids.get(hash), hash);
      missing = missing.filter(({ id }) => !this.#toOurs.has(id)); // another node may have made one at this very moment
    }
  }

  /** @throws RangeError for one that was neither told nor sent. */
  ours(theirs: number): number {
    if (theirs <= this.#told) return theirs;
    const id = this.#toOurs.get(theirs);
    if (id === undefined) throw new RangeError(`series ${theirs} was not sent along`);
    return id;
  }
  theirs(ours: number): number {
    return this.#toTheirs.get(ours) ?? ours;
  }

  /**
   * A standby that was promoted may lack what its primary had last, and give those numbers to others. If the newest series is what it was, so are
   * all before it. @throws Unfit when it is not: all has to begin anew.
   */
  async check(session: Session): Promise<void> {
    const { id, hash } = this.#newest;
    if (id === 0) return;
    const { rows } = await session.ask("SELECT encode(hash, 'hex') AS hash FROM series WHERE id = ?", [id]);
    if (rows[0]?.hash !== hash) throw new Unfit(`PostgreSQL at ${session.host} is not in the state in which it was left: series ${id} is missing`);
  }

  #learn(theirs: number, ours: number | undefined, hash: string): void {
    if (ours === undefined) return;
    this.#toOurs.set(theirs, ours);
    if (ours !== theirs) this.#toTheirs.set(ours, theirs);
    if (ours > this.#newest.id) this.#newest = { id: ours, hash };
  }
}
