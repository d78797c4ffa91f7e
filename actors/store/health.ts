/** How the store is, in figures and in words: what is wrong is said before it hurts. For either engine. */
import { Sketch } from '../sketch.ts';

export interface Health {
  /** What is kept: pages in use and the write-ahead log. */
  readonly sizeBytes: number;
  readonly walBytes: number;
  /** `store.max_size`; null: none. */
  readonly maxBytes: number | null;
  /** Nothing more can go, and it is above its size still. */
  readonly exhausted: boolean;
  /** Of the file system with the data; null: it is another machine's. */
  readonly disk: { readonly freeBytes: number; readonly totalBytes: number } | null;
  /** Over the last hours; null: not known yet. */
  readonly growthBytesPerDay: number | null;
  /** Of samples and logs, ms since 1970, as it was looked up within the last hour; null: there is none, or it is not known yet. */
  readonly oldestSampleMs: number | null;
  /** All before is down-sampled, ms since 1970; null: nothing is yet. */
  readonly rolledMs: number | null;
  /** Of the last minute, from the begin of a group of writes to the end of its commit; null: there was none. */
  readonly commitMs: Quantiles | null;
  /** The end of a commit alone: when it returns, the disk has it. */
  readonly fsyncMs: Quantiles | null;
  /** Requests that were taken together with this question: they had been waiting for the same commit. */
  readonly waiting: number;
  /** Why retention and down-sampling do not come on; null: they do. */
  readonly stalled: string | null;
}
export interface Quantiles {
  readonly p50: number;
  readonly p99: number;
}

const DISK_NEAR = 0.9;
const SIZE_NEAR = 0.8;
/** When the oldest goes, so much goes that it need not begin again at once. */
export const FULL = 0.97;
const SLOW_COMMIT_MS = 1_000;

/** What is wrong, each in words for the person who runs the node; none: all is well. */
export function faultsOf({ sizeBytes, maxBytes, exhausted, disk, commitMs, stalled }: Health): readonly string[] {
  const faults: string[] = [];
  const diskUsed = disk ? 1 - disk.freeBytes / disk.totalBytes : 0;
  if (disk && diskUsed >= DISK_NEAR)
    faults.push(
      `the disk of the store is ${percent(diskUsed)} full, ${bytes(disk.freeBytes)} are left: make room, or keep less (\`retention\`, \`store.max_size\`)`,
    );
  if (commitMs && commitMs.p99 > SLOW_COMMIT_MS)
    faults.push(
      `commits take ${(commitMs.p99 / 1_000).toFixed(1)} s (99th percentile of the last minute): the disk is too slow for what comes in, or busy with something else`,
    );
  if (maxBytes !== null && sizeBytes >= SIZE_NEAR * maxBytes) {
    const of = `the store has ${bytes(sizeBytes)} of the ${bytes(maxBytes)} of store.max_size`;
    if (exhausted) faults.push(`${of}, and what is left is not down-sampled yet or may not go: raise store.max_size`);
    else if (sizeBytes >= maxBytes) faults.push(`${of}: the oldest telemetry goes. Raise store.max_size, or keep less (\`retention\`)`);
    else faults.push(`${of}: at 100 % the oldest telemetry goes. Raise store.max_size, or keep less (\`retention\`)`);
  }
  if (stalled !== null) faults.push(`retention and down-sampling do not come on: ${stalled}`);
  return faults;
}
const percent = (part: number): string => `${Math.floor(part * 100)} %`;
function bytes(count: number): string {
  const power = Math.min(4, Math.max(0, Math.floor(Math.log10(Math.max(1, count)) / 3)));
  return `${(count / 1_000 ** power).toFixed(power === 0 ? 0 : 1)} ${['B', 'kB', 'MB', 'GB', 'TB'][power]}`;
}

const rounded = (ms: number): number => Math.round(ms * 1_000) / 1_000;

const SLOTS = 6;
const SLOT_MS = 10_000;
/** Durations of the last minute, to the slot of ten seconds. */
export class Recent {
  readonly #slots: { readonly at: number; readonly sketch: Sketch }[] = [];

  /** @param nowMs of a clock that only goes forward. */
  add(ms: number, nowMs: number): void {
    const at = Math.floor(nowMs / SLOT_MS);
    if (this.#slots.at(-1)?.at !== at) this.#slots.push({ at, sketch: new Sketch() });
    if (this.#slots.length > SLOTS) this.#slots.shift();
    this.#slots.at(-1)?.sketch.add(ms);
  }

  quantiles(nowMs: number): Quantiles | null {
    const all = new Sketch();
    for (const { at, sketch } of this.#slots) if (at > Math.floor(nowMs / SLOT_MS) - SLOTS) all.merge(sketch);
    return all.count === 0 ? null : { p50: rounded(all.quantile(0.5)), p99: rounded(all.quantile(0.99)) };
  }
}

/** What is grown by, a day, as it has been over about so long; something may be said after the first minutes. */
const MEMORY_MS = 6 * 3_600_000;
const FIRST_SAYING_MS = 10 * 60_000;
const DAY_MS = 86_400_000;

/** A size that is looked at now and then, and how fast it grows: a mean in which the past fades. */
export class Growth {
  #perDay: number;
  #seenMs: number;
  #last: { readonly atMs: number; readonly bytes: number } | undefined;

  /** @param perDay as it was when the node went down. */
  constructor(perDay: number | null) {
    this.#perDay = perDay ?? 0;
    this.#seenMs = perDay === null ? 0 : MEMORY_MS;
  }

  /** @param atMs of a clock that only goes forward. */
  see(bytes: number, atMs: number): void {
    const last = this.#last;
    this.#last = { atMs, bytes };
    const pastMs = last ? atMs - last.atMs : 0;
    if (!last || pastMs <= 0) return;
    this.#seenMs = Math.min(MEMORY_MS, this.#seenMs + pastMs);
    this.#perDay += (((bytes - last.bytes) / pastMs) * DAY_MS - this.#perDay) * (pastMs / this.#seenMs);
  }

  /** Bytes a day; null: too little has been seen. */
  get perDay(): number | null {
    return this.#seenMs < FIRST_SAYING_MS ? null : Math.round(this.#perDay);
  }
}
