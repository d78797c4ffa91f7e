/**
 * `percentile`: within 1 % of the value, by the bins of the sketch (actors/sketch.ts), out of which samples are taken again when they leave.
 * The bins hold one stretch of cells; another one is reached by adding and taking what lies between.
 */
import { binOf, middleOf, SMALLEST } from '../../sketch.ts';
import { Bins } from './bins.ts';
import { Column, Measure, Weights } from './measure.ts';

/** Bins are numbered as their values are ordered: negative ones, 0, positive ones. Further than any bin from 0. */
const MIDDLE = 40_000;
const placeOf = (value: number): number => (Math.abs(value) < SMALLEST ? 0 : Math.sign(value) * (MIDDLE + binOf(Math.abs(value))));
const valueAt = (place: number): number => (place === 0 ? 0 : Math.sign(place) * middleOf(Math.abs(place) - MIDDLE));

/** By its place, the last cell of each bin that has been looked at; of all windows, which are never looked at at the same time. */
const MOST_PLACE = 2 * MIDDLE;
const MATES = new Int32Array(2 * MOST_PLACE + 1);

export class Quantile extends Measure {
  /** Each of those times has many, so that it comes to that sooner or later. */
  override readonly slack = 1.2;
  readonly #places = this.column(new Column());
  readonly #weights = this.column(new Weights());
  readonly #bins = new Bins();
  readonly #q: number;
  /** The cells that are in the bins. */
  #lo = 0;
  #hi = 0;
  /** While cells are put together: after the last of those that are in the bins, of those that have been looked at. */
  #merged: number | undefined;

  /** @param p from 0 to 100. */
  constructor(p: number) {
    super();
    this.#q = p / 100;
  }

  override insert(at: number, head: number, end: number, value: unknown): void {
    super.insert(at, head, end, value);
    if (at >= this.#hi) return;
    this.#hi++;
    if (at <= this.#lo) this.#lo++;
    else this.#count(at, 1);
  }
  override lay(capacity: number, from: number, to: number): void {
    this.#settle();
    super.lay(capacity, from, to);
    this.#lo = Math.max(0, this.#lo - from);
    this.#hi = Math.max(0, this.#hi - from);
  }
  override drop(_from: number, to: number): void {
    this.#settle();
    while (this.#lo < Math.min(this.#hi, to)) this.#count(this.#lo++, -1);
  }

  override coarsen(): void {
    this.#weights.beginWith(this.capacity);
  }
  /** What is in the bins stays there: cells of one bin become one. */
  override merge(head: number): void {
    this.#settle();
    if (this.#lo !== head) this.#restart(head);
    this.#merged = head;
  }
  #settle(): void {
    this.#hi = this.#merged ?? this.#hi;
    this.#merged = undefined;
  }
  /** Only what is in the same bin, so that the values stay exact to 1 %. */
  override mate(begin: number, end: number, from: number): number {
    const places = this.#places.data;
    const place = places[from] as number;
    const mate = MATES[place + MOST_PLACE] as number; // of another window, or moved: then it is no mate
    if (mate >= begin && mate < end && places[mate] === place) return mate;
    MATES[place + MOST_PLACE] = end;
    return -1;
  }
  override lastMate(begin: number, last: number): number {
    const places = this.#places.data;
    const place = places[last] as number;
    let mate = last - 1;
    while (mate >= begin && places[mate] !== place) mate--;
    return mate >= begin ? mate : -1;
  }
  override joinLate(at: number, _head: number, end: number, value: unknown, times: Float64Array): boolean {
    const places = this.#places.data;
    const place = placeOf(Number(value));
    let mate = at;
    while (mate < end && times[mate] === times[at] && places[mate] !== place) mate++;
    if (mate >= end || times[mate] !== times[at]) return false;
    this.put(end, value);
    this.join(mate, end);
    return true;
  }
  override copy(to: number, from: number): void {
    super.copy(to, from);
    if (this.#merged !== undefined && from < this.#hi) this.#merged = to + 1;
  }
  override absorb(to: number, from: number): void {
    const weight = this.#weight(from);
    this.#weights.data[to] = this.#weight(to) + weight;
    if (from >= this.#hi && to >= this.#lo && to < (this.#merged ?? this.#hi)) this.#bins.add(this.#places.data[to] as number, weight);
  }

  override answer(lo: number, hi: number): number {
    if (hi <= this.#lo || lo >= this.#hi) this.#restart(lo);
    while (this.#lo > lo) this.#count(--this.#lo, 1);
    while (this.#hi < hi) this.#count(this.#hi++, 1);
    while (this.#lo < lo) this.#count(this.#lo++, -1);
    while (this.#hi > hi) this.#count(--this.#hi, -1);
    return valueAt(this.#bins.ranked(Math.floor(this.#q * (this.#bins.count - 1))));
  }

  protected override put(at: number, value: unknown): void {
    this.#places.data[at] = placeOf(Number(value));
    this.#weights.put(at, 1);
  }
  #weight(at: number): number {
    return this.#weights.data.length === 0 ? 1 : (this.#weights.data[at] as number);
  }
  #count(at: number, times: 1 | -1): void {
    this.#bins.add(this.#places.data[at] as number, times * this.#weight(at));
  }
  #restart(at: number): void {
    this.#bins.clear();
    this.#lo = at;
    this.#hi = at;
  }
}
