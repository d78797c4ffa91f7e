/** One queue for messages and exit signals, in sending order. It knows where its signals are: applying them costs what they are, not what waits. */
import { type ExitMessage, ExitSignal } from './signal.ts';

/** What `take` and `shift` answer when there is nothing: every value may be a message. */
export const NOTHING = Symbol('nothing');
/** A slot whose mail has been taken out of the middle. */
const HOLE = Symbol('hole');
const NONE: readonly unknown[] = [];
/** Slots that are empty are given back once there are so many, and at least half are empty: taking stays amortised O(1). */
const COMPACT = 1_024;

export class Mailbox {
  #box = NONE as unknown[];
  #head = 0;
  #holes = 0;
  /** Where in the box the signals lie that are not yet applied. */
  #signals = NONE as number[];

  get length(): number {
    return this.#box.length - this.#head - this.#holes;
  }
  get hasSignals(): boolean {
    return this.#signals.length > 0;
  }

  push(message: unknown): void {
    if (this.#box === NONE) this.#box = [];
    this.#box.push(message);
  }

  pushSignal(signal: ExitSignal): void {
    this.push(signal);
    if (this.#signals === NONE) this.#signals = [];
    this.#signals.push(this.#box.length - 1);
  }

  /** The first of all, a message or a signal. */
  shift(): unknown {
    const box = this.#box;
    if (box.length <= 1) return box.length === 0 ? NOTHING : box.pop(); // the array keeps its room, which `length = 0` would give back
    while (box[this.#head] === HOLE) {
      this.#head++;
      this.#holes--;
    }
    const message = box[this.#head];
    box[this.#head++] = undefined;
    const free = this.#head + this.#holes;
    if (free === box.length || (free > COMPACT && free * 2 > box.length)) this.#tidy();
    return message;
  }

  /** Take out the first message that matches. */
  take(match: (message: unknown) => boolean): unknown {
    for (let i = this.#head; i < this.#box.length; i++) {
      const message = this.#box[i];
      if (message === HOLE || message instanceof ExitSignal || !match(message)) continue;
      this.#empty(i);
      this.#tidy();
      return message;
    }
    return NOTHING;
  }

  /** Replace every signal by what `apply` makes of it, in place. Stops at the first fatal one and answers it. */
  applySignals(apply: (signal: ExitSignal) => ExitMessage | 'drop' | 'fatal'): ExitSignal | undefined {
    const signals = this.#signals;
    this.#signals = NONE as number[];
    for (const at of signals) {
      const signal = this.#box[at] as ExitSignal; // as `pushSignal` has put it there
      const verdict = apply(signal);
      if (verdict === 'fatal') return signal;
      if (verdict === 'drop') this.#empty(at);
      else this.#box[at] = verdict;
    }
    this.#tidy();
    return undefined;
  }

  clear(): void {
    this.#box = NONE as unknown[];
    this.#signals = NONE as number[];
    this.#head = this.#holes = 0;
  }

  #empty(at: number): void {
    this.#box[at] = HOLE;
    this.#holes++;
  }

  #tidy(): void {
    if (this.length === 0) {
      if (this.#box.length > COMPACT) this.#box = [];
      else this.#box.length = 0;
    } else {
      const free = this.#head + this.#holes;
      if (free < COMPACT || free * 2 < this.#box.length || this.hasSignals) return; // a signal is known by its place
      this.#box = this.#box.slice(this.#head);
      if (this.#holes > 0) this.#box = this.#box.filter((mail) => mail !== HOLE);
    }
    this.#head = this.#holes = 0;
  }
}
