/** Queries that run at the same time in one thread, a turn each: a light one does not wait for the end of a heavy one. */
import type { Asking, QueryAnswer } from './query/answers.ts';
import { QueryError, type Rows, type Statement } from './query/program.ts';
import type { Fault } from './work.ts';

/** So long a query runs before another one has its turn. */
const TURN_MS = 5;
/** So many take turns; more wait, so that the memory that they take stays within bounds. */
const MOST_IN_TURN = 4;

type Outcome = { readonly value: QueryAnswer } | { readonly error: unknown };
interface Running {
  readonly asking: Asking;
  readonly done: (outcome: Outcome) => void;
  rows: Rows;
}

export class Turns {
  readonly #read: (statement: Statement) => Rows;
  /** What has not had a turn yet goes first: most queries need no second one. */
  readonly #fresh: Running[] = [];
  readonly #inTurn: Running[] = [];
  readonly #waiting: Running[] = [];
  #scheduled = false;

  constructor(read: (statement: Statement) => Rows) {
    this.#read = read;
  }

  /** `done` is called once, not before this returns. */
  start(asking: Asking, done: (outcome: Outcome) => void): void {
    this.#fresh.push({ asking, done, rows: [] });
    this.#schedule();
  }

  /** Between two turns messages come in. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      const next = this.#fresh.shift() ?? this.#inTurn.shift();
      if (!next) return;
      if (!this.#turn(next)) this.#waiting.unshift(next);
      while (this.#inTurn.length < MOST_IN_TURN && this.#waiting.length > 0) this.#inTurn.push(...this.#waiting.splice(0, 1));
      this.#schedule();
    });
  }

  /** @returns whether it is done. */
  #turn(running: Running): boolean {
    const { asking, done } = running;
    const until = performance.now() + TURN_MS;
    try {
      do {
        asking.watch.check();
        const { done: ended, value } = asking.program.next(running.rows);
        if (ended) {
          done({ value });
          return true;
        }
        running.rows = value ? this.#read(value) : [];
      } while (performance.now() < until);
      return false;
    } catch (error) {
      done({ error });
      return true;
    }
  }
}

/** @param otherwise what the engine makes of its own errors. */
export const queryFault = (error: unknown, otherwise: (error: unknown) => Fault): Fault =>
  error instanceof QueryError ? { code: error.code, message: error.message } : otherwise(error);
