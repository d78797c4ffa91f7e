// A restore happens as a whole or not at all: no damaged archive, no running node and no kill at any moment costs what was there.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import fc from 'fast-check';
import { verify } from '../../../actors/store/archive/load.ts';
import { Upkeep } from '../../../actors/store/archive/upkeep.ts';
import { Root } from '../../support/actors.ts';
import { archiveOf, backupOf, PAPERS, read, upkeepOf } from '../../support/backups.ts';
import { ENGINES, freshSchema } from '../../support/engines.ts';
import { postgres, tempFolder } from '../../support/services.ts';
import { TestStore } from '../../support/store.ts';

const metric = (more = {}) => ({ name: 'm', service: 's', value: 1, timestamp: 1_000, tags: {}, ...more });
const said = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'it was restored',
    (error: unknown) => (error instanceof Error && 'code' in error ? `${String(error.code)}: ${error.message}` : String(error)),
  );

/** The lines with a checksum that is theirs: whoever wrote them was wrong, and not the disk. */
function sealed(text: string): string {
  const lines = text.trimEnd().split('\n');
  const { rows } = JSON.parse(lines.pop() ?? '');
  const body = `${lines.join('\n')}\n`;
  return `${body}${JSON.stringify({ sha256: createHash('sha256').update(body).digest('hex'), rows })}\n`;
}

