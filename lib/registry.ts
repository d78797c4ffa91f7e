/**
 * Names for processes: a key leads to the processes that registered under it (Elixir 1.14: Registry).
 * An entry goes with its process. Keys are any values, compared as a Map compares them.
 */
import type { Pid } from './process.ts';

export interface Entry<V> {
  readonly pid: Pid;
  readonly value: V;
}

export class Registry<V = undefined> {
  readonly #unique: boolean;
  readonly #entries = new Map<unknown, Entry<V>[]>();
  readonly #keys = new Map<Pid, Set<unknown>>();

  constructor(keys: 'unique' | 'duplicate' = 'unique') {
    this.#unique = keys === 'unique';
  }

  /** Enter `pid` under `key`. With unique keys a second holder is refused, and is told who has it. */
  register(pid: Pid, key: unknown, value: V): 'ok' | { readonly error: readonly ['already_registered', Pid] } {
    const there = this.#entries.get(key) ?? [];
    const [holder] = there;
    if (this.#unique && holder) return { error: ['already_registered', holder.pid] };
    if (!pid.isAlive) return 'ok';
    this.#entries.set(key, [...there, { pid, value }]);
    const keys = this.#keys.get(pid);
    if (keys) keys.add(key);
    else {
      this.#keys.set(pid, new Set([key]));
      pid.onExit(() => this.#forget(pid));
    }
    return 'ok';
  }

  /** All entries of `pid` under `key`, if any, are gone. */
  unregister(pid: Pid, key: unknown): void {
    const rest = (this.#entries.get(key) ?? []).filter((entry) => entry.pid !== pid);
    if (rest.length > 0) this.#entries.set(key, rest);
    else this.#entries.delete(key);
    this.#keys.get(pid)?.delete(key);
  }

  lookup(key: unknown): readonly Entry<V>[] {
    return this.#entries.get(key) ?? [];
  }
  /** The process under a unique key. */
  whereis(key: unknown): Pid | undefined {
    return this.#entries.get(key)?.[0]?.pid;
  }
  /** Call `fun` once with all entries of `key`; not at all when there are none. */
  dispatch(key: unknown, fun: (entries: readonly Entry<V>[]) => void): void {
    const entries = this.lookup(key);
    if (entries.length > 0) fun(entries);
  }
  keys(pid: Pid): readonly unknown[] {
    return [...(this.#keys.get(pid) ?? [])];
  }
  /** Every key that is taken. */
  names(): readonly unknown[] {
    return [...this.#entries.keys()];
  }
  count(): number {
    let count = 0;
    for (const entries of this.#entries.values()) count += entries.length;
    return count;
  }

  #forget(pid: Pid): void {
    for (const key of this.#keys.get(pid) ?? []) this.unregister(pid, key);
    this.#keys.delete(pid);
  }
}
