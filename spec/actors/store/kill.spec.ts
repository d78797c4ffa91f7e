// kill -9 at random moments under load: everything acknowledged is there, nothing half is, and no batch is taken for judged that is not.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { expect } from 'chai';
import { Session } from '../../../actors/store/postgres/session.ts';
import type { StoreOptions } from '../../../actors/store/server.ts';
import { chance } from '../../support/chance.ts';
import { freshSchema } from '../../support/engines.ts';
import { type Found, foundIn, Ledger } from '../../support/ledger.ts';
import type { Loaded } from '../../support/loaded.ts';
import { postgres, tempFolder } from '../../support/services.ts';

const LONG = process.env.ARGOS_LONG === '1';
const SEED = Number(process.env.ARGOS_SEED ?? Date.now() % 2 ** 31);
const SCRIPT = resolve(import.meta.dirname, '../../support/loaded.ts');
const LANES = 3;
/** It is killed some moments after it has said so much; each fourth while it starts, which takes it about half of that time. */
const LINES = { least: 50, most: 500 };
const MOMENTS_MS = 20;
const START_MS = 800;

/** What an engine's database holds while no node runs on it. */
type Look = (see: (found: Found) => Promise<void>) => Promise<void>;

/** Looked at in a copy, so that it is the store itself that finds what the kill has left. */
const sqlite =
  (folder: string): Look =>
  async (see) => {
    const copy = join(tempFolder(), 'copy');
    mkdirSync(copy);
    for (const name of ['argos.db', 'argos.db-wal']) if (existsSync(join(folder, name))) cpSync(join(folder, name), join(copy, name));
    const db = new Database(join(copy, 'argos.db'));
    try {
      if (db.pragma('user_version', { simple: true }) === 0) return; // killed before it had its tables
      expect(db.pragma('integrity_check', { simple: true })).to.equal('ok');
      await see(foundIn(db));
    } finally {
      db.close();
      rmSync(copy, { recursive: true });
    }
  };

/** In one snapshot: what the dead one has left on its way may still come through. */
const postgresql =
  (url: string, schema: string): Look =>
  async (see) => {
    const session = await Session.open({ urls: [url], schema, application: 'spec' });
    try {
      await session.run('BEGIN ISOLATION LEVEL REPEATABLE READ');
      const [row] = (await session.run("SELECT to_regclass('jobs') IS NOT NULL AS made")).rows;
      if (row?.made === true) await see({ ask: async (sql) => (await session.run(sql)).rows, mark: 'SELECT judged AS value FROM nodes' });
    } finally {
      session.drop();
    }
  };

describe('Store, when its process is killed under load', function () {
  this.timeout(LONG ? 900_000 : 90_000);
  const random = chance(SEED);
  let child: ChildProcess | undefined;
  afterEach(() => child?.kill('SIGKILL'));

  /** Kill so many processes after another, on the same data, and look after each; what is left is judged by a last one, which stops in order. */
  async function run(kills: number, options: StoreOptions, look: Look): Promise<void> {
    const beginMs = Math.floor(Date.now() / 1_000) * 1_000;
    const ledger = new Ledger(beginMs);
    for (let life = 0; life <= kills; life++) {
      const last = life === kills;
      const loaded: Loaded = { options, seed: SEED, life, beginMs, lanes: last ? 0 : LANES };
      await (last ? ended(loaded, ledger) : killed(loaded, ledger));
      await look(async (found) => {
        expect(await ledger.faults(found, last), `ARGOS_SEED=${SEED}, ${last ? 'after all kills' : `after kill ${life + 1} of ${kills}`}`).to.deep.equal([]);
      });
    }
    const told = Object.entries(ledger.told).map(([kind, count]) => `${count.toLocaleString('en')} ${kind}`);
    console.log(`      ARGOS_SEED=${SEED}, ${kills} kills: ${told.join(', ')}`);
    for (const kind of ['appended', 'committed', 'leased', 'attempted', 'judged']) expect(ledger.told[kind], kind).to.be.above(2 * kills);
  }

  interface Living {
    /** Resolves when it has said so many lines. */
    readonly spoken: Promise<void>;
    readonly closed: Promise<unknown[]>;
    kill(): void;
  }

  /** Hears each line that comes as a whole. */
  function start(loaded: Loaded, ledger: Ledger, lines = 0): Living {
    const one = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', SCRIPT, JSON.stringify(loaded)], { stdio: ['ignore', 'pipe', 'inherit'] });
    child = one;
    let [rest, left] = ['', lines];
    const spoken = new Promise<void>((done) => {
      one.stdout.on('data', (chunk: Buffer) => {
        const whole = (rest + chunk.toString()).split('\n');
        rest = whole.pop() ?? '';
        for (const line of whole) ledger.hear(line);
        left -= whole.length;
        if (left <= 0) done();
      });
    });
    return { spoken, closed: once(one, 'close'), kill: () => one.kill('SIGKILL') };
  }

  async function killed(loaded: Loaded, ledger: Ledger): Promise<void> {
    const { spoken, closed, kill } = start(loaded, ledger, LINES.least + random() * (LINES.most - LINES.least));
    if (loaded.life % 4 === 2) await sleep(random() * START_MS);
    else {
      await Promise.race([spoken, closed]);
      await sleep(random() * MOMENTS_MS);
    }
    kill();
    expect(await closed, 'it was to live until it was killed').to.deep.equal([null, 'SIGKILL']);
  }

  async function ended(loaded: Loaded, ledger: Ledger): Promise<void> {
    expect(await start(loaded, ledger).closed, 'it was to stop in order').to.deep.equal([0, null]);
  }

  it('has in SQLite all that it has acknowledged, nothing by half, and its mark before what is not judged', async () => {
    const dataDir = tempFolder();
    await run(LONG ? 100 : 8, { dataDir }, sqlite(dataDir));
  });

  it('has in PostgreSQL all that it has acknowledged, nothing by half, and its mark before what is not judged', async () => {
    const [{ url }, schema] = [await postgres(), freshSchema()];
    await run(LONG ? 30 : 3, { dataDir: tempFolder(), url, schema, node: 'killed' }, postgresql(url, schema));
  });
});
