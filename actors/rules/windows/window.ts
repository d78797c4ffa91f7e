/**
 * The samples of one window in the order of time, and what they come to at an instant. Cells stand one after the other in a stretch of memory:
 * they leave at its head, come at its end or, late ones, further in, and when the end is reached they move to the front, or to where there is room.
 */
import { Column, type Measure, Spare } from './measure.ts';

/** The least room; below it there is nothing to win. */
const LEAST_ROOM = 8;
/** Of those that have left the last so many are kept, for who asks about a little earlier, or the so-manieth part of how many the window has. */
const [KEPT, KEPT_PART] = [4, 4];
/** Fewer cells than this are none. */
const LEAST_MOST = 16;
/** A window has so many of the short times of which samples share a cell, by how many it keeps apart. */
const SHARE = 0.5;
/** When sharing has not sufficed, so many cells are wanted, by how many it keeps apart: more than there are of those times. */
const WANTED = 0.7;

export class Window {
  readonly #measure: Measure;
  readonly #lengthMs: number;
  readonly #most: number;
  readonly #times = new Column();
  /** When a cell of many begins; its time is when it ends. */
  readonly #begins = new Spare();
  #head = 0;
  #end = 0;
  /** Where the window began when it was last asked for, or nearby. */
  #begin = 0;
  /** The same as an instant. */
  #fromMs = Number.NEGATIVE_INFINITY;
  /** How far apart those were at the most that last came to share a cell. */
  #grainMs = 0;
  /** Of the newest sample that shares a cell, or had to go. */
  #coarseMs = Number.NEGATIVE_INFINITY;

  constructor(measure: Measure, lengthMs: number, most: number) {
    this.#measure = measure;
    this.#lengthMs = lengthMs;
    this.#most = measure.most(Math.max(LEAST_MOST, most));
  }

