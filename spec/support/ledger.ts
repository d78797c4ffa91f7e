/** What processes under load (loaded.ts) were told before they were killed, and what is wrong with a database that X
/** What a database holds, whatever its engine. */
import type Database from 'better-sqlite3';
export interface Found {
  /** The rows of one statement. Numbers may come as texts. */
  ask(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** Up to which batch all is judged. */
  readonly mark: string;
}
/** What a SQLite database holds. */
export const foundIn = (db: Database.Database): Found => ({
  ask: async (sql) => db.prepare(sql).all() as Record<string, unknown>[],
  mark: "SELECT value FROM marks WHERE name = 'judged'",
});
/** A batch, or what there is of it, by the values of its points or the messages of its logs: all the same, they say how much there is to be. */
interface Part {
  readonly count: number;
  readonly says: number;
}

/** More of them say no more. */
const MOST_FAULTS = 10;

export class Ledger {
  /** ms since 1970 of the first sample. */
  readonly #beginMs: number;
  /** The number of each batch in the store, by service and number. */
  readonly #appended = new Map<string, number>();
  readonly #seqs = new Set<number>();
  readonly #judged = new Set<number>();
  /** The last commit of each rule. */
  readonly #committed = new Map<string, number>();
  /** The last fence and the last attempt of each job. */
  readonly #leased = new Map<string, number>();
  readonly #attempted = new Map<string, { readonly number: number; readonly status: string }>();
  /** How much was acknowledged, by kind. */
  readonly told: Record<string, number> = {};
  readonly #faults: string[] = [];

  constructor(beginMs: number) {
    this.#beginMs = beginMs;
  }

  /** One line that one of them has said. */
  hear(line: string): void {
    const [kind = '', key = '', ...more] = line.split(' ');
    const [a = Number.NaN, b = Number.NaN] = more.map(Number);
    this.told[kind] = (this.told[kind] ?? 0) + 1;
    if (kind === 'appended') {
      this.#demand(!this.#seqs.has(b), `the number ${b} was given to two batches`);
      this.#appended.set(`${key} ${a}`, b);
      this.#seqs.add(b);
    } else if (kind === 'judged') this.#judged.add(Number(key));
    else if (kind === 'committed') this.#committed.set(key, a);
    else if (kind === 'leased') {
      this.#demand(a > (this.#leased.get(key) ?? 0), `job ${key} was leased twice under the fence ${a}`);
      this.#leased.set(key, a);
    } else if (kind === 'attempted') this.#attempted.set(key, { number: a, status: more[1] ?? '' });
  }

  /** @param all nothing is left to be judged. */
  async faults(found: Found, all = false): Promise<readonly string[]> {
    const batches = await this.#batches(found);
    await this.#commits(found);
    await this.#jobs(found);
    await this.#mark(found, batches, all);
    return this.#faults.splice(0).slice(0, MOST_FAULTS);
  }

  #demand(holds: boolean, otherwise: string): void {
    if (!holds) this.#faults.push(otherwise);
  }

  /** Each batch is there as a whole or not at all. @returns all that are there, with what they hold: points × 1,000 + logs. */
  async #batches({ ask }: Found): Promise<ReadonlyMap<string, number>> {
    const read = async (column: string, from: string): Promise<ReadonlyMap<string, Part>> => {
      const second = `(ts - ${this.#beginMs}) / 1000`;
      const rows = await ask(
        `SELECT service, ${second} AS number, count(*) AS count, min(${column}) AS low, max(${column}) AS high FROM ${from} GROUP BY service, ${second}`,
      );
      return new Map(
        rows.map(({ service, number, count, low, high }) => {
          const name = `${String(service)} ${Number(number)}`;
          this.#demand(low === high, `batch ${name} says that it is ${String(low)} and ${String(high)}`);
          return [name, { count: Number(count), says: Number(low) }];
        }),
      );
    };
    const points = await read('value', 'points JOIN series ON series.id = series_id');
    const logs = await read('message', 'logs');
    const there = new Map<string, number>();
    for (const name of new Set([...points.keys(), ...logs.keys()])) {
      const { says = Number.NaN } = points.get(name) ?? logs.get(name) ?? {};
      const holds = (points.get(name)?.count ?? 0) * 1_000 + (logs.get(name)?.count ?? 0);
      this.#demand(holds === says, `batch ${name} is there by half: ${holds} of ${says} (points × 1,000 + logs)`);
      there.set(name, holds);
    }
    for (const name of this.#appended.keys()) this.#demand(there.has(name), `batch ${name} was acknowledged and is lost`);
    return there;
  }

