/** How many there are in each bin, in memory that follows what is in use: bins stand in pages of 64, and a page without any goes. */

const SHIFT = 6;
const MASK = (1 << SHIFT) - 1;

interface Page {
  readonly number: number;
  count: number;
  readonly counts: Uint32Array;
}

export class Bins {
  /** By their numbers. */
  #pages: Page[] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }

  clear(): void {
    this.#pages = [];
    this.#count = 0;
  }

  /** @param times below 0 takes what was added. */
  add(bin: number, times: number): void {
    const at = this.#find(bin >> SHIFT);
    const page = this.#pages[at];
    if (!page) return;
    this.#count += times;
    page.count += times;
    page.counts[bin & MASK] = (page.counts[bin & MASK] as number) + times;
    if (page.count === 0) this.#pages.splice(at, 1);
  }

  /** The bin of rank 0 ≤ `rank` < `count` in their order. */
  ranked(rank: number): number {
    let left = rank;
    for (const { number, count, counts } of this.#pages) {
      if (left >= count) {
        left -= count;
        continue;
      }
      for (let i = 0; i <= MASK; i++) {
        left -= counts[i] as number;
        if (left < 0) return (number << SHIFT) + i;
      }
    }
    return 0;
  }

  /** Where the page is, which is made when it is not there. */
  #find(number: number): number {
    let [low, high] = [0, this.#pages.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#pages[middle] as Page).number < number) low = middle + 1;
      else high = middle;
    }
    if (this.#pages[low]?.number !== number) this.#pages.splice(low, 0, { number, count: 0, counts: new Uint32Array(MASK + 1) });
    return low;
  }
}