for (const engine of ENGINES) {
  describe(`restore into ${engine.name}`, () => {
    let root: Root;
    let under: TestStore;
    let archive: string;

    before(async () => {
      const other = new Root();
      const from = new TestStore(other);
      await from.start();
      await from.store.append({
        protocol: 'spec',
        metrics: Array.from({ length: 3_000 }, (_, i) => metric({ value: i, timestamp: i, tags: { new: 'y' } })),
        logs: [],
      });
      archive = await backupOf(upkeepOf(from), { papers: PAPERS });
      await other.end();
    });
    beforeEach(async () => {
      root = new Root();
      under = await engine.fresh(root);
      await under.start();
      await under.store.append({ protocol: 'spec', metrics: [metric({ tags: { old: 'y' } })], logs: [] });
    });
    afterEach(() => root.end());

    const restore = (from: string, discard = engine.name === 'PostgreSQL'): Promise<unknown> => upkeepOf(under, false).restore({ from, discard });
    const isOld = async (): Promise<void> => {
      under = await under.reopen();
      expect((await under.metrics()).map(({ tags }) => tags)).to.deep.equal([{ old: 'y' }]);
      expect(readdirSync(under.folder).filter((name) => name.includes('restor'))).to.deep.equal([]);
    };

    it('is refused while a node runs, and touches nothing', async () => {
      expect(await said(restore(archive))).to.match(/^conflict: .*(a node uses|the node spec uses)/);
      await isOld();
    });

    it('takes all or nothing of an archive: one that is cut or has a wrong bit anywhere is refused, and what was there is there', async () => {
      await under.stop();
      const whole = readFileSync(archive);
      const { sha256 } = await verify(archive);
      const file = join(tempFolder(), 'damaged');
      const damaged = fc.oneof(
        fc.nat(whole.length - 1).map((length) => whole.subarray(0, length)),
        fc
          .tuple(fc.nat(whole.length - 1), fc.nat(7))
          .map(([at, bit]) => Buffer.concat([whole.subarray(0, at), Buffer.from([(whole[at] ?? 0) ^ (1 << bit)]), whole.subarray(at + 1)])),
      );
      await fc.assert(
        fc.asyncProperty(damaged, async (bytes) => {
          writeFileSync(file, bytes);
          // A bit of gzip's own head (the time, the system) says nothing of the content.
          const found = await verify(file).then((verified) => verified.sha256, String);
          if (found !== sha256) expect(found).to.match(/is no whole backup, and nothing was touched|is no backup of Argos/);
        }),
        { numRuns: 100 },
      );
      writeFileSync(file, whole.subarray(0, whole.length / 2));
      expect(await said(restore(file))).to.contain('is no whole backup, and nothing was touched: unexpected end of file');
      await under.start();
      await isOld();
    });

    it('refuses an archive of which the lines were changed, of a newer Argos, and what is no archive', async () => {
      await under.stop();
      const { text } = read(archive);
      const file = join(tempFolder(), 'other');
      const refusal = (changed: string): Promise<string> => {
        writeFileSync(file, gzipSync(changed));
        return said(restore(file));
      };
      /** It is verified before anything is touched: what is refused there need not go through a restore each time. */
      const unfit = (changed: string): Promise<string> => {
        writeFileSync(file, gzipSync(changed));
        return said(verify(file));
      };
      expect(await refusal(text.replace('[1,1000,0,1000]', '[1,1000,0,1001]'))).to.contain('its checksum is');
      expect(await unfit(text.replace('"argos_backup":1', '"argos_backup":2'))).to.contain('made by a newer Argos (spec)');
      expect(await unfit(text.replace('"schema":1', '"schema":2'))).to.contain('made by a newer Argos (spec)');
      expect(await unfit('{"hello": 1}\n[1]\n[2]\n')).to.contain('is no backup of Argos');
      expect(await unfit('')).to.contain('is no whole backup');
      expect(await unfit(text.split('\n').slice(0, -2).join('\n'))).to.contain('it has no end');
      expect(await refusal(sealed(text.replace('[1,1000,0,1000]\n', '')))).to.match(/it has \d+ rows, and \d+ were expected/);
      expect(await refusal(sealed(text.replace('[1,1000,0,1000]', '[1,1000,0]')))).to.contain('a row of points has 3 cells, and 4 were expected');
      expect(await refusal(sealed(text.replace('"table":"logs"', '"table":"hogs"')))).to.contain('it has a table hogs, which this Argos does not know');
      expect(await refusal(sealed(text.replace('"seq","value"]', '"seq","other"]')))).to.contain('its table points has a column other');
      expect(await refusal(sealed(text.replace(',"seq","value"]', ',"value"]')))).to.contain('its table points has no column seq');
      writeFileSync(file, 'SQLite format 3');
      expect(await said(verify(file))).to.contain('is no backup of Argos');
      expect(await said(restore(join(tempFolder(), 'none')))).to.match(/^usage: .*cannot be read: ENOENT/);
      await under.start();
      await isOld();
    });

    it('of an archive whose rows do not fit leaves what was there', async () => {
      await under.stop();
      for (const [contents, why] of [
        [
          {
            series: [
              [1, 's', 'n', '{}'],
              [1, 's', 'm', '{}'],
            ],
          },
          /UNIQUE|duplicate/,
        ],
        [{ series: [[1, 's', null, '{}']] }, /NOT NULL|null value/],
        [
          {
            series: [
              [1, 's', 7, '{}'],
              ['x', 's', 'n', '{}'],
            ],
          },
          /a id of series is no integer/,
        ],
      ] as const)
        expect(await said(restore(await archiveOf(contents)))).to.match(why);
      await under.start();
      await isOld();
    });

    it('brings the secrets as they lie and the texts of the configuration, in a folder of their own', async () => {
      await under.stop();
      expect(await restore(archive)).to.deep.include({ config: ['argos.jsonc'], secrets: true });
      expect(readFileSync(join(under.folder, 'secrets.json'), 'utf8')).to.equal('{"new":"sealed"}');
      expect(readFileSync(join(under.folder, 'config.restored', 'argos.jsonc'), 'utf8')).to.equal('{"rules": []}');
      await under.start();
    });

    it('given up at any moment leaves what was there, or has done it', async () => {
      await under.stop();
      for (const ms of [0, 50, 100, 200]) {
        await upkeepOf(under, false)
          .restore({ from: archive, discard: engine.name === 'PostgreSQL' }, AbortSignal.timeout(ms))
          .catch(() => {});
        await under.start();
        expect([1, 3_000]).to.include((await under.store.counts()).points);
        await under.stop();
      }
      await restore(archive);
      await under.start();
      expect((await under.store.counts()).points).to.equal(3_000);
    });
  });
}

