/** A whole node as a child process, started by `bin/argos` as a user would, with its own data directory and socket. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Status } from '../../proto/api.ts';
import { eventually } from './eventually.ts';
import { tempFolder } from './services.ts';

const ARGOS = resolve(import.meta.dirname, '../../bin/argos');

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Run one command and wait for its end. */
export function cli(
  args: readonly string[],
  options: { readonly socket?: string; readonly cwd?: string; readonly env?: NodeJS.ProcessEnv; readonly input?: string } = {},
): Promise<CliResult> {
  const { socket, cwd, env, input } = options;
  return new Promise((done) => {
    const child = execFile(
      ARGOS,
      [...args, ...(socket ? ['--socket', socket] : [])],
      { encoding: 'utf8', cwd, env: { ...process.env, NO_COLOR: '1', ...env } },
      (_error, stdout, stderr) => done({ code: child.exitCode, stdout, stderr }),
    );
    child.stdin?.end(input);
  });
}

export class TestNode {
  readonly folder = tempFolder();
  readonly socket = join(this.folder, 'run', 'argos.sock');
  readonly configFile = join(this.folder, 'argos.jsonc');
  readonly dataDir = join(this.folder, 'data');
  /** All that it has written to stderr. */
  log = '';
  #child: ChildProcess | undefined;

  /** Write the configuration file: a text as it is, all else as JSON. */
  configure(config: unknown): void {
    writeFileSync(this.configFile, typeof config === 'string' ? config : JSON.stringify(config, null, 2));
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Start it and wait until it is ready. */
  async start(env: NodeJS.ProcessEnv = {}): Promise<void> {
    const child = spawn(ARGOS, ['start', '--config', this.configFile, '--data-dir', this.dataDir, '--socket', this.socket], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    let ended = false;
    child.stderr.on('data', (chunk: Buffer) => {
      this.log += chunk.toString();
    });
    child.once('exit', () => {
      ended = true;
    });
    await eventually(async () => {
      if (ended) return;
      const { code, stderr } = await this.cli('status', '--json');
      if (code !== 0 && code !== 8) throw new Error(`the node is not up: ${stderr}\n${this.log}`);
    }, 20_000);
    if (ended) throw new Error(`the node has ended: ${this.log}`);
  }

  cli(...args: readonly string[]): Promise<CliResult> {
    return cli(args, { socket: this.socket });
  }
  async status(): Promise<Status> {
    return JSON.parse((await this.cli('status', '--json')).stdout) as Status;
  }
  /** What a command with `--json` answers. */
  async json(...args: readonly string[]) {
    const { stdout } = await this.cli(...args, '--json');
    return JSON.parse(stdout);
  }
  /** The address that a listener is bound to, as `host:port`; and its port. */
  async port(listener: string): Promise<number> {
    const address = (await this.status()).listeners.find(({ name }) => name === listener)?.address ?? '';
    return Number(address.split(':').at(-1));
  }

  /** Send a signal and wait for the end. Answers the exit code, or the signal that ended it. */
  end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals | null> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child?.exitCode ?? child?.signalCode ?? null);
    return new Promise((resolveEnd) => {
      child.once('exit', (code, ended) => resolveEnd(code ?? ended));
      child.kill(signal);
    });
  }
}
