/** Backups for specs: made of a store, of anything, read line by line, and any rows that a table can have. */
import { createWriteStream, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { archive, type Backup, type Manifest, type Paper } from '../../actors/store/archive/dump.ts';
import type { Cell } from '../../actors/store/query/program.ts';
import { type Column, TABLES, type Table } from '../../actors/store/archive/tables.ts';
import { Upkeep } from '../../actors/store/archive/upkeep.ts';
import { tempFolder } from './services.ts';
import type { TestStore } from './store.ts';

export type Contents = Readonly<Record<string, readonly (readonly Cell[])[]>>;

/** What stands beside a database. */
export const PAPERS = [
  { paper: 'secrets', file: 'secrets.json', text: '{"new":"sealed"}' },
  { paper: 'config', file: '/etc/argos/argos.jsonc', text: '{"rules": []}' },
] as const;

/** @param online while the store runs in this process. */
export const upkeepOf = ({ folder, more }: TestStore, online = true): Upkeep => new Upkeep({ dataDir: folder, ...more }, online);

export const written = async (chunks: AsyncIterable<Uint8Array>, file = join(tempFolder(), 'backup')): Promise<string> => {
  await pipeline(Readable.from(chunks), createWriteStream(file));
  return file;
};
export const backupOf = (upkeep: Upkeep, more: Partial<Backup> = {}): Promise<string> =>
  written(upkeep.backup({ argos: 'spec', telemetry: true, papers: [], ...more }));

/** An archive of these rows. */
export const archiveOf = (contents: Contents, papers: readonly Paper[] = []): Promise<string> =>
  written(
    archive(
      { argos: 'spec', telemetry: true, papers },
      { engine: 'sqlite', columns: ({ name, columns }) => (contents[name] ? columns : []), rows: ({ name }) => [contents[name] ?? []] },
    ),
  );

export interface Read {
  readonly manifest: Manifest;
  readonly papers: readonly Paper[];
  /** Lines by table, sorted: texts that one engine cannot hold as they are have another place in its order. */
  readonly tables: Readonly<Record<string, readonly string[]>>;
  /** All of it. */
  readonly text: string;
}
export function read(file: string): Read {
  const text = gunzipSync(readFileSync(file)).toString();
  const papers: Paper[] = [];
  const tables: Record<string, string[]> = {};
  let table: string[] = [];
  const [first = '', ...lines] = text.trimEnd().split('\n');
  for (const line of lines.slice(0, -1)) {
    const value = JSON.parse(line);
    if (Array.isArray(value)) table.push(line);
    else if ('paper' in value) papers.push(value);
    else table = tables[value.table] = [];
  }
  for (const one of Object.values(tables)) one.sort();
  return { manifest: JSON.parse(first), papers, tables, text };
}

const text = fc.string({
  unit: fc.oneof(fc.string({ unit: 'binary', maxLength: 2 }), fc.constantFrom('\0', '\uFDD0', '\uFDD1', '\n', '"', '\\', "'", '=')),
  maxLength: 5,
});
const number = fc.double({ noNaN: true }).map((one) => one + 0); // SQLite has no negative zero
/** Places in time are as large as they come, all else fits a column of 32 bits. */
const integer = (name: string): fc.Arbitrary<number> =>
  /^(ts|seq|value|raw_before|minutes_before|judged)$/.test(name) ? fc.integer({ min: -8.64e15, max: 8.64e15 }) : fc.integer({ min: 0, max: 2 ** 31 - 1 });

function cell({ name, kind, absent }: Column): fc.Arbitrary<Cell> {
  const kinds: Readonly<Record<Column['kind'], fc.Arbitrary<Cell>>> = {
    text,
    integer: integer(name),
    real: number,
    blob: fc.uint8Array({ maxLength: 9 }).map((bytes) => Buffer.from(bytes)),
  };
  return absent === null ? fc.option(kinds[kind]) : kinds[kind];
}

/** Any rows of a table, each key once, in the order of the key. */
export function rowsOf({ columns, key }: Table, given: Readonly<Record<string, fc.Arbitrary<Cell>>> = {}): fc.Arbitrary<readonly (readonly Cell[])[]> {
  const places = key.map((one) => columns.findIndex(({ name }) => name === one));
  const keyOf = (row: readonly Cell[]): string => JSON.stringify(places.map((at) => row[at]));
  return fc.uniqueArray(fc.tuple(...columns.map((column) => given[column.name] ?? cell(column))), { maxLength: 8, selector: keyOf });
}

/** What a node of either engine can hold. */
export const contents: fc.Arbitrary<Contents> = fc.record({
  ...Object.fromEntries(TABLES.map((table) => [table.name, rowsOf(table)])),
  // One node, of which the database is; an archive of PostgreSQL may have others.
  nodes: fc.nat().map((judged) => [[null, judged]]),
  unjudged: rowsOf(tableOf('unjudged'), { node: fc.constant(null), seq: fc.integer({ min: 1, max: 2 ** 40 }) }),
  marks: fc.integer().map((value) => [['rolled', value]]),
  points: rowsOf(tableOf('points'), {
    seq: fc.constant(0),
    series_id: fc.nat(5),
    ts: fc.oneof(fc.nat(5), fc.integer({ min: Date.UTC(2026, 10), max: Date.UTC(2026, 11) })),
  }).map(twins),
  // PostgreSQL has these in another form, each with a rule of its own.
  removed: fc.constant([]),
  late_points: fc.constant([]),
});

export function tableOf(name: string): Table {
  const table = TABLES.find((one) => one.name === name);
  if (!table) throw new Error(`there is no table ${name}`);
  return table;
}

/** Each sample two times, the second one with another value. */
function twins(rows: readonly (readonly Cell[])[]): readonly (readonly Cell[])[] {
  return rows.flatMap(([series = 0, ts = 0, , value = 0]) => [0, 1].map((seq): Cell[] => [series, ts, seq, seq === 0 ? value : 1]));
}
