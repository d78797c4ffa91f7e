/**
 * Window functions over five minutes at 1,000 events/s, 300,000 samples: each event is added and the answer asked for. Beside them an array that is
 * filtered and gone through for each event, as one would write it.
 */
import { type Aggregate, WINDOW_FUNCTIONS, type WindowFunction, windowOf } from '../../actors/rules/windows/windows.ts';
import { machine, median, round, table } from '../support.ts';

const LENGTH_MS = 300_000;
const RUNS = 3;
const EVENTS = 200_000;
const NAIVE_EVENTS = 10;

/** Reproducible, of three digits: a sensor's. */
const VALUES = Float64Array.from({ length: 4_096 }, (_, i) => ((i * 7_919) % 1_000) / 10);
const reading = (i: number): number => VALUES[i & 4_095] ?? 0;
/** One event a millisecond; of the late ones each tenth, by up to a second. */
const timeOf = (i: number, late: boolean): number => (late && i % 10 === 0 ? i - ((i * 31) % 1_000) : i);

/** User and system time, since others may be on the machine. */
function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** µs an event, once the window is full. */
function timed(window: Aggregate, late = false): number {
  for (let i = 0; i < LENGTH_MS; i++) window.add(timeOf(i, late), reading(i));
  for (let i = LENGTH_MS; i < LENGTH_MS + 20_000; i++) {
    window.add(timeOf(i, late), reading(i));
    window.at(i);
  }
  const began = cpuUs();
  for (let i = LENGTH_MS + 20_000; i < LENGTH_MS + 20_000 + EVENTS; i++) {
    window.add(timeOf(i, late), reading(i));
    window.at(i);
  }
  return (cpuUs() - began) / EVENTS;
}

interface Sample {
  readonly tsMs: number;
  readonly value: number;
}
const total = (samples: readonly Sample[]): number => samples.reduce((sum, { value }) => sum + value, 0);
const NAIVE: Readonly<Record<WindowFunction, (samples: readonly Sample[], nowMs: number) => unknown>> = {
  avg: (samples) => total(samples) / samples.length,
  sum: total,
  min: (samples) => samples.reduce((least, { value }) => Math.min(least, value), Number.POSITIVE_INFINITY),
  max: (samples) => samples.reduce((most, { value }) => Math.max(most, value), Number.NEGATIVE_INFINITY),
  count: (samples) => samples.length,
  rate: (samples) =>
    samples.reduce((sum, { value }, i) => {
      const before = samples[i - 1]?.value ?? value;
      return sum + (value >= before ? value - before : value);
    }, 0),
  delta: (samples) => (samples.at(-1)?.value ?? 0) - (samples[0]?.value ?? 0),
  stddev: (samples) => {
    const mean = total(samples) / samples.length;
    return Math.sqrt(samples.reduce((sum, { value }) => sum + (value - mean) ** 2, 0) / samples.length);
  },
  percentile: (samples) => Float64Array.from(samples, ({ value }) => value).sort()[Math.floor(0.95 * (samples.length - 1))],
  first: (samples) => samples[0]?.value,
  last: (samples) => samples.at(-1)?.value,
  age: (samples, nowMs) => (nowMs - (samples.at(-1)?.tsMs ?? 0)) / 1_000,
  changed: (samples) => samples.some(({ value }) => value !== samples[0]?.value),
};
let sink: unknown;
function timedNaive(fn: WindowFunction): number {
  let samples: Sample[] = Array.from({ length: LENGTH_MS }, (_, i) => ({ tsMs: i, value: reading(i) }));
  const began = cpuUs();
  for (let i = LENGTH_MS; i < LENGTH_MS + NAIVE_EVENTS; i++) {
    samples.push({ tsMs: i, value: reading(i) });
    samples = samples.filter(({ tsMs }) => tsMs > i - LENGTH_MS);
    sink = NAIVE[fn](samples, i);
  }
  return (cpuUs() - began) / NAIVE_EVENTS;
}

/** Bytes of heap and of typed arrays. */
function memory(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
/** Bytes of a window after so many samples, one a millisecond, and once all have left. */
function bytes(fn: WindowFunction, samples: number, windows: number): readonly [full: number, left: number, fresh: number] {
  const before = memory();
  const all = Array.from({ length: windows }, () => windowOf({ fn, lengthMs: LENGTH_MS, p: 95 }));
  const fresh = memory() - before;
  for (const window of all)
    for (let i = 0; i < samples; i++) {
      window.add(i, reading(i));
      if (i % 100 === 0) window.at(i);
    }
  const full = memory() - before;
  for (const window of all) sink = window.at(samples + 2 * LENGTH_MS);
  const left = memory() - before;
  return [full / windows, left / all.length, fresh / windows];
}

const medianOf = (measure: () => number): number => median(Array.from({ length: RUNS }, measure));
const rows: string[][] = [];
for (const fn of WINDOW_FUNCTIONS) {
  const options = { fn, lengthMs: LENGTH_MS, p: 95 };
  const exact = medianOf(() => timed(windowOf({ ...options, most: 1_000_000 })));
  const late = medianOf(() => timed(windowOf({ ...options, most: 1_000_000 }), true));
  const shared = medianOf(() => timed(windowOf(options)));
  const naive = medianOf(() => timedNaive(fn));
  const [full] = bytes(fn, 20_000, 10);
  const [small, left, fresh] = bytes(fn, 10, 1_000);
  rows.push([
    fn,
    ...[exact, late, shared].map((us) => round(us, 2)),
    Math.round(1e6 / exact).toLocaleString('en'),
    Math.round(naive).toLocaleString('en'),
    ...[full / 20_000, small, left, fresh].map((n) => round(n, 0)),
  ]);
}
void sink;
console.log(`${machine()}; µs an event, medians of ${RUNS}\n`);
console.log(
  table(
    [
      'function',
      'µs',
      'a tenth late',
      '10,000 apart',
      'events/s',
      'array µs',
      'bytes a sample',
      'bytes of 10 samples',
      'bytes when they have left',
      'bytes when fresh',
    ],
    rows,
  ),
);
