// The store and the power: wherever it fails, the database opens, is whole, and has all that was acknowledged and nothing by half.
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect } from 'chai';
import { openWriter } from '../../../actors/store/sqlite/open.ts';
import { chance } from '../../support/chance.ts';
import { foundIn, Ledger } from '../../support/ledger.ts';
import type { Loaded } from '../../support/loaded.ts';
import { type Cut, cuts, type Op, record } from '../../support/power-cut.ts';
import { tempFolder } from '../../support/services.ts';

const LONG = process.env.ARGOS_LONG === '1';
const CUTS = LONG ? 5_000 : 500;
/** Lines that the recorded process says: enough for several checkpoints. */
const SAID = 1_500;
const SEED = Number(process.env.ARGOS_SEED ?? Date.now() % 2 ** 31);

describe('Store, when the power fails', function () {
  this.timeout(LONG ? 600_000 : 180_000);
  const beginMs = Math.floor(Date.now() / 1_000) * 1_000;
  let folder: string;
  let ops: readonly Op[];

  before(async function () {
    const { status, stderr, error } = spawnSync('strace', ['-f', '-o', '/dev/null', 'true'], { encoding: 'utf8' });
    if (error) throw new Error('strace records what the store writes: run `make services` (apt-get install strace)', { cause: error });
    if (status !== 0) {
      console.log(`    these specs need to trace a process of their own, which is not allowed here: ${stderr.trim()}`);
      this.skip();
    }
    folder = tempFolder();
    const loaded: Loaded = { options: { dataDir: join(folder, 'data') }, seed: SEED, life: 0, beginMs, lanes: 3 };
    const script = [resolve(import.meta.dirname, '../../support/loaded.ts'), JSON.stringify(loaded)];
    ops = await record(script, join(folder, 'trace'), SAID);
  });

  /** The store opens what is left of its files. What is wrong with it? */
  async function faultsOf(files: Cut['files'], ledger: Ledger): Promise<readonly string[]> {
    const left = join(folder, 'left');
    rmSync(left, { recursive: true, force: true });
    mkdirSync(left);
    for (const [name, bytes] of files) writeFileSync(join(left, name), bytes);
    const db = openWriter(join(left, 'argos.db'));
    db.pragma('synchronous = OFF'); // this disk stays
    try {
      const whole = db.pragma('integrity_check', { simple: true });
      return whole === 'ok' ? await ledger.faults(foundIn(db)) : [`integrity_check: ${String(whole)}`];
    } finally {
      db.close();
    }
  }

  /** Cuts at these moments, in order, each with all that was acknowledged by then. */
  function* moments(from: readonly Op[], points: readonly number[], random: () => number): Generator<Cut & { readonly ledger: Ledger }> {
    const ledger = new Ledger(beginMs);
    let heard = 0;
    for (const cut of cuts(from, points, random)) {
      const end = cut.said.lastIndexOf('\n') + 1;
      for (const line of cut.said.slice(heard, end).split('\n').slice(0, -1)) ledger.hear(line);
      heard = Math.max(heard, end);
      yield { ...cut, ledger };
    }
  }

  it(`at ${CUTS} moments: it opens, is whole, has every acknowledged item, and nothing by half`, async () => {
    const random = chance(SEED);
    const points = Array.from({ length: CUTS }, () => Math.floor(random() * ops.length)).sort((a, b) => a - b);
    let told: Ledger['told'] = {};
    for (const { after, files, ledger } of moments(ops, points, random)) {
      expect(await faultsOf(files, ledger), `ARGOS_SEED=${SEED}, the power failed after ${after} of ${ops.length} operations`).to.deep.equal([]);
      ({ told } = ledger);
    }
    const acknowledged = Object.entries(told).map(([kind, count]) => `${count} ${kind}`);
    console.log(`      ARGOS_SEED=${SEED}, ${CUTS} cuts in ${ops.length.toLocaleString('en')} operations: ${acknowledged.join(', ')}`);
    for (const kind of ['appended', 'committed', 'leased', 'attempted', 'judged']) expect(told[kind], kind).to.be.above(SAID / 20);
  });

  it('is recorded while it checkpoints too', () => {
    const begun = ops.findIndex((op) => op.do === 'said');
    const synced = ops.slice(begun).filter((op) => op.do === 'sync' && op.file === 'argos.db');
    expect(synced).to.have.length.above(1);
  });

  it('would show it if the syncs did nothing', async () => {
    const careless = ops.filter((op) => op.do !== 'sync');
    const points = Array.from({ length: 20 }, (_, i) => Math.floor(((i + 10) / 30) * careless.length));
    let broken = 0;
    for (const { files, ledger } of moments(careless, points, chance(1))) {
      const faults = await faultsOf(files, ledger).catch((error: unknown) => [String(error)]);
      if (faults.length > 0) broken++;
    }
    expect(broken).to.be.above(15);
  });
});
