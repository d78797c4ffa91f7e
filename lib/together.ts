/** Shutting down any number of children at once, in no order (supervisor:terminate_dynamic_children/1, DynamicSupervisor.terminate_children/2). */
import { isDeepStrictEqual } from 'node:util';
import { isExpected, shutdownOf, unlinkFlush } from './child.ts';
import type { ChildSpec } from './child-spec.ts';
import type { ExitReason } from './exit.ts';
import type { Pid, Process } from './process.ts';
import { supervisorReport } from './report.ts';
import { DownMessage } from './signal.ts';

const ALIVE = Symbol('alive');

/** The shutdown time of one child is over. */
class Overdue {
  readonly down: DownMessage;
  constructor(down: DownMessage) {
    this.down = down;
  }
}

/** Resolves when all are gone. One report for each spec and reason that was not expected. */
export async function terminateTogether(self: Process, children: Iterable<{ readonly spec: ChildSpec; readonly pid: Pid | undefined }>): Promise<void> {
  const waiting = new Map<DownMessage, { readonly spec: ChildSpec; readonly cancel: () => void }>();
  const faults: { readonly spec: ChildSpec; readonly reason: ExitReason; nbChildren: number }[] = [];
  const ended = (spec: ChildSpec, reason: ExitReason): void => {
    if (isExpected(spec, reason)) return;
    const same = faults.find((one) => one.spec === spec && isDeepStrictEqual(one.reason, reason)); // reasons are terms: equal, not identical
    if (same) same.nbChildren++;
    else faults.push({ spec, reason, nbChildren: 1 });
  };
  const all = [...children];
  if (all.some(({ pid }) => !pid)) throw new FunctionClause(); // OTP meets that one before any other: an atom sorts before a pid
  for (const { spec, pid } of all) {
    if (!pid) continue;
    const down = self.monitor(pid);
    const reason = unlinkFlush(self, pid, ALIVE);
    if (reason === ALIVE) {
      const shutdown = shutdownOf(spec);
      self.exit(pid, shutdown === 'brutal_kill' ? 'kill' : 'shutdown');
      waiting.set(down, { spec, cancel: typeof shutdown === 'number' ? self.sendAfter(shutdown, new Overdue(down)) : () => {} });
    } else {
      self.demonitor(down);
      ended(spec, reason);
    }
  }
  const isOurs = (message: unknown): message is DownMessage | Overdue =>
    (message instanceof DownMessage && waiting.has(message)) || (message instanceof Overdue && waiting.has(message.down));
  while (waiting.size > 0) {
    const message = await self.receive(isOurs);
    if (message instanceof Overdue) self.exit(message.down.pid, 'kill');
    else if (message) {
      const child = waiting.get(message);
      waiting.delete(message);
      child?.cancel();
      if (child) ended(child.spec, message.reason);
    }
  }
  for (const { reason, ...fault } of faults) supervisorReport(self, 'shutdown_error', reason, fault);
}

/** An ignored restart under simple_one_for_one leaves a child without a process; OTP 25 then crashes with `function_clause`, and so does this. */
class FunctionClause extends Error {
  override readonly name = 'FunctionClause';
  readonly reason = 'function_clause';
}
