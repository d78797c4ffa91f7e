/** Deletes logs and traces that are older than their service keeps them, in the order of time: so the rows of a page go together. Part of the thread that writes. */
import { FIRST_MS } from '../query/rollup.ts';
import { type Row, SCATTERED_MS, type Statements, type Steps } from './steps.ts';

/** Rows that go at once. */
const CHUNK = 32;
/** A log lies beside those that came with it, a trace wherever its number is. */
const TABLES = {
  logs: { key: 'id', from: [0], is: 'id = ?', rowMs: 0 },
  traces: { key: 'trace_id, span_id', from: ['', ''], is: 'trace_id = ? AND span_id = ?', rowMs: SCATTERED_MS },
} as const;
export type Table = keyof typeof TABLES;
export const TEXTS = Object.keys(TABLES) as readonly Table[];

export class SweepTexts {
  readonly #sql: Statements;
  /** By table and how long a service keeps them: up to which time has been swept for those who keep as long. */
  readonly #swept = new Map<string, number>();

  constructor(sql: Statements) {
    this.#sql = sql;
  }

  /** Those that are older than the cut of their service, until it is `enough`. @param nowMs when it is done again and again, with cuts that go with it. */
  *sweep(table: Table, cutOf: (service: string) => number, enough: () => boolean, nowMs?: number): Steps {
    const services: string[] = [];
    for (let last = this.#service(table); last !== undefined; last = this.#service(table, last)) {
      services.push(last);
      yield;
    }
    for (const cut of new Set(services.map(cutOf))) {
      const keep = nowMs === undefined ? '' : `${table} ${nowMs - cut}`;
      yield* this.#inTime(table, this.#swept.get(keep) ?? FIRST_MS, cut, cutOf, enough);
      if (enough()) return;
      if (keep) this.#swept.set(keep, cut);
    }
    // What came late: its time had been swept before.
    for (const service of services) {
      const late = `DELETE FROM ${table} WHERE service = ? AND ts < ? ORDER BY ts LIMIT ${CHUNK}`;
      for (let gone = CHUNK; gone === CHUNK; ) {
        gone = this.#sql.run(late, service, cutOf(service));
        yield gone * SCATTERED_MS;
      }
    }
  }

  /** When the oldest is of, ms since 1970. */
  oldest(table: Table): number | undefined {
    return this.#sql.number(`SELECT min(ts) FROM ${table}`);
  }

  *#inTime(table: Table, from: number, to: number, cutOf: (service: string) => number, enough: () => boolean): Steps {
    const { key, is, from: first, rowMs } = TABLES[table];
    const marks = key.replaceAll(/\w+/g, '?');
    const next = `SELECT ts, service, ${key} FROM ${table} WHERE (ts, ${key}) > (?, ${marks}) AND ts < ? ORDER BY ts, ${key} LIMIT ${CHUNK}`;
    for (let after: Row = [from, ...first]; !enough(); ) {
      const rows = this.#sql.rows(next, ...after.map(bound), to);
      for (const [ts, service, ...keys] of rows) {
        if (Number(ts) < cutOf(String(service))) this.#sql.run(`DELETE FROM ${table} WHERE ${is}`, ...keys.map(bound));
        after = [ts, ...keys];
      }
      yield rows.length * rowMs;
      if (rows.length < CHUNK) return;
    }
  }

  #service(table: Table, after?: string): string | undefined {
    const [row] =
      after === undefined
        ? this.#sql.rows(`SELECT service FROM ${table} ORDER BY service LIMIT 1`)
        : this.#sql.rows(`SELECT service FROM ${table} WHERE service > ? ORDER BY service LIMIT 1`, after);
    return row && String(row[0]);
  }
}

const bound = (value: unknown): string | number => (typeof value === 'number' ? value : String(value));
