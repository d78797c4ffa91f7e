/** How the benches of lib/ and of nact measure: the same way. */
import { median } from '../support.ts';

/** Messages and calls per second, bytes, milliseconds. */
export type Figure =
  | 'casts'
  | 'calls'
  | 'calls100'
  | 'bytes'
  | 'start'
  | 'startSimple'
  | 'restarts'
  | 'restartsFresh'
  | 'restartsAmong10'
  | 'restartsAmong10k'
  | 'beside';

/** Measure what the command line names, seven times after three of warming, and print the median; nothing where there is no such thing. */
export async function printMedian(measures: Readonly<Partial<Record<Figure, () => Promise<number>>>>): Promise<void> {
  const measure = measures[process.argv[2] as Figure]; // bench/otp/table.ts has written it
  if (!measure) return;
  const figures: number[] = [];
  for (let i = -3; i < 7; i++) {
    const figure = await measure();
    if (i >= 0) figures.push(figure);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  console.log(median(figures));
}

export function heap(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

/** Messages handled per second while other work takes 5 ms of each turn of the event loop: 100 are sent in each, for a second. */
export async function beside5Ms(send: () => unknown, handled: () => Promise<number>): Promise<number> {
  const began = performance.now();
  const before = await handled();
  while (performance.now() - began < 1_000) {
    for (let i = 0; i < 100; i++) send();
    const busyUntil = performance.now() + 5;
    while (performance.now() < busyUntil);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const seconds = (performance.now() - began) / 1_000;
  return ((await handled()) - before) / seconds;
}
