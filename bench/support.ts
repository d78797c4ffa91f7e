/** What the benchmarks share: a node as a child process, a publisher as another, and figures. */
import { type ChildProcess, execFileSync, fork, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Status } from '../proto/api.ts';

const ARGOS = join(import.meta.dirname, '../bin/argos');

export interface BenchNode {
  readonly pid: number;
  readonly httpPort: number;
  readonly mqttPort: number;
  status(): Status;
  /** A counter of /metrics, all its labels together. */
  counter(name: string): Promise<number>;
  /** CPU seconds used so far, user and system, all threads. */
  cpuSeconds(): number;
  /** Resident memory, in MB. */
  memoryMb(): number;
  readonly folder: string;
  /** Its folder goes with it, unless it is to be kept. */
  stop(options?: { readonly keep: boolean }): Promise<void>;
}

/** @param folder of one that was kept. */
export async function startNode(config: object, folder = mkdtempSync(join(tmpdir(), 'argos-bench-'))): Promise<BenchNode> {
  const file = join(folder, 'argos.jsonc');
  const socket = join(folder, 'run', 'argos.sock');
  writeFileSync(file, JSON.stringify({ system: { log_level: 'error' }, listeners: { http: { port: 0 }, mqtt: { port: 0 } }, ...config }));
  const child = spawn(ARGOS, ['start', '--config', file, '--data-dir', join(folder, 'data'), '--socket', socket], { stdio: ['ignore', 'inherit', 'inherit'] });
  const status = (): Status =>
    JSON.parse(execFileSync(ARGOS, ['status', '--json', '--socket', socket], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })) as Status;
  let up: Status | undefined;
  while (!up) {
    await sleep(100);
    try {
      up = status();
    } catch {
      if (child.exitCode !== null) throw new Error('the node has ended');
    }
  }
  const port = (name: string): number =>
    Number(
      up?.listeners
        .find((one) => one.name === name)
        ?.address.split(':')
        .at(-1),
    );
  const { pid } = up;
  const httpPort = port('http');
  return {
    pid,
    httpPort,
    mqttPort: port('mqtt'),
    status,
    counter: async (name) => {
      const text = await (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text();
      return [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))].reduce((sum, [, value]) => sum + Number(value), 0);
    },
    cpuSeconds: () => cpuSecondsOf(pid),
    memoryMb: () => memoryMbOf(pid),
    folder,
    stop: async (options) => {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await gone;
      if (!options?.keep) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** CPU seconds that a process has used, user and system, all threads. */
export function cpuSecondsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100; // proc(5): utime and stime, in ticks of 10 ms
}
/** Resident memory, in MB. */
export const memoryMbOf = (pid: number): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

/** A publisher in a process of its own (bench/publisher.ts). Resolves when it has ended, with how many it has published. */
export function publish(options: {
  readonly port: number;
  readonly qos: 0 | 1;
  readonly clients: number;
  readonly seconds: number;
  readonly perSecond: number;
}): Promise<number> {
  const child: ChildProcess = fork(join(import.meta.dirname, 'publisher.ts'), [JSON.stringify(options)], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  return new Promise((resolve, reject) => {
    let count = 0;
    child.on('message', (message) => {
      count = Number(message);
    });
    child.on('exit', (code) => (code === 0 ? resolve(count) : reject(new Error(`the publisher ended with ${code}`))));
  });
}

export const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
export const quantile = (sorted: readonly number[], q: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
export const round = (value: number, digits = 1): string => value.toFixed(digits);
export const machine = (): string => `${cpus().length} cores of ${cpus()[0]?.model.trim()}, Node ${process.version}`;

/** A Markdown table. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
