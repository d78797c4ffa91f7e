/** Action type `database`: inserts a row. Values are bound, never written into the statement; names are checked. */
import knex, { type Knex } from 'knex';
import { type Static, Type } from 'typebox';
import type { ErrorClass, Job, Outcome } from '../job.ts';
import { type Fault, oneOf } from '../schema.ts';
import type { ActionType } from './action.ts';
import { contextOf, renderValue, templateFault } from './template.ts';

const schema = Type.Object(
  {
    db_type: oneOf(['postgres', 'sqlite'], { description: 'The kind of database.' }),
    host: Type.String({ default: 'localhost', description: 'postgres: the server.' }),
    port: Type.Integer({ minimum: 1, maximum: 65_535, default: 5_432, description: 'postgres: its port.' }),
    database: Type.String({ description: "postgres: the database's name · sqlite: the file." }),
    username: Type.Optional(Type.String({ description: 'postgres: who.' })),
    password: Type.Optional(Type.String({ description: 'postgres: Never logged.' })),
    ssl: Type.Boolean({ default: false, description: 'postgres: whether TLS is used.' }),
    table: Type.String({ description: 'The table, which must be there: `name` or `schema.name`.' }),
    insert_template: Type.Record(Type.String(), Type.Unknown(), {
      minProperties: 1,
      description: 'Column by column; the values are templates. One that is a whole reference keeps its type; objects are stored as JSON.',
    }),
    idempotency_column: Type.Optional(Type.String({ description: "A unique column that gets the execution's key: a repeat then adds no row." })),
    timeout: Type.Integer({ minimum: 1, maximum: 600_000, default: 10_000, description: 'Milliseconds that an attempt may take.' }),
  },
  { additionalProperties: false, description: 'Insert a row into a database.' },
);

const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/;
/** SQLSTATE classes that will be the same tomorrow: data, integrity, syntax or access rule (PostgreSQL, Appendix A); and SQLite's. */
const PERMANENT = /^(22|23|42)|^SQLITE_(CONSTRAINT|ERROR|MISMATCH|READONLY|AUTH)/;

export const database: ActionType<typeof schema> = {
  type: 'database',
  schema,
  timeoutMs: ({ timeout }) => timeout,
  check({ table, insert_template, idempotency_column }) {
    const faults: Fault[] = [];
    const expected = 'a name of letters, digits and _';
    if (!table.split('.').every((name) => NAME.test(name)) || table.split('.').length > 2) faults.push({ path: '/table', expected, got: table });
    for (const [column, value] of Object.entries(insert_template)) {
      if (!NAME.test(column)) faults.push({ path: `/insert_template/${column}`, expected, got: column });
      const fault = typeof value === 'string' ? templateFault(value) : undefined;
      if (fault) faults.push({ path: `/insert_template/${column}`, ...fault });
    }
    if (idempotency_column !== undefined && !NAME.test(idempotency_column)) faults.push({ path: '/idempotency_column', expected, got: idempotency_column });
    return faults;
  },
  destination: ({ db_type, host, port, database: name }) => (db_type === 'sqlite' ? `sqlite:${name}` : `${db_type}://${host}:${port}/${name}`),
  shown: (config, job) => ({ table: config.table, row: rowOf(config, job) }),
  prepare(config, port) {
    const write = (message: unknown): void => port.log.warn('the database driver warns', { message: String(message) }); // its own way is stdout
    const db = knex({ ...connection(config), log: { debug: write, warn: write, error: write, deprecate: write } });
    port.signal.addEventListener('abort', () => {
      db.destroy().catch((error: unknown) => port.log.warn('the connection pool did not close', { error: String(error) }));
    });
    return async (job, signal): Promise<Outcome> => {
      const key = config.idempotency_column;
      const insert = db(config.table).insert(rowOf(config, job));
      const query = (key ? insert.onConflict(key).ignore() : insert).timeout(config.timeout, { cancel: config.db_type === 'postgres' });
      try {
        signal.throwIfAborted();
        await query;
        return { kind: 'delivered' };
      } catch (error) {
        const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
        const reason = `${code} ${error instanceof Error ? error.message.replace(/^insert into .* - /s, '') : String(error)}`.trim(); // knex puts the statement before the fault
        const what = classOf(code);
        return what === 'client' || what === 'auth' ? { kind: 'discard', reason, class: what } : { kind: 'retry', reason, class: what };
      }
    };
  },
};

/** By SQLSTATE (PostgreSQL, Appendix A), or SQLite's word. Who we are may be mended tomorrow as little as what we ask. */
function classOf(code: string): ErrorClass {
  if (/^28|^SQLITE_AUTH/.test(code)) return 'auth';
  if (PERMANENT.test(code)) return 'client';
  if (code === '57014') return 'timeout';
  return /^[0-9A-Z]{5}$|^SQLITE_/.test(code) ? 'server' : 'network';
}

function rowOf({ insert_template, idempotency_column: key }: Static<typeof schema>, job: Job): Readonly<Record<string, string | number | boolean | null>> {
  const context = contextOf(job);
  const row = Object.fromEntries(
    Object.entries(insert_template).map(([column, value]) => [column, scalar(typeof value === 'string' ? renderValue(value, context) : value)]),
  );
  return key ? { ...row, [key]: job.id } : row;
}

/** knex would turn objects into operators for some databases (CVE-2016-20018): only scalars are bound. */
const scalar = (value: unknown): string | number | boolean | null => {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  return value === null || value === undefined ? null : JSON.stringify(value);
};

/** Waiting for another's lock inside SQLite would hold up the whole node; a locked database is tried again by the outbox. */
const waitForNoLock = (db: { pragma(text: string): unknown }, done: (error: null, db: unknown) => void): void => {
  db.pragma('busy_timeout = 0');
  done(null, db);
};

function connection({
  db_type,
  host,
  port,
  database: name,
  username,
  password,
  ssl,
  timeout,
}: { readonly [K in keyof typeof schema.properties]?: unknown }): Knex.Config {
  if (db_type === 'sqlite')
    return { client: 'better-sqlite3', connection: { filename: String(name) }, useNullAsDefault: true, pool: { min: 0, max: 1, afterCreate: waitForNoLock } };
  return {
    client: 'pg',
    connection: {
      host: String(host),
      port: Number(port),
      database: String(name),
      ...(username === undefined ? {} : { user: String(username) }),
      ...(password === undefined ? {} : { password: String(password) }),
      ssl: ssl === true,
      connectionTimeoutMillis: Number(timeout),
      statement_timeout: Number(timeout),
    },
    pool: { min: 0, max: 4 },
    acquireConnectionTimeout: Number(timeout),
  };
}
