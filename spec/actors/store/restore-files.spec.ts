// A restore into the data directory: what was there is kept beside, and a kill at any step leaves the old data or the new ones.
import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect } from 'chai';
import { Upkeep } from '../../../actors/store/archive/upkeep.ts';
import { Root } from '../../support/actors.ts';
import { archiveOf, PAPERS } from '../../support/backups.ts';
import { tempFolder } from '../../support/services.ts';
import { TestStore } from '../../support/store.ts';

const metric = (more = {}) => ({ name: 'm', service: 's', value: 1, timestamp: 1_000, tags: {}, ...more });

describe('restore into SQLite', () => {
  let root: Root;
  let archive: string;
  let template: string;
  beforeEach(() => {
    root = new Root();
  });
  afterEach(() => root.end());

  /** A folder as a node has left it that was killed: its last samples are in the log only. */
  before(async () => {
    const other = new Root();
    const under = new TestStore(other);
    await under.start();
    await under.store.append({ protocol: 'spec', metrics: [metric({ name: 'old' })], logs: [] });
    template = tempFolder();
    for (const name of ['argos.db', 'argos.db-wal']) copyFileSync(join(under.folder, name), join(template, name));
    await other.end();
    archive = await archiveOf({ series: [[1, 's', 'new', '{}']], points: [[1, 1_000, 0, 1]] }, PAPERS);
  });
  const killed = (): string => {
    const folder = tempFolder();
    mkdirSync(folder, { recursive: true });
    for (const name of readdirSync(template)) copyFileSync(join(template, name), join(folder, name));
    writeFileSync(join(folder, 'secrets.json'), '{"old":"sealed"}');
    return folder;
  };
  const namesIn = async (folder: string): Promise<readonly string[]> => {
    const store = new TestStore(root, folder);
    await store.start();
    const names = (await store.metrics()).map(({ name }) => name);
    await store.stop();
    return names;
  };
  const secretsIn = (folder: string): string => readFileSync(join(folder, 'secrets.json'), 'utf8');

  it('keeps what was there as *.before-restore, in one file, until the next time; or discards it', async () => {
    const folder = killed();
    const upkeep = new Upkeep({ dataDir: folder }, false);
    await upkeep.restore({ from: archive, discard: false });
    expect(await namesIn(folder)).to.deep.equal(['new']);
    expect(
      readdirSync(folder)
        .filter((name) => name.includes('before-restore'))
        .sort(),
    ).to.deep.equal(['argos.db.before-restore', 'secrets.json.before-restore']);
    const back = tempFolder();
    renameSync(join(folder, 'argos.db.before-restore'), join(back, 'argos.db'));
    expect(await namesIn(back)).to.deep.equal(['old']);
    await upkeep.restore({ from: archive, discard: false });
    expect(readdirSync(folder)).to.include('config.restored.before-restore');
    await upkeep.restore({ from: archive, discard: true });
    expect(readdirSync(folder).filter((name) => name.includes('before'))).to.deep.equal([]);
    expect(await namesIn(folder)).to.deep.equal(['new']);
  });

  it('takes the place of a database that is damaged beyond opening, and keeps that with its log', async () => {
    const folder = killed();
    for (const beside of ['', '-wal']) writeFileSync(join(folder, `argos.db${beside}`), `this is no database${beside} at all`.repeat(1_000));
    await new Upkeep({ dataDir: folder }, false).restore({ from: archive, discard: false });
    expect(await namesIn(folder)).to.deep.equal(['new']);
    for (const beside of ['', '-wal'])
      expect(readFileSync(join(folder, `argos.db.before-restore${beside}`), 'utf8')).to.equal(`this is no database${beside} at all`.repeat(1_000));
  });

  it('killed at any step of it: the next start has the old data or the new ones, whole, and secrets that go with them', async function () {
    this.timeout(300_000);
    const script = resolve(import.meta.dirname, '../../support/restorer.ts');
    const steps = process.env.ARGOS_LONG ? 'mkdir,rename,unlink,unlinkat,rmdir,fsync,fdatasync,ftruncate,pwrite64' : 'mkdir,rename';
    const run = (folder: string, step: number): Promise<string> =>
      new Promise((done) => {
        const inject = `inject=${steps}:signal=SIGKILL:when=${step}`;
        execFile('strace', ['-f', '-o', '/dev/null', '-e', inject, process.execPath, script, folder, archive], (_error, stdout) => done(stdout));
      });
    const seen = new Set<string>();
    for (let step = 1; ; step++) {
      const folder = killed();
      const isDone = (await run(folder, step)).includes('restored');
      const [name] = await namesIn(folder);
      expect(secretsIn(folder), `step ${step}`).to.equal(`{"${String(name)}":"sealed"}`);
      expect(['old', 'new']).to.include(name);
      seen.add(String(name));
      if (name === 'new') expect(existsSync(join(folder, 'argos.db.before-restore'))).to.equal(true);
      await new Upkeep({ dataDir: folder }, false).restore({ from: archive, discard: false });
      expect(await namesIn(folder)).to.deep.equal(['new']);
      if (isDone) break;
    }
    expect([...seen].sort()).to.deep.equal(['new', 'old']);
  });
});
