// Action type database against a real PostgreSQL and a real SQLite: the row stands, once, and data stays data.
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { expect } from 'chai';
import pg from 'pg';
import { database } from '../../../actors/actions/database.ts';
import { check } from '../../../actors/schema.ts';
import { prepare } from '../../support/action-kit.ts';
import { configOf, jobOf, Root } from '../../support/actors.ts';
import { eventually } from '../../support/eventually.ts';
import { freePort, type Postgres, postgres, tempFolder } from '../../support/services.ts';
import { startSilent } from '../../support/silent.ts';

type Row = Readonly<Record<string, unknown>>;
/** One of the databases that a spec runs against. */
interface Db {
  readonly config: object;
  run(sql: string): Promise<Row[]>;
  close(): Promise<void>;
}

async function openPostgres(): Promise<Db> {
  const { port, user, database: name, url } = await postgres();
  const client = new pg.Client(url);
  await client.connect();
  return {
    config: { db_type: 'postgres', host: '127.0.0.1', port, database: name, username: user },
    run: async (sql) => (await client.query(sql)).rows as Row[],
    close: () => client.end(),
  };
}
async function openSqlite(): Promise<Db> {
  const file = join(tempFolder(), 'it.db');
  const db = new Sqlite(file);
  return {
    config: { db_type: 'sqlite', database: file },
    run: async (sql) => {
      const statement = db.prepare(sql);
      if (statement.reader) return statement.all() as Row[];
      statement.run();
      return [];
    },
    close: async () => void db.close(),
  };
}

const job = (data: unknown, id = 'id') => jobOf({ id, alert: { monitors: { boiler: { data } }, event: { data } } });
const NASTY = ["'; DROP TABLE events; --", '"; DELETE FROM events; --', '$1 ? :a ${rule.name} %s', "\\'; \\", '\u{1f600}\n\t\r', '\ud800', ''];

for (const [name, open] of [
  ['PostgreSQL', openPostgres],
  ['SQLite', openSqlite],
] as const) {
  describe(`action type database on ${name}`, () => {
    let root: Root;
    let db: Db;
    const config = (more: object = {}): object => ({ ...db.config, table: 'events', insert_template: { what: '${monitor.data.data}' }, ...more });
    const rows = (): Promise<Row[]> => db.run('SELECT * FROM events');

    beforeEach(async () => {
      root = new Root();
      db = await open();
      await db.run('DROP TABLE IF EXISTS events');
      await db.run('CREATE TABLE events (what text, n real, at text, ok integer, key text UNIQUE)');
    });
    afterEach(async () => {
      await root.end();
      await db.close();
    });

    it('inserts a row of the values that its templates name', async () => {
      const insert_template = { what: 'It is ${monitor.data.data}', n: '${rule.parameters.limit}', at: '${system.timestamp}', ok: 1 };
      const { deliver } = await prepare(root, database, config({ insert_template }));
      expect(await deliver(job(91))).to.deep.equal({ kind: 'delivered' });
      expect(await rows()).to.deep.equal([{ what: 'It is 91', n: 80, at: '1970-01-01T00:00:02.000Z', ok: 1, key: null }]);
    });

    it('stores objects and lists as JSON, and what is nothing as NULL', async () => {
      const { deliver } = await prepare(root, database, config());
      for (const data of [{ a: [1, { b: "'" }] }, [1, 2], null]) expect((await deliver(job(data))).kind).to.equal('delivered');
      expect((await rows()).map(({ what }) => what)).to.deep.equal(['{"a":[1,{"b":"\'"}]}', '[1,2]', null]);
    });

    it('keeps SQL in data what it is: data', async () => {
      const { deliver } = await prepare(root, database, config());
      for (const data of NASTY) expect((await deliver(job(data))).kind, data).to.equal('delivered');
      for (const data of [{ toString: 'x' }, { or: [1] }]) expect((await deliver(job(data))).kind).to.equal('delivered'); // an operator to a careless query builder
      expect((await rows()).map(({ what }) => what)).to.deep.equal([...NASTY.map((data) => data.toWellFormed()), '{"toString":"x"}', '{"or":[1]}']);
    });

    it('adds no second row for a repeat when it has an idempotency column', async () => {
      const { deliver } = await prepare(root, database, config({ idempotency_column: 'key' }));
      for (const id of ['one', 'one', 'other', 'one']) expect(await deliver(job(id, id))).to.deep.equal({ kind: 'delivered' });
      expect((await rows()).map(({ what, key }) => [what, key])).to.deep.equal([
        ['one', 'one'],
        ['other', 'other'],
      ]);
    });

    it('discards what will be the same tomorrow: no such table or column, a constraint, a reference without a value', async () => {
      const never: [object, RegExp][] = [
        [{ table: 'nowhere' }, /nowhere/],
        [{ insert_template: { nothing: 1 } }, /nothing/],
        [{ idempotency_column: 'what' }, /constraint/i],
        [{ insert_template: { key: 'same' } }, /unique/i],
        [{ insert_template: { what: '${monitor.data.no}' } }, /monitor\.data\.no/],
      ];
      await db.run("INSERT INTO events (key) VALUES ('same')");
      for (const [more, reason] of never) {
        const outcome = await (await prepare(root, database, config(more))).deliver(job(1));
        expect(outcome, JSON.stringify(more)).to.include({ kind: 'discard' });
        expect(outcome).to.have.property('reason').that.matches(reason).and.not.includes('insert into');
      }
      expect(await rows()).to.have.length(1);
    });

    it('delivers many at a time', async () => {
      const { deliver } = await prepare(root, database, config());
      const outcomes = await Promise.all(Array.from({ length: 50 }, (_, i) => deliver(job(`${i}`, `id${i}`))));
      expect(outcomes.every(({ kind }) => kind === 'delivered')).to.equal(true);
      expect(await rows()).to.have.length(50);
    });
  });
}

