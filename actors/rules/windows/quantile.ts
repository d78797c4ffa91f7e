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

export class Quantile extends Measure {
  readonly #places = this.column(new Column());
  readonly #weights = this.column(new Weights());
  readonly #bins = new Bins();
  readonly #q: number;
  /** The cells that are in the bins. */
  #lo = 0;
  #hi = 0;
  /** By bin, the last cell of it. */
  #mates: Map<number, number> | undefined;

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
    super.lay(capacity, from, to);
    this.#mates = undefined;
    this.#lo = Math.max(0, this.#lo - from);
    this.#hi = Math.max(0, this.#hi - from);
  }
  override drop(_from: number, to: number): void {
    while (this.#lo < Math.min(this.#hi, to)) this.#count(this.#lo++, -1);
  }

  override coarsen(): void {
    this.#weights.beginWith(this.capacity);
    this.#mates = new Map();
    this.#restart(0);
  }
  /** Only what is in the same bin, so that the values stay exact to 1 %. */
  override mate(begin: number, end: number, from: number): number {
    const place = this.#places.data[from] as number;
    const mate = this.#mates?.get(place) ?? -1;
    if (mate >= begin) return mate;
    this.#mates?.set(place, end);
    return -1;
  }
  override absorb(to: number, from: number): void {
    this.#weights.data[to] = this.#weight(to) + this.#weight(from);
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
