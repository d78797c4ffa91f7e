/**
 * A backup: gzip of lines of JSON. The first says what it is; then what stands beside the database (the configuration's texts, the secrets as they
 * lie, encrypted); then each table, a line that names its columns and a line for each row; the last has the SHA-256 of all before it, as it was
 * before gzip. It is made as it is read, so that it takes no more memory than a few rows.
 */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import type { Cell, Rows } from '../query/program.ts';
import { type Column, SCHEMA, TABLES, type Table } from './tables.ts';

/** The first line. */
export interface Manifest {
  /** The version of the form of the lines. */
  readonly argos_backup: 1;
  /** That of the tables (tables.ts). */
  readonly schema: number;
  /** The version of Argos that made it. */
  readonly argos: string;
  /** ISO 8601: all that was committed then is in it, and nothing that came later. */
  readonly created: string;
  readonly engine: 'sqlite' | 'postgres';
  readonly telemetry: boolean;
}
/** What stands beside the database. */
export interface Paper {
  /** `secrets`: the vault's file · `config`: a text of the configuration. */
  readonly paper: 'secrets' | 'config';
  readonly file: string;
  readonly text: string;
}
export interface Backup {
  readonly argos: string;
  readonly telemetry: boolean;
  readonly papers: readonly Paper[];
}
/** What a backup is made from: one moment of a database. */
export interface Source {
  readonly engine: Manifest['engine'];
  /** Those of the table's columns that the database has; none: it has no such table. */
  columns(table: Table): Promise<readonly Column[]> | readonly Column[];
  /** In the order of the table's key, cells in the order of these columns. */
  rows(table: Table, columns: readonly Column[]): AsyncIterable<Rows> | Iterable<Rows>;
}

const BLOCK = 1 << 16;
/** Higher ones cost many times as much and save a fifth. */
const GZIP_LEVEL = 1;

/** @returns how many rows it has, at the end. */
export async function* archive(backup: Backup, source: Source): AsyncGenerator<Uint8Array, { readonly rows: number }> {
  const counted = { rows: 0 };
  const gzip = createGzip({ level: GZIP_LEVEL, chunkSize: BLOCK });
  const lines = Readable.from(summed(backup, source, counted), { objectMode: true, highWaterMark: 2 });
  lines.on('error', (error) => gzip.destroy(error));
  for await (const chunk of lines.pipe(gzip)) yield chunk as Uint8Array;
  return counted;
}

/** All of the archive, with its last line, in blocks of whole lines. */
async function* summed(backup: Backup, source: Source, counted: { rows: number }): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  for await (const block of lines(backup, source, counted)) {
    const bytes = Buffer.from(block);
    hash.update(bytes);
    yield bytes;
  }
  yield Buffer.from(`${JSON.stringify({ sha256: hash.digest('hex'), rows: counted.rows })}\n`);
}

async function* lines({ argos, telemetry, papers }: Backup, source: Source, counted: { rows: number }): AsyncGenerator<string> {
  const manifest: Manifest = { argos_backup: 1, schema: SCHEMA, argos, created: new Date().toISOString(), engine: source.engine, telemetry };
  yield `${JSON.stringify(manifest)}\n`;
  for (const paper of papers) yield `${JSON.stringify(paper)}\n`;
  for (const table of TABLES) {
    if (table.telemetry && !telemetry) continue;
    const columns = await source.columns(table);
    if (columns.length === 0) continue;
    yield `${JSON.stringify({ table: table.name, columns: columns.map(({ name }) => name) })}\n`;
    const line = lineOf(table, columns);
    let block = '';
    for await (const rows of source.rows(table, columns)) {
      counted.rows += rows.length;
      for (const row of rows) {
        block += line(row);
        if (block.length < BLOCK) continue;
        yield block;
        block = '';
      }
    }
    if (block) yield block;
  }
}

/** A row as its line. */
function lineOf({ name }: Table, columns: readonly Column[]): (row: readonly Cell[]) => string {
  if (columns.every(({ kind }) => kind === 'text' || kind === 'integer')) return (row) => `${JSON.stringify(row)}\n`;
  const written = (cell: Cell): Cell | string => {
    if (typeof cell === 'number') return Number.isFinite(cell) ? cell : String(cell); // JSON has no infinity
    return cell instanceof Uint8Array ? Buffer.from(cell.buffer, cell.byteOffset, cell.byteLength).toString('base64') : cell;
  };
  if (name !== 'points') return (row) => `${JSON.stringify(row.map(written))}\n`;
  let [series, ts, twin]: Cell[] = [null, null, 0];
  return (row) => {
    twin = row[0] === series && row[1] === ts ? Number(twin) + 1 : 0;
    [series = null, ts = null] = row;
    return `[${series},${ts},${twin},${Number.isFinite(row[3]) ? row[3] : `"${row[3]}"`}]\n`;
  };
}
