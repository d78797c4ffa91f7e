// What the command line refuses, and how it says so: once, in one line, with what to do, and with nothing touched.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join, resolve } from 'node:path';
import Database from 'better-sqlite3';
import { expect } from 'chai';
import pg from 'pg';
import { eventually } from '../support/eventually.ts';
import { type CliResult, cli, TestNode } from '../support/node.ts';
import { postgres, tempFolder } from '../support/services.ts';

const ARGOS = resolve(import.meta.dirname, '../../bin/argos');
const CONFIG = { listeners: { http: { port: 0 }, mqtt: { enabled: false } } };

/** A refusal: one line on stderr, for a person. */
function expectRefused(result: CliResult | undefined, wanted: number, says: RegExp): void {
  const { code, stdout, stderr } = result ?? { code: null, stdout: '', stderr: '' };
  expect(stderr)
    .to.match(/^argos: .+\n$/)
    .and.match(says);
  expect(stdout).to.equal('');
  expect(code).to.equal(wanted);
}

/** A PostgreSQL database of its own. */
async function database(name: string): Promise<string> {
  const { url } = await postgres();
  const client = new pg.Client(url);
  await client.connect();
  await client.query(`CREATE DATABASE ${name}`);
  await client.end();
  return url.replace(/[^/]+$/, name);
}
async function query(url: string, sql: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  await client.query(sql);
  await client.end();
}

describe('a start that is refused', () => {
  const start = (node: TestNode, ...more: readonly string[]): Promise<CliResult> =>
    node.cli('start', '--config', node.configFile, '--data-dir', node.dataDir, ...more);

  it('says why once, in one line: a database of a newer Argos, a data directory that is none', async () => {
    const node = new TestNode();
    node.configure(CONFIG);
    mkdirSync(node.dataDir);
    const db = new Database(join(node.dataDir, 'argos.db'));
    db.pragma('user_version = 99');
    db.close();
    expectRefused(await start(node), 1, /argos\.db is of schema version 99, .* use a newer Argos/);
    expectRefused(await start(node, '--data-dir', node.configFile), 1, /argos\.jsonc: it is there and is no folder/);
  });

  it('says why once, in one line, and without the password: a PostgreSQL that has no such database, or is of a newer Argos', async () => {
    const url = await database('newer');
    const node = new TestNode();
    const withPassword = (to: string): string => to.replace('argos@', 'argos:geheim@');
    node.configure({ ...CONFIG, store: { url: withPassword(url.replace(/[^/]+$/, 'nowhere')) } });
    const refused = await start(node);
    expectRefused(refused, 1, /PostgreSQL at 127\.0\.0\.1:\d+: database "nowhere" does not exist/);
    expect(refused.stderr).to.not.contain('geheim');
    const [away, none] = await Promise.all(['postgres://a:geheim@127.0.0.1:1/x', 'geheim'].map((to) => cli(['store', 'check', '--store-url', to])));
    for (const one of [away, none]) expect(one?.stderr).to.not.contain('geheim');
    expectRefused(away, 1, /PostgreSQL at 127\.0\.0\.1:1: connect ECONNREFUSED .*: start it, or correct its address/);
    expectRefused(none, 1, /store\.url: expected postgres:/);
    await query(url, 'CREATE TABLE argos_schema (version INTEGER NOT NULL); INSERT INTO argos_schema VALUES (99)');
    node.configure({ ...CONFIG, store: { url } });
    expectRefused(await start(node), 1, /schema version 99, .* use a newer Argos/);
    for (const one of await Promise.all(['check', 'export'].map((word) => cli(['store', word, '--store-url', url]))))
      expectRefused(one, 1, /schema version 99, .* use a newer Argos/);
  });
});

