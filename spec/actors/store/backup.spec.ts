// A backup holds one moment of a store, all of it, and nothing that is secret; and a restore makes it what it was, in either engine.
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import type { Change } from '../../../actors/store/changes.ts';
import { openWriter } from '../../../actors/store/sqlite/open.ts';
import { TABLES } from '../../../actors/store/archive/tables.ts';
import { Upkeep } from '../../../actors/store/archive/upkeep.ts';
import { jobOf, Root } from '../../support/actors.ts';
import { archiveOf, backupOf, contents, read, upkeepOf, written } from '../../support/backups.ts';
import { ENGINES, freshSchema } from '../../support/engines.ts';
import { postgres, tempFolder } from '../../support/services.ts';
import type { TestStore } from '../../support/store.ts';

const metric = (more = {}) => ({ name: 'm', service: 's', value: 1, timestamp: 1_000, tags: {}, ...more });
const log = (more = {}) => ({ level: 'info' as const, message: 'hello', service: 's', timestamp: 1_000, tags: {}, ...more });

/** One of each. */
const CHANGES: readonly Change[] = [
  { set: 'rule_state', rule: 'hot', state: { phase: 'firing', since: 1 } },
  { set: 'monitor_state', monitor: 'm', atMs: 1.5, fields: { up: true } },
  { set: 'episode', episode: { id: 'hot#1', rule: 'hot', instance: '', severity: 'critical', details: 'd', startedMs: 1, endedMs: null } },
  { set: 'job', job: jobOf({ id: 'open' }), status: 'queued' },
  { set: 'job', job: jobOf({ id: 'done' }), status: 'queued' },
  {
    set: 'attempt',
    attempt: { job: 'done', number: 1, startedMs: 1, durationMs: 2.25, outcome: 'delivered', reason: null, class: null },
    status: 'succeeded',
    dueMs: 3,
  },
  { set: 'version', version: { number: 1, atMs: 1, author: 'a', reason: 'r', diff: ['+ rule hot'], overlay: [] } },
  { set: 'retained', retained: { topic: 't', atMs: 1, qos: 1, payload: Buffer.from([0, 255]) } },
  { set: 'audit', audit: { atMs: 1, author: 'a', action: 'create', subject: 'rule hot', outcome: 'ok' } },
  { set: 'api_key', key: { id: 'k', name: 'n', hash: Buffer.alloc(32, 7), roles: ['read'], createdMs: 1, expiresMs: null } },
];

describe('backup', () => {
  let root: Root;
  beforeEach(() => {
    root = new Root();
  });
  afterEach(() => root.end());

  const pg = async (): Promise<Upkeep> => new Upkeep({ dataDir: tempFolder(), url: (await postgres()).url, schema: freshSchema(), node: 'spec' }, false);

  describe('the list of tables', () => {
    it('names every table and column of a SQLite database, and none that is not there', () => {
      const db = openWriter(join(tempFolder(), 'argos.db'));
      const names = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").pluck().all() as string[];
      const columns = (table: string): string[] => (db.pragma(`table_info(${table})`) as { name: string }[]).map(({ name }) => name).sort();
      const described = TABLES.filter(({ name }) => name !== 'nodes'); // PostgreSQL's; here it is a mark
      expect(names).to.deep.equal(described.map(({ name }) => name).sort());
      for (const { name, columns: all } of described)
        expect(columns(name), name).to.deep.equal(
          all
            .map((one) => one.name)
            .filter((one) => one !== 'node')
            .sort(),
        );
      db.close();
    });
  });

  it('writes what JSON has no word for so that it comes back: infinities, NULL, bytes, and the twins of an instant by their rank', async () => {
    const rollup = [
      1,
      60_000,
      0,
      1,
      null,
      Number.NEGATIVE_INFINITY,
      Number.POSITIVE_INFINITY,
      0.1,
      0,
      1e300,
      0,
      Number.POSITIVE_INFINITY,
      Buffer.from([0, 255]),
    ];
    const given = await archiveOf({
      series: [[1, 's', 'a\0b', '{}']],
      rollups: [rollup],
      points: [
        [1, 5, 7, Number.NEGATIVE_INFINITY],
        [1, 5, 9, 2],
        [1, 6, 3, 3],
      ],
    });
    const expected = {
      series: ['[1,"s","a\\u0000b","{}"]'],
      rollups: ['[1,60000,0,1,null,"-Infinity","Infinity",0.1,0,1e+300,0,"Infinity","AP8="]'],
      points: ['[1,5,0,"-Infinity"]', '[1,5,1,2]', '[1,6,0,3]'],
    };
    expect(read(given).tables).to.deep.equal(expected);
    for (const upkeep of [new Upkeep({ dataDir: tempFolder() }, false), await pg()]) {
      await upkeep.restore({ from: given, discard: false });
      expect(read(await backupOf(upkeep)).tables).to.deep.include(expected);
    }
  });

  it('of anything, restored into either engine and into the other one from there, is the same to the last digit', async () => {
    const [sqlite, other] = [new Upkeep({ dataDir: tempFolder() }, false), await pg()];
    await fc.assert(
      fc.asyncProperty(contents, async (given) => {
        const first = await archiveOf(given);
        const { tables } = read(first);
        await sqlite.restore({ from: first, discard: true });
        const second = await backupOf(sqlite);
        expect(read(second).tables).to.deep.equal(tables);
        await other.restore({ from: second, discard: true });
        const third = await backupOf(other);
        expect(read(third).tables).to.deep.equal(tables);
        await sqlite.restore({ from: third, discard: true });
        expect(read(await backupOf(sqlite)).tables).to.deep.equal(tables);
      }),
      { numRuns: process.env.ARGOS_LONG ? 60 : 3 },
    );
  });
});

