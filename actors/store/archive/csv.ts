/**
 * Comma-separated values (RFC 4180), also for spreadsheets: a text that one of them would take for a formula gets an apostrophe before it (OWASP, "CSV
 * Injection"). Times are ISO 8601.
 */
import type { Column, Format, Line } from './format.ts';

const FORMULA = /^[=+\-@\t\r]/;
const SPECIAL = /[",\r\n]/;

const quoted = (text: string): string => (SPECIAL.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
const harmless = (text: string): string => quoted(FORMULA.test(text) ? `'${text}` : text);

function cellOf(cell: Line[number] | undefined, { kind }: Column): string {
  if (cell === null) return '';
  if (kind === 'time') return new Date(Number(cell)).toISOString();
  return kind === 'number' ? String(cell) : harmless(String(cell));
}

export const csv: Format = async function* (columns, lines) {
  yield Buffer.from(`${columns.map(({ name }) => name).join(',')}\r\n`);
  for await (const some of lines) {
    const text = some.map((line) => `${columns.map((column, i) => cellOf(line[i], column)).join(',')}\r\n`).join('');
    if (text) yield Buffer.from(text);
  }
};
