/** What the command line prints: tables, trees, colours on a terminal only, JSON where it is asked for. Data goes to stdout, words to stderr. */
import { styleText } from 'node:util';
import type { ApiError, Applied, PlacedFault, TreeNode } from '../proto/api.ts';

type Style = Parameters<typeof styleText>[0];
/** Honours NO_COLOR, FORCE_COLOR and whether stdout is a terminal. */
export const paint = (style: Style, text: string): string => styleText(style, text, { stream: process.stdout });

export const print = (text: string): void => void process.stdout.write(`${text}\n`);
export const say = (text: string): void => void process.stderr.write(`${text}\n`);
export const printJson = (value: unknown): void => print(JSON.stringify(value, null, 2));

/** Columns as wide as their widest cell, two spaces apart. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((cell, i) => Math.max(cell.length, ...rows.map((row) => (row[i] ?? '').length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd();
  return [paint('bold', line(head)), ...rows.map(line)].join('\n');
}

const STATUS_STYLE: Readonly<Record<string, Style>> = {
  running: 'green',
  waiting: 'green',
  quarantined: 'red',
  suspended: 'yellow',
  exited: 'red',
  stopped: 'red',
};
export const paintStatus = (status: string): string => paint(STATUS_STYLE[status] ?? 'yellow', status);

export function tree(node: TreeNode, indent = '', last = true, top = true): string {
  const { name, kind, status, mailbox, handled, busyMs, restarts, uptimeMs, lastExit, children } = node;
  const facts = [
    status === 'quarantined' ? '' : `up ${duration(uptimeMs)}`,
    mailbox > 0 ? `mailbox ${mailbox}` : '',
    `handled ${handled}${busyMs >= 1_000 ? ` in ${duration(busyMs)}` : ''}`,
    restarts > 0 ? `restarts ${restarts}` : '',
    lastExit === null ? '' : `last exit: ${lastExit}`,
  ];
  const own = `${top ? '' : indent + (last ? '└─ ' : '├─ ')}${name || kind} ${paintStatus(status)}  ${paint('dim', facts.filter(Boolean).join(' · '))}`;
  const below = top ? '' : indent + (last ? '   ' : '│  ');
  return [own, ...children.map((child, i) => tree(child, below, i === children.length - 1, false))].join('\n');
}

/** `12.3 MB`: powers of ten, as disks are sold. */
export function bytes(count: number): string {
  const power = Math.min(4, Math.max(0, Math.floor(Math.log10(Math.max(1, Math.abs(count))) / 3)));
  return `${(count / 1_000 ** power).toFixed(power === 0 ? 0 : 1)} ${['B', 'kB', 'MB', 'GB', 'TB'][power]}`;
}

export function duration(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m ${seconds % 60}s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)}h ${Math.floor((seconds % 3_600) / 60)}m`;
  return `${Math.floor(seconds / 86_400)}d ${Math.floor((seconds % 86_400) / 3_600)}h`;
}

/** `file:line:column pointer: expected …, got … (did you mean …?)` */
export function faultText({ file, line, column, pointer, expected, got, nearest }: PlacedFault): string {
  const shown = got === undefined ? '' : `, got ${JSON.stringify(got).slice(0, 120)}`;
  return `${file}:${line}:${column} ${pointer || '/'}: expected ${expected}${shown}${nearest === undefined ? '' : ` (did you mean ${nearest}?)`}`;
}

export const faultsText = (faults: readonly PlacedFault[]): string => faults.map((fault) => `  ${faultText(fault)}`).join('\n');

const SIGNS = { start: '+', stop: '-', replace: '~', keep: '=' } as const;
export const appliedText = (resources: readonly Applied[]): string =>
  resources
    .map(({ kind, name, change, outcome, reason }) => `  ${SIGNS[change]} ${kind} ${name}  ${outcome}${reason === undefined ? '' : `: ${reason}`}`)
    .join('\n');

export function errorText(message: string, answer: ApiError | undefined): string {
  const faults = answer?.error.faults ? `\n${faultsText(answer.error.faults)}` : '';
  const resources = answer?.error.resources ? `\n${appliedText(answer.error.resources)}` : '';
  return `argos: ${message}${faults}${resources}`;
}
