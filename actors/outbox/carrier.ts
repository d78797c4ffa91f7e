/** One attempt to deliver: asked of the action, judged, and written down. */
import { type Ask, CallError, call } from '../../lib/call.ts';
import type { Process } from '../../lib/process.ts';
import type { Job, JobStatus, Outcome } from '../job.ts';
import type { Terms } from '../names.ts';
import { backoffMs } from '../retry-policy.ts';
import * as vitals from '../vitals.ts';
import { together } from './groups.ts';
import { allOf, type AttemptRecord, type Due, type OutboxPort } from './port.ts';

export interface Ended {
  /** `absent`: the action was not there, or was stopped under it. That is no attempt, and nothing was written. */
  readonly outcome: Outcome | 'absent';
  /** When it is to be tried again. */
  readonly againMs: number | undefined;
}

const STORE_RETRY_MS = 1_000;
/** An action that was stopped, replaced or killed while it carried an execution out: that says nothing about the receiver. */
const STOPPED: readonly unknown[] = ['shutdown', 'killed', 'noproc'];

export class Carrier {
  readonly #port: OutboxPort;
  readonly #self: Process;
  /** What cannot be written down then is made again after the next start. */
  isStopping = false;

  constructor(port: OutboxPort, self: Process) {
    this.#port = port;
    this.#self = self;
  }

  /** One attempt, written down. Answers how it went, and when it is to be tried again. */
  async attempt(due: Due, { retry }: Terms): Promise<Ended> {
    const { job, attempts, base } = due;
    const all = allOf(due);
    const startedMs = Date.now();
    if (attempts === 0) for (const one of all) vitals.executionStartSeconds.observe(Math.max(0, startedMs - one.job.createdMs) / 1_000);
    const outcome = await this.#deliver(together([job, ...(due.others ?? []).map((one) => one.job)]));
    if (outcome === 'absent') return { outcome, againMs: undefined };
    const endedMs = Date.now();
    const number = attempts + 1;
    const exhausted = outcome.kind === 'retry' && number - base > retry.max_retries;
    const status: JobStatus = outcome.kind === 'delivered' ? 'succeeded' : outcome.kind === 'discard' || exhausted ? 'failed' : 'retrying';
    const waitMs = outcome.kind === 'retry' ? Math.max(outcome.afterMs ?? 0, backoffMs(retry, number - base, Math.random())) : 0;
    const dueMs = endedMs + (status === 'retrying' ? waitMs : 0);
    vitals.executions.inc({ action: job.action, outcome: outcome.kind }, all.length);
    const record = { number, startedMs, durationMs: endedMs - startedMs, outcome, status, dueMs };
    await this.#write(all.map((one) => ({ job: one.job.id, fence: one.fence, ...record })));
    const detail = {
      execution: job.id,
      ...(all.length > 1 ? { together: all.length } : {}),
      action: job.action,
      attempt: number,
      ...('reason' in outcome ? { reason: outcome.reason, ...(outcome.class ? { class: outcome.class } : {}) } : {}),
    };
    if (status === 'succeeded') this.#port.log.info('delivered', detail);
    else
      this.#port.log.warn(status === 'failed' ? 'failed for good' : 'will be tried again', { ...detail, ...(status === 'retrying' ? { inMs: waitMs } : {}) });
    return { outcome, againMs: status === 'retrying' ? dueMs : undefined };
  }

  /** `absent`: the action was not there, or was stopped before it could answer. That is no attempt. */
  async #deliver(job: Job): Promise<Outcome | 'absent'> {
    const action = this.#port.names.whereis(`action:${job.action}`);
    if (!action) return 'absent';
    try {
      return await call(action, { deliver: job } as Ask<Outcome>, Number.POSITIVE_INFINITY); // the action itself bounds an attempt
    } catch (error) {
      const stopped = error instanceof CallError && STOPPED.includes(error.reason);
      if (stopped) return 'absent';
      return { kind: 'retry', reason: error instanceof Error ? error.message : String(error) }; // it may have died of this very execution
    }
  }

  /** An attempt that is not written down would be made again after a crash: so a store that is away is waited for. */
  async #write(records: readonly AttemptRecord[]): Promise<void> {
    while (this.#self.isAlive) {
      try {
        return await this.#port.attempted(records);
      } catch (error) {
        if (this.isStopping) return;
        this.#port.log.error('an attempt cannot be written down and waits', { execution: records[0]?.job, error: String(error) });
        await new Promise((resolve) => this.#self.clock.setTimer(STORE_RETRY_MS, () => resolve(undefined)));
      }
    }
  }
}
