/** One queue for messages and exit signals, in sending order. It knows where its signals are not: a scan costs only when there is one. */
import { ExitSignal } from './signal.ts';

const NONE: readonly unknown[] = [];
/** Taken slots are given back once there are so many, and at least half are taken: shift stays amortised O(1). */
const COMPACT = 1_024;

export class Mailbox {
  /** Signals that are not yet applied. */
  signals = 0;
  #box = NONE as unknown[];
  #head = 0;

  get length(): number {
    return this.#box.length - this.#head;
  }

  push(message: unknown): void {
    if (this.#box === NONE) this.#box = [];
    this.#box.push(message);
  }

  pushSignal(signal: ExitSignal): void {
    if (this.#box === NONE) this.#box = [];
    this.#box.push(signal);
    this.signals++;
  }

  shift(): unknown {
    if (this.#box.length === 1) return this.#box.pop(); // the array keeps its room for the next one, which `length = 0` would give back
    const message = this.#box[this.#head];
    this.#box[this.#head++] = undefined;
    if (this.#head === this.#box.length) {
      if (this.#head > COMPACT) this.#box = [];
      else this.#box.length = 0;
      this.#head = 0;
    } else if (this.#head > COMPACT && this.#head * 2 > this.#box.length) {
      this.#box = this.#box.slice(this.#head);
      this.#head = 0;
    }
    return message;
  }

  /** Take out the first message that matches; undefined when there is none. */
  take(match: (message: unknown) => boolean): unknown {
    for (let i = this.#head; i < this.#box.length; i++) {
      const message = this.#box[i];
      if (message instanceof ExitSignal || !match(message)) continue;
      if (i === this.#head) return this.shift();
      this.#box.splice(i, 1);
      return message;
    }
    return undefined;
  }

  /** Replace every signal by what `apply` makes of it, in place. Stops at the first fatal one and answers it. */
  applySignals(apply: (signal: ExitSignal) => object | 'drop' | 'fatal'): ExitSignal | undefined {
    const rest: unknown[] = [];
    this.signals = 0;
    for (let i = this.#head; i < this.#box.length; i++) {
      const mail = this.#box[i];
      if (!(mail instanceof ExitSignal)) {
        rest.push(mail); // whatever it is: a message may well be the text 'fatal'
        continue;
      }
      const verdict = apply(mail);
      if (verdict === 'fatal') return mail;
      if (verdict !== 'drop') rest.push(verdict);
    }
    this.#box = rest;
    this.#head = 0;
    return undefined;
  }

  clear(): void {
    this.#box = NONE as unknown[];
    this.#head = 0;
    this.signals = 0;
  }
}
