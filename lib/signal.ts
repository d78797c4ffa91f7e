/** What travels between processes beside their own messages. */
import type { ExitReason } from './exit.ts';
import type { Pid } from './process.ts';
import { Watcher } from './watcher.ts';

/** An exit signal on its way. `linked`: it comes over a link, because `from` has ended. */
export class ExitSignal {
  readonly from: Pid | undefined;
  readonly reason: ExitReason;
  readonly linked: boolean;
  constructor(from: Pid | undefined, reason: ExitReason, linked: boolean) {
    this.from = from;
    this.reason = reason;
    this.linked = linked;
  }
}

/** `{'EXIT', From, Reason}`: what a process that traps exits gets instead of ending. */
export class ExitMessage {
  readonly from: Pid | undefined;
  readonly reason: ExitReason;
  constructor(from: Pid | undefined, reason: ExitReason) {
    this.from = from;
    this.reason = reason;
  }
}

/** `{'DOWN', Ref, process, Pid, Reason}`. It is its own reference: `monitor` answers it, and it comes when `pid` ends. */
export class DownMessage extends Watcher {
  readonly pid: Pid;
  reason: ExitReason;
  readonly #owner: Pid;
  constructor(pid: Pid, owner: Pid) {
    super();
    this.pid = pid;
    this.#owner = owner;
  }
  override ended(reason: ExitReason): void {
    this.reason = reason;
    this.#owner.deliver(this);
  }
}
