/**
 * Aggregates without subtraction, so that no rounding error and no huge value outlives its sample: above the cells stands one node for each 16 of
 * them, above these one for each 16 nodes, and so on. A stretch of cells is put together from the few nodes that cover it, in the order of time.
 * A new last cell costs 1 1/15 steps on average, a late one as many as there are cells after it, a stretch about 15 a level.
 */
import { Measure } from './measure.ts';

const SHIFT = 4;
const FAN = 1 << SHIFT;

export abstract class Levels extends Measure {
  /** Nothing has been taken. */
  protected abstract clear(): void;
  /** Add the nodes from..to, each of `width` cells, to what has been taken before them. */
  protected abstract take(from: number, to: number, width: number): void;
  /** What has been taken becomes this node. */
  protected abstract keep(node: number): void;

  override insert(at: number, head: number, end: number, value: unknown): void {
    super.insert(at, head, end, value);
    this.settle(at, end);
  }

  override lay(capacity: number, from: number, to: number): void {
    super.lay(capacity, from, to);
    this.settle(0, to - from);
  }

  /** Whether it makes no difference in which order the samples of a cell are taken. */
  protected readonly anyOrder: boolean = false;

  override joinLate(at: number, head: number, end: number, value: unknown): boolean {
    if (!this.anyOrder) return false;
    this.put(end, value, head, end + 1);
    this.join(at, end);
    return true;
  }
  override join(to: number, last: number): void {
    super.join(to, last);
    this.settle(to, last);
  }

  protected override length(capacity: number): number {
    let length = 0;
    for (let size = capacity; size > 0; size >>= SHIFT) length += size;
    return length;
  }

  override absorb(to: number, from: number): void {
    this.clear();
    this.take(to, to + 1, 1);
    this.take(from, from + 1, 1);
    this.keep(to);
  }

  /** Take the cells lo..hi. */
  protected fold(lo: number, hi: number): void {
    this.clear();
    this.#fold(0, this.capacity, 1, lo, hi);
  }

  #fold(base: number, size: number, width: number, lo: number, hi: number): void {
    const up = (lo + FAN - 1) >> SHIFT;
    const down = hi >> SHIFT;
    if (up >= down) {
      this.take(base + lo, base + hi, width);
      return;
    }
    if (lo < up << SHIFT) this.take(base + lo, base + (up << SHIFT), width);
    this.#fold(base + size, size >> SHIFT, width * FAN, up, down);
    if (down << SHIFT < hi) this.take(base + (down << SHIFT), base + hi, width);
  }

  /** The cells from..end are new, or have moved: the nodes above them are made anew, those that are full. */
  protected settle(from: number, end: number): void {
    let [base, size, width] = [0, this.capacity, 1];
    let first = from >> SHIFT;
    for (let after = end >> SHIFT; first < after; after >>= SHIFT) {
      const above = base + size;
      for (let node = first; node < after; node++) {
        const child = base + (node << SHIFT);
        this.clear();
        this.take(child, child + FAN, width);
        this.keep(above + node);
      }
      first >>= SHIFT;
      base = above;
      size >>= SHIFT;
      width *= FAN;
    }
  }

  /** The last cell under a node for which, as for the node, something holds. */
  protected lastCell(node: number, holds: (node: number) => boolean): number {
    const bases = [0];
    let [base, size] = [0, this.capacity];
    while (node >= base + size) {
      base += size;
      size >>= SHIFT;
      bases.push(base);
    }
    let at = node - base;
    for (const below of bases.reverse().slice(1)) {
      at = (at << SHIFT) + FAN - 1;
      while (!holds(below + at)) at--;
    }
    return at;
  }
}
