/** One connection to PostgreSQL that pipelines: what is asked of it goes out at once, and is answered in order. It ends for good; then there is a next one. */
import pg from 'pg';
import type { Cell, Rows, Param, Statement } from '../query/program.ts';
import type { Row } from '../reads.ts';
import { copyIn } from './copy.ts';
import { Away, isPermanent, stateOf, Unfit } from './faults.ts';
import { numberedOf, read, written } from './texts.ts';

export interface Server {
  /** Tried in order, until one takes writes. */
  readonly urls: readonly string[];
  /** Left out: what the server's search_path says. */
  readonly schema: string | undefined;
  /** How the session is named in pg_stat_activity; 63 bytes of it are kept. */
  readonly application: string;
}
export interface Result {
  readonly rows: readonly Row[];
  /** Rows written, or read. */
  readonly count: number;
}

const CONNECT_MS = 5_000;
const OLDEST_SERVER = 130_000;
/**
 * A node whose machine is gone, or the network to it, holds its locks no longer than 11 s after its last word, and 30 s within a transaction. The
 * system's own patience would be two hours. And nobody waits for a lock for good.
 */
const SETTINGS =
  "SET client_encoding = 'UTF8'; SET bytea_output = 'hex'; SET extra_float_digits = 1;" +
  ' SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3;' +
  " SET idle_in_transaction_session_timeout = '30s'; SET lock_timeout = '10s'; ";
const ABOUT = "SELECT current_setting('server_version_num')::int AS version, current_setting('server_encoding') AS encoding, pg_is_in_recovery() AS standby";

/** SQLSTATEs that come with FATAL: connection exceptions, shutdowns, a session that was idle too long within a transaction. */
const LAST_WORDS = /^(08|57P|25P03)/;

const PARSERS: Readonly<Record<number, (text: string) => unknown>> = {
  [pg.types.builtins.INT8]: Number, // none of ours is beyond 2⁵³
  [pg.types.builtins.NUMERIC]: Number,
  [pg.types.builtins.TEXT]: read,
};
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') => PARSERS[oid] ?? pg.types.getTypeParser(oid, format ?? 'text'),
};

export class Session {
  readonly #client: pg.Client;
  readonly #prepared = new Map<string, string>();
  #over = false;
  readonly host: string;
  readonly ended: Promise<void>;

  private constructor(client: pg.Client) {
    this.#client = client;
    this.host = `${client.host}:${client.port}`;
    this.ended = new Promise((resolve) => {
      client.once('end', () => {
        this.#over = true;
        resolve();
      });
    });
  }

  /** @throws Away when no server takes writes now; Unfit, when none will until a person has done something. */
  static async open({ urls, schema, application }: Server): Promise<Session> {
    const faults: unknown[] = [];
    const messages: string[] = [];
    const settings = `SET application_name = ${pg.escapeLiteral(application)}; ${schema === undefined ? '' : `SET search_path = ${pg.escapeIdentifier(schema)}, public; `}`;
    for (const url of urls) {
      const session = new Session(clientOf(url));
      try {
        await session.#client.connect();
        await session.#introduce(settings);
        return session;
      } catch (error) {
        session.drop();
        faults.push(error);
        messages.push(`PostgreSQL at ${session.host}: ${advised(messageOf(error))}`);
      }
    }
    throw faults.every(isPermanent) ? new Unfit(messages.join('; ')) : new Away(messages.join('; '));
  }

