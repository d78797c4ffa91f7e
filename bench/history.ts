/** The samples that stores are filled with, each with the same: 1,000 series, a sample a second of each, in batches of 10,000. */

export const SERIES = 1_000;
export const BATCH = 10_000;
/** Batches under way: what waits while one commits goes into the next transaction together. */
export const LANES = 8;
export const STEP_MS = 1_000;
export const HOUR_MS = 3_600_000;

/** They begin at the last whole hour and go on into the future, as fast as they are taken: none of them is late. */
export const beginMs = Math.floor(Date.now() / HOUR_MS) * HOUR_MS + HOUR_MS;

/** The sample `n` of all: its series from 0 on. */
export const seriesOf = (n: number): number => n % SERIES;
export const timeOf = (n: number): number => beginMs + Math.floor(n / SERIES) * STEP_MS;
/** A temperature: a slow wave, and noise of a tenth of a degree (what is too regular packs better than any device sends). */
export function sampleOf(n: number): number {
  const second = Math.floor(n / SERIES);
  const noise = (Math.imul(n ^ (n >>> 15), 0x2c1b3c6d) >>> 28) - 8;
  return (200 + (seriesOf(n) % 50) * 10 + Math.round(50 * Math.sin(second / 600)) + noise) / 10;
}

/** Where each batch begins. One iterator serves several that take turns. */
export function* batches(total: number): Generator<number> {
  for (let first = 0; first < total; first += BATCH) yield first;
}

export const nameOf = (series: number): string => `m${series}`;
export const deviceOf = (series: number): string => `device-${series % 50}`;

/** An hour that begins within a minute: what is kept by the minute does not do for all of it. */
export const hourOf = (total: number): { readonly fromMs: number; readonly toMs: number } => {
  const fromMs = beginMs + Math.floor((total / SERIES) * 0.3) * STEP_MS + 17 * STEP_MS;
  return { fromMs, toMs: fromMs + HOUR_MS - 1 };
};
/** What the average of one series over that time is. */
export function averageOf(series: number, { fromMs, toMs }: ReturnType<typeof hourOf>, total: number): number {
  let [sum, count] = [0, 0];
  for (let n = ((fromMs - beginMs) / STEP_MS) * SERIES + series; n < total && timeOf(n) <= toMs; n += SERIES) {
    sum += sampleOf(n);
    count++;
  }
  return sum / count;
}

/** One store on the bench. Times in ms. */
export interface Contestant {
  readonly name: string;
  /** Samples a second, and CPU µs a sample. */
  fill(total: number): Promise<{ readonly perSecond: number; readonly cpuMicros: number }>;
  /** Of all samples, on the disk. */
  bytes(): Promise<number>;
  avgOfOne(series: number, fromMs: number, toMs: number): Promise<number>;
  avgOfAll(fromMs: number, toMs: number): Promise<number>;
  stop(): Promise<void>;
}

/** How long each of them took, sorted. @param check given the answer of each. */
export async function times<T>(count: number, ask: (i: number) => T | Promise<T>, check: (answer: T, i: number) => void = () => {}): Promise<number[]> {
  const ms: number[] = [];
  for (let i = 0; i < count; i++) {
    const begun = performance.now();
    const answer = await ask(i);
    ms.push(performance.now() - begun);
    check(answer, i);
  }
  return ms.sort((a, b) => a - b);
}
