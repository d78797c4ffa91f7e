/** Real servers from Debian for the specs: started when a spec first asks, on free ports in a temporary folder, stopped when mocha ends. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './eventually.ts';

const stops: (() => void)[] = [];
/** Called by mocha's root hook. */
export function stopServices(): void {
  for (const stop of stops.splice(0)) stop();
}
process.on('exit', stopServices);

/** A TCP port that is free at this moment. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });

/** A folder that is gone when mocha ends. */
export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'argos-spec-'));
  stops.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const answers = (port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
    socket.once('error', reject);
  });

/** Start a server and wait until its port answers. What it says is kept, to be told when it does not come up. */
async function start(command: string, args: readonly string[], port: number): Promise<{ readonly child: ChildProcess; readonly said: () => string }> {
  let said = '';
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  child.on('error', (error) => {
    said += String(error);
  });
  stops.push(() => child.kill('SIGKILL'));
  try {
    await eventually(() => answers(port), 20_000);
  } catch (error) {
    throw new Error(`${command} did not come up on port ${port}: ${said}`, { cause: error });
  }
  return { child, said: () => said };
}

export interface Mosquitto {
  readonly port: number;
  readonly url: string;
  /** What the broker has written to its log so far. */
  log(): string;
  stop(): Promise<void>;
}

/** A mosquitto of one's own (Debian's `mosquitto`). */
export async function startMosquitto(given?: number): Promise<Mosquitto> {
  const port = given ?? (await freePort());
  const folder = tempFolder();
  const config = join(folder, 'mosquitto.conf');
  writeFileSync(config, `listener ${port} 127.0.0.1\nallow_anonymous true\nlog_dest stderr\nlog_type all\nconnection_messages true\n`);
  const binary = ['/usr/sbin/mosquitto', '/usr/local/sbin/mosquitto', '/usr/bin/mosquitto'].find(existsSync) ?? 'mosquitto';
  const { child, said } = await start(binary, ['-c', config], port);
  return {
    port,
    url: `mqtt://127.0.0.1:${port}`,
    log: said,
    stop: () =>
      new Promise((resolve) => {
        child.once('exit', () => resolve());
        child.kill('SIGTERM');
      }),
  };
}

let sharedMosquitto: Promise<Mosquitto> | undefined;
export const mosquitto = (): Promise<Mosquitto> => (sharedMosquitto ??= startMosquitto());

export interface Postgres {
  readonly port: number;
  readonly user: string;
  readonly database: string;
  readonly url: string;
  /** `immediate`: as in a crash. */
  stop(mode: 'fast' | 'immediate'): Promise<void>;
  /** After a stop. */
  start(): Promise<void>;
}

let sharedPostgres: Promise<Postgres> | undefined;
/** A PostgreSQL (Debian's `postgresql`), trusting whoever comes over loopback. */
export const postgres = (): Promise<Postgres> => (sharedPostgres ??= startPostgres());

/** One of one's own, to be stopped. @param settings `name=value` */
export async function startPostgres(settings: readonly string[] = ['fsync=off']): Promise<Postgres> {
  return serve(
    (data, run) => execFileSync(...run('initdb', ['-D', data, '-U', 'argos', '-A', 'trust', '--no-sync', '-E', 'UTF8']), { stdio: 'pipe' }),
    settings,
  );
}

/** A hot standby of another, which it follows as a stream. */
export async function startStandby({ port }: Postgres): Promise<Postgres> {
  const from = ['-h', '127.0.0.1', '-p', String(port), '-U', 'argos', '--no-sync', '--checkpoint=fast', '--write-recovery-conf'];
  return serve((data, run) => execFileSync(...run('pg_basebackup', ['-D', data, ...from]), { stdio: 'pipe' }), ['fsync=off']);
}

type Run = (program: string, args: string[]) => [string, string[]];
async function serve(make: (data: string, run: Run) => unknown, settings: readonly string[]): Promise<Postgres> {
  const bin = postgresBin();
  const port = await freePort();
  const folder = tempFolder();
  const data = join(folder, 'data');
  const isRoot = process.getuid?.() === 0; // PostgreSQL refuses to run as root
  if (isRoot) chownSync(folder, Number(execFileSync('id', ['-u', 'postgres'])), Number(execFileSync('id', ['-g', 'postgres'])));
  const run: Run = (program, args) =>
    isRoot ? ['setpriv', ['--reuid=postgres', '--regid=postgres', '--clear-groups', join(bin, program), ...args]] : [join(bin, program), args];
  make(data, run);
  let child: ChildProcess | undefined;
  const server: Postgres = {
    port,
    user: 'argos',
    database: 'postgres',
    url: `postgres://argos@127.0.0.1:${port}/postgres`,
    async start() {
      const given = settings.flatMap((setting) => ['-c', setting]);
      ({ child } = await start(...run('postgres', ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', folder, ...given]), port));
      await eventually(() => execFileSync(join(bin, 'pg_isready'), ['-h', '127.0.0.1', '-p', String(port), '-q'], { stdio: 'pipe' }), 20_000); // the port answers before it takes anybody
    },
    stop: (mode) =>
      new Promise((resolve) => {
        child?.once('exit', () => resolve());
        child?.kill(mode === 'fast' ? 'SIGINT' : 'SIGQUIT');
      }),
  };
  await server.start();
  return server;
}

function postgresBin(): string {
  const root = '/usr/lib/postgresql';
  const [newest] = existsSync(root)
    ? readdirSync(root)
        .filter((version) => existsSync(join(root, version, 'bin', 'initdb')))
        .sort((a, b) => Number(b) - Number(a))
    : [];
  if (newest === undefined) throw new Error("PostgreSQL's server is not installed: run `make services` (apt-get install postgresql)");
  return join(root, newest, 'bin');
}
