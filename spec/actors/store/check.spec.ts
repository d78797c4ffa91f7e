// A check finds what is wrong and says it in words, and finds nothing where nothing is; compacting changes the size and nothing else.
import { closeSync, fstatSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect } from 'chai';
import pg from 'pg';
import { Upkeep } from '../../../actors/store/archive/upkeep.ts';
import { jobOf, Root } from '../../support/actors.ts';
import { archiveOf, backupOf, read, upkeepOf } from '../../support/backups.ts';
import { ENGINES, freshSchema } from '../../support/engines.ts';
import { postgres, tempFolder } from '../../support/services.ts';
import { TestStore } from '../../support/store.ts';

const metric = (more = {}) => ({ name: 'm', service: 's', value: 1, timestamp: 1_000, tags: {}, ...more });
const said = (promise: Promise<unknown>): Promise<string> => promise.then(JSON.stringify, String);

const job = (id: string, dueMs: number, text = '{}', leaseMs: number | null = null, action = 'a') => [
  id,
  'r',
  action,
  'queued',
  null,
  0,
  dueMs,
  1,
  text,
  null,
  leaseMs,
  0,
  1,
  null,
  null,
  0,
];
const batch = (atMs: number, series = 1) => [null, atMs, atMs, 'spec', Buffer.from(Uint32Array.of(series).buffer), Buffer.alloc(8), Buffer.alloc(8), '[]'];

for (const engine of ENGINES) {
  describe(`check of ${engine.name}`, () => {
    let root: Root;
    beforeEach(() => {
      root = new Root();
    });
    afterEach(() => root.end());
    const place = async () =>
      engine.name === 'SQLite' ? { dataDir: tempFolder() } : { dataDir: tempFolder(), url: (await postgres()).url, schema: freshSchema(), node: 'spec' };

    it('of a store that works finds nothing, and counts what is there, while it runs and when it has stopped', async () => {
      const under = await engine.fresh(root);
      await under.start();
      await under.store.append({ protocol: 'spec', metrics: [metric(), metric({ name: 'n' })], logs: [] });
      await under.store.commit([{ set: 'job', job: jobOf({ id: 'open', createdMs: Date.now() }), status: 'queued' }]);
      for (const online of [true, false]) {
        if (!online) await under.stop();
        const { findings, rows, openJobs, unjudged } = await upkeepOf(under, online).check(false);
        expect(findings).to.deep.equal([]);
        expect(rows).to.deep.include({ series: 2, points: 2, logs: 0, jobs: 1 });
        expect(openJobs.count).to.equal(1);
        expect(unjudged.batches).to.equal(1);
        expect(Math.abs((unjudged.oldestMs ?? 0) - Date.now())).to.be.below(60_000);
      }
    });

    it('names what refers to nothing, and what cannot be read', async () => {
      const where = await place();
      const upkeep = new Upkeep(where, false);
      const from = await archiveOf({
        series: [[1, 's', 'n', '{}']],
        points: [
          [1, 1, 0, 1],
          [2, 1, 0, 1],
          [2, 2, 0, 1],
        ],
        rollups: [[9, 60_000, 0, 1, 1, 1, 1, 1, 0, 1, 0, 0, Buffer.alloc(3)]],
        attempts: [['gone', 1, 1, 1, 'retry', null, null]],
        jobs: [job('torn', Date.now(), '{"half":')],
        rule_states: [['r', 'undefined']],
        unjudged: [batch(Date.now(), 1), batch(Date.now() + 1, 77)],
      });
      await upkeep.restore({ from, discard: false });
      expect((await upkeep.check(true)).findings).to.deep.equal([
        '2 points of series that are not there',
        '1 rollups of series that are not there',
        '1 attempts of executions that are not there',
        '1 of rule_states.state cannot be read: they are no JSON',
        '1 of jobs.job cannot be read: they are no JSON',
        '1 batches that wait to be judged hold samples of series that are not there',
      ]);
    });

    it('of a running node finds work that nobody does; of one that is down that is how it is', async () => {
      const where = await place();
      const oldMs = Date.now() - 3_600_000;
      const leased = job('leased', oldMs, '{}', Date.now() + 60_000);
      const from = await archiveOf({
        series: [[1, 's', 'n', '{}']],
        jobs: [job('due', oldMs), job('nobody', oldMs, '{}', null, 'b'), job('later', Date.now() + 60_000), leased],
        unjudged: [batch(oldMs), batch(oldMs + 1)],
      });
      await new Upkeep(where, false).restore({ from, discard: false });
      expect((await new Upkeep(where, true).check(true)).findings).to.deep.equal([
        '1 executions of action b have been due for more than 10 minutes, and nobody carries them out: is it declared?',
        '2 batches wait to be judged, the oldest for 60 minutes: the rules do not come on',
      ]);
      const { findings, openJobs, unjudged } = await new Upkeep(where, false).check(true);
      expect(findings).to.deep.equal([]);
      expect(openJobs).to.deep.equal({ count: 4, oldestDueMs: oldMs });
      expect(unjudged).to.deep.equal({ batches: 2, oldestMs: oldMs });
    });

    it('compacting gives room back and leaves everything as it was', async () => {
      const where = await place();
      const upkeep = new Upkeep(where, false);
      await upkeep.restore({
        from: await archiveOf({ series: [[1, 's', 'n', '{}']], points: Array.from({ length: 20_000 }, (_, i) => [1, i, 0, i]) }),
        discard: false,
      });
      if (engine.name === 'SQLite') {
        const db = new Database(join(where.dataDir, 'argos.db'));
        db.exec('DELETE FROM points WHERE ts % 10 > 0');
        db.close();
      }
      const before = read(await backupOf(upkeep)).tables;
      const { beforeBytes, afterBytes } = await upkeep.compact();
      if (engine.name === 'SQLite') {
        expect(afterBytes).to.be.below(0.6 * beforeBytes);
        expect(afterBytes).to.equal(statSync(join(where.dataDir, 'argos.db')).size);
      }
      expect(beforeBytes).to.be.above(100_000);
      expect(read(await backupOf(upkeep)).tables).to.deep.equal(before);
      expect((await upkeep.check(false)).findings).to.deep.equal([]);
    });
  });
}

