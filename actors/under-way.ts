/**
 * Which stored batches are still under way to the rules: how many messages of each are not done with. The mark is the number up to which
 * nothing is; what lies behind it need not be judged again after a crash.
 */
export class UnderWay {
  /** In the order of their numbers, which is the order in which they come. */
  readonly #open = new Map<number, number>();
  #last = 0;

  /** The last one that has come. */
  get last(): number {
    return this.#last;
  }

  get mark(): number {
    const [first] = this.#open.keys();
    return first === undefined ? this.#last : first - 1;
  }

  /** One more message of this batch is under way. */
  open(seq: number): void {
    this.#open.set(seq, (this.#open.get(seq) ?? 0) + 1);
    if (seq > this.#last) this.#last = seq;
  }

  /** One of them is done with. */
  done(seq: number): void {
    const left = (this.#open.get(seq) ?? 0) - 1;
    if (left > 0) this.#open.set(seq, left);
    else this.#open.delete(seq);
  }
}
