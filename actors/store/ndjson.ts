/** Lines of JSON, in the shape in which metrics and logs are sent. */
import type { Format } from './export.ts';

const time = (ms: number): string => JSON.stringify(new Date(ms).toISOString());
/** JSON has no infinity. */
const number = (value: number): string => (Number.isFinite(value) ? String(value) : `"${value}"`);

export const ndjson: Format = async function* (columns, lines) {
  const write = columns.map(({ name, kind }) => {
    const key = `${JSON.stringify(name)}:`;
    return (cell: string | number | undefined): string =>
      key + (kind === 'time' ? time(Number(cell)) : kind === 'number' ? number(Number(cell)) : kind === 'json' ? String(cell) : JSON.stringify(cell));
  });
  for await (const some of lines) {
    const text = some.map((line) => `{${write.map((one, i) => one(line[i])).join(',')}}\n`).join('');
    if (text) yield Buffer.from(text);
  }
};
