// The store and the deaths around it: stops, kills, dead threads, second owners. What it has acknowledged is there (kill -9: kill.spec.ts).
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import type { Worker } from 'node:worker_threads';
import Database from 'better-sqlite3';
import { expect } from 'chai';
import type { Pid } from '../../../lib/process.ts';
import { startSupervisor } from '../../../lib/supervisor.ts';
import { storeChild } from '../../../actors/store/server.ts';
import { StoreError } from '../../../actors/store/store.ts';
import { endOf, Root } from '../../support/actors.ts';
import { eventually } from '../../support/eventually.ts';
import { TestStore } from '../../support/store.ts';

describe('Store', () => {
  let root: Root;
  let under: TestStore;
  let threads: Worker[];
  let processes: ChildProcess[];
  const hear = (worker: Worker): number => threads.push(worker);

  /** Another process with a store on this folder, that says what has been acknowledged to it. */
  function appender(): { said(): string; kill(): Promise<unknown> } {
    const script = resolve(import.meta.dirname, '../../support/appender.ts');
    const child = spawn(process.execPath, [script, under.folder], { stdio: ['ignore', 'pipe', 'inherit'] });
    processes.push(child);
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    const kill = (): Promise<unknown> => {
      child.kill('SIGKILL');
      return once(child, 'close');
    };
    return { said: () => said, kill };
  }
  const append = (name: string): Promise<number> =>
    under.store.append({ protocol: 'spec', metrics: [{ name, service: 's', value: 1, timestamp: 1_000, tags: {} }], logs: [] });
  const count = async (name: string): Promise<number> => (await under.metrics({ name: { is: name } })).length;
  const rejection = (promise: Promise<unknown>): Promise<unknown> =>
    promise.then(
      () => 'it was kept',
      (error: unknown) => error,
    );

  beforeEach(async () => {
    root = new Root();
    threads = [];
    processes = [];
    process.on('worker', hear);
    under = new TestStore(root);
    await under.start();
  });
  afterEach(async () => {
    process.off('worker', hear);
    for (const one of processes) one.kill('SIGKILL');
    await root.end();
  });

  it('commits what was asked of it before it was told to stop', async () => {
    const asked = Array.from({ length: 20 }, () => append('m'));
    await under.stop();
    await Promise.all(asked);
    await under.start();
    expect(await count('m')).to.equal(20);
  });

  it('is missed by whoever asks it while it is away, and has kept nothing of that', async () => {
    await under.stop();
    expect(await rejection(append('m')))
      .to.be.an.instanceOf(StoreError)
      .with.property('message', 'the store is not running');
    await under.start();
    expect(await count('m')).to.equal(0);
    await append('m');
    expect(await count('m')).to.equal(1);
  });

  it('lets go of its folder when it is killed, also while it starts', async () => {
    await root.stop(under.pid, 'kill');
    const starting = rejection(under.start());
    await eventually(() => expect(root.self.links).to.have.length(1));
    for (const child of root.self.links) root.self.exit(child, 'kill');
    expect(await starting).to.be.an.instanceOf(Error);
    await under.start();
    await append('m');
    expect(await count('m')).to.equal(1);
  });

  it('refuses the database of a newer Argos, and says so', async () => {
    await under.stop();
    const db = new Database(join(under.folder, 'argos.db'));
    db.pragma('user_version = 99');
    db.close();
    const refused = await rejection(under.start());
    expect(refused)
      .to.be.an.instanceOf(Error)
      .with.property('message')
      .that.matches(/schema version 99.*newer Argos/);
  });

  it('refuses a folder that another process has, and leaves that one alone', async () => {
    await under.stop();
    const owner = appender();
    await eventually(() => expect(owner.said()).to.include('\n'), 20_000);
    expect(await rejection(under.start()))
      .to.be.an.instanceOf(Error)
      .with.property('message')
      .that.matches(/another node uses/);
    const before = owner.said().length;
    await eventually(() => expect(owner.said().length).to.be.above(before + 100));
    await owner.kill();
    await under.start();
  });

  it('starts anew under its supervisor when its thread dies, and whoever waited for an answer is told', async () => {
    await under.stop();
    const { store, names, folder } = under;
    const children = [storeChild(store, names, { dataDir: folder })];
    await root.start({ id: 'sup', start: (parent) => startSupervisor(parent, { flags: { intensity: 5, period: 60 }, children }) });
    for (let i = 0; i < 3; i++) {
      await append('m');
      const first = names.whereis('store') as Pid;
      const waiting = Array.from({ length: 20 }, () => rejection(append('perhaps')));
      void threads.at(-2)?.terminate(); // the one that writes
      expect(await endOf(first)).to.be.an.instanceOf(Error);
      for (const one of await Promise.all(waiting)) expect(one).to.satisfy((got: unknown) => got instanceof StoreError || got === 'it was kept');
      await eventually(() => expect(names.whereis('store')).to.be.an('object').that.does.not.equal(first));
    }
    expect(await count('m')).to.equal(3);
  });

  it('stops also when its thread dies while it drains', async () => {
    const asked = Array.from({ length: 20 }, () => rejection(append('m')));
    await Promise.resolve(); // the requests are on their way
    const stopped = under.stop();
    void threads.at(-2)?.terminate(); // the one that writes
    await stopped;
    for (const one of await Promise.all(asked)) expect(one).to.satisfy((got: unknown) => got instanceof StoreError || got === 'it was kept');
  });
});
