/**
 * What a window function keeps of its samples, and what it answers over a stretch of them. Cells stand in the order of time: a cell is one sample,
 * or, when there are too many, what a few neighbours come to. The times themselves are the window's (window.ts).
 */

const NOTHING = new Float64Array(0);

/** Whether it is a value that JSON can say. */
export const isJson = (value: unknown): boolean => (typeof value === 'number' ? Number.isFinite(value) : value !== undefined);

/** A number for each cell; beyond the cells, for what stands for many of them (levels.ts). */
export class Column {
  data = NOTHING;

  /** Room for so many; the cells from..to are kept and become the first. */
  lay(length: number, from: number, to: number): void {
    if (length === this.data.length) this.data.copyWithin(0, from, to);
    else if (length === 0) this.data = NOTHING;
    else {
      const data = new Float64Array(length);
      data.set(this.data.subarray(from, to));
      this.data = data;
    }
  }
  /** A free place before the cell `at`; the last one is before `end`. */
  open(at: number, end: number): void {
    this.data.copyWithin(at + 1, at, end);
  }
  copy(to: number, from: number): void {
    this.data[to] = this.data[from] as number;
  }
}

/** One that differs from what goes without saying only where cells are of many samples. Until there are such, it is empty. */
export class Spare extends Column {
  /** From now on it has to be said. @param data what has gone without saying. */
  begin(data: () => Float64Array<ArrayBuffer>): void {
    if (this.data.length === 0) this.data = data();
  }
  put(at: number, value: number): void {
    if (this.data.length > 0) this.data[at] = value;
  }
  override lay(length: number, from: number, to: number): void {
    if (this.data.length > 0) super.lay(length, from, to);
  }
  override copy(to: number, from: number): void {
    if (this.data.length > 0) super.copy(to, from);
  }
}

/** How many samples each cell is: one. */
export class Weights extends Spare {
  beginWith(length: number): void {
    this.begin(() => new Float64Array(length).fill(1));
  }
}

/** A value of any kind for each cell. */
export class Values {
  data: unknown[] = [];

  lay(length: number, from: number, to: number): void {
    this.data = length === 0 ? [] : this.data.slice(from, to);
  }
  open(at: number, end: number): void {
    const { data } = this; // by hand: Array.prototype.copyWithin takes 80 ns an element
    for (let i = end; i > at; i--) data[i] = data[i - 1];
  }
  copy(to: number, from: number): void {
    this.data[to] = this.data[from];
  }
}

export abstract class Measure {
  readonly #columns: (Column | Values)[] = [];
  /** Places for cells. */
  capacity = 0;

  protected column<C extends Column | Values>(column: C): C {
    this.#columns.push(column);
    return column;
  }

  /** Whether a value counts. Numeric functions take finite numbers, and booleans as 1 and 0. */
  takes(value: unknown): boolean {
    return typeof value === 'number' ? Number.isFinite(value) : typeof value === 'boolean';
  }

  /** Whether only the last sample counts, so that none that comes before it makes a difference. */
  readonly lastOnly: boolean = false;

  /** Whether only the first and the last sample of a cell count, and what lies between them is passed over. */
  readonly endsOnly: boolean = false;

  /** So many times the cells that are kept apart are too many. */
  readonly slack: number = 1.6;

  /** How many cells make sense at the most. */
  most(asked: number): number {
    return asked;
  }

  /** A new cell at `at`; all from `at` on have moved one further, and `end` is after the last one. `head` is the first. */
  insert(at: number, head: number, end: number, value: unknown): void {
    if (at + 1 < end) for (const column of this.#columns) column.open(at, end - 1);
    this.put(at, value, head, end);
  }
  /** The cell becomes this sample. */
  protected abstract put(at: number, value: unknown, head: number, end: number): void;

  /** Room for so many cells; from..to are kept and become the first. */
  lay(capacity: number, from: number, to: number): void {
    this.capacity = capacity;
    const length = this.length(capacity);
    for (const column of this.#columns) column.lay(length, from, to);
  }
  /** What a column needs for so many cells. */
  protected length(capacity: number): number {
    return capacity;
  }

  /** Cells that are not needed any more. */
  drop(_from: number, _to: number): void {}

  /** From now on cells may be of many samples; `lay` comes after it. */
  coarsen(): void {}
  /** All cells are about to be put together, from the first to the last; `lay` comes after it. */
  merge(_head: number): void {}
  /** Which of begin..end, the cells of one short time, can take the cell `from`; -1: none. It is copied to `end` then. */
  mate(begin: number, end: number, _from: number): number {
    return begin < end ? begin : -1;
  }
  /** Which of begin..last can take the cell `last`, when that is all that is put together; -1: none. */
  lastMate(begin: number, last: number): number {
    return begin < last ? last - 1 : -1;
  }
  /** A late sample goes into the cell `at` of many, or one of the same time. False: it needs a cell of its own. @param end a place that is free */
  joinLate(_at: number, _head: number, _end: number, _value: unknown, _times: Float64Array): boolean {
    return false;
  }
  /** The last cell becomes a part of `to`. */
  join(to: number, last: number): void {
    this.absorb(to, last);
  }
  /** The cell `to` takes what is in `from`, which is later. */
  abstract absorb(to: number, from: number): void;
  copy(to: number, from: number): void {
    for (const column of this.#columns) column.copy(to, from);
  }

  /** Over the cells lo..hi, one at the least. @param ageMs of the last of them. @returns undefined when they are too few to say. */
  abstract answer(lo: number, hi: number, ageMs: number): unknown;
  /** The cell of lo..hi with whose leaving the answer can change next. */
  turn(lo: number, _hi: number): number {
    return lo;
  }
}
