/**
 * What a rule or a push monitor has been sent and has not done with. It outlives its reader: the next incarnation is sent it again, so that
 * a crash loses nothing that was acknowledged. It holds back whoever sends to a reader that is behind, and nobody for one that is away.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { cast } from '../lib/call.ts';
import type { Pid } from '../lib/process.ts';
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
}
export interface Marked {
  readonly mark: Mark;
}
interface Kept<M> {
  readonly message: M & Marked;
  sent: number;
}

export class Inbox<M extends object> {
  readonly #id = randomUUID();
  /** For people: whose it is. */
  readonly #name: string;
  #reader: Pid | undefined;
  #kept: Kept<M>[] = [];
  #last = 0;

  constructor(name: string) {
    this.#name = name;
  }

  /** From now on `reader` reads. It is sent what is kept, but for what stands before `mark`: that it knows to be done. */
  open(reader: Pid, mark?: Mark): void {
    this.#reader = reader;
    if (mark) this.done(mark);
    const again = this.#kept.filter(({ sent }) => sent < MOST_SENT);
    this.#lost(this.#kept.length - again.length);
    this.#kept = again;
    for (const one of again) this.#send(one);
  }

  put(message: M): void {
    const one = { message: { ...message, mark: { inbox: this.#id, number: ++this.#last } }, sent: 0 };
    this.#kept.push(one);
    if (this.#reader?.isAlive) this.#send(one);
    else if (this.#kept.length > MOST_KEPT) {
      this.#kept.shift();
      this.#lost(1);
    }
  }

  /** The reader has done with all up to this one. */
  done({ inbox, number }: Mark): void {
    if (inbox !== this.#id) return; // of another life of the node: the numbers begin anew
    const open = this.#kept.findIndex(({ message }) => message.mark.number > number);
    this.#kept.splice(0, open < 0 ? this.#kept.length : open);
  }

  /** Resolves when its reader is below its high water, or away. */
  async room(): Promise<void> {
    while (this.#reader?.isAlive && this.#reader.queueLength > HIGH_WATER) await sleep(1);
  }

  #send(one: Kept<M>): void {
    one.sent++;
    if (this.#reader) cast(this.#reader, one.message);
  }

  #lost(count: number): void {
    if (count > 0) vitals.unjudged.inc({ reader: this.#name }, count);
  }
}
