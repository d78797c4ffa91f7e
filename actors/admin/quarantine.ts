/** Resources that crash-loop: parked, visible, and tried again later and later. Pure but for what it remembers; time is a parameter. */
import type { Quarantined } from '../../proto/api.ts';

const FIRST_MS = 10_000;
const LONGEST_MS = 600_000;
/** A resource that has held so long since its last probe is well again. */
const WELL_MS = 120_000;

interface Parked {
  readonly reason: string;
  readonly sinceMs: number;
  readonly nextMs: number;
  readonly probes: number;
  readonly probing: boolean;
}

export class Quarantine {
  readonly #parked = new Map<string, Parked>();
  readonly #firstMs: number;

  constructor(firstMs = FIRST_MS) {
    this.#firstMs = firstMs;
  }

  /** It has given up once more. Answers in how many ms to try it again. */
  park(resource: string, reason: string, nowMs: number): number {
    const before = this.#parked.get(resource);
    const relapse = before?.probing && nowMs - before.nextMs < WELL_MS ? before : undefined;
    const probes = relapse ? relapse.probes + 1 : 0;
    const waitMs = Math.min(LONGEST_MS, this.#firstMs * 2 ** Math.min(probes, 20));
    this.#parked.set(resource, { reason, sinceMs: relapse?.sinceMs ?? nowMs, nextMs: nowMs + waitMs, probes, probing: false });
    return waitMs;
  }

  /** It is being tried. It is not out yet: a relapse waits longer. */
  probe(resource: string): void {
    const parked = this.#parked.get(resource);
    if (parked) this.#parked.set(resource, { ...parked, probing: true });
  }

  has(resource: string): boolean {
    return this.#parked.get(resource)?.probing === false;
  }

  /** It was replaced or stopped by the operator. */
  release(resource: string): void {
    this.#parked.delete(resource);
  }

  list(): readonly Quarantined[] {
    return [...this.#parked]
      .filter(([, { probing }]) => !probing)
      .map(([resource, { reason, sinceMs, nextMs, probes }]) => ({
        resource,
        reason,
        since: new Date(sinceMs).toISOString(),
        nextProbe: new Date(nextMs).toISOString(),
        probes,
      }));
  }
}
