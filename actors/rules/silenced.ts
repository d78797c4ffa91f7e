/** The silences that hold just now, for all rules. Not an actor: a rule asks it at the moment of telling. */
import type { Declared } from '../../proto/api.ts';
import type { Names } from '../names.ts';
import type { Hold } from './alert/alert-state.ts';
import type { Subject } from './alert/matchers.ts';
import { holdOf, parseSilence, type Silence, standing } from './alert/silences.ts';
import { RECONSIDER } from './port.ts';

export interface Standing {
  readonly status: 'active' | 'pending' | 'expired';
  /** When that changes; null for never. */
  readonly next: string | null;
  readonly endedMs: number;
}

export class Silenced {
  readonly #names: Names;
  #silences: readonly Silence[] = [];

  constructor(names: Names) {
    this.#names = names;
  }

  /** From here on those that are declared hold, and no others. Rules with alerts that are held back judge them anew. */
  set(declared: readonly Declared[]): void {
    this.#silences = declared.flatMap(({ kind, spec }): readonly Silence[] => {
      if (kind !== 'silence') return [];
      const parsed = parseSilence(spec);
      return 'silence' in parsed ? [parsed.silence] : []; // load.ts has refused those with faults
    });
    for (const { kind, name } of declared) if (kind === 'rule') this.#names.whereis(`rule:${name}`)?.deliver(RECONSIDER);
  }

  /** How one of them stands now. */
  standing(name: string): Standing {
    const silence = this.#silences.find((one) => one.name === name);
    const { status, nextMs } = silence ? standing(silence, Date.now()) : { status: 'expired' as const, nextMs: undefined };
    return { status, next: nextMs === undefined ? null : new Date(nextMs).toISOString(), endedMs: silence?.endsMs ?? 0 };
  }

  hold(alert: Subject, atMs: number): Hold | undefined {
    return this.#silences.length === 0 ? undefined : holdOf(this.#silences, alert, atMs);
  }
}
