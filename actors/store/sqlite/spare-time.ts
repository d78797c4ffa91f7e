/** When the thread that writes keeps house: while nothing waits, and a step now and then when something always does. */

export interface Duties {
  /** Some milliseconds of housekeeping. @returns whether there is more at once. */
  step(): boolean;
  /** It has to come on as fast as the requests do. */
  urgent(): boolean;
  /** Takes the requests that wait. @returns whether there were any. */
  serve(): boolean;
}

/** So long after the last request it is taken that none is about to come: who asks again as soon as he is answered waits for no step. */
const QUIET_MS = 10;
/** Under load there is a step so often all the same. */
const AT_LEAST_EVERY_MS = 100;
/** When all is done it is looked again what is due. */
const REST_MS = 500;

export class SpareTime {
  readonly #duties: Duties;
  #lastRequest = Number.NEGATIVE_INFINITY;
  #lastStep = performance.now();

  constructor(duties: Duties) {
    this.#duties = duties;
    this.#later(REST_MS);
  }

  /** Called after each group of requests, when they have been answered. @param ms how long it took. */
  worked(ms: number): void {
    const now = performance.now();
    this.#lastRequest = now;
    if (this.#duties.urgent()) while (this.#step() && performance.now() - now < ms);
    else if (now - this.#lastStep >= AT_LEAST_EVERY_MS) this.#step();
  }

  readonly #idle = (): void => {
    if (this.#duties.serve() || performance.now() - this.#lastRequest < QUIET_MS) this.#later(QUIET_MS);
    else if (this.#step()) setImmediate(this.#idle);
    else this.#later(REST_MS);
  };

  /** It keeps no thread alive: that is for those who ask. */
  #later(ms: number): void {
    setTimeout(this.#idle, ms).unref();
  }

  #step(): boolean {
    const more = this.#duties.step();
    this.#lastStep = performance.now();
    return more;
  }
}
