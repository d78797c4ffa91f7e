/**
 * The longest single additions to a window of a million samples: at first it fills, then each that comes makes one leave. The clock is the wall's, and
 * others may be on the machine: of the same event in several runs the least counts, since what the window itself does it does each time.
 */
import { loadavg } from 'node:os';
import { WINDOW_FUNCTIONS, type WindowFunction, windowOf } from '../../actors/rules/windows/windows.ts';
import { machine, round, table } from '../support.ts';

const LENGTH_MS = 1_000_000;
const EVENTS = 1_600_000;
const RUNS = 4;
const LATE_MS = 5_000;

const VALUES = Float64Array.from({ length: 4_096 }, (_, i) => ((i * 7_919) % 1_000) / 10);
const reading = (i: number): number => VALUES[i & 4_095] ?? 0;
const timeOf = (i: number, late: boolean): number => (late && i % 10 === 0 ? i - ((i * 31) % LATE_MS) : i);

/** By event, the least ms of all runs. */
function pauses(fn: WindowFunction, late: boolean): Float32Array {
  const least = new Float32Array(EVENTS).fill(Number.POSITIVE_INFINITY);
  for (let run = 0; run < RUNS; run++) {
    const window = windowOf({ fn, lengthMs: LENGTH_MS, p: 95 });
    let began = performance.now();
    for (let i = 0; i < EVENTS; i++) {
      window.add(timeOf(i, late), reading(i));
      window.at(i);
      const ended = performance.now();
      least[i] = Math.min(least[i] ?? 0, ended - began);
      began = ended;
    }
  }
  return least;
}

const only = process.argv.slice(2);
const rows: string[][] = [];
for (const fn of WINDOW_FUNCTIONS.filter((one) => only.length === 0 || only.includes(one))) {
  const row: string[] = [fn];
  for (const late of [false, true]) {
    const all = pauses(fn, late).sort();
    const most = all.at(-1) ?? Number.NaN;
    const slow = all.reduce((sum, ms) => sum + (ms > 0.5 ? 1 : 0), 0);
    row.push(`${round(most, 2)} ms`, String(slow), `${round((all.at(-101) ?? 0) * 1_000, 0)} µs`);
  }
  rows.push(row);
}
console.log(`${machine()}; load ${round(loadavg()[0] ?? Number.NaN)}; the least of ${RUNS} runs of ${EVENTS.toLocaleString('en')} events\n`);
console.log(table(['function', 'the longest', 'above 0.5 ms', 'the 100th longest', 'a tenth late: the longest', 'above 0.5 ms', 'the 100th longest'], rows));
