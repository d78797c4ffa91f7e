/** When the thread that writes keeps house: while nothing waits, and a step now and then when something always does. */

export interface Duties {
  /** Some milliseconds of housekeeping. @returns whether there is more at once. */
  step(): boolean;
  /** It has to come on as fast as the requests do. */
  urgent(): boolean;
  /** Takes the requests that wait. @returns whether there were any. */
  serve(): boolean;
}

/** The time that it goes by. */
export interface Hands {
  /** Monotonic milliseconds. */
  now(): number;
  /** After so long; 0: when what waits has had its turn. */
  later(ms: number, then: () => void): void;
}
/** The machine's. It keeps no thread alive: that is for those who ask. */
const MACHINE: Hands = {
  now: () => performance.now(),
  later: (ms, then) => void (ms === 0 ? setImmediate(then) : setTimeout(then, ms).unref()),
};

/** So long after the last request it is taken that none is about to come: who asks again as soon as he is answered waits for no step. */
const QUIET_MS = 10;
/** Under load there is a step so often all the same. */
const AT_LEAST_EVERY_MS = 100;
/** When all is done it is looked again what is due. */
const REST_MS = 500;

export class SpareTime {
  readonly #duties: Duties;
  #lastRequest = Number.NEGATIVE_INFINITY;
  readonly #hands: Hands;
  #lastStep: number;

  constructor(duties: Duties, hands = MACHINE) {
    this.#duties = duties;
    this.#hands = hands;
    this.#lastStep = hands.now();
    hands.later(REST_MS, this.#idle);
  }

  /** Called after each group of requests, when they have been answered. @param ms how long it took. */
  worked(ms: number): void {
    const now = this.#hands.now();
    this.#lastRequest = now;
    if (this.#duties.urgent()) while (this.#step() && this.#hands.now() - now < ms);
    else if (now - this.#lastStep >= AT_LEAST_EVERY_MS) this.#step();
  }

  readonly #idle = (): void => {
    const { now, later } = this.#hands;
    if (this.#duties.serve() || now() - this.#lastRequest < QUIET_MS) later(QUIET_MS, this.#idle);
    else later(this.#step() ? 0 : REST_MS, this.#idle);
  };

  #step(): boolean {
    const more = this.#duties.step();
    this.#lastStep = this.#hands.now();
    return more;
  }
}
