/**
 * InfluxDB and VictoriaMetrics, where Debian has them: installed, or fetched by apt-get and unpacked into a temporary folder. Both take the same
 * text (the line protocol of InfluxDB) and are asked over HTTP. InfluxDB syncs its log before it answers; VictoriaMetrics answers before it writes.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../spec/support/eventually.ts';
import { freePort, tempFolder } from '../spec/support/services.ts';
import { BATCH, batches, type Contestant, deviceOf, LANES, nameOf, seriesOf, timeOf, sampleOf } from './history.ts';
import { cpuSecondsOf } from './support.ts';

const FETCH_MS = 60_000;

/** Where a program of a Debian package is; undefined: Debian has it not, or it cannot be fetched here. */
function programOf(debian: string, program: string): string | undefined {
  const installed = join('/usr/bin', program);
  if (existsSync(installed)) return installed;
  const folder = tempFolder();
  const run = (command: string, ...args: readonly string[]): boolean =>
    spawnSync(command, args, { cwd: folder, timeout: FETCH_MS, stdio: 'ignore' }).status === 0;
  const unpacked = join(folder, installed);
  return run('apt-get', 'download', debian) && run('sh', '-c', 'dpkg-deb -x *.deb .') && existsSync(unpacked) ? unpacked : undefined; // no service is started by that
}

interface Peer {
  readonly name: string;
  readonly child: ChildProcess;
  readonly folder: string;
  readonly writeTo: string;
  /** Once they are all written. */
  flush(): Promise<void>;
  ask(series: number | 'all', fromMs: number, toMs: number): Promise<number>;
}

async function started(child: ChildProcess, url: string): Promise<number> {
  process.once('exit', () => child.kill('SIGKILL'));
  await eventually(async () => (await fetch(url)).text(), 20_000);
  return child.pid ?? 0;
}
const json = async (url: string): Promise<unknown> => {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url}: ${await answer.text()}`);
  return answer.json();
};
const line = (n: number): string => `bench,metric=${nameOf(seriesOf(n))},device=${deviceOf(seriesOf(n))} value=${sampleOf(n)} ${timeOf(n)}`;

function contestant({ name, child, folder, writeTo, flush, ask }: Peer): Contestant {
  async function lane(from: Iterable<number>): Promise<void> {
    for (const first of from) {
      const body = Array.from({ length: BATCH }, (_, i) => line(first + i)).join('\n');
      const { status } = await fetch(writeTo, { method: 'POST', body });
      if (status !== 204) throw new Error(`${name} answered ${status} to a batch`);
    }
  }
  return {
    name,
    fill: async (total) => {
      const next = batches(total);
      const [since, cpu] = [performance.now(), cpuSecondsOf(child.pid ?? 0)];
      await Promise.all(Array.from({ length: LANES }, () => lane(next)));
      const seconds = (performance.now() - since) / 1_000;
      await flush();
      return { perSecond: total / seconds, cpuMicros: ((cpuSecondsOf(child.pid ?? 0) - cpu) * 1e6) / total };
    },
    /** Stopped in order, so that what it keeps in memory is written; it has had its last question. */
    bytes: async () => {
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      await gone;
      return Number(execFileSync('du', ['-sb', folder], { encoding: 'utf8' }).split('\t')[0]);
    },
    avgOfOne: ask,
    avgOfAll: (fromMs, toMs) => ask('all', fromMs, toMs),
    stop: async () => void child.kill('SIGKILL'),
  };
}

/** undefined: Debian has it not. */
export async function victoriaMetrics(): Promise<Contestant | undefined> {
  const program = programOf('victoria-metrics', 'victoria-metrics');
  if (program === undefined) return undefined;
  const [folder, port] = [tempFolder(), await freePort()];
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(program, [`-storageDataPath=${folder}`, `-httpListenAddr=127.0.0.1:${port}`, '-retentionPeriod=100y'], { stdio: 'ignore' });
  await started(child, `${url}/health`);
  return contestant({
    name: 'VictoriaMetrics',
    child,
    folder,
    writeTo: `${url}/write?precision=ms`,
    flush: async () => void (await fetch(`${url}/internal/force_flush`)),
    async ask(series, fromMs, toMs) {
      // A range of PromQL leaves its begin out. That all series have as many samples makes the average of averages that of all.
      const average = `avg_over_time(bench_value${series === 'all' ? '' : `{metric="${nameOf(series)}"}`}[${toMs - fromMs + 1}ms])`;
      const answer = (await json(`${url}/api/v1/query?nocache=1&time=${toMs / 1_000}&query=${encodeURIComponent(`avg(${average})`)}`)) as {
        readonly data: { readonly result: readonly { readonly value: readonly [number, string] }[] };
      };
      return Number(answer.data.result[0]?.value[1]);
    },
  });
}

/** undefined: Debian has it not. */
export async function influxdb(): Promise<Contestant | undefined> {
  const program = programOf('influxdb', 'influxd');
  if (program === undefined) return undefined;
  const [folder, port, rpc] = [tempFolder(), await freePort(), await freePort()];
  const of = (name: string): string => {
    mkdirSync(join(folder, name));
    return JSON.stringify(join(folder, name));
  };
  const settings = [
    'reporting-disabled = true',
    `bind-address = "127.0.0.1:${rpc}"`,
    `[meta]\ndir = ${of('meta')}`,
    `[data]\ndir = ${of('data')}\nwal-dir = ${of('wal')}\nquery-log-enabled = false`,
    `[http]\nbind-address = "127.0.0.1:${port}"\nlog-enabled = false`,
    '[monitor]\nstore-enabled = false',
  ];
  writeFileSync(join(folder, 'influxdb.conf'), settings.join('\n'));
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(program, ['-config', join(folder, 'influxdb.conf')], { stdio: 'ignore' });
  await started(child, `${url}/ping`);
  await fetch(`${url}/query?q=CREATE+DATABASE+bench`, { method: 'POST' });
  return contestant({
    name: 'InfluxDB',
    child,
    folder,
    writeTo: `${url}/write?db=bench&precision=ms`,
    flush: async () => {},
    async ask(series, fromMs, toMs) {
      const which = series === 'all' ? '' : `metric = '${nameOf(series)}' AND `;
      const sql = `SELECT mean(value) FROM bench WHERE ${which}time >= ${fromMs}ms AND time <= ${toMs}ms`;
      const answer = (await json(`${url}/query?db=bench&q=${encodeURIComponent(sql)}`)) as {
        readonly results: readonly [{ readonly series?: readonly [{ readonly values: readonly (readonly [string, number])[] }] }];
      };
      return Number(answer.results[0].series?.[0].values[0]?.[1]);
    },
  });
}
