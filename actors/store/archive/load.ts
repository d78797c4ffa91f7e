/**
 * A backup, read: first all of it for its checksum, so that nothing is touched for the sake of an archive that is damaged; then row by row. It
 * takes no more memory than a few rows.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { createGunzip } from 'node:zlib';
import type { Manifest, Paper } from './dump.ts';
import { Refusal } from './errand.ts';
import type { Cell } from '../query/program.ts';
import { type Column, SCHEMA, TABLES, type Table } from './tables.ts';

export interface Verified {
  readonly manifest: Manifest;
  readonly rows: number;
  readonly sha256: string;
}
/** What takes the rows. */
export interface Target {
  /** Cells in the order of the table's columns. Tables and rows come in the order of tables.ts. */
  add(table: Table, rows: readonly Cell[][]): Promise<void> | void;
}

const CHUNK = 1 << 18;
/** Handed on at once: so many rows, or lines of so many characters. */
const ROWS = 5_000;
const LENGTH = 1 << 22;
const NEWLINE = 0x0a;

/** @throws Refusal: it is no backup, it is damaged, or of a newer Argos. */
export async function verify(file: string): Promise<Verified> {
  const hash = createHash('sha256');
  let manifest: Manifest | undefined;
  let held = Buffer.alloc(0); // the last line that is there, and what follows it
  for await (const chunk of bytesOf(file)) {
    held = Buffer.concat([held, chunk]);
    const end = held.lastIndexOf(NEWLINE);
    const begin = end > 0 ? held.lastIndexOf(NEWLINE, end - 1) + 1 : 0;
    if (begin === 0) continue;
    manifest ??= manifestOf(held.subarray(0, held.indexOf(NEWLINE)).toString(), file);
    hash.update(held.subarray(0, begin));
    held = held.subarray(begin);
  }
  const last = held.indexOf(NEWLINE) === held.length - 1 ? held.toString() : '';
  const { sha256, rows } = (manifest && last ? parsed(last, file) : {}) as { readonly sha256?: unknown; readonly rows?: unknown };
  if (!manifest || typeof sha256 !== 'string' || typeof rows !== 'number') throw damaged(file, 'it has no end');
  const found = hash.digest('hex');
  if (found !== sha256) throw damaged(file, `its checksum is ${found.slice(0, 12)}…, and ${sha256.slice(0, 12)}… was expected`);
  return { manifest, rows, sha256 };
}

/** Read one that is verified. @returns what stood beside the database. @throws Refusal; what `target` throws. */
export async function load(file: string, { rows: expected }: Verified, target: Target): Promise<readonly Paper[]> {
  const papers: Paper[] = [];
  let table: Table | undefined;
  let rowOf = (_: readonly unknown[]): Cell[] => {
    throw damaged(file, 'a row stands before its table');
  };
  let rows: Cell[][] = [];
  let [read, length] = [0, 0];
  const flush = async (): Promise<void> => {
    if (table && rows.length > 0) await target.add(table, rows);
    read += rows.length;
    length = 0;
    rows = [];
  };
  for await (const lines of linesOf(file)) {
    for (const line of lines) {
      const value = parsed(line, file);
      if (Array.isArray(value)) {
        rows.push(rowOf(value));
        length += line.length;
        if (rows.length >= ROWS || length >= LENGTH) await flush();
        continue;
      }
      await flush();
      if (isPaper(value)) papers.push(value);
      else if (isHeader(value)) {
        table = tableOf(value, file);
        rowOf = reader(value, table, file);
      }
    }
  }
  await flush();
  if (read !== expected) throw damaged(file, `it has ${read} rows, and ${expected} were expected`);
  return papers;
}

const damaged = (file: string, what: string, cause?: unknown): Refusal =>
  new Refusal('failed', `${file} is no whole backup, and nothing was touched: ${what}`, { cause });

function manifestOf(line: string, file: string): Manifest {
  const { argos_backup: version, schema, argos } = parsed(line, file) as Partial<Record<keyof Manifest, unknown>>;
  if (version === undefined) throw new Refusal('failed', `${file} is no backup of Argos`);
  if (version !== 1 || Number(schema) > SCHEMA)
    throw new Refusal('failed', `${file} was made by a newer Argos (${String(argos)}), in a form that this one does not know: restore it with that one`);
  return parsed(line, file) as Manifest; // whoever wrote these three wrote the others
}

function parsed(line: string, file: string): object {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null) return value;
  } catch {}
  throw damaged(file, `a line is no JSON: ${line.slice(0, 60)}`);
}

interface Header {
  readonly table: string;
  readonly columns: readonly string[];
}
const isPaper = (value: object): value is Paper => 'paper' in value;
const isHeader = (value: object): value is Header => 'table' in value;

/** @throws Refusal when it is not one of ours, as we know it. */
function tableOf({ table: name, columns }: Header, file: string): Table {
  const table = TABLES.find((one) => one.name === name);
  if (!table) throw damaged(file, `it has a table ${name}, which this Argos does not know`);
  const unknown = columns.find((column) => !table.columns.some((one) => one.name === column));
  if (unknown !== undefined) throw damaged(file, `its table ${name} has a column ${unknown}, which this Argos does not know`);
  const missing = table.columns.find(({ name: column, absent }) => absent === undefined && !columns.includes(column));
  if (missing) throw damaged(file, `its table ${name} has no column ${missing.name}`);
  return table;
}

/** Rows as the archive has them, as the table has them. */
function reader({ columns: given }: Header, { name, columns }: Table, file: string): (cells: readonly unknown[]) => Cell[] {
  const places = columns.map((column) => ({ column, at: given.indexOf(column.name) }));
  return (cells) => {
    if (cells.length !== given.length) throw damaged(file, `a row of ${name} has ${cells.length} cells, and ${given.length} were expected`);
    return places.map(({ column, at }) => (at < 0 ? (column.absent ?? null) : cellOf(cells[at], column, name, file)));
  };
}

function cellOf(value: unknown, { name, kind }: Column, table: string, file: string): Cell {
  if (value === null) return null;
  if (kind === 'text' && typeof value === 'string') return value;
  if (kind === 'blob' && typeof value === 'string') return Buffer.from(value, 'base64');
  if (typeof value === 'number') return value;
  if (kind === 'real' && (value === 'Infinity' || value === '-Infinity')) return Number(value);
  throw damaged(file, `a ${name} of ${table} is no ${kind}: ${JSON.stringify(value).slice(0, 60)}`);
}

/** @throws Refusal when it is no gzip, or has no end. */
async function* bytesOf(file: string): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: CHUNK });
  const source = createReadStream(file, { highWaterMark: CHUNK });
  let unread: unknown;
  source.once('error', (error) => {
    unread = error;
  });
  try {
    yield* pipeline(source, gunzip, () => {}) as AsyncIterable<Buffer>;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    if (unread) throw new Refusal('usage', `${file} cannot be read: ${why}`, { cause: error });
    throw why === 'incorrect header check' ? new Refusal('failed', `${file} is no backup of Argos`, { cause: error }) : damaged(file, why, error);
  }
}

async function* linesOf(file: string): AsyncGenerator<readonly string[]> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of bytesOf(file)) {
    const lines = (rest + decoder.write(chunk)).split('\n');
    rest = lines.pop() ?? '';
    yield lines;
  }
}
