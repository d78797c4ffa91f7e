// What a monitor has seen is remembered: after a restart its state is the last one until it has looked again, and its numbers are in the store.
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect } from 'chai';
import { eventually } from '../support/eventually.ts';
import { TestNode } from '../support/node.ts';
import { startWebServer, type WebServer } from '../support/web.ts';

describe("A monitor's memory", function () {
  this.timeout(30_000);
  const node = new TestNode();
  let silent = false;
  let web: WebServer;
  before(async () => {
    web = await startWebServer(() => (silent ? new Promise(() => {}) : { status: 200, headers: { 'content-type': 'application/json' }, body: '{"t": 21.5}' }));
    node.configure({
      listeners: { http: { enabled: false }, mqtt: { enabled: false } },
      monitors: { single: [{ name: 'web', type: 'http', config: { url: web.url, interval: 200, timeout: 20_000 } }] },
    });
  });
  after(async () => {
    await node.end('SIGKILL');
    await web.close();
  });
  const state = async (): Promise<{ readonly body?: { readonly t: number }; readonly up?: boolean }> =>
    (await node.json('describe', 'monitor', 'web')).detail.state;

  it('outlives kill -9 and a restart, until it has looked again; deleted with it when it is deleted', async () => {
    await node.start();
    await eventually(async () => expect((await state()).body).to.deep.equal({ t: 21.5 }));
    const offline = <T>(ask: (db: Database.Database) => T): T => {
      const db = new Database(join(node.dataDir, 'argos.db'));
      try {
        return ask(db);
      } finally {
        db.close();
      }
    };
    const kept = (): unknown =>
      offline((db) => db.prepare("SELECT count(*) > 0 FROM points JOIN series ON series.id = series_id WHERE name = 'body.t'").pluck().get());
    const states = (): unknown => offline((db) => db.prepare('SELECT count(*) FROM monitor_states').pluck().get());
    await eventually(() => expect([kept(), states()]).to.deep.equal([1, 1]));
    await node.end('SIGKILL');
    silent = true;
    await node.start();
    expect((await state()).body).to.deep.equal({ t: 21.5 });
    expect((await node.cli('delete', 'monitor', 'web')).code).to.equal(0);
    expect(states()).to.equal(0);
  });
});