for (const engine of ENGINES) {
  describe(`backup of ${engine.name}`, () => {
    let root: Root;
    let under: TestStore;
    beforeEach(async () => {
      root = new Root();
      under = await engine.fresh(root);
      await under.start();
    });
    afterEach(() => root.end());

    for (const target of ENGINES)
      it(`becomes a store in ${target.name} that answers as the first one did, and goes on from there`, async () => {
        await under.store.append({
          protocol: 'spec',
          metrics: [metric(), metric({ value: 2 }), metric({ name: 'n', tags: { a: '1' } })],
          logs: [log(), log({ message: 'b' })],
        });
        await under.store.append({ protocol: 'spec', metrics: [metric({ value: Number.POSITIVE_INFINITY, timestamp: Date.now() })], logs: [] });
        await under.store.commit(CHANGES);
        const file = await backupOf(upkeepOf(under));
        const restored = await target.fresh(root);
        await upkeepOf(restored, false).restore({ from: file, discard: false });
        await restored.start();
        expect(await answersOf(restored)).to.deep.equal(await answersOf(under));
        for (const one of [under, restored]) {
          await one.store.append({ protocol: 'spec', metrics: [metric({ value: 3 }), metric({ name: 'new' })], logs: [log({ message: 'c' })] });
          await one.store.commit([{ set: 'audit', audit: { atMs: 2, author: 'a', action: 'b', subject: 'c', outcome: 'd' } }]);
        }
        expect(await answersOf(restored)).to.deep.equal(await answersOf(under));
        expect((await restored.metrics({ name: { is: 'm' }, toMs: 1_000 })).map(({ value }) => value)).to.deep.equal([3, 2, 1]);
      });

    it('holds one moment: of what is committed while it is made, all or nothing, and the first ones', async () => {
      const stop = new AbortController();
      const batches = 40;
      for (let i = 0; i < batches; i++) await write(i);
      const writing = (async () => {
        for (let i = batches; !stop.signal.aborted; i++) await write(i);
      })();
      const files = [await backupOf(upkeepOf(under)), await backupOf(upkeepOf(under))];
      stop.abort();
      await writing;
      for (const file of files) {
        const { tables } = read(file);
        const jobs = tables.jobs?.length ?? 0;
        expect(jobs).to.be.at.least(batches);
        expect(tables.rule_states).to.deep.equal([JSON.stringify(['r', String(jobs - 1)])]);
        const samples = tables.points?.length ?? 0;
        expect(samples).to.equal(2 * (tables.unjudged?.length ?? 0));
        expect([2 * jobs, 2 * jobs + 2]).to.include(samples);
        expect(tables.logs?.length).to.equal(samples / 2);
      }

      async function write(i: number): Promise<void> {
        await under.store.append({ protocol: 'spec', metrics: [metric({ timestamp: i }), metric({ name: 'n', timestamp: i })], logs: [log({ timestamp: i })] });
        await under.store.commit([
          { set: 'job', job: jobOf({ id: String(i) }), status: 'queued' },
          { set: 'rule_state', rule: 'r', state: i },
        ]);
      }
    });

    it('leaves telemetry out when it is told to, and nothing else', async () => {
      await under.store.append({ protocol: 'spec', metrics: [metric()], logs: [log()] });
      await under.store.commit(CHANGES);
      const upkeep = upkeepOf(under);
      const [all, some] = [read(await backupOf(upkeep)), read(await backupOf(upkeep, { telemetry: false }))];
      expect(all.manifest.telemetry).to.equal(true);
      expect(some.manifest.telemetry).to.equal(false);
      expect(some.tables).to.deep.equal(Object.fromEntries(TABLES.filter(({ telemetry }) => !telemetry).map(({ name }) => [name, all.tables[name]])));
      expect(all.tables.points).to.have.length(1);
      const restored = await engine.fresh(root);
      await upkeepOf(restored, false).restore({ from: await backupOf(upkeep, { telemetry: false }), discard: false });
      await restored.start();
      expect(await restored.store.counts()).to.deep.equal({ series: 0, points: 0, logs: 0 });
      expect(await restored.store.jobs({})).to.deep.equal(await under.store.jobs({}));
    });

    it('says what it is in its first line, and in its last one its checksum and how many rows it has', async () => {
      await under.store.append({ protocol: 'spec', metrics: [metric()], logs: [log()] });
      const { text, manifest, tables } = read(await backupOf(upkeepOf(under), { papers: [{ paper: 'config', file: 'argos.jsonc', text: '{}' }] }));
      expect(manifest).to.include({
        argos_backup: 1,
        schema: 1,
        argos: 'spec',
        telemetry: true,
        engine: engine.name.toLowerCase().replace('postgresql', 'postgres'),
      });
      expect(Math.abs(Date.parse(manifest.created) - Date.now())).to.be.below(60_000);
      const lines = text.trimEnd().split('\n');
      expect(JSON.parse(lines.at(-1) ?? '')).to.deep.equal({
        sha256: createHash('sha256')
          .update(`${lines.slice(0, -1).join('\n')}\n`)
          .digest('hex'),
        rows: Object.values(tables).reduce((sum, rows) => sum + rows.length, 0),
      });
      expect(lines[1]).to.equal('{"paper":"config","file":"argos.jsonc","text":"{}"}');
    });

    it('is made one at a time, and a second one is refused; who gives up ends it', async () => {
      const upkeep = upkeepOf(under);
      await under.store.append({
        protocol: 'spec',
        metrics: Array.from({ length: 50_000 }, (_, timestamp) => metric({ timestamp, value: Math.random() })),
        logs: [],
      });
      const running = upkeep.backup({ argos: 'spec', telemetry: true, papers: [] });
      expect((await running.next()).done).to.equal(false);
      expect(await backupOf(upkeep).catch(String)).to.contain('a backup is being made');
      await running.return({ rows: 0 });
      await backupOf(upkeep);
      const signal = AbortSignal.timeout(20);
      expect(await written(upkeep.backup({ argos: 'spec', telemetry: true, papers: [] }, signal)).catch(() => 'given up')).to.be.a('string');
      expect(readdirSync(under.folder).filter((name) => name.includes('copy'))).to.deep.equal([]);
      await backupOf(upkeep);
    });
  });
}

async function answersOf({ store }: TestStore): Promise<object> {
  const unjudged: object[] = [];
  for await (const one of store.unjudged()) unjudged.push(one);
  return {
    unjudged: unjudged.map((one) => ({ ...one, atMs: 0 })),
    metrics: await store.metrics({}),
    logs: await store.logs({}),
    counts: await store.counts(),
    rule: await store.ruleState('hot'),
    monitors: await store.monitorStates(),
    jobs: await store.jobs({}),
    open: await store.openJobs(),
    attempts: await store.attempts('done'),
    versions: await store.versions(10),
    episodes: await store.episodes(10),
    audit: await store.audit(10),
    retained: (await store.retained()).map((one) => ({ ...one, payload: [...one.payload] })),
    keys: (await store.apiKeys()).map((one) => ({ ...one, hash: [...one.hash] })),
  };
}