describe('action type database', () => {
  let root: Root;
  let server: Postgres;
  let client: pg.Client;
  const config = (more: object = {}): object => ({
    db_type: 'postgres',
    host: '127.0.0.1',
    database: 'postgres',
    username: 'argos',
    table: 'late',
    insert_template: { what: '${rule.name}' },
    timeout: 300,
    ...more,
  });

  before(async () => {
    server = await postgres();
    client = new pg.Client(server.url);
    await client.connect();
  });
  after(() => client.end());
  beforeEach(async () => {
    root = new Root();
    await client.query('DROP TABLE IF EXISTS late');
    await client.query('CREATE TABLE late (what text)');
  });
  afterEach(() => root.end());

  it('tries again while the server is away, or takes the connection and says nothing', async () => {
    expect(await (await prepare(root, database, config({ port: await freePort() }))).deliver(jobOf()))
      .to.include({ kind: 'retry' })
      .and.to.have.property('reason')
      .that.includes('ECONNREFUSED');
    const mute = await startSilent();
    const { pid, deliver } = await prepare(root, database, config({ port: mute.port }));
    for (const { kind } of await Promise.all([1, 2, 3, 4, 5, 6].map(() => deliver(jobOf())))) expect(kind).to.equal('retry'); // more than the pool has connections
    await root.stop(pid);
    mute.close();
  });

  it('tries again while another holds the table, and nothing of the attempt that took too long comes later', async () => {
    const { deliver } = await prepare(root, database, config({ port: server.port }));
    await client.query('BEGIN');
    await client.query('LOCK TABLE late');
    expect((await deliver(jobOf())).kind).to.equal('retry');
    await client.query('COMMIT');
    expect((await deliver(jobOf())).kind).to.equal('delivered');
    expect((await client.query('SELECT * FROM late')).rows).to.have.length(1);
  });

  it('tries again while another holds a SQLite database, and holds nobody up for it', async () => {
    const file = join(tempFolder(), 'it.db');
    const db = new Sqlite(file);
    db.exec('CREATE TABLE events (what text); BEGIN IMMEDIATE');
    const { deliver } = await prepare(root, database, { db_type: 'sqlite', database: file, table: 'events', insert_template: { what: 'x' } });
    const since = performance.now();
    expect((await deliver(jobOf())).kind).to.equal('retry');
    expect(performance.now() - since).to.be.below(1_000);
    db.exec('COMMIT');
    expect((await deliver(jobOf())).kind).to.equal('delivered');
    db.close();
  });

  it('closes its connections when it stops', async () => {
    const count = "SELECT count(*)::int AS n FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
    const open = async (): Promise<unknown> => (await client.query(count)).rows[0].n;
    await eventually(async () => expect(await open()).to.equal(0));
    const { pid, deliver } = await prepare(root, database, config({ port: server.port }));
    await deliver(jobOf());
    expect(await open()).to.equal(1);
    await root.stop(pid);
    await eventually(async () => expect(await open()).to.equal(0));
  });

  it('refuses names that are no names, a reference that leads nowhere, and an unknown key', () => {
    const faults = (more: object) => database.check?.(configOf(database.schema, config(more)))?.map(({ path }) => path);
    for (const table of ['a; DROP TABLE b', 'a"b', 'a.b.c', '', '1a', 'a b', "a'"]) expect(faults({ table }), table).to.deep.equal(['/table']);
    expect(faults({ table: 'audit.events' })).to.deep.equal([]);
    expect(faults({ insert_template: { 'a"': 1, b: '${rul.name}' }, idempotency_column: 'k;' })).to.deep.equal([
      '/insert_template/a"',
      '/insert_template/b',
      '/idempotency_column',
    ]);
    expect(check(database.schema, config({ tabl: 'x' })).faults[0]).to.include({ path: '/tabl', nearest: 'table' });
  });
});
