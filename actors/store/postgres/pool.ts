/**
 * A few connections that read. A query is many statements, and each takes a connection for itself, so that a light query waits for one statement of
 * the heavy ones and not for their end. What a connection takes along when it is lost is asked again on another.
 */
import type { Rows, Watch, Statement } from '../query/program.ts';
import { Away, stateOf } from './faults.ts';
import { type Server, Session } from './session.ts';

/** The server has the processors; these are for its disk. */
const MOST = 4;
/** How soon a query that nobody waits for any more is seen. */
const LOOK_MS = 50;
/** The server ends a statement by itself at its time; a connection that is silent for so much longer is lost. */
const SILENT_MS = 2_000;
/** A statement is asked so often, when connections are lost under it. */
const ATTEMPTS = 3;
const QUERY_CANCELED = '57014';
const SETTINGS = 'SET default_transaction_read_only = on; SET plan_cache_mode = force_custom_plan; SET jit = off';

export class Pool {
  readonly #server: Server;
  readonly #idle: Session[] = [];
  readonly #waiting: (() => void)[] = [];
  #open = 0;

  constructor(server: Server) {
    this.#server = server;
  }

  /** @throws QueryError `timeout`, `cancelled`; the server's error; Away. */
  async read(statement: Statement, watch: Watch): Promise<Rows> {
    for (let attempt = 1; ; attempt++) {
      const session = await this.#take();
      try {
        return await this.#watched(session, statement, watch);
      } catch (error) {
        if (!(error instanceof Away) || attempt === ATTEMPTS) throw error;
      } finally {
        this.#give(session);
      }
    }
  }

  async #watched(session: Session, statement: Statement, watch: Watch): Promise<Rows> {
    watch.check();
    const leftMs = Math.max(1, Math.ceil(watch.leftMs));
    const limit = session.run(`SET statement_timeout = ${leftMs}`);
    const rows = session.within(leftMs + SILENT_MS, session.table(statement));
    const look = setInterval(() => {
      if (isOver(watch)) void this.#cancel(session);
    }, LOOK_MS);
    try {
      const [, answer] = await Promise.all([limit, rows]);
      return answer;
    } catch (error) {
      if (stateOf(error) === QUERY_CANCELED || error instanceof Away) watch.check();
      throw error;
    } finally {
      clearInterval(look);
    }
  }

  /** The server would go on until it has something to say. The connection is not used again: the signal may come late. */
  async #cancel(session: Session): Promise<void> {
    const { pid } = session;
    session.drop();
    const other = await Session.open(this.#server).catch(() => undefined);
    await other?.ask('SELECT pg_cancel_backend(?)', [pid]).catch(() => {});
    other?.drop();
  }

  async #take(): Promise<Session> {
    while (this.#idle.length === 0 && this.#open >= MOST) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    const idle = this.#idle.pop();
    if (idle) return idle;
    this.#open++;
    try {
      const fresh = await Session.open(this.#server);
      await fresh.run(SETTINGS);
      void fresh.ended.then(() => this.#forget(fresh));
      return fresh;
    } catch (error) {
      this.#forget();
      throw error;
    }
  }

  #give(session: Session): void {
    if (!session.over) this.#idle.push(session);
    this.#waiting.shift()?.();
  }

  #forget(session?: Session): void {
    const at = session ? this.#idle.indexOf(session) : -1;
    if (at >= 0) this.#idle.splice(at, 1);
    this.#open--;
    this.#waiting.shift()?.();
  }
}

function isOver(watch: Watch): boolean {
  try {
    watch.check();
    return false;
  } catch {
    return true;
  }
}
