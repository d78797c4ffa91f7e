/** Housekeeping in small pieces, and the statements it prepares once. Part of the thread that writes. */
import type Database from 'better-sqlite3';

/**
 * Work in small pieces. Wherever it yields the transaction may end, and so may the node. What it yields is how many ms the commit will take for
 * what the piece has written here and there, where that is much: pages are written when a transaction ends.
 */
export type Steps<T = void> = Generator<number | undefined, T, undefined>;

/** A row that lies apart from its neighbours in time dirties a page of each of its trees: measured, 10 µs each. */
export const SCATTERED_MS = 0.02;

export type Row = readonly unknown[];
export type Value = string | number;

/** Statements by their text; rows as arrays. */
export class Statements {
  readonly #db: Database.Database;
  readonly #prepared = new Map<string, Database.Statement>();

  constructor(db: Database.Database) {
    this.#db = db;
  }

  rows(sql: string, ...values: readonly Value[]): readonly Row[] {
    return this.#of(sql, true).all(...values) as Row[]; // raw
  }
  /** The first column of the first row, when it is a number. */
  number(sql: string, ...values: readonly Value[]): number | undefined {
    const row = this.#of(sql, true).get(...values) as Row | undefined;
    return typeof row?.[0] === 'number' ? row[0] : undefined;
  }
  /** @returns how many rows it has changed. */
  run(sql: string, ...values: readonly Value[]): number {
    return this.#of(sql, false).run(...values).changes;
  }

  #of(sql: string, raw: boolean): Database.Statement {
    const there = this.#prepared.get(sql);
    if (there) return there;
    const fresh = this.#db.prepare(sql);
    this.#prepared.set(sql, raw ? fresh.raw(true) : fresh);
    return fresh;
  }
}
