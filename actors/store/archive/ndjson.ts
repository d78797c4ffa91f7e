/** Lines of JSON, in the shape in which metrics and logs are sent. What is null is left out. */
import type { Format, Line } from './format.ts';

const time = (ms: number): string => JSON.stringify(new Date(ms).toISOString());
/** JSON has no infinity. */
const number = (value: number): string => (Number.isFinite(value) ? String(value) : `"${value}"`);

export const ndjson: Format = async function* (columns, lines) {
  const write = columns.map(({ name, kind }, i) => {
    const key = `${i > 0 ? ',' : ''}${JSON.stringify(name)}:`;
    const text = (cell: Line[number]): string =>
      kind === 'time' ? time(Number(cell)) : kind === 'number' ? number(Number(cell)) : kind === 'json' ? String(cell) : JSON.stringify(cell);
    return (cell: Line[number] = null): string => (cell === null ? '' : key + text(cell));
  });
  for await (const some of lines) {
    const text = some.map((line) => `{${write.map((one, i) => one(line[i])).join('')}}\n`).join('');
    if (text) yield Buffer.from(text);
  }
};
