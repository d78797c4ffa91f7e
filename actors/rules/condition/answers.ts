/** What custom functions have answered in one judgement, and what is still to be asked of them: a condition is evaluated anew when that is known. Pure. */

/** One call, to be answered once; or never, and then its value is unknown. */
export interface Asked {
  readonly name: string;
  readonly args: readonly unknown[];
  answer(value: unknown): void;
}

export class Answers {
  readonly #known = new Map<string, unknown>();
  readonly #open = new Map<string, Asked>();

  /** What was answered; undefined when nothing was, and then it is noted as asked. Equal arguments are one call. */
  of(name: string, args: readonly unknown[]): unknown {
    const key = keyOf(name, args);
    if (key === undefined || this.#known.has(key)) return key === undefined ? undefined : this.#known.get(key);
    this.#open.set(key, { name, args, answer: (value) => void this.#known.set(key, value) });
    return undefined;
  }

  /** What was asked since the last time, each once: it will not be asked again. */
  take(): readonly Asked[] {
    const open = [...this.#open.values()];
    for (const key of this.#open.keys()) this.#known.set(key, undefined);
    this.#open.clear();
    return open;
  }
}

/** Undefined for a value of thousands of levels: more than the stack holds; it came from outside. */
function keyOf(name: string, args: readonly unknown[]): string | undefined {
  try {
    return JSON.stringify([name, args]);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
