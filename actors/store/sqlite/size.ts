/**
 * How much the database holds, and what it does when that is too much: the oldest telemetry goes, in small pieces, until there is room. Part of the
 * thread that writes. Pages that become free are taken again before the file grows, so that the file stays below the bound without a VACUUM.
 * `auto_vacuum` is off: it makes inserts 3 to 9 % dearer and deletes 25 % (measured), and moves pages about that lie in order;
 * who wants the space back at once has `argos store compact`.
 */
import { statSync } from 'node:fs';
import type Database from 'better-sqlite3';
import { FULL } from '../health.ts';
import { hourOf } from '../query/rollup.ts';
import { type Cuts, nextCut, STAGES, type Stage } from '../retention.ts';
import type { Rollups } from './rollups.ts';
import type { Steps } from './steps.ts';
import type { Sweep } from './sweep.ts';

/** Pieces of work between two looks at the size: a look costs some microseconds. */
const LOOK_EVERY = 8;
/** A log that a long reader has made long is cut to this when it begins anew; else it would count for as long as the node runs. */
const WAL_BYTES = 16 * 2 ** 20;
const NEVER = Number.NEGATIVE_INFINITY;

export class Size {
  readonly #wal: string;
  readonly #maxBytes: number;
  readonly #pageBytes: number;
  readonly #pages: Database.Statement;
  readonly #free: Database.Statement;
  /** Everything that may go has gone, and it is too much still. */
  exhausted = false;

  /** @param maxBytes Infinity: no bound. */
  constructor(db: Database.Database, maxBytes: number) {
    this.#wal = `${db.name}-wal`;
    this.#maxBytes = maxBytes;
    db.pragma(`journal_size_limit = ${WAL_BYTES}`);
    this.#pageBytes = Number(db.pragma('page_size', { simple: true }));
    this.#pages = db.prepare('PRAGMA page_count').pluck();
    this.#free = db.prepare('PRAGMA freelist_count').pluck();
  }

  /** Pages in use: those that are free are taken before the file grows. */
  get dataBytes(): number {
    return (Number(this.#pages.get()) - Number(this.#free.get())) * this.#pageBytes;
  }
  get walBytes(): number {
    return statSync(this.#wal, { throwIfNoEntry: false })?.size ?? 0;
  }
  get bytes(): number {
    return this.dataBytes + this.walBytes;
  }
  get maxBytes(): number | null {
    return Number.isFinite(this.#maxBytes) ? this.#maxBytes : null;
  }
  get over(): boolean {
    return Number.isFinite(this.#maxBytes) && this.bytes > this.#maxBytes;
  }

  /** Stage after stage, in each the oldest first, until there is some room. */
  *relieve(sweep: Sweep, rollups: Rollups, nowMs: number): Steps {
    let looks = 0;
    const enough = (): boolean => ++looks % LOOK_EVERY === 0 && this.#roomy();
    for (const stage of STAGES) {
      const youngest = Math.min(nowMs - stage.youngerMs, rollups.rolled);
      let cut = yield* sweep.oldest(stage.of);
      while (cut < youngest) {
        cut = nextCut(cut, youngest);
        const cuts = cutsOf(stage, cut);
        yield* sweep.telemetry(() => cuts, { enough });
        if (this.#roomy()) return;
      }
    }
    this.exhausted = true;
  }

  #roomy(): boolean {
    return this.bytes <= FULL * this.#maxBytes;
  }
}

/** Samples go wherever what was made of them goes. */
const cutsOf = ({ of }: Stage, cut: number): Cuts => ({
  raw: cut,
  logs: cut,
  traces: cut,
  minutes: of === 'raw' ? NEVER : hourOf(cut),
  hours: of === 'hours' ? hourOf(cut) : NEVER,
});