describe('restore into PostgreSQL', () => {
  const place = async () => ({ dataDir: tempFolder(), url: (await postgres()).url, schema: freshSchema(), node: 'spec' });

  it('does not replace what is there unless it may: it cannot be kept beside', async () => {
    const upkeep = new Upkeep(await place(), false);
    const archive = await archiveOf({ series: [[1, 's', 'n', '{}']] });
    await upkeep.restore({ from: archive, discard: false });
    expect(await said(upkeep.restore({ from: archive, discard: false }))).to.match(/^conflict: .*is not empty.*--discard-old/);
    await upkeep.restore({ from: archive, discard: true });
  });

  it('gives batches that wait to be judged to the node that restores, and those of others to others; SQLite judges all', async () => {
    const upkeep = new Upkeep(await place(), false);
    const batch = (node: string | null, seq: number) => [node, seq, 1, 'spec', Buffer.alloc(4), Buffer.alloc(8), Buffer.alloc(8), '[]'];
    const unjudged = [batch(null, 7), batch('other', 3), batch('other', 5)];
    const from = await archiveOf({
      nodes: [
        [null, 6],
        ['other', 2],
      ],
      unjudged,
    });
    await upkeep.restore({ from, discard: false });
    const again = await backupOf(upkeep);
    expect(read(again).tables).to.deep.include({ nodes: read(from).tables.nodes, unjudged: read(from).tables.unjudged });
    const sqlite = new Upkeep({ dataDir: tempFolder() }, false);
    await sqlite.restore({ from: again, discard: false });
    const { tables } = read(await backupOf(sqlite));
    expect(tables.nodes).to.deep.equal(['[null,6]']);
    expect(tables.unjudged?.map((line) => JSON.parse(line).slice(0, 2))).to.deep.equal([
      [null, 7],
      [null, 8],
      [null, 9],
    ]);
  });

  it('knows what retention has taken, and leaves out what was about to go: late samples wait among the others to be added to what is left', async () => {
    const where = await place();
    const hour = 3_600_000;
    const from = await archiveOf({
      series: [
        [1, 's', 'a', '{}'],
        [2, 's', 'b', '{}'],
        [3, 't', 'a', '{}'],
      ],
      removed: [
        [1, 10 * hour, 3 * hour],
        [2, 10 * hour, 3 * hour],
      ],
      late_points: [
        [1, 1, 5, 1.5],
        [2, 2, 70_000, 2.5],
      ],
      points: [
        [1, 10 * hour - 1, 0, 7],
        [1, 11 * hour, 0, 1],
        [3, 6, 0, 3],
      ],
    });
    const upkeep = new Upkeep(where, false);
    await upkeep.restore({ from, discard: false });
    const again = await backupOf(upkeep);
    const { tables } = read(again);
    expect(tables.removed).to.deep.equal([`[1,${10 * hour},${3 * hour}]`, `[2,${10 * hour},${3 * hour}]`]);
    expect(tables.late_points).to.deep.equal(['[1,1,5,1.5]', '[2,2,70000,2.5]']);
    expect(tables.points).to.deep.equal([`[1,${11 * hour},0,1]`, '[3,6,0,3]']);
    expect(tables.stale_rollups).to.deep.equal(['[1,0]', '[2,60000]']);
    const sqlite = new Upkeep({ dataDir: tempFolder() }, false);
    await sqlite.restore({ from: again, discard: false });
    expect(read(await backupOf(sqlite)).tables).to.deep.include({ removed: tables.removed, late_points: tables.late_points, points: tables.points });
  });
});
