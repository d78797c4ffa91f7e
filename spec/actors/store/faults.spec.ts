// The store on a disk that is full, cannot be written, or is damaged: what it cannot keep it refuses, what it has it keeps, and it comes back by itself.
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect } from 'chai';
import { StoreError } from '../../../actors/store/store.ts';
import { Root } from '../../support/actors.ts';
import { tempFolder } from '../../support/services.ts';
import { TestStore } from '../../support/store.ts';

const MB = 1_048_576;
const PAGE = 4_096;
let n = 0;
const append = (under: TestStore, kilobytes = 1): Promise<number> =>
  under.store.append({
    protocol: 'spec',
    metrics: [{ name: 'm', service: 's', value: ++n, timestamp: n, tags: {} }],
    logs: [{ level: 'info', message: 'x'.repeat(kilobytes * 1_024), service: 's', timestamp: n, tags: {} }],
  });
const fault = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'it was kept',
    (error: unknown) => (error instanceof StoreError ? error.code : String(error)),
  );

/** How much of a page there is room for. */
const writtenTo = (fd: number): number => {
  try {
    return writeSync(fd, Buffer.alloc(PAGE));
  } catch {
    return 0;
  }
};
const failure = (promise: Promise<unknown>): Promise<string> => promise.then(() => 'it started', String);

describe('Store, on a disk', () => {
  let root: Root;
  let disk: string;
  let under: TestStore;

  before(function () {
    disk = tempFolder();
    const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', disk]);
    if (status === 0) return;
    console.log(`    these specs need to mount a small disk, which is not allowed here: ${stderr}`);
    this.skip();
  });
  after(() => {
    spawnSync('umount', [disk]);
  });
  beforeEach(async () => {
    root = new Root();
    under = new TestStore(root, join(disk, 'data'));
    await under.start();
  });
  afterEach(async () => {
    await root.end();
    rmSync(join(disk, 'data'), { recursive: true, force: true });
  });

  it('that is full: refuses with `full`, keeps all that it has acknowledged, and goes on when there is room again', async () => {
    const filler = join(disk, 'filler');
    writeFileSync(filler, Buffer.alloc(3 * MB));
    const { pid } = under;
    let acknowledged = 0;
    let refusal = '';
    for (let i = 0; i < 2_000 && refusal === ''; i++) {
      const answer = await fault(append(under, 16));
      if (answer === 'it was kept') acknowledged++;
      else refusal = answer;
    }
    expect(refusal).to.equal('full');
    expect(acknowledged).to.be.above(20);
    expect(await fault(append(under, 16))).to.equal('full');
    expect(under.store.trouble, 'what the readiness probe says').to.match(/^the disk with .* is full/);
    expect(await under.store.counts()).to.include({ points: acknowledged, logs: acknowledged });
    rmSync(filler);
    expect(await fault(append(under, 16))).to.equal('it was kept');
    expect(under.pid).to.equal(pid);
    expect(pid.isAlive).to.equal(true);
    under = await under.reopen();
    expect(await under.store.counts()).to.include({ points: acknowledged + 1 });
  });

  it('that is full already: does not start, and says so; and starts when there is room again', async () => {
    await append(under);
    await under.stop();
    const filler = openSync(join(disk, 'filler'), 'w');
    for (let written = PAGE; written === PAGE; ) written = writtenTo(filler);
    closeSync(filler);
    expect(await failure(under.start())).to.match(/argos\.db is full: make room/);
    rmSync(join(disk, 'filler'));
    await under.start();
    expect(await under.store.counts()).to.include({ points: 1 });
  });

  for (const [end, left] of [
    ['stopped', false],
    ['was killed', true],
  ] as const)
    it(`that cannot be written since it ${end}: does not start, and says so; and starts when it can be written again`, async () => {
      await append(under);
      const file = join(disk, 'data', 'argos.db');
      const other = new Database(file, { readonly: true }); // whoever closes last takes the log away, if he may write
      if (left) other.pragma('user_version');
      else other.close();
      await under.stop();
      other.close();
      if (left) expect(existsSync(`${file}-wal`)).to.equal(true);
      execFileSync('mount', ['-o', 'remount,ro', disk]);
      try {
        expect(await failure(under.start())).to.match(/argos\.db.*cannot be written/);
      } finally {
        execFileSync('mount', ['-o', 'remount,rw', disk]);
      }
      await under.start();
      expect(await fault(append(under))).to.equal('it was kept');
      expect(await under.store.counts()).to.include({ points: 2 });
    });
});

describe('Store, on a damaged database', () => {
  let root: Root;
  let under: TestStore;
  beforeEach(async () => {
    root = new Root();
    under = new TestStore(root);
    await under.start();
    for (let i = 0; i < 200; i++) await append(under, 4);
    await under.stop();
  });
  afterEach(() => root.end());

  /** Overwrites the page on which a table or index begins. */
  const damage = (name: string): void => {
    const file = join(under.folder, 'argos.db');
    const db = new Database(file);
    const page = name === 'the database' ? 1 : Number(db.prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?').pluck().get(name));
    db.pragma('wal_checkpoint(TRUNCATE)');
    db.close();
    const fd = openSync(file, 'r+');
    writeSync(fd, Buffer.alloc(PAGE, 0xa5), 0, PAGE, (page - 1) * PAGE);
    closeSync(fd);
  };

  it('says `corrupt` of what it cannot read or write, and stays up for the rest', async () => {
    damage('logs');
    await under.start();
    expect(await fault(under.logs())).to.equal('corrupt');
    expect(await fault(append(under))).to.equal('corrupt');
    expect(await fault(under.store.commit([{ set: 'rule_state', rule: 'r', state: 1 }]))).to.equal('it was kept');
    expect(await under.store.ruleState('r')).to.equal(1);
    expect(under.pid.isAlive).to.equal(true);
  });

  for (const name of ['the database', 'series'])
    it(`does not start when ${name} cannot be read, and says what to do`, async () => {
      damage(name);
      expect(await failure(under.start())).to.match(/argos\.db.*damaged.*argos restore/);
    });
});
