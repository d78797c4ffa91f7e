/**
 * What a rule or a push monitor has been sent and has not done with. It outlives its reader: the next incarnation is sent it again, so that
 * a crash loses nothing that was acknowledged. It holds back whoever sends to a reader that is behind, and nobody for one that is away.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { CastMessage } from '../lib/call.ts';
import type { Pid } from '../lib/process.ts';
import type { UnderWay } from './under-way.ts';
import * as vitals from './vitals.ts';

/** A reader with more than this in its mailbox holds back whoever sends to it. */
const HIGH_WATER = 1_000;
/** So many messages are kept for one that is away: of more the newest. */
const MOST_KEPT = 10_000;
/** A message that so many incarnations did not live to be done with may be what kills them. */
const MOST_LIVES = 10;
/** Places of messages that are done with are given back once there are so many. */
const COMPACT = 1_024;
const NOTHING: never[] = [];

/** How far a reader has come, in this life of the node. */
export interface Mark {
  readonly inbox: string;
  readonly number: number;
  /** By monitor: the last stored batch that is judged, where that is further than all have come. It holds in any life of the node. */
  readonly judged?: Readonly<Record<string, number>>;
}
export interface Marked {
  readonly mark: Mark;
}

/** A message as it is sent, one object for however many readers. */
export class Letter<M extends object> extends CastMessage {
  declare readonly message: M & Marked;
  readonly number: number;
  /** The stored batch that it comes from, if it does. */
  readonly seq: number | undefined;
  constructor(message: M & Marked, seq: number | undefined) {
    super(message);
    this.number = message.mark.number;
    this.seq = seq;
  }
}

/** Numbers messages in the order in which they come, in one life of the node. */
export class Post {
  readonly id = randomUUID();
  #last = 0;

  letter<M extends object>(message: M, seq?: number): Letter<M> {
    return new Letter({ ...message, mark: { inbox: this.id, number: ++this.#last } }, seq);
  }
}

export class Inbox<M extends object> {
  /** For people: whose it is. */
  readonly #name: string;
  readonly #post: string;
  readonly #underWay: UnderWay | undefined;
  #reader: Pid | undefined;
  /** From the head on, in the order of their numbers; what stands before it is done with. */
  #kept: Letter<M>[] = NOTHING;
  #head = 0;
  /** The last one that the reader was sent; and, of those before it, the last that each was sent. */
  #sent = 0;
  #lives: readonly number[] = NOTHING;

  /** @param underWay told of every message that is put and done with. */
  constructor(name: string, { id }: Post, underWay?: UnderWay) {
    this.#name = name;
    this.#post = id;
    this.#underWay = underWay;
  }

  /** From now on `reader` reads. It is sent what is kept, but for what stands before `mark`: that it knows to be done. */
  open(reader: Pid, mark?: Mark): void {
    if (this.#reader) this.#lives = [...this.#lives, this.#sent].slice(-MOST_LIVES);
    this.#reader = reader;
    if (mark) this.done(mark);
    const [first = 0] = this.#lives;
    if (this.#lives.length === MOST_LIVES) this.#give(first);
    for (let i = this.#head; i < this.#kept.length; i++) this.#send(this.#kept[i] as Letter<M>);
  }

  put(letter: Letter<M>): void {
    if (this.#kept === NOTHING) this.#kept = [];
    this.#kept.push(letter);
    if (letter.seq !== undefined) this.#underWay?.open(letter.seq);
    if (this.#send(letter)) return;
    if (this.#kept.length - this.#head > MOST_KEPT) this.#give((this.#kept[this.#head] as Letter<M>).number);
  }

  /** The reader has done with all up to this one. */
  done({ inbox, number }: Mark): void {
    if (inbox === this.#post) this.#upTo(number); // else of another life of the node: the numbers begin anew
  }

  /** Nobody will read it any more. */
  close(): void {
    this.#upTo(Number.POSITIVE_INFINITY);
  }

  get isEmpty(): boolean {
    return this.#kept.length === this.#head;
  }
  /** Its reader is here and has more before it than it should. */
  get isBehind(): boolean {
    if (this.#kept.length - this.#head <= HIGH_WATER || !this.#reader?.isAlive) return false; // what it has before it is kept
    return this.#reader.queueLength > HIGH_WATER;
  }
  /** Resolves when its reader is below its high water, or away. */
  async room(): Promise<void> {
    while (this.isBehind) await sleep(1);
  }

  #send(letter: Letter<M>): boolean {
    const taken = this.#reader?.post(letter) === true;
    if (taken) this.#sent = letter.number;
    return taken;
  }

  /** They are given up. */
  #give(upTo: number): void {
    const lost = this.#upTo(upTo);
    if (lost > 0) vitals.unjudged.inc({ reader: this.#name }, lost);
  }

  /** They are kept no longer. Answers how many they were. */
  #upTo(number: number): number {
    const [kept, from] = [this.#kept, this.#head];
    let head = from;
    for (; head < kept.length; head++) {
      const letter = kept[head] as Letter<M>;
      if (letter.number > number) break;
      if (letter.seq !== undefined) this.#underWay?.done(letter.seq);
    }
    if (head === 1 && kept.length === 1)
      kept.pop(); // the array keeps its room, which most need again
    else if (head === kept.length) this.#kept = NOTHING;
    else if (head > COMPACT && head * 2 > kept.length) this.#kept = kept.slice(head);
    this.#head = this.#kept === kept && kept.length > 0 ? head : 0;
    return head - from;
  }
}
