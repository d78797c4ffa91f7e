// The store and the power: wherever it fails, the database opens, is whole, and has all that was acknowledged.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import Database from 'better-sqlite3';
import { expect } from 'chai';
import { cuts, type Op, record } from '../../support/power-cut.ts';
import { tempFolder } from '../../support/services.ts';

const CUTS = 500;
const SAID = 240;

/** Reproducible chance (mulberry32). */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe('Store, when the power fails', function () {
  this.timeout(180_000);
  let folder: string;
  let ops: readonly Op[];

  before(async () => {
    folder = tempFolder();
    const script = [resolve(import.meta.dirname, '../../support/appender.ts'), join(folder, 'data')];
    ops = await record(script, join(folder, 'trace'), SAID);
  });

  /** Opens what is left, and answers what is wrong with it. */
  function faultsOf(files: ReadonlyMap<string, Buffer>, said: string): string[] {
    const left = join(folder, 'left');
    rmSync(left, { recursive: true, force: true });
    mkdirSync(left);
    for (const [name, bytes] of files) writeFileSync(join(left, name), bytes);
    const acknowledged = [...said.matchAll(/^(\d) (\d+)$/gm)].map(([, lane, i]) => [`lane-${lane}`, Number(i)] as const);
    if (acknowledged.length === 0) return []; // it may not even have its tables
    const db = new Database(join(left, 'argos.db'));
    try {
      const faults: string[] = [];
      const whole = db.pragma('integrity_check', { simple: true });
      if (whole !== 'ok') faults.push(`integrity_check: ${String(whole)}`);
      const points = db.prepare('SELECT count(*) FROM points p JOIN series s ON s.id = p.series_id WHERE s.service = ? AND p.ts = ?').pluck();
      const logs = db.prepare('SELECT count(*) FROM logs WHERE service = ? AND ts = ?').pluck();
      const jobs = db.prepare('SELECT count(*) FROM jobs WHERE id = ?').pluck();
      const states = db.prepare('SELECT state FROM rule_states WHERE rule = ?').pluck();
      for (const [lane, i] of acknowledged) {
        const there = [points.get(lane, i), logs.get(lane, i), jobs.get(`${lane.slice(5)}/${i}`)];
        if (String(there) !== '2,1,1') faults.push(`${lane} ${i} was acknowledged: points, logs, jobs ${there}`);
        if (Number(states.get(lane)) < i) faults.push(`${lane}: its rule state is older than ${i}`);
      }
      const half = db.prepare('SELECT count(*) FROM (SELECT series_id, ts FROM points GROUP BY series_id, ts HAVING count(*) <> 2)').pluck().get();
      if (half !== 0) faults.push(`${String(half)} batches are there by half`);
      return faults;
    } finally {
      db.close();
    }
  }

  it(`at ${CUTS} moments: it opens, is whole, and has every acknowledged item`, () => {
    const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
    const random = chance(seed);
    const points = Array.from({ length: CUTS }, () => Math.floor(random() * ops.length)).sort((a, b) => a - b);
    let acknowledged = 0;
    for (const { after, said, files } of cuts(ops, points, random)) {
      acknowledged = Math.max(acknowledged, said.split('\n').length - 1);
      expect(faultsOf(files, said), `SEED=${seed}, the power failed after ${after} of ${ops.length} operations`).to.deep.equal([]);
    }
    expect(acknowledged).to.be.above(SAID / 2);
  });

  it('would show it if the syncs did nothing', () => {
    const careless = ops.filter((op) => op.do !== 'sync');
    const random = chance(1);
    const points = Array.from({ length: 20 }, (_, i) => Math.floor(((i + 10) / 30) * careless.length));
    const broken = [...cuts(careless, points, random)].filter(({ files, said }) => {
      try {
        return faultsOf(files, said).length > 0;
      } catch {
        return true;
      }
    });
    expect(broken).to.have.length.above(15);
  });
});