describe('looking into a data directory', () => {
  it('of a newer Argos is refused as its start is', async () => {
    const folder = tempFolder();
    const db = new Database(join(folder, 'argos.db'));
    db.pragma('user_version = 99');
    db.close();
    const archive = join(tempFolder(), 'x');
    for (const one of await Promise.all(
      [
        ['store', 'check'],
        ['store', 'export'],
        ['backup', archive],
      ].map((words) => cli([...words, '--data-dir', folder])),
    ))
      expectRefused(one, 1, /argos\.db is of schema version 99, .* use a newer Argos/);
    expect(existsSync(archive)).to.equal(false);
  });

  it('that is not there, or has no database in it, says so (5)', async () => {
    const [empty, nowhere] = [tempFolder(), join(tempFolder(), 'nowhere')];
    const [check, compact, backup, inEmpty, inPostgres] = await Promise.all([
      cli(['store', 'check', '--data-dir', nowhere]),
      cli(['store', 'compact', '--data-dir', nowhere]),
      cli(['backup', join(empty, 'x'), '--data-dir', nowhere]),
      cli(['store', 'export', '--data-dir', empty]),
      cli(['store', 'check', '--store-url', await database('unused')]),
    ]);
    for (const one of [check, compact, backup]) expectRefused(one, 5, /there is no data directory .*nowhere: name it with --data-dir/);
    expectRefused(inEmpty, 5, /there is no database .*argos\.db/);
    expectRefused(inPostgres, 5, /there is no database of Argos/);
    expect(existsSync(nowhere)).to.equal(false);
  });
});

describe('a file that a command writes', () => {
  const node = new TestNode();
  const folder = tempFolder();
  before(async () => {
    node.configure(CONFIG);
    await node.start();
  });
  after(() => node.end('SIGKILL'));
  const commands = (file: string): readonly (readonly string[])[] => [
    ['backup', file],
    ['store', 'export', '-o', file],
  ];

  it('has to have a folder (5), and replaces none that is there (6) but with --force', async () => {
    const file = join(folder, 'precious');
    for (const words of commands(join(folder, 'none', 'x'))) expectRefused(await node.cli(...words), 5, /there is no folder .*none/);
    for (const words of commands(file)) {
      writeFileSync(file, 'precious');
      expectRefused(await node.cli(...words), 6, /precious is there: .* --force/);
      expect(readFileSync(file, 'utf8')).to.equal('precious');
      expect((await node.cli(...words, '--force')).code).to.equal(0);
      expect(readFileSync(file, 'utf8')).to.not.equal('precious');
    }
    expect(readdirSync(folder)).to.deep.equal(['precious']);
  });

  /** Who answers as a node does, but half. */
  const half = async (end: boolean): Promise<{ readonly socket: string; close(): void }> => {
    const socket = join(tempFolder(), 'half.sock');
    const server = createServer((_request, reply) => {
      reply.write('half of it', () => end && reply.destroy());
    }).listen(socket);
    await once(server, 'listening');
    return {
      socket,
      close() {
        server.closeAllConnections();
        server.close();
      },
    };
  };

  it('is as it was when the node breaks off in the middle, and nothing is beside it', async () => {
    const file = join(folder, 'precious');
    writeFileSync(file, 'precious');
    const { socket, close } = await half(true);
    for (const words of commands(file)) expectRefused(await cli([...words, '--force'], { socket }), 1, /the node broke off in the middle/);
    close();
    expect(readFileSync(file, 'utf8')).to.equal('precious');
    expect(readdirSync(folder)).to.deep.equal(['precious']);
  });

  it('is as it was when what came is no backup', async () => {
    const file = join(folder, 'precious');
    const socket = join(tempFolder(), 'other.sock');
    const server = createServer((_request, reply) => reply.end('no backup at all')).listen(socket);
    await once(server, 'listening');
    try {
      expectRefused(await cli(['backup', file, '--force'], { socket }), 1, /is no backup of Argos/);
    } finally {
      server.close();
    }
    expect(readFileSync(file, 'utf8')).to.equal('precious');
    expect(readdirSync(folder)).to.deep.equal(['precious']);
  });

  it('leaves nothing behind when the command is interrupted', async () => {
    const { socket, close } = await half(false);
    const file = join(folder, 'interrupted');
    const child: ChildProcess = spawn(ARGOS, ['backup', file, '--socket', socket], { stdio: 'ignore' });
    await eventually(() => expect(readFileSync(`${file}.part`, 'utf8')).to.equal('half of it'));
    child.kill('SIGINT');
    const [code] = await once(child, 'exit');
    close();
    expect(code).to.equal(130);
    expect(readdirSync(folder)).to.deep.equal(['precious']);
  });
});
