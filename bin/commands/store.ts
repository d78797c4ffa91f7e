/** `backup`, `restore`, `store check|compact|export`: what is kept, looked after. A running node is asked; with --data-dir or --store-url the files are. */
import { mkdirSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import type { Argv } from 'yargs';
import packageJson from '../../package.json' with { type: 'json' };
import type { ExportQuery, StoreCheck } from '../../proto/store.ts';
import { ask, CommandError, EXIT, open } from '../client.ts';
import { checkTarget, STDIO, toFile, toStdout } from '../files.ts';
import { duration, paint, print, printJson, say } from '../output.ts';
import { readSources } from '../sources.ts';

interface Common {
  readonly socket: string;
  readonly json: boolean;
}
interface Place {
  readonly dataDir?: string | undefined;
  readonly storeUrl?: string | undefined;
  readonly node?: string | undefined;
}

/** The node's half: loaded when a command works without one. */
const half = () => import('../../supervisors/upkeep.ts');
const DATA_DIR = process.env.ARGOS_DATA_DIR ?? './data';
const KEY = 'The archive holds the secrets encrypted, and not their key: keep secret.key of the data directory (or ARGOS_SECRET_KEY) apart from it.';
const FORMATS = ['ndjson', 'csv', 'parquet'] as const;

export const isOffline = ({ dataDir, storeUrl }: Place): boolean => dataDir !== undefined || storeUrl !== undefined;
const dirOf = ({ dataDir = DATA_DIR }: Place): string => resolve(dataDir);
const urlOf = ({ storeUrl }: Place): string | undefined => (storeUrl === 'sqlite' ? undefined : storeUrl);
export const upkeepOf = async (place: Place) => (await half()).offline(dirOf(place), urlOf(place), place.node);

export const placed = <T>(y: Argv<T>) =>
  y
    .option('data-dir', { type: 'string', describe: 'look into this folder itself, while the node is down; left out: the running node is asked' })
    .option('store-url', { type: 'string', describe: 'look into PostgreSQL itself: postgres://…' });

const NODE = { type: 'string', defaultDescription: 'the name of this machine' } as const;
const FORCE = { type: 'boolean', default: false, describe: 'replace the file when it is there' } as const;

export const storeCommands = (yargs: Argv<Common>): Argv<Common> =>
  yargs
    .command(
      'backup <file>',
      'all that is kept, in one archive, while the node runs',
      (y) =>
        placed(y)
          .positional('file', { type: 'string', demandOption: true, describe: 'the archive; - is stdout' })
          .option('telemetry', { type: 'boolean', default: true, describe: 'samples, logs and traces, too; --no-telemetry leaves them out' })
          .option('config', { type: 'string', describe: 'with --data-dir or --store-url: the configuration that goes into it' })
          .option('node', { ...NODE, describe: 'with --store-url: the node whose backup it is, its store.node' })
          .option('force', FORCE)
          .epilogue(KEY),
      async ({ socket, json, file, telemetry, config, force, ...place }) => {
        checkTarget(file, force);
        const chunks = isOffline(place) ? await made(place, telemetry, config) : await open(socket, 'GET', `/v1/backup?telemetry=${telemetry}`);
        if (file === STDIO) return told(toStdout(bytesOf(chunks)));
        const { verify } = await half();
        let found: Awaited<ReturnType<typeof verify>> | undefined;
        const check = async (part: string): Promise<void> => {
          found = await verify(part);
        };
        const bytes = await told(toFile(file, bytesOf(chunks), { mode: 0o600, force, check }));
        const { rows = 0, sha256, manifest } = found ?? {};
        if (json) printJson({ file, bytes, rows, sha256, ...manifest });
        else say(`${file}: ${count(rows)} rows in ${count(bytes)} bytes, read back and whole`);
      },
    )
    .command(
      'restore <file>',
      'make the store what it was when the archive was made, while the node is down',
      (y) =>
        y
          .positional('file', { type: 'string', demandOption: true, describe: 'the archive; - is stdin' })
          .option('data-dir', { type: 'string', default: DATA_DIR, describe: 'where the database is (ARGOS_DATA_DIR, ./data)' })
          .option('store-url', { type: 'string', describe: 'into PostgreSQL: postgres://…; sqlite: into the data directory, also what was in PostgreSQL' })
          .option('node', { ...NODE, describe: 'into PostgreSQL: the node that judges what waits to be judged, its store.node' })
          .option('discard-old', { type: 'boolean', default: false, describe: 'do not keep what was there; in PostgreSQL it cannot be kept' })
          .option('verify', { type: 'boolean', default: false, describe: 'only read the archive and check its checksum' })
          .epilogue(KEY),
      async ({ json, file, verify, discardOld, ...place }) => {
        const dataDir = dirOf(place);
        const spool = file === STDIO ? join(dataDir, `restore.spool-${process.pid}`) : undefined;
        try {
          if (spool) {
            if (!verify) mkdirSync(dataDir, { recursive: true, mode: 0o700 });
            await toFile(spool, process.stdin, { mode: 0o600, force: true });
          }
          if (verify) await verified(spool ?? file, json);
          else await restored(spool ?? file, place, discardOld, json);
        } finally {
          if (spool) rmSync(spool, { force: true });
        }
      },
    )
    .command(
      'store',
      'look after what is kept: check, compact, export',
      (y) => words(y).demandCommand(1, 'check, compact or export is needed'),
      () => {},
    );

const words = (yargs: Argv<Common>): Argv<Common> =>
  yargs
    .command(
      'check',
      'is it sound? Exit code 8 when it is not',
      (y) => placed(y).option('quick', { type: 'boolean', default: false, describe: 'whether each page can be read, and not whether each index is right' }),
      async ({ socket, json, quick, ...place }) => {
        const report = isOffline(place)
          ? await told((await upkeepOf(place)).check(quick))
          : await ask<StoreCheck>(socket, 'GET', `/v1/store/check?quick=${quick}`);
        if (json) printJson(report);
        else print(checkText(report));
        if (report.findings.length > 0) process.exitCode = EXIT.degraded;
      },
    )
    .command(
      'compact',
      'give room back that is free, while the node is down (PostgreSQL: at any time)',
      (y) =>
        y
          .option('data-dir', { type: 'string', default: DATA_DIR, describe: 'where the database is (ARGOS_DATA_DIR, ./data)' })
          .option('store-url', { type: 'string', describe: 'PostgreSQL: postgres://…' }),
      async ({ json, ...place }) => {
        const { beforeBytes, afterBytes } = await told((await upkeepOf(place)).compact());
        if (json) printJson({ beforeBytes, afterBytes });
        else say(`${count(beforeBytes)} bytes before, ${count(afterBytes)} now`);
      },
    )
    .command(
      'export [what]',
      'samples, logs, spans or episodes of rules, for others to read',
      (y) =>
        placed(y)
          .positional('what', { choices: ['metrics', 'logs', 'traces', 'episodes'] as const, default: 'metrics' as const, describe: 'of what' })
          .option('format', { choices: FORMATS, default: 'ndjson' as const, describe: 'of the file' })
          .option('output', { alias: 'o', type: 'string', default: STDIO, defaultDescription: '-', describe: 'the file; - is stdout' })
          .option('force', FORCE)
          .option('service', { type: 'string', describe: 'only of this one; * matches any run of characters' })
          .option('name', { type: 'string', describe: 'only metrics or spans of this name, or episodes of this rule, or of this pattern' })
          .option('from', { type: 'string', describe: 'only from then on: ISO 8601, or ms since 1970' })
          .option('to', { type: 'string', describe: 'only until then' }),
      async ({ socket, json, what, format, output, force, service, name, from, to, dataDir, storeUrl }) => {
        const query: ExportQuery = { what, format, service, name, fromMs: instant('--from', from), toMs: instant('--to', to) };
        if (output === STDIO && format === 'parquet' && process.stdout.isTTY)
          throw new CommandError('Parquet is nothing for a terminal: name a file with -o', EXIT.usage);
        checkTarget(output, force);
        const place = { dataDir, storeUrl };
        const chunks = isOffline(place) ? (await upkeepOf(place)).export(query) : await open(socket, 'GET', `/v1/store/export?${paramsOf(query)}`);
        if (output === STDIO) return told(toStdout(bytesOf(chunks)));
        const bytes = await told(toFile(output, bytesOf(chunks), { mode: 0o644, force }));
        if (json) printJson({ file: output, bytes });
        else say(`${output}: ${count(bytes)} bytes`);
      },
    );

const count = (number: number): string => number.toLocaleString('en');

async function made(place: Place, telemetry: boolean, config: string | undefined): Promise<AsyncIterable<Uint8Array>> {
  const { papersOf } = await half();
  const papers = papersOf(dirOf(place), config === undefined ? [] : readSources(config));
  return (await upkeepOf(place)).backup({ argos: packageJson.version, telemetry, papers });
}

async function verified(file: string, json: boolean): Promise<void> {
  const { manifest, rows, sha256 } = await told((await half()).verify(file));
  if (json) printJson({ rows, sha256, ...manifest });
  else say(`whole: ${count(rows)} rows of ${manifest.created}, made by Argos ${manifest.argos}${manifest.telemetry ? '' : ', without telemetry'}`);
}

async function restored(file: string, place: Place, discard: boolean, json: boolean): Promise<void> {
  const { keptIn, keyFault, verify } = await half();
  const dataDir = dirOf(place);
  const { engine } = (await told(verify(file))).manifest;
  if (engine === 'postgres' && place.storeUrl === undefined)
    throw new CommandError(
      'this is the backup of a node with PostgreSQL: say where it goes with --store-url postgres://…, or --store-url sqlite for the data directory',
      EXIT.usage,
    );
  const { manifest, rows, sha256, config, secrets } = await told((await upkeepOf(place)).restore({ from: resolve(file), discard }));
  const kept = discard ? [] : keptIn(dataDir);
  const warning = secrets ? keyFault(dataDir, process.env.ARGOS_SECRET_KEY) : undefined;
  const configDir = config.length > 0 ? join(dataDir, 'config.restored') : null;
  const judge = urlOf(place) === undefined ? undefined : (place.node ?? hostname());
  if (json) return printJson({ rows, sha256, ...manifest, kept, config: configDir, node: judge, warning });
  say(`${count(rows)} rows of ${manifest.created} are restored${manifest.telemetry ? '' : ', without telemetry'}`);
  if (kept.length > 0) say(`what was there is kept: ${kept.join(', ')}`);
  if (configDir) say(`its configuration (${config.join(', ')}) is in ${configDir}`);
  if (judge !== undefined) say(`what waits to be judged is the node ${judge}'s, as its store.node is to say (--node)`);
  if (warning !== undefined) say(paint('yellow', warning));
}

function checkText({ engine, integrity, findings, rows, openJobs, unjudged }: StoreCheck): string {
  const age = (ms: number | null): string => (ms === null ? '' : `, the oldest of ${duration(Math.max(0, Date.now() - ms))} ago`);
  return [
    `${paint(findings.length > 0 ? 'red' : 'green', '●')} ${findings.length > 0 ? `${findings.length} findings` : 'sound'}  (${engine}, ${integrity})`,
    `  Rows        ${
      Object.entries(rows)
        .flatMap(([table, number]) => (number > 0 ? [`${table} ${count(number)}`] : []))
        .join(', ') || 'none'
    }`,
    `  Executions  ${openJobs.count} open${age(openJobs.oldestDueMs)}`,
    `  To judge    ${unjudged.batches} batches${age(unjudged.oldestMs)}`,
    ...findings.map((finding) => `  ! ${finding}`),
  ].join('\n');
}

/** @throws CommandError. */
export function instant(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = /^-?\d+$/.test(text) ? Number(text) : Date.parse(text);
  if (Number.isNaN(ms)) throw new CommandError(`${option}: expected ISO 8601, or milliseconds since 1970, got ${text}`, EXIT.usage);
  return ms;
}

export function paramsOf({ what, format, service, name, fromMs, toMs }: ExportQuery): URLSearchParams {
  const given = Object.entries({ what, format, service, name, from: fromMs, to: toMs }).filter(([, value]) => value !== undefined);
  return new URLSearchParams(given.map(([key, value]) => [key, String(value)]));
}

export async function* bytesOf(chunks: AsyncIterable<Uint8Array | string>): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of chunks) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ECONNRESET')
      throw new CommandError('the node broke off in the middle: argos logs says why', EXIT.failed);
    throw error;
  }
}

/** What the node's half refuses, as the command line says it. */
export async function told<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof Error && error.name === 'Refusal' && 'code' in error)) throw error;
    throw new CommandError(error.message, REFUSED[String(error.code)] ?? EXIT.failed);
  }
}
const REFUSED: Readonly<Record<string, number>> = { conflict: EXIT.conflict, not_found: EXIT.notFound, usage: EXIT.usage };
