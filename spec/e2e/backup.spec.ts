// An operator's night: a backup of the running node, the machine is lost, another one goes on where it was. By the command line alone.
import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import Database from 'better-sqlite3';
import { expect } from 'chai';
import pg from 'pg';
import { eventually } from '../support/eventually.ts';
import { cli, TestNode } from '../support/node.ts';
import { postgres, tempFolder } from '../support/services.ts';

const SECRET = 'correct horse battery staple';
const ARGOS = resolve(import.meta.dirname, '../../bin/argos');

async function rowsOf(url: string, sql: string): Promise<readonly unknown[]> {
  const client = new pg.Client(url);
  await client.connect();
  const { rows } = await client.query(sql);
  await client.end();
  return rows;
}

describe('backup and restore by the command line', function () {
  this.timeout(60_000);
  const node = new TestNode();
  const folder = tempFolder();
  const archive = join(folder, 'night.argos');
  const config = {
    listeners: { http: { port: 0 }, mqtt: { enabled: false } },
    monitors: { single: [{ name: 'air', type: 'push', config: { name: 'temperature' } }] },
    actions: { single: [{ name: 'note', type: 'log', config: { message: 'key ${secrets.door}' } }] },
    rules: [{ name: 'hot', condition: { field: 'air.value', op: '>', value: 30 }, actions: ['note'] }],
  };
  const send = async (to: TestNode, ...values: readonly number[]): Promise<void> => {
    const body = JSON.stringify(values.map((value) => ({ service: 'greenhouse', name: 'temperature', value })));
    const url = `http://127.0.0.1:${await to.port('http')}/api/metrics`;
    expect(execFileSync('curl', ['-s', '-w', '%{http_code}', '-H', 'content-type: application/json', '-d', body, url]).toString()).to.match(/202$/);
  };

  before(async () => {
    node.configure({ ...config, actions: { single: [] }, rules: [] });
    await node.start();
    expect((await cli(['secret', 'set', 'door'], { socket: node.socket, input: SECRET })).code).to.equal(0);
    node.configure(config);
    expect((await node.cli('reload')).code).to.equal(0);
    await send(node, 20, 41);
    await eventually(async () => expect(await node.json('actions', 'list')).to.have.length(1));
    const extra = join(folder, 'cold.json');
    writeFileSync(extra, JSON.stringify({ name: 'cold', condition: { field: 'air.value', op: '<', value: 5 }, actions: ['note'] }));
    expect((await node.cli('create', 'rule', 'cold', '--config', extra)).code).to.equal(0);
  });
  after(() => node.end('SIGKILL'));

  it('backs up the running node into one file that only its owner reads, checked, and with nothing secret in it', async () => {
    const { code, stdout } = await node.cli('backup', archive, '--json');
    expect(code).to.equal(0);
    const answer = JSON.parse(stdout);
    expect(answer).to.include({ file: archive, bytes: statSync(archive).size, telemetry: true, engine: 'sqlite' });
    expect(answer.rows).to.be.above(5);
    expect(statSync(archive).mode & 0o777).to.equal(0o600);
    expect(existsSync(`${archive}.part`)).to.equal(false);
    const text = gunzipSync(readFileSync(archive)).toString();
    expect(text).to.contain('"paper":"secrets"').and.to.contain('"paper":"config"').and.to.contain('\\"door\\":');
    for (const secret of [SECRET, Buffer.from(SECRET).toString('base64'), readFileSync(join(node.dataDir, 'secret.key'), 'utf8').trim()])
      expect(text).to.not.contain(secret);
    const read = await cli(['restore', archive, '--verify']);
    expect(read).to.include({ code: 0, stdout: '' });
    expect(read.stderr).to.contain('whole: ');
  });

  it('does not restore under a running node (6), nor from a damaged archive (1) or none (2), and touches nothing', async () => {
    const before = readdirSync(node.dataDir).sort();
    const under = await cli(['restore', archive, '--data-dir', node.dataDir]);
    expect(under).to.include({ code: 6 });
    expect(under.stderr).to.contain('stop it first');
    const damaged = join(folder, 'damaged');
    writeFileSync(damaged, readFileSync(archive).subarray(0, -9));
    const fresh = join(tempFolder(), 'data');
    const torn = await cli(['restore', damaged, '--data-dir', fresh, '--json']);
    expect(torn).to.include({ code: 1 });
    expect(JSON.parse(torn.stdout).error.message).to.contain('no whole backup');
    expect((await cli(['restore', join(folder, 'none'), '--data-dir', fresh])).code).to.equal(2);
    expect(existsSync(join(fresh, 'argos.db'))).to.equal(false);
    expect(readdirSync(node.dataDir).sort()).to.deep.equal(before);
    expect((await node.status()).health).to.equal('ok');
  });

  it('another machine goes on where it was: resources, history, telemetry, alerts, secrets', async () => {
    const other = new TestNode();
    const { code, stdout, stderr } = await cli(['restore', archive, '--data-dir', other.dataDir, '--json']);
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' });
    const restored = JSON.parse(stdout);
    expect(restored.warning).to.contain('secret.key');
    expect(restored.kept).to.deep.equal([]);
    copyFileSync(join(node.dataDir, 'secret.key'), join(other.dataDir, 'secret.key'));
    mkdirSync(join(other.folder, 'run'), { recursive: true, mode: 0o700 });
    chmodSync(other.folder, 0o700);
    copyFileSync(join(restored.config, readdirSync(restored.config)[0] ?? ''), other.configFile);
    await other.start();
    try {
      expect((await other.json('get', 'rules')).map(({ name }: { name: string }) => name).sort()).to.deep.equal(['cold', 'hot']);
      const { phase, episode } = (await other.json('describe', 'rule', 'hot')).detail;
      expect(phase).to.equal('firing');
      expect(episode).to.equal((await node.json('describe', 'rule', 'hot')).detail.episode);
      expect(await other.json('secret', 'list')).to.deep.equal(['door']);
      const history = await node.json('history');
      expect((await other.json('history')).slice(-history.length)).to.deep.equal(history);
      const samples = async (of: TestNode): Promise<string> => (await of.cli('store', 'export', '--format', 'csv')).stdout;
      const there = await samples(other);
      expect(there).to.equal(await samples(node));
      expect(there.split('\r\n')).to.have.length(4);
    } finally {
      await other.end('SIGKILL');
    }
  });

  it('checks the running node and one that is down; what it finds ends with 8', async () => {
    const online = await node.cli('store', 'check');
    expect(online).to.include({ code: 0 });
    expect(online.stdout).to.contain('sound').and.to.contain('points 2');
    const dataDir = join(tempFolder(), 'data');
    await cli(['restore', archive, '--data-dir', dataDir]);
    const db = new Database(join(dataDir, 'argos.db'));
    db.exec('DELETE FROM series');
    db.close();
    const found = await cli(['store', 'check', '--data-dir', dataDir, '--json']);
    expect(found.code).to.equal(8);
    expect(JSON.parse(found.stdout).findings[0]).to.equal('2 points of series that are not there');
    expect((await cli(['store', 'compact', '--data-dir', dataDir])).stderr).to.match(/bytes before, .* now/);
  });

  it('exports to a file or to stdout, and refuses what makes no sense (2)', async () => {
    const file = join(folder, 'samples.parquet');
    expect((await node.cli('store', 'export', '--format', 'parquet', '-o', file)).code).to.equal(0);
    expect(readFileSync(file).subarray(0, 4).toString()).to.equal('PAR1');
    expect((await node.cli('store', 'export', '--service', 'nobody')).stdout).to.equal('');
    expect((await node.cli('store', 'export', '--from', '2000-01-01', '--to', '2001-01-01')).stdout).to.equal('');
    expect((await node.cli('store', 'export', 'logs', '--name', 'x')).code).to.equal(2);
    expect((await node.cli('store', 'export', 'traces', '--name', 'x')).code).to.equal(0);
    expect((await node.cli('store', 'export', '--from', 'yesterday')).code).to.equal(2);
  });

  it('is piped from one machine to the other, offline too; without a node it ends with 3', async () => {
    const dataDir = join(tempFolder(), 'data');
    const pipe = `set -o pipefail; "$0" backup - --no-telemetry --socket "$1" | "$0" restore - --data-dir "$2"`;
    const { stderr } = await promisify(execFile)('bash', ['-c', pipe, ARGOS, node.socket, dataDir]);
    expect(stderr).to.contain('restored, without telemetry');
    expect(readdirSync(dataDir).filter((name) => name.includes('spool'))).to.deep.equal([]);
    const again = join(folder, 'again.argos');
    expect((await cli(['backup', again, '--data-dir', dataDir, '--config', node.configFile])).code).to.equal(0);
    expect(gunzipSync(readFileSync(again)).toString())
      .to.contain('"paper":"config"')
      .and.to.contain('"table":"rule_states"')
      .and.to.match(/"table":"points"[^\n]*\n\{"sha256"/);
    expect((await cli(['backup', join(folder, 'x'), '--socket', join(folder, 'none.sock')])).code).to.equal(3);
    expect(existsSync(join(folder, 'x.part'))).to.equal(false);
    expect((await node.cli('backup', folder)).code).to.equal(2);
  });

  it('moves from SQLite to PostgreSQL and back', async () => {
    const server = await postgres();
    await rowsOf(server.url, 'CREATE DATABASE moved');
    const url = server.url.replace(/[^/]+$/, 'moved');
    const dataDir = join(tempFolder(), 'data');
    const restored = await cli(['restore', archive, '--data-dir', dataDir, '--store-url', url, '--node', 'berlin']);
    expect(restored).to.include({ code: 0 });
    expect(restored.stderr).to.contain("the node berlin's");
    expect(await rowsOf(url, 'SELECT node FROM nodes UNION SELECT node FROM unjudged')).to.deep.equal([{ node: 'berlin' }]);
    expect((await cli(['restore', archive, '--data-dir', dataDir, '--store-url', url])).code).to.equal(6);
    const back = join(folder, 'back.argos');
    expect((await cli(['backup', back, '--data-dir', dataDir, '--store-url', url, '--node', 'berlin'])).code).to.equal(0);
    expect(gunzipSync(readFileSync(back)).toString()).to.not.contain('"berlin"'); // in an archive it is the one that was backed up
    expect((await cli(['restore', back, '--data-dir', dataDir])).code).to.equal(2);
    expect((await cli(['restore', back, '--data-dir', dataDir, '--store-url', 'sqlite'])).code).to.equal(0);
    const exported = async (...place: readonly string[]): Promise<string> => (await cli(['store', 'export', ...place])).stdout;
    expect(await exported('--data-dir', dataDir)).to.equal(await exported('--store-url', url));
    expect((await exported('--data-dir', dataDir)).split('\n')).to.have.length(3);
  });
});
