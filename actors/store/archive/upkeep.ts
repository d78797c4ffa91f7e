/** What an operator asks of the store beside its daily work: a backup, a restore, a check, compacting, an export. Each is an errand of the engine. */
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Compacted, ExportQuery, StoreCheck } from '../../../proto/store.ts';
import type { Backup } from './dump.ts';
import { answerOf, errand, Refusal } from './errand.ts';
import type { Restored, RestoreGiven } from './restore.ts';

/** The part of StoreOptions that says where the store is. */
export interface Place {
  readonly dataDir: string;
  readonly url?: string | readonly string[] | undefined;
  readonly schema?: string | undefined;
  readonly node?: string | undefined;
}
/** Errands that run at the same time: each has a thread and a connection. */
const MOST = 4;

export class Upkeep {
  readonly #place: Place;
  readonly #online: boolean;
  readonly #running = new Set<object>();
  #backup = false;

  /** @param online this process runs the node; else it takes the data directory for itself as long as an errand lasts. */
  constructor(place: Place, online: boolean) {
    this.#place = place;
    this.#online = online;
  }

  /** The archive (dump.ts). @throws Refusal, as all of these. */
  async *backup(backup: Backup, signal?: AbortSignal): AsyncGenerator<Uint8Array, { readonly rows: number }> {
    if (this.#backup) throw new Refusal('conflict', 'a backup is being made: wait for its end');
    this.#backup = true;
    try {
      return yield* this.#errand<{ rows: number }>('dumper', { backup }, signal);
    } finally {
      this.#backup = false;
    }
  }

  restore(given: Pick<RestoreGiven, 'from' | 'discard'>, signal?: AbortSignal): Promise<Restored> {
    return answerOf(this.#errand<Restored>('loader', { dataDir: this.#place.dataDir, ...given }, signal));
  }

  check(quick: boolean, signal?: AbortSignal): Promise<StoreCheck> {
    return answerOf(this.#errand<StoreCheck>('checker', { quick }, signal));
  }
  /** The file, as it is asked for. */
  export(query: ExportQuery, signal?: AbortSignal): AsyncGenerator<Uint8Array, { readonly rows: number }> {
    return this.#errand<{ rows: number }>('exporter', { query }, signal);
  }
  compact(signal?: AbortSignal): Promise<Compacted> {
    return answerOf(this.#errand<Compacted>('compactor', {}, signal));
  }

  async *#errand<T>(which: string, given: object, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array, T> {
    if (this.#running.size >= MOST) throw new Refusal('conflict', `${MOST} backups, checks and exports are running: wait for the end of one`);
    const { folder, data } = engineOf(this.#place);
    this.#running.add(given);
    try {
      return yield* errand<T>(new URL(`../${folder}/${which}.ts`, import.meta.url), { ...data, online: this.#online, ...given }, signal);
    } finally {
      this.#running.delete(given);
    }
  }
}

function engineOf({ dataDir, url, schema, node = hostname() }: Place): { readonly folder: string; readonly data: object } {
  if (url === undefined) return { folder: 'sqlite', data: { file: join(dataDir, 'argos.db') } };
  return { folder: 'postgres', data: { urls: [url].flat(), schema, node } };
}
