/** Push monitors, and which items of listeners each of them wants: found by the service or the name of an item, not by asking each. */
import type { Pid } from '../lib/process.ts';
import type { Log, Metric } from './event.ts';
import { Inbox, type Mark, type Marked, type Post } from './inbox.ts';
import type { UnderWay } from './under-way.ts';

/** What a push monitor is sent: the items of one batch that concern it. */
export interface Pushed extends Marked {
  readonly items: readonly (Metric | Log)[];
  /** When they were received, ms since 1970, and the number of their batch in the store. */
  readonly atMs: number;
  readonly seq: number;
}
/** Which items a push monitor wants. */
export interface Wanted {
  readonly wants: (item: Metric | Log) => boolean;
  /** It wants none of another service, none of another name: what it is found by. */
  readonly service?: string | undefined;
  readonly name?: string | undefined;
}
interface Tap {
  readonly inbox: Inbox<Omit<Pushed, 'mark'>>;
  wanted: Wanted;
}

export class Taps {
  readonly #post: Post;
  readonly #underWay: UnderWay;
  /** By the name of the monitor. */
  readonly #taps = new Map<string, Tap>();
  readonly #byService = new Map<string, Set<Tap>>();
  readonly #byName = new Map<string, Set<Tap>>();
  readonly #others = new Set<Tap>();

  constructor(post: Post, underWay: UnderWay) {
    this.#post = post;
    this.#underWay = underWay;
  }

  /** Hand a monitor the items that it wants. What comes while it is away waits for it, until it is forgotten. */
  open(monitor: string, pid: Pid, wanted: Wanted): void {
    const there = this.#taps.get(monitor);
    if (there) this.#leave(there);
    const tap: Tap = there ?? { inbox: new Inbox(`monitor:${monitor}`, this.#post, this.#underWay), wanted };
    tap.wanted = wanted;
    this.#taps.set(monitor, tap);
    this.#join(tap);
    tap.inbox.open(pid);
  }
  close(monitor: string): void {
    const tap = this.#taps.get(monitor);
    if (!tap) return;
    tap.inbox.close();
    this.#leave(tap);
    this.#taps.delete(monitor);
  }
  /** All of them have done with what they were sent. */
  get isEmpty(): boolean {
    for (const { inbox } of this.#taps.values()) if (!inbox.isEmpty) return false;
    return true;
  }

  /** The monitor has done with what it was sent, up to here. */
  done(monitor: string, mark: Mark): void {
    this.#taps.get(monitor)?.inbox.done(mark);
  }

  /** To each that wants some of these what it wants, in one message. Answers to whom. */
  push(items: readonly (Metric | Log)[], atMs: number, seq: number): readonly Inbox<Omit<Pushed, 'mark'>>[] {
    const wanted = new Map<Tap, (Metric | Log)[]>();
    const look = (taps: ReadonlySet<Tap> | undefined, item: Metric | Log): void => {
      for (const tap of taps ?? []) {
        if (!tap.wanted.wants(item)) continue;
        const there = wanted.get(tap);
        if (there) there.push(item);
        else wanted.set(tap, [item]);
      }
    };
    for (const item of items) {
      look(this.#byService.get(item.service), item);
      if ('name' in item) look(this.#byName.get(item.name), item);
      look(this.#others, item);
    }
    for (const [{ inbox }, of] of wanted) inbox.put(this.#post.letter({ items: of, seq, atMs }, seq));
    return Array.from(wanted.keys(), ({ inbox }) => inbox);
  }

  #join(tap: Tap): void {
    const { service, name } = tap.wanted;
    if (service !== undefined) this.#byService.set(service, (this.#byService.get(service) ?? new Set()).add(tap));
    else if (name !== undefined) this.#byName.set(name, (this.#byName.get(name) ?? new Set()).add(tap));
    else this.#others.add(tap);
  }
  #leave(tap: Tap): void {
    const { service, name } = tap.wanted;
    this.#others.delete(tap);
    for (const [index, key] of [[this.#byService, service] as const, [this.#byName, name] as const]) {
      const taps = key === undefined ? undefined : index.get(key);
      taps?.delete(tap);
      if (key !== undefined && taps?.size === 0) index.delete(key);
    }
  }
}
