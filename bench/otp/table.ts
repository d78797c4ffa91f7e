/** What supervision costs: lib/ beside nact alone and, where `erl` and `erlc` are there, beside Erlang on one scheduler (bench.erl). */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { machine, table } from '../support.ts';
import type { Figure } from './measure.ts';

const ROWS: readonly (readonly [Figure, string])[] = [
  ['casts', 'casts/s into one server, a million at once'],
  ['calls', 'calls/s, one at a time'],
  ['calls100', 'calls/s, 100 in flight'],
  ['bytes', 'bytes per idle server'],
  ['start', 'ms to start 10,000 children, one after another'],
  ['startSimple', 'the same under simple_one_for_one'],
  ['restarts', 'ms for 10,000 crashes and restarts, one at a time'],
  ['restartsFresh', 'ms for 10 × 1,000, each in a fresh supervisor'],
  ['restartsAmong10', 'ms for 10,000 beside 10 siblings'],
  ['restartsAmong10k', 'ms for 10,000 beside 10,000 siblings'],
  ['beside', 'messages/s when other work takes 5 ms of each turn, 100 sent a turn'],
];

type Figures = Readonly<Partial<Record<Figure, number>>>;

/** Each figure in a process of its own, so that none pays for the garbage of another. */
function node(file: string): Figures {
  const args = ['--expose-gc', '--disable-warning=ExperimentalWarning', join(import.meta.dirname, file)];
  const measure = (row: Figure): string => execFileSync(process.execPath, [...args, row], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  return Object.fromEntries(ROWS.map(([row]) => [row, measure(row)] as const).flatMap(([row, text]) => (text === '' ? [] : [[row, Number(text)]])));
}

/** bench.erl on one scheduler, as a Node.js process has one. Empty where there is no Erlang. */
function erlang(): Figures {
  if (spawnSync('erlc', ['-h']).error) return {};
  const folder = mkdtempSync(join(tmpdir(), 'argos-bench-'));
  execFileSync('erlc', ['-o', folder, join(import.meta.dirname, 'bench.erl')]);
  const text = execFileSync('erl', ['+S', '1', '-noshell', '-pa', folder, '-run', 'bench', 'main'], { encoding: 'utf8' });
  rmSync(folder, { recursive: true });
  const read = (start: string): number => Number(new RegExp(`^${start}[^\\n]*: median ([\\d.]+)`, 'm').exec(text)?.[1]);
  return {
    casts: read('one-way gen_server cast'),
    calls: read('gen_server call'),
    bytes: read('bytes per idle gen_server process \\(process_info'),
    startSimple: read('ms to start 10000'),
    restarts: read('ms for 10000 crash'),
    restartsFresh: read('ms for 10 x 1000'),
  };
}

const columns = [node('lib.ts'), node('nact.ts'), erlang()];
const show = (value: number | undefined): string => (value === undefined ? '' : value.toLocaleString('en', { maximumFractionDigits: value < 1_000 ? 1 : 0 }));
console.log(`${machine()}; medians of 7 (Erlang: of 5)\n`);
console.log(
  table(
    ['what', 'lib', 'nact alone', 'Erlang'],
    ROWS.map(([row, what]) => [what, ...columns.map((figures) => show(figures[row]))]),
  ),
);