describe('check of SQLite', () => {
  let root: Root;
  beforeEach(() => {
    root = new Root();
  });
  afterEach(() => root.end());

  const filled = async (): Promise<string> => {
    const dataDir = tempFolder();
    const points = Array.from({ length: 30_000 }, (_, i) => [1 + (i % 3), i, 0, i]);
    await new Upkeep({ dataDir }, false).restore({
      from: await archiveOf({ series: [1, 2, 3].map((id) => [id, 's', String(id), '{}']), points }),
      discard: false,
    });
    return dataDir;
  };

  it('finds every page that was overwritten', async () => {
    for (const part of [0.3, 0.6, 0.9]) {
      const dataDir = await filled();
      const file = openSync(join(dataDir, 'argos.db'), 'r+');
      writeSync(file, Buffer.alloc(4_096, 0x5a), 0, 4_096, Math.floor((fstatSync(file).size * part) / 4_096) * 4_096);
      closeSync(file);
      const { findings, integrity } = await new Upkeep({ dataDir }, false).check(false);
      expect(integrity).to.equal('integrity_check');
      expect(findings[0]).to.match(/^the database is damaged: /);
    }
  });

  it('says of a file that is no database at all that it is damaged, and of a running node that it has to be asked', async () => {
    const dataDir = await filled();
    const file = openSync(join(dataDir, 'argos.db'), 'r+');
    writeSync(file, 'no SQLite at all', 0);
    closeSync(file);
    expect(await said(new Upkeep({ dataDir }, false).check(false))).to.match(/is damaged|not a database/);
    const under = new TestStore(root);
    await under.start();
    expect(await said(upkeepOf(under, false).check(true))).to.contain('a node uses');
    expect(await said(upkeepOf(under, false).compact())).to.contain('a node uses');
  });

  it('changes nothing', async () => {
    const dataDir = await filled();
    const bytes = (): Buffer => readFileSync(join(dataDir, 'argos.db'));
    const before = bytes();
    await new Upkeep({ dataDir }, false).check(false);
    expect(bytes().equals(before)).to.equal(true);
  });
});

describe('check of PostgreSQL', () => {
  it('looks into each index where amcheck is installed, and finds one that is invalid', async () => {
    const { url } = await postgres();
    const schema = freshSchema();
    const upkeep = new Upkeep({ dataDir: tempFolder(), url, schema, node: 'spec' }, false);
    await upkeep.restore({ from: await archiveOf({ series: [[1, 's', 'n', '{}']], points: [[1, Date.now(), 0, 1]] }), discard: false });
    expect((await upkeep.check(false)).integrity).to.equal('catalog');
    const client = new pg.Client(url);
    await client.connect();
    try {
      await client.query('CREATE EXTENSION amcheck');
      expect(await upkeep.check(false)).to.deep.include({ integrity: 'amcheck', findings: [] });
      await client.query(`UPDATE pg_index SET indisvalid = false WHERE indexrelid = '${schema}.audit_by_time'::regclass`);
      expect((await upkeep.check(false)).findings).to.deep.equal(['the database is damaged: the index audit_by_time is invalid: REINDEX it']);
    } finally {
      await client.query('DROP EXTENSION amcheck');
      await client.end();
    }
  });
});
