/** Parquet: columns, compressed, a row group at a time, so that no more than one is in memory. Times are in ms (UTC), tags are JSON as text. */
import { ByteWriter, type ColumnSource, ParquetWriter, type SchemaElement } from 'hyparquet-writer';
import type { Column, Format, Line } from './format.ts';

const ROW_GROUP = 50_000;
/** So much text makes a row group full, too: logs may be long. */
const MOST_CHARACTERS = 1 << 24;

const TYPES: Readonly<Record<Column['kind'], Pick<SchemaElement, 'type' | 'converted_type'>>> = {
  time: { type: 'INT64', converted_type: 'TIMESTAMP_MILLIS' },
  number: { type: 'DOUBLE' },
  text: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  json: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
};

export const parquet: Format = async function* (columns, lines) {
  const bytes = new ByteWriter();
  const schema: SchemaElement[] = [
    { name: 'argos', num_children: columns.length },
    ...columns.map(({ name, kind, optional = false }): SchemaElement => ({ name, repetition_type: optional ? 'OPTIONAL' : 'REQUIRED', ...TYPES[kind] })),
  ];
  const writer = new ParquetWriter({ writer: bytes, schema, createdBy: 'argos' });
  let group: Line[] = [];
  let characters = 0;
  /** What has been written; the writer itself counts on from there. */
  const taken = (): Uint8Array => {
    const written = bytes.getBytes().slice();
    bytes.index = 0;
    return written;
  };
  for await (const some of lines) {
    for (const line of some) {
      group.push(line);
      for (const cell of line) if (typeof cell === 'string') characters += cell.length;
      if (group.length < ROW_GROUP && characters < MOST_CHARACTERS) continue;
      await writer.write({ columnData: sourcesOf(columns, group), rowGroupSize: group.length });
      [group, characters] = [[], 0];
      yield taken();
    }
  }
  if (group.length > 0) await writer.write({ columnData: sourcesOf(columns, group), rowGroupSize: group.length });
  await writer.finish();
  yield taken();
};

const sourcesOf = (columns: readonly Column[], lines: readonly Line[]): ColumnSource[] =>
  columns.map(({ name, kind }, i) => {
    if (kind === 'number') return { name, data: Float64Array.from(lines, (line) => Number(line[i])) };
    if (kind === 'time') return { name, data: lines.map((line) => (line[i] === null ? null : BigInt(line[i] ?? 0))) };
    return { name, data: lines.map((line) => (line[i] === null ? null : String(line[i]))) };
  });
