// A backup of the data directory: beside a node that writes, of one that was killed, and where there is no room or no database.
import { copyFileSync, existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { errand } from '../../../actors/store/archive/errand.ts';
import { Upkeep } from '../../../actors/store/archive/upkeep.ts';
import { Root } from '../../support/actors.ts';
import { backupOf, read, upkeepOf, written } from '../../support/backups.ts';
import { tempFolder } from '../../support/services.ts';
import { TestStore } from '../../support/store.ts';

const metric = (more = {}) => ({ name: 'm', service: 's', value: 1, timestamp: 1_000, tags: {}, ...more });

describe('backup of SQLite', () => {
  let root: Root;
  let under: TestStore;
  beforeEach(async () => {
    root = new Root();
    under = new TestStore(root);
    await under.start();
  });
  afterEach(() => root.end());
  const wal = (): number => statSync(join(under.folder, 'argos.db-wal')).size;
  const fill = (from: number): Promise<number> =>
    under.store.append({
      protocol: 'spec',
      metrics: Array.from({ length: 10_000 }, (_, i) => metric({ timestamp: from + i, value: Math.random() })),
      logs: [],
    });

  it('keeps the write-ahead log short, however slowly it is taken', async () => {
    for (let i = 0; i < 10; i++) await fill(i * 10_000);
    const slow = async function* (chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      let taken = 0;
      for await (const chunk of chunks) {
        yield chunk;
        if (taken++ === 0) for (let i = 10; i < 50; i++) await fill(i * 10_000);
      }
    };
    const file = await written(slow(upkeepOf(under).backup({ argos: 'spec', telemetry: true, papers: [] })));
    expect(wal()).to.be.below(8 * 2 ** 20); // 40 batches that are kept until the end of a long reader come to 25 MB
    expect(read(file).tables.points).to.have.length(100_000);
  });

  it('is made without a copy when the disk has no room for one', async () => {
    await fill(0);
    const file = join(under.folder, 'argos.db');
    const chunks = errand(new URL('../../../actors/store/sqlite/dumper.ts', import.meta.url), {
      file,
      online: true,
      copy: false,
      backup: { argos: 'spec', telemetry: true, papers: [] },
    });
    expect(read(await written(chunks)).tables).to.deep.equal(read(await backupOf(upkeepOf(under))).tables);
  });

  it('of a database that a node has left as it was killed has what was in its log', async () => {
    const folder = tempFolder();
    await fill(0);
    for (const name of ['argos.db', 'argos.db-wal']) copyFileSync(join(under.folder, name), join(folder, name));
    expect(read(await backupOf(new Upkeep({ dataDir: folder }, false))).tables.points).to.have.length(10_000);
  });

  it('is refused while another process has the folder, and where there is no database', async () => {
    expect(await backupOf(upkeepOf(under, false)).catch(String)).to.contain('a node uses');
    const folder = tempFolder();
    expect(await backupOf(new Upkeep({ dataDir: folder }, false)).catch(String)).to.contain('there is no database');
    expect(existsSync(join(folder, 'argos.db'))).to.equal(false);
  });
});
