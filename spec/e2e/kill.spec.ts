// kill -9: what a rule has decided is carried out, whatever happens to the node in between.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { eventually } from '../support/eventually.ts';
import { cli, TestNode } from '../support/node.ts';
import { startWebServer, type WebServer } from '../support/web.ts';

describe('kill -9', function () {
  this.timeout(90_000);
  const node = new TestNode();
  let hook: WebServer;
  let up = false;
  let slowMs = 0;
  const done = new Set<string>();

  before(async () => {
    // A receiver that honours the key: it carries each execution out once, however often it is told.
    hook = await startWebServer(async ({ headers }) => {
      if (!up) return { status: 503 };
      await sleep(slowMs);
      done.add(String(headers['idempotency-key']));
      return { status: 200 };
    });
    node.configure({
      listeners: { http: { port: 0 }, mqtt: { port: 0 } },
      monitors: { single: [{ name: 'air', type: 'push', config: { name: 'temperature' } }] },
      actions: {
        single: [{ name: 'tell', type: 'http', config: { url: hook.url }, retry_policy: { max_retries: 100, backoff_strategy: 'fixed', retry_timeout: 300 } }],
      },
      rules: [{ name: 'hot', condition: { field: 'air.value', op: '>', value: 30 }, actions: ['tell'] }],
    });
    await node.start();
  });
  after(async () => {
    await node.end('SIGKILL');
    await hook.close();
  });

  const send = async (value: number): Promise<void> => {
    const port = await node.port('http');
    const body = JSON.stringify({ service: 'greenhouse', name: 'temperature', value });
    const answer = execFileSync('curl', [
      '-s',
      '-w',
      '%{http_code}',
      '-H',
      'content-type: application/json',
      '-d',
      body,
      `http://127.0.0.1:${port}/api/metrics`,
    ]).toString();
    expect(answer).to.match(/202$/);
  };

  it('between firing and delivery: after the restart the execution is delivered, once at a receiver that honours the key', async () => {
    await send(41);
    await eventually(() => expect(hook.seen.length).to.be.above(0));
    const [first] = hook.seen;
    expect(await node.end('SIGKILL')).to.equal('SIGKILL');
    up = true;
    await node.start();
    await eventually(() => expect(done.size).to.equal(1));
    expect([...done][0]).to.equal(first?.headers['idempotency-key']);
    const [execution] = await eventually(async () => {
      const list = await node.json('actions', 'list');
      expect(list[0].status).to.equal('succeeded');
      return list;
    });
    expect(hook.seen.length).to.be.above(1);
    expect(execution.attempts).to.be.above(0);
    expect(JSON.parse((await node.cli('actions', 'show', execution.job.id)).stdout).tries.at(-1).outcome).to.equal('delivered');
  });

  it('leaves the alert firing: the same episode goes on, and is not told again', async () => {
    const before = await node.json('describe', 'rule', 'hot');
    expect(before.detail.phase).to.equal('firing');
    await node.end('SIGKILL');
    await node.start();
    await send(42);
    await eventually(async () => expect((await node.json('describe', 'rule', 'hot')).detail.explanation.value).to.equal(42));
    expect((await node.json('describe', 'rule', 'hot')).detail.episode).to.equal(before.detail.episode);
    expect(done.size).to.equal(1);
    await send(20);
    await eventually(async () => expect((await node.json('describe', 'rule', 'hot')).detail.phase).to.equal('inactive'));
  });

  it('leaves the socket behind, and the next start takes it over; a second node is refused', async () => {
    await node.end('SIGKILL');
    await node.start();
    const { code, stderr } = await node.cli('start', '--config', node.configFile, '--data-dir', `${node.dataDir}-2`);
    expect(code).to.equal(1);
    expect(stderr).to.include('another node is running on');
    expect((await node.status()).pid).to.equal(node.pid);
  });

  it('acknowledged items are in the store', async () => {
    for (const value of [1, 2, 3, 4, 5]) await send(value);
    await node.end('SIGKILL');
    await node.start();
    const answer = await fetch(`http://127.0.0.1:${await node.port('http')}/api/metrics?service=greenhouse&limit=5`);
    const { metrics } = (await answer.json()) as { metrics: { value: number }[] };
    expect(metrics.map(({ value }) => value)).to.deep.equal([5, 4, 3, 2, 1]);
  });

  it('an orderly stop lets what is under way finish: nobody is told twice', async () => {
    await send(20);
    await eventually(async () => expect((await node.json('describe', 'rule', 'hot')).detail.phase).to.equal('inactive'));
    slowMs = 1_500;
    const before = hook.seen.length;
    await send(50);
    await eventually(() => expect(hook.seen.length).to.equal(before + 1));
    expect(await node.end('SIGTERM')).to.equal(0);
    slowMs = 0;
    await node.start();
    const [execution] = await node.json('actions', 'list');
    expect([execution.status, execution.attempts, hook.seen.length]).to.deep.equal(['succeeded', 1, before + 1]);
  });

  it('an orderly stop takes no longer than what is under way, and that is nothing', async () => {
    const since = performance.now();
    expect(await node.end('SIGTERM')).to.equal(0);
    expect(performance.now() - since).to.be.below(4_000); // the outbox would wait for 5 s
    await node.start();
  });

  it('keeps its files and its socket to itself', () => {
    const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);
    expect([mode(node.socket), mode(dirname(node.socket)), mode(node.dataDir), mode(join(node.dataDir, 'secret.key'))]).to.deep.equal([
      '600',
      '700',
      '700',
      '600',
    ]);
  });

  it('refuses a second node on its data directory, and a socket path where something else stands', async () => {
    const other = await cli(['start', '--config', node.configFile, '--data-dir', node.dataDir, '--socket', join(node.folder, 'other', 's.sock')]);
    expect(other.code).to.equal(1);
    expect(other.stderr).to.match(/another node uses .*argos\.db/);
    mkdirSync(join(node.folder, 'mine'), { mode: 0o700 });
    const precious = join(node.folder, 'mine', 'precious');
    writeFileSync(precious, 'precious');
    const wrong = await cli(['start', '--config', node.configFile, '--data-dir', `${node.dataDir}-3`, '--socket', precious]);
    expect(wrong.code).to.equal(1);
    expect(wrong.stderr).to.include('is no socket');
    expect(readFileSync(precious, 'utf8')).to.equal('precious');
  });
});
