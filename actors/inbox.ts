/**
 * What a rule or a push monitor has been sent and has not done with. It outlives its reader: the next incarnation is sent it again, so that
 * a crash loses nothing that was acknowledged. It holds back whoever sends to a reader that is behind, and nobody for one that is away.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { cast } from '../lib/call.ts';
import type { Pid } from '../lib/process.ts';
import type { UnderWay } from './under-way.ts';
import * as vitals from './vitals.ts';

/** A reader with more than this in its mailbox holds back whoever sends to it. */
const HIGH_WATER = 1_000;
/** So many messages are kept for one that is away: of more the newest. */
const MOST_KEPT = 10_000;
/** A message that so many incarnations did not live to be done with may be what kills them. */
const MOST_SENT = 10;

/** How far a reader has come, in this inbox and no other. */
export interface Mark {
  readonly inbox: string;
  readonly number: number;
  /** By monitor: the last stored batch that is judged, where that is further than all have come. It holds in any life of the node. */
  readonly judged?: Readonly<Record<string, number>>;
}
export interface Marked {
  readonly mark: Mark;
}
interface Kept<M> {
  readonly message: M & Marked;
  readonly seq: number | undefined;
  sent: number;
}

export class Inbox<M extends object> {
  readonly #id = randomUUID();
  /** For people: whose it is. */
  readonly #name: string;
  readonly #underWay: UnderWay | undefined;
  #reader: Pid | undefined;
  #kept: Kept<M>[] = [];
  #last = 0;

  /** @param underWay told of every message that is put and done with. */
  constructor(name: string, underWay?: UnderWay) {
    this.#name = name;
    this.#underWay = underWay;
  }

  /** From now on `reader` reads. It is sent what is kept, but for what stands before `mark`: that it knows to be done. */
  open(reader: Pid, mark?: Mark): void {
    this.#reader = reader;
    if (mark) this.done(mark);
    const given = this.#kept.filter(({ sent }) => sent >= MOST_SENT);
    this.#lost(given);
    this.#kept = this.#kept.filter(({ sent }) => sent < MOST_SENT);
    for (const one of this.#kept) this.#send(one);
  }

  /** @param seq the stored batch that it comes from, if it does. */
  put(message: M, seq?: number): void {
    const one = { message: { ...message, mark: { inbox: this.#id, number: ++this.#last } }, seq, sent: 0 };
    this.#kept.push(one);
    if (seq !== undefined) this.#underWay?.open(seq);
    if (this.#reader?.isAlive) this.#send(one);
    else if (this.#kept.length > MOST_KEPT) {
      this.#lost(this.#kept.splice(0, 1));
    }
  }

  /** The reader has done with all up to this one. */
  done({ inbox, number }: Mark): void {
    if (inbox !== this.#id) return; // of another life of the node: the numbers begin anew
    const open = this.#kept.findIndex(({ message }) => message.mark.number > number);
    this.#gone(this.#kept.splice(0, open < 0 ? this.#kept.length : open));
  }

  /** Nobody will read it any more. */
  close(): void {
    this.#gone(this.#kept.splice(0));
  }

  /** Resolves when its reader is below its high water, or away. */
  async room(): Promise<void> {
    while (this.#reader?.isAlive && this.#reader.queueLength > HIGH_WATER) await sleep(1);
  }

  #send(one: Kept<M>): void {
    one.sent++;
    if (this.#reader) cast(this.#reader, one.message);
  }

  #lost(given: readonly Kept<M>[]): void {
    if (given.length > 0) vitals.unjudged.inc({ reader: this.#name }, given.length);
    this.#gone(given);
  }

  #gone(kept: readonly Kept<M>[]): void {
    for (const { seq } of kept) if (seq !== undefined) this.#underWay?.done(seq);
  }
}
