/**
 * Names for processes: a key leads to the processes that registered under it (Elixir 1.14: Registry).
 * An entry goes with its process. Keys are any terms; two that are equal in Erlang are one key.
 */
import { inspect } from 'node:util';
import { keyOf } from './key.ts';
import type { Pid } from './process.ts';

export interface Entry<V> {
  readonly pid: Pid;
  readonly value: V;
}

interface Slot<V> {
  readonly key: unknown;
  readonly entries: readonly Entry<V>[];
}

export class Registry<V = undefined> {
  readonly #unique: boolean;
  readonly #slots = new Map<unknown, Slot<V>>();
  readonly #keys = new Map<Pid, Map<unknown, unknown>>();
  readonly #meta = new Map<unknown, unknown>();
  readonly #listeners: readonly Pid[];

  /**
   * @param listeners hear of every `register` and explicit `unregister`, by a `RegistryMessage`; not of a death.
   * @throws TypeError for keys of another kind.
   */
  constructor(keys: 'unique' | 'duplicate' = 'unique', listeners: readonly Pid[] = []) {
    if (keys !== 'unique' && keys !== 'duplicate') throw new TypeError(`the keys of a registry are unique or duplicate, not ${inspect(keys)}`);
    this.#unique = keys === 'unique';
    this.#listeners = listeners;
  }

  /** Enter `pid` under `key`. With unique keys a second holder is refused, and is told who has it. */
  register(pid: Pid, key: unknown, value: V): 'ok' | { readonly error: readonly ['already_registered', Pid] } {
    const there = this.lookup(key);
    const [holder] = there;
    if (this.#unique && holder) return { error: ['already_registered', holder.pid] };
    if (!pid.isAlive) return 'ok';
    this.#put(key, [...there, { pid, value }]);
    const keys = this.#keys.get(pid);
    if (keys) keys.set(keyOf(key), key);
    else {
      this.#keys.set(pid, new Map([[keyOf(key), key]]));
      pid.onExit(() => this.#forget(pid));
    }
    for (const listener of this.#listeners) listener.deliver(new RegistryMessage('register', key, pid, value));
    return 'ok';
  }

  /**
   * All entries of `pid` under `key`, if any, are gone; with `match`, those only whose value it holds for (`unregister_match`). Listeners
   * hear of it when none is left.
   */
  unregister(pid: Pid, key: unknown, match: (value: V) => boolean = () => true): void {
    if (this.#remove(pid, key, match) > 0) return;
    for (const listener of this.#listeners) listener.deliver(new RegistryMessage('unregister', key, pid, undefined));
  }

  /** Change the value of `pid` under a unique key. Undefined when the key is not its own. @throws TypeError when keys are not unique. */
  updateValue(pid: Pid, key: unknown, change: (value: V) => V): { readonly now: V; readonly before: V } | undefined {
    const entry = this.#only(key);
    if (entry?.pid !== pid) return undefined;
    const now = change(entry.value);
    if (this.#only(key) === entry) this.#put(key, [{ pid, value: now }]); // `change` may have given it up
    return { now, before: entry.value };
  }

  lookup(key: unknown): readonly Entry<V>[] {
    return this.#slots.get(keyOf(key))?.entries ?? [];
  }
  /** The process under a unique key. @throws TypeError when keys are not unique. */
  whereis(key: unknown): Pid | undefined {
    return this.#only(key)?.pid;
  }
  /** Call `fun` once with all entries of `key`; not at all when there are none. */
  dispatch(key: unknown, fun: (entries: readonly Entry<V>[]) => void): void {
    const entries = this.lookup(key);
    if (entries.length > 0) fun(entries);
  }
  /** The entries of `key` whose value `match` holds for. */
  match(key: unknown, match: (value: V) => boolean): readonly Entry<V>[] {
    return this.lookup(key).filter(({ value }) => match(value));
  }
  /** One key for each entry of `pid`. */
  keys(pid: Pid): readonly unknown[] {
    return [...(this.#keys.get(pid)?.values() ?? [])].flatMap((key) => this.lookup(key).flatMap((entry) => (entry.pid === pid ? [key] : [])));
  }
  /** Every key that is taken. */
  names(): readonly unknown[] {
    return Array.from(this.#slots.values(), ({ key }) => key);
  }
  count(): number {
    let count = 0;
    for (const { entries } of this.#slots.values()) count += entries.length;
    return count;
  }

  /** Whatever is to be kept beside the entries. */
  putMeta(key: unknown, value: unknown): void {
    this.#meta.set(keyOf(key), value);
  }
  meta(key: unknown): unknown {
    return this.#meta.get(keyOf(key));
  }

  #only(key: unknown): Entry<V> | undefined {
    if (!this.#unique) throw new TypeError('a registry of duplicate keys has no one holder of a key');
    return this.lookup(key)[0];
  }

  #put(key: unknown, entries: readonly Entry<V>[]): void {
    const known = keyOf(key);
    this.#slots.set(known, { key: this.#slots.get(known)?.key ?? key, entries });
  }

  /** Answers how many entries `pid` has left under `key`. */
  #remove(pid: Pid, key: unknown, match: (value: V) => boolean): number {
    const rest = this.lookup(key).filter((entry) => entry.pid !== pid || !match(entry.value));
    if (rest.length > 0) this.#put(key, rest);
    else this.#slots.delete(keyOf(key));
    const left = rest.filter((entry) => entry.pid === pid).length;
    if (left === 0) this.#keys.get(pid)?.delete(keyOf(key));
    return left;
  }

  #forget(pid: Pid): void {
    for (const key of this.#keys.get(pid)?.values() ?? []) this.#remove(pid, key, () => true);
    this.#keys.delete(pid);
  }
}

/** What a registry's listeners get. */
export class RegistryMessage {
  readonly event: 'register' | 'unregister';
  readonly key: unknown;
  readonly pid: Pid;
  readonly value: unknown;
  constructor(event: 'register' | 'unregister', key: unknown, pid: Pid, value: unknown) {
    this.event = event;
    this.key = key;
    this.pid = pid;
    this.value = value;
  }
}