  async #introduce(settings: string): Promise<void> {
    const { rows } = await this.within(CONNECT_MS, this.run(SETTINGS + settings + ABOUT));
    const [about] = rows;
    if (Number(about?.version) < OLDEST_SERVER) throw new Unfit(`version 13 or newer is needed, got ${String(about?.version)}`);
    if (about?.encoding !== 'UTF8') throw new Unfit(`the database has to be encoded in UTF8, got ${String(about?.encoding)}`);
    if (about.standby === true) throw new Away('it is a standby, which takes no writes');
  }

  /** The connection is gone. What was asked of it and is not answered was done, or was not. */
  get over(): boolean {
    return this.#over;
  }
  get pid(): number {
    return Number(Reflect.get(this.#client, 'processID'));
  }

  /** One statement with `?`, prepared once. @throws the server's error; Away. */
  async ask(sql: string, params: readonly Param[] = []): Promise<Result> {
    return resultOf(await this.#told(this.#client.query<Record<string, unknown>>(this.#prepare(sql, params))));
  }

  /** The same, its rows as arrays. */
  async table({ sql, params }: Statement): Promise<Rows> {
    return (await this.#told(this.#client.query<Cell[]>({ ...this.#prepare(sql, params), rowMode: 'array' }))).rows;
  }

  /** Statements that are not prepared, `;` between them, all in one transaction of their own; answers the last. */
  async run(sql: string): Promise<Result> {
    const results: unknown = await this.#told(this.#client.query<Record<string, unknown>>(sql));
    return resultOf((Array.isArray(results) ? results.at(-1) : results) as pg.QueryResult<Record<string, unknown>>); // as the driver has it
  }

  /** @param into `table (column, …)` @param data COPY's binary format. */
  copy(into: string, data: Uint8Array): Promise<void> {
    return this.#told(copyIn(this.#client, into, data));
  }

  /** @param heard is called with the payload of what others notify. */
  async listen(channel: string, heard: (payload: string) => unknown): Promise<void> {
    this.#client.on('notification', ({ processId, payload = '' }) => {
      if (processId !== this.pid) heard(payload);
    });
    await this.run(`LISTEN ${channel}`);
  }

  /** A network may swallow all without a word: who has no answer in so long takes the connection for lost. */
  async within<T>(ms: number, work: Promise<T>): Promise<T> {
    const timer = setTimeout(() => this.drop(), ms);
    try {
      return await work;
    } finally {
      clearTimeout(timer);
    }
  }

  drop(): void {
    this.#over = true;
    this.#client.connection.stream.destroy();
  }

  #prepare(sql: string, params: readonly Param[]): { readonly name: string; readonly text: string; readonly values: Param[] } {
    const name = this.#prepared.get(sql) ?? `argos_${this.#prepared.size}`;
    this.#prepared.set(sql, name);
    return { name, text: numberedOf(sql), values: params.map((param) => (typeof param === 'string' ? written(param) : param)) };
  }

  /** The server's last word before it closes the connection is no answer, and the driver's own errors say that there is none. */
  async #told<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      const isAnswer = error instanceof pg.DatabaseError ? !LAST_WORDS.test(stateOf(error)) : error instanceof TypeError || error instanceof RangeError;
      if (isAnswer) throw error;
      this.drop();
      throw new Away(`the connection to PostgreSQL at ${this.host} was lost: ${messageOf(error)}`, { cause: error });
    }
  }
}

const resultOf = ({ rows, rowCount }: pg.QueryResult<Record<string, unknown>>): Result => ({ rows, count: rowCount ?? 0 });
/** A connection that is refused on all addresses of a host has several causes and no message. */
const messageOf = (error: unknown): string => {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join(', ');
  return error instanceof Error ? error.message : String(error);
};
/** What the system says of a server that is not there. */
const UNREACHED = /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|timeout expired/;
const advised = (message: string): string => (UNREACHED.test(message) ? `${message}: start it, or correct its address` : message);

const NO_URL = 'store.url: expected postgres://user:password@host:port/database, got something that is no such URL';
function clientOf(url: string): pg.Client {
  if (!/^postgres(ql)?:\/\//.test(url)) throw new Unfit(NO_URL); // the driver would make a host of it
  try {
    const client = new pg.Client({
      connectionString: url,
      pipeline: true,
      keepAlive: true,
      keepAliveInitialDelayMillis: 5_000,
      connectionTimeoutMillis: CONNECT_MS,
      types,
    });
    client.on('error', () => {}); // `end` follows, and whoever waits is told
    return client;
  } catch {
    throw new Unfit(NO_URL); // the driver's message would show it
  }
}