  /** Each rule's state, and all jobs up to that one and no others. */
  async #commits({ ask }: Found): Promise<void> {
    const states = new Map(
      (await ask('SELECT rule, state FROM rule_states')).map(({ rule, state }) => [
        String(rule),
        JSON.parse(String(state)) as { number: number; owed: number },
      ]),
    );
    const jobs = new Map<string, { owed: number; there: number }>();
    for (const { id } of await ask('SELECT id FROM jobs')) {
      const [rule = '', number, , owed] = String(id).split('/');
      const one = jobs.get(`${rule} ${number}`) ?? { owed: Number(owed), there: 0 };
      one.there++;
      jobs.set(`${rule} ${number}`, one);
      this.#demand(Number(number) <= (states.get(rule)?.number ?? -1), `job ${String(id)} is there and the state that owes it is not`);
    }
    for (const [commit, { owed, there }] of jobs) this.#demand(owed === there, `commit ${commit} is there by half: ${there} of ${owed} jobs`);
    for (const [rule, { number, owed }] of states)
      this.#demand((jobs.get(`${rule} ${number}`)?.there ?? 0) === owed, `the last state of rule ${rule} is there without its jobs`);
    for (const [rule, number] of this.#committed)
      this.#demand((states.get(rule)?.number ?? -1) >= number, `commit ${number} of rule ${rule} was acknowledged and is lost`);
  }

  /** Leases and attempts; a lease that nobody was told of may be there, an attempt without its job's status not. */
  async #jobs({ ask }: Found): Promise<void> {
    const jobs = new Map((await ask('SELECT id, status, attempts, fence FROM jobs')).map((row) => [String(row.id), row]));
    const attempts = new Map(
      (await ask('SELECT job_id, count(*) AS count FROM attempts GROUP BY job_id')).map(({ job_id, count }) => [String(job_id), Number(count)]),
    );
    for (const [id, { attempts: counted }] of jobs)
      this.#demand(Number(counted) === (attempts.get(id) ?? 0), `job ${id} counts ${Number(counted)} attempts and has ${attempts.get(id) ?? 0}`);
    for (const [id, fence] of this.#leased) this.#demand(Number(jobs.get(id)?.fence) >= fence, `the lease ${fence} of job ${id} was acknowledged and is lost`);
    for (const [id, { number, status }] of this.#attempted) {
      const { attempts: counted = 0, status: now } = jobs.get(id) ?? {};
      this.#demand(
        Number(counted) > number || (Number(counted) === number && now === status),
        `attempt ${number} (${status}) of job ${id} was acknowledged and is lost`,
      );
    }
  }

  /** What lies before the mark is judged; what lies behind it waits to be, as a whole, whether it was acknowledged or not. */
  async #mark({ ask, mark }: Found, batches: ReadonlyMap<string, number>, all: boolean): Promise<void> {
    const upTo = Number((await ask(mark))[0]?.value ?? 0);
    const rows = await ask('SELECT seq, length(value) / 8 AS points, texts FROM unjudged');
    const waiting = new Map(rows.map(({ seq, points, texts }) => [Number(seq), Number(points) * 1_000 + (JSON.parse(String(texts)) as unknown[]).length]));
    for (const [name, seq] of this.#appended) {
      if (seq <= upTo) this.#demand(this.#judged.has(seq), `batch ${name} (${seq}) was not judged, and the mark says ${upTo}`);
      else
        this.#demand(
          waiting.get(seq) === batches.get(name),
          `batch ${name} lies behind the mark ${upTo}: ${batches.get(name)} is to be judged, ${waiting.get(seq)} is kept`,
        );
    }
    for (const seq of waiting.keys()) this.#demand(seq > upTo, `batch ${seq} is judged by the mark ${upTo} and still kept`);
    if (!all) return;
    this.#demand(waiting.size === 0, `${waiting.size} batches are left that nobody has judged`);
    this.#demand(this.#judged.size === batches.size, `${this.#judged.size} batches were judged, and ${batches.size} are there`);
  }
}
