/**
 * A query as a program: it yields the statements that it needs, is given their rows, and returns its answer. It runs nothing itself, so that
 * either engine can run it, and each statement is small, so that between any two it can be stopped or others can have a turn.
 */
export type Param = string | number | null | Uint8Array;
/** One statement with `?` for what is bound. */
export interface Statement {
  readonly sql: string;
  readonly params: readonly Param[];
}

export type Cell = string | number | null | Uint8Array;
/** Rows as arrays, in the order of the statement's columns. Whole numbers come as `number`. */
export type Rows = readonly (readonly Cell[])[];
/** What yields `undefined` needs nothing: it only gives way. */
export type Program<T> = Generator<Statement | undefined, T, Rows>;

export const statement = (sql: string, ...params: Statement['params']): Statement => ({ sql, params });

type Refused = 'refused' | 'timeout' | 'too_much' | 'cancelled';
/** The query cannot be answered, and whoever asked can do something about it. */
export class QueryError extends Error {
  override readonly name = 'QueryError';
  readonly code: Refused;
  constructor(code: Refused, message: string) {
    super(message);
    this.code = code;
  }
}

/** @param got what came instead; it is shown, shortened. */
export function refused(expected: string, got: unknown): QueryError {
  const text = JSON.stringify(got) ?? String(got);
  return new QueryError('refused', `${expected}, got ${text.length > 100 ? `${text.slice(0, 100)}…` : text}`);
}

/** What ends a query before its answer. Asked between statements. */
export class Watch {
  readonly #untilMs: number;
  readonly #budgetMs: number;
  readonly #cancel: Int32Array | undefined;

  /** @param cancel its first number is not 0 when nobody waits for the answer any more: memory that threads share. */
  constructor(budgetMs: number, cancel?: Int32Array) {
    this.#untilMs = performance.now() + budgetMs;
    this.#budgetMs = budgetMs;
    this.#cancel = cancel;
  }

  /** ms that are left of the budget. */
  get leftMs(): number {
    return this.#untilMs - performance.now();
  }
  /** @throws QueryError `cancelled`, `timeout`. */
  check(): void {
    if (this.#cancel && Atomics.load(this.#cancel, 0) !== 0) throw new QueryError('cancelled', 'the query was cancelled');
    if (this.leftMs < 0)
      throw new QueryError('timeout', `the query took longer than ${this.#budgetMs} ms: narrow its time range or its matchers, or give it a greater budgetMs`);
  }
}