  add(tsMs: number, value: unknown): void {
    if (!Number.isFinite(tsMs) || !this.#measure.takes(value)) return;
    const crowded = this.#end - this.#head >= this.#most && this.#crowded();
    if (this.#end === this.#measure.capacity) this.#lay(this.#end - this.#head + 1);
    const next = this.#after(tsMs);
    const beginMs = next < this.#end ? this.#begins.data[next] : undefined;
    if (beginMs !== undefined && beginMs <= tsMs) this.#addWithin(next, beginMs, value);
    else {
      this.#insert(next, tsMs, tsMs, value);
      if (crowded && next === this.#end - 1) this.#share();
    }
  }
  /** Late, into the midst of a cell, with which it comes and leaves. */
  #addWithin(at: number, beginMs: number, value: unknown): void {
    if (this.#measure.endsOnly || this.#measure.joinLate(at, this.#head, this.#end, value, this.#times.data)) return;
    this.#insert(at, beginMs, this.#timeOf(at), value);
  }
  #insert(at: number, beginMs: number, tsMs: number, value: unknown): void {
    if (at < this.#end) {
      this.#times.open(at, this.#end);
      this.#begins.open(at, this.#end);
    }
    this.#times.data[at] = tsMs;
    this.#begins.put(at, beginMs);
    this.#end++;
    this.#measure.insert(at, this.#head, this.#end, value);
  }

  at(nowMs: number): unknown {
    this.#fromMs = nowMs - this.#lengthMs;
    const [lo, hi] = [this.#after(this.#fromMs, this.#begin), this.#after(nowMs)];
    this.#begin = lo;
    const answer = lo < hi ? this.#measure.answer(lo, hi, nowMs - this.#timeOf(hi - 1)) : undefined;
    this.#forget(lo, hi);
    return answer;
  }

  nextMs(nowMs: number): number | undefined {
    const [lo, hi] = [this.#after(nowMs - this.#lengthMs, this.#begin), this.#after(nowMs)];
    const leavesMs = lo < hi ? this.#timeOf(this.#measure.turn(lo, hi)) + this.#lengthMs : Number.POSITIVE_INFINITY;
    const nextMs = hi < this.#end ? Math.min(leavesMs, this.#timeOf(hi)) : leavesMs;
    return nextMs === Number.POSITIVE_INFINITY ? undefined : nextMs;
  }

  get truncated(): boolean {
    return this.#coarseMs > (this.#measure.lastOnly ? this.#fromMs + this.#lengthMs : this.#fromMs);
  }

  #timeOf(at: number): number {
    return this.#times.data[at] as number;
  }

  /** The first cell that is later. It is sought from `near` on, so that it costs by how far it is from there. */
  #after(tsMs: number, near = this.#end): number {
    let [low, high] = [this.#head, this.#end];
    const begin = Math.min(Math.max(near, low), high);
    const forward = begin === low || this.#timeOf(begin - 1) <= tsMs;
    if (forward) low = begin;
    else high = begin - 1;
    for (let reach = 1; low + reach <= high; reach *= 2) {
      const probe = forward ? low + reach - 1 : high - reach;
      const later = this.#timeOf(probe) > tsMs;
      if (later) high = probe;
      else low = probe + 1;
      if (later === forward) break;
    }
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#timeOf(middle) <= tsMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** lo..hi are in the window now. */
  #forget(lo: number, hi: number): void {
    const kept = Math.max(KEPT, Math.floor((hi - lo) / KEPT_PART));
    const longAgo = this.#fromMs - this.#lengthMs;
    let head = Math.max(this.#head, lo - kept);
    if (head < lo && this.#timeOf(head) <= longAgo) head = this.#after(longAgo, head);
    this.#drop(head);
    const cells = this.#end - this.#head;
    if (cells === 0 ? this.#measure.capacity > 0 : this.#measure.capacity > LEAST_ROOM && cells < this.#measure.capacity / 4) this.#lay(cells);
  }
  #drop(head: number): void {
    if (head === this.#head) return;
    this.#measure.drop(this.#head, head);
    this.#head = head;
  }

  /** The cells move to the front, of as much room as so many need. */
  #lay(cells: number): void {
    const room = cells < LEAST_ROOM ? LEAST_ROOM : Math.ceil((cells * 1.5) / 16) * 16;
    const has = this.#measure.capacity;
    const fits = has >= cells * 1.25 && has <= cells * 2.5;
    const capacity = cells === 0 ? 0 : fits ? has : room;
    this.#measure.lay(capacity, this.#head, this.#end);
    this.#times.lay(capacity, this.#head, this.#end);
    this.#begins.lay(capacity, this.#head, this.#end);
    this.#end -= this.#head;
    this.#begin -= this.#head;
    this.#head = 0;
  }

  /** There are as many as are kept apart. Those that have left go; if that is not enough, what comes shares cells from now on. */
  #crowded(): boolean {
    this.#drop(this.#after(this.#fromMs, this.#begin));
    const cells = this.#end - this.#head;
    if (cells < this.#most) return false;
    if (this.#grainMs === 0) this.#grainMs = this.#lengthMs / (this.#most * SHARE);
    if (cells >= this.#most * this.#measure.slack) this.#thin();
    else if (this.#begins.data.length === 0) {
      this.#coarsen();
      this.#lay(cells);
    }
    return true;
  }
  #coarsen(): void {
    this.#measure.coarsen();
    this.#begins.begin(() => this.#times.data.slice());
  }

  /** The last cell goes into one of the same short time, if the function can have that. */
  #share(): void {
    const last = this.#end - 1;
    const tsMs = this.#timeOf(last);
    const grain = Math.floor(tsMs / this.#grainMs);
    let begin = this.#after(grain * this.#grainMs, last);
    while (begin > this.#head && this.#grainOf(begin - 1) === grain) begin--;
    while (begin < last && this.#grainOf(begin) !== grain) begin++;
    const mate = this.#measure.lastMate(begin, last);
    if (mate < 0) return;
    this.#measure.join(mate, last);
    this.#end = last;
    this.#times.data.fill(tsMs, begin, last);
    this.#coarseMs = Math.max(this.#coarseMs, tsMs);
  }
  #grainOf(at: number): number {
    return Math.floor(this.#timeOf(at) / this.#grainMs);
  }

  /** Sharing does not suffice, since values lie far apart, or much comes late: those of longer times share a cell, else the oldest go. */
  #thin(): void {
    const wanted = this.#most * WANTED;
    const spanMs = this.#timeOf(this.#end - 1) - this.#timeOf(this.#head);
    this.#grainMs = Math.max(this.#lengthMs / (this.#most * SHARE), this.#grainMs / 2);
    for (this.#merge(); this.#end - this.#head > wanted && this.#grainMs <= spanMs; this.#merge())
      this.#grainMs *= 4 ** Math.max(1, Math.floor(Math.log((this.#end - this.#head) / wanted) / Math.log(4)));
    if (this.#end - this.#head > wanted) this.#cut(this.#end - Math.floor(wanted));
    this.#lay(this.#end - this.#head);
  }

  /** Cells of one grain of time become one, as far as the function can, and get the time of the last of them. */
  #merge(): void {
    this.#coarsen();
    this.#measure.merge(this.#head);
    const grainMs = this.#grainMs;
    const times = this.#times.data;
    let [begin, end, grain, lastMs, merged] = [this.#head, this.#head, Number.NaN, Number.NaN, false];
    const close = (): void => {
      if (!merged) return;
      times.fill(lastMs, begin, end);
      this.#coarseMs = Math.max(this.#coarseMs, lastMs);
    };
    for (let i = this.#head; i < this.#end; i++) {
      const ms = this.#timeOf(i);
      if (Math.floor(ms / grainMs) !== grain) {
        close();
        [begin, grain, merged] = [end, Math.floor(ms / grainMs), false];
      }
      lastMs = ms;
      const mate = this.#measure.mate(begin, end, i);
      if (mate >= 0) {
        this.#measure.absorb(mate, i);
        merged = true;
      } else {
        this.#measure.copy(end, i);
        this.#begins.copy(end, i);
        this.#times.copy(end++, i);
      }
    }
    close();
    this.#end = end;
  }

  #cut(head: number): void {
    this.#coarseMs = Math.max(this.#coarseMs, this.#timeOf(head - 1));
    this.#drop(head);
  }
}
