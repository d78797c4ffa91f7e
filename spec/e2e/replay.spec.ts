// What was acknowledged is judged, whenever the node is killed: each event is told, and under one key.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { expect } from 'chai';
import { eventually } from '../support/eventually.ts';
import { TestNode } from '../support/node.ts';

const ROUNDS = process.env.ARGOS_LONG ? 25 : 4;
const LANES = 4;
const BATCH = 5;

describe('replay', function () {
  this.timeout(ROUNDS * 30_000);
  const node = new TestNode();
  const acknowledged = new Set<number>();
  let last = 0;

  before(() => {
    node.configure({
      listeners: { http: { port: 0 }, mqtt: { enabled: false } },
      monitors: { single: [{ name: 'each', type: 'push', config: { name: 'n' } }] },
      actions: { single: [{ name: 'note', type: 'log', config: {} }] },
      rules: [
        { name: 'each_event', mode: 'event', condition: { field: 'each.value', op: '>', value: 0 }, actions: ['note'] },
        { name: 'never', condition: { field: 'each.value', op: '<', value: 0 }, actions: ['note'] },
      ],
    });
  });
  after(() => node.end('SIGKILL'));

  /** Send without a pause until the node is gone. */
  async function flood(port: number): Promise<void> {
    const url = `http://127.0.0.1:${port}/api/metrics`;
    const lane = async (): Promise<void> => {
      for (;;) {
        const values = Array.from({ length: BATCH }, () => ++last);
        const body = JSON.stringify(values.map((value) => ({ service: 's', name: 'n', value })));
        const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body }).catch(() => undefined);
        if (!answer) return;
        if (answer.status === 202) for (const value of values) acknowledged.add(value);
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
  }
  /** Ask the database of a node that is not running. */
  function offline<T>(ask: (db: Database.Database) => T): T {
    const db = new Database(join(node.dataDir, 'argos.db'));
    try {
      return ask(db);
    } finally {
      db.close();
    }
  }
  const unjudged = (): number => offline((db) => Number(db.prepare('SELECT count(*) FROM unjudged').pluck().get()));

  it('judges after a restart what it had acknowledged and not judged, each event under one key', async () => {
    let behind = 0;
    for (let round = 0; round < ROUNDS; round++) {
      await node.start();
      const flooded = flood(await node.port('http'));
      await sleep(200 + Math.random() * 500);
      await node.end('SIGKILL');
      await flooded;
      behind += unjudged();
    }
    expect(behind, 'batches that were not judged when the node was killed').to.be.above(0);
    await node.start();
    await eventually(async () => expect((await node.status()).executions?.open).to.equal(0), 20_000);
    expect(await node.end('SIGTERM')).to.equal(0);
    const told = offline((db) => db.prepare("SELECT json_extract(job, '$.alert.event.value') FROM jobs WHERE rule = 'each_event'").pluck().all() as number[]);
    const once = new Set(told);
    expect(
      [...acknowledged].filter((value) => !once.has(value)),
      'acknowledged and never judged',
    ).to.deep.equal([]);
    expect(told.length - once.size, 'judged twice').to.equal(0);
    expect(acknowledged.size).to.be.above(200);
  });

  it('has nothing left to be judged after a stop in order', async () => {
    expect(unjudged()).to.equal(0);
  });
});
