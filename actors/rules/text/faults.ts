/** What is wrong with a condition's text, each with its line and column; what follows from one fault is not told as another. Pure. */
export interface Place {
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 code units. */
  readonly column: number;
}
/** One thing that is wrong with a text, in words for the person who wrote it. */
export interface TextFault extends Place {
  readonly expected: string;
  /** What stands there, or `the end`. */
  readonly got: string;
  /** The nearest word that would be right. */
  readonly nearest?: string | undefined;
}

const MOST = 20;
const LONGEST_GOT = 40;

export const placeIn = (text: string, offset: number): Place => {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  return { line: before.split('\n').length, column: offset - lineStart + 1 };
};

/** Gathers the faults of one text, of which each place has one at the most. */
export class Faults {
  readonly #text: string;
  readonly #found = new Map<number, TextFault>();

  constructor(text: string) {
    this.#text = text;
  }

  /** Enough to work on; to look for more is to tell of what follows from these. */
  get enough(): boolean {
    return this.#found.size >= MOST;
  }

  /** @param end where that which is wrong ends. */
  add(at: number, end: number, expected: string, nearest?: string): void {
    if (this.enough || this.#found.has(at)) return;
    const got = at >= this.#text.length ? 'the end' : this.#text.slice(at, end).trimEnd();
    const short = got.length > LONGEST_GOT ? `${got.slice(0, LONGEST_GOT)}…` : got;
    this.#found.set(at, { ...placeIn(this.#text, at), expected, got: short, nearest });
  }

  placeOf(offset: number): Place {
    return placeIn(this.#text, offset);
  }

  /** From the first to the last. */
  get inOrder(): readonly TextFault[] {
    return [...this.#found].sort(([a], [b]) => a - b).map(([, fault]) => fault);
  }
}
