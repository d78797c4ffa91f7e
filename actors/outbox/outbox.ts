/**
 * The outbox: carries every execution to its end. It asks the action for one attempt at a time, writes down how it went, and tries again
 * as the action's retry policy says. What it holds in memory stands in the store too, from where it comes back after a crash.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Ask, CallError, call, cast } from '../../lib/call.ts';
import type { ChildSpec } from '../../lib/child-spec.ts';
import { type GenServer, type Init, type Next, noreply, ok, startLink } from '../../lib/gen-server.ts';
import type { Process } from '../../lib/process.ts';
import type { Job, JobStatus, Outcome } from '../job.ts';
import type { Names, Terms } from '../names.ts';
import { backoffMs } from '../retry-policy.ts';
import * as vitals from '../vitals.ts';
import { Claims, type Hands } from './claims.ts';
import { groupOf, together } from './groups.ts';
import type { AttemptRecord, Due, OutboxPort } from './port.ts';

type Cast =
  | { readonly due: readonly Job[] }
  | 'look'
  | { readonly ready: Due }
  | { readonly settled: readonly string[]; readonly action: string; readonly again: Due | undefined };
/** Tell the outbox of executions that have just been committed. */
export const dueNow = (names: Names, jobs: readonly Job[]): void => {
  const outbox = names.whereis('outbox');
  if (outbox) cast<Cast>(outbox, { due: jobs }); // when it is away it reads them from the store as it starts
};

/** Tell it that another node has written executions down. */
export const lookAgain = (names: Names): void => {
  const outbox = names.whereis('outbox');
  if (outbox) cast<Cast>(outbox, 'look');
};

/** An action that is not there, being restarted or in quarantine, is asked again after so long. That is no attempt. */
const ABSENT_MS = 1_000;
const STORE_RETRY_MS = 1_000;
/** An orderly stop waits so long for the attempts that are under way; what is not over then is made again after the next start. */
const DRAIN_MS = 5_000;

/** An action that was stopped, replaced or killed while it carried an execution out: that says nothing about the receiver. */
const STOPPED: readonly unknown[] = ['shutdown', 'killed', 'noproc'];

interface Lane {
  readonly waiting: Due[];
  running: number;
}
interface State {
  readonly known: Set<string>;
  readonly lanes: Map<string, Lane>;
  /** What waits for its group to be due. */
  readonly groups: Map<string, Due[]>;
}

export const outboxChild = (port: OutboxPort): ChildSpec => ({
  id: 'outbox',
  shutdown: DRAIN_MS + 1_000,
  start: (parent) => startLink(parent, new Outbox(port), { name: 'outbox' }),
});

class Outbox implements GenServer<State, never, Cast> {
  readonly #port: OutboxPort;
  #self!: Process;
  #stopping = false;
  #claims: Claims | undefined;
  readonly #underWay = new Set<Promise<void>>();

  constructor(port: OutboxPort) {
    this.#port = port;
  }

  async init(self: Process): Promise<Init<State>> {
    this.#self = self;
    self.trapExit = true;
    const state: State = { known: new Set(), lanes: new Map(), groups: new Map() };
    const { shared, log } = this.#port;
    if (shared) {
      const got = (claimed: readonly Due[]): void => {
        for (const due of claimed) this.#accept(due, state);
      };
      this.#claims = new Claims(shared, self, log, () => this.#hands(state), got);
      await this.#claims.begin();
    } else for (const due of await this.#port.open()) this.#accept(due, state);
    this.#port.names.register(self, 'outbox', undefined);
    vitals.outbox.held = () => state.known.size;
    return ok(state);
  }

  handleCast(message: Cast, state: State): Next<State> {
    if (message === 'look' || ('due' in message && this.#claims)) this.#claims?.look();
    else if ('due' in message) for (const job of message.due) this.#accept({ job, attempts: 0, dueMs: job.group?.dueMs ?? job.createdMs }, state);
    else if ('ready' in message) this.#enqueue(message.ready, state);
    else {
      const lane = state.lanes.get(message.action);
      if (lane) lane.running--;
      if (message.again) this.#later(message.again);
      else for (const id of message.settled) state.known.delete(id);
      this.#run(message.action, state);
      this.#claims?.look();
    }
    return noreply(state);
  }

  handleInfo(message: unknown, state: State): Next<State> {
    if (!(message instanceof Ready)) return noreply(state);
    if (message.due.dueMs <= Date.now()) this.#enqueue(message.due, state);
    else this.#later(message.due); // a timer may be a millisecond early by the wall clock
    return noreply(state);
  }

  /** The actions stand below and still run. */
  async terminate(): Promise<void> {
    this.#stopping = true;
    if (!this.#port.names.whereis('store')) return; // then nothing can be written down, and the stages above wait to come back
    await Promise.race([Promise.all(this.#underWay), sleep(DRAIN_MS, undefined, { ref: false })]);
    await this.#port.shared
      ?.release()
      .catch((error: unknown) => this.#port.log.warn('claims are not released; others wait for their end', { error: String(error) }));
  }

  /** What each action could take beside what it has. */
  #hands({ lanes }: State): Hands {
    const hands = new Map<string, number>();
    for (const name of this.#port.names.names()) {
      const terms = this.#port.names.lookup(name)[0]?.value;
      if (!terms || typeof name !== 'string') continue;
      const action = name.slice('action:'.length);
      const { running = 0, waiting = [] } = lanes.get(action) ?? {};
      const free = terms.concurrency - running - waiting.length;
      if (free > 0) hands.set(action, free);
    }
    return hands;
  }

  #accept(due: Due, state: State): void {
    if (state.known.has(due.job.id)) return;
    state.known.add(due.job.id);
    const group = groupOf(due);
    const waiting = group === undefined ? undefined : state.groups.get(group);
    if (waiting) waiting.push(due);
    else if (group !== undefined) state.groups.set(group, [due]);
    if (waiting) return; // the first of them has set the clock
    if (group === undefined && due.dueMs <= Date.now()) this.#enqueue(due, state);
    else this.#later(due); // one of a group in any case: the others may come with it
  }

  /** With all of its group that have come meanwhile. */
  #gathered(due: Due, { groups }: State): Due {
    const group = due.others ? undefined : groupOf(due); // those that have been tried together stay as they are
    if (group === undefined) return due;
    const [first = due, ...others] = groups.get(group) ?? [due];
    groups.delete(group);
    return { ...first, others };
  }

  #later(due: Due): void {
    this.#self.sendAfter(Math.max(1, due.dueMs - Date.now()), new Ready(due));
  }

  #enqueue(due: Due, state: State): void {
    const { action } = due.job;
    const lane = state.lanes.get(action) ?? { waiting: [], running: 0 };
    state.lanes.set(action, lane);
    lane.waiting.push(this.#gathered(due, state));
    this.#run(action, state);
  }

  /** As many at the same time as the action allows; the others wait in order. One action's queue never holds up another's. */
  #run(action: string, { lanes }: State): void {
    const lane = lanes.get(action);
    const terms = this.#port.names.lookup(`action:${action}`)[0]?.value;
    if (!lane) return;
    if (!terms) {
      for (const due of lane.waiting.splice(0)) this.#later({ ...due, dueMs: Date.now() + ABSENT_MS });
      return;
    }
    while (lane.running < terms.concurrency && lane.waiting.length > 0) {
      const due = lane.waiting.shift() as Due;
      lane.running++;
      const attempt = this.#attempt(due, terms).then(
        (again) => void cast<Cast>(this.#self, { settled: allOf(due).map(({ job }) => job.id), action, again }),
        (error: unknown) => this.#self.die(error), // cannot happen unless this file is wrong: then it starts anew from the store
      );
      this.#underWay.add(attempt);
      void attempt.finally(() => this.#underWay.delete(attempt));
    }
  }

  /** One attempt, written down. Answers what is still to be done. */
  async #attempt(due: Due, { retry }: Terms): Promise<Due | undefined> {
    const { job, attempts } = due;
    const all = allOf(due);
    const startedMs = Date.now();
    if (attempts === 0) for (const one of all) vitals.executionStartSeconds.observe(Math.max(0, startedMs - one.job.createdMs) / 1_000);
    const outcome = await this.#deliver(together([job, ...(due.others ?? []).map((one) => one.job)]));
    const endedMs = Date.now();
    if (outcome === 'absent') return { ...due, dueMs: endedMs + ABSENT_MS };
    const number = attempts + 1;
    const exhausted = outcome.kind === 'retry' && number > retry.max_retries;
    const status: JobStatus = outcome.kind === 'delivered' ? 'succeeded' : outcome.kind === 'discard' || exhausted ? 'failed' : 'retrying';
    const waitMs = outcome.kind === 'retry' ? Math.max(outcome.afterMs ?? 0, backoffMs(retry, number, Math.random())) : 0;
    const dueMs = endedMs + (status === 'retrying' ? waitMs : 0);
    vitals.executions.inc({ action: job.action, outcome: outcome.kind }, all.length);
    const record = { number, startedMs, durationMs: endedMs - startedMs, outcome, status, dueMs };
    await this.#write(all.map((one) => ({ job: one.job.id, fence: this.#claims && one.fence, ...record })));
    const reason = 'reason' in outcome ? { reason: outcome.reason } : {};
    const detail = { execution: job.id, ...(all.length > 1 ? { together: all.length } : {}), action: job.action, attempt: number, ...reason };
    if (status === 'succeeded') this.#port.log.info('delivered', detail);
    else
      this.#port.log.warn(status === 'failed' ? 'failed for good' : 'will be tried again', { ...detail, ...(status === 'retrying' ? { inMs: waitMs } : {}) });
    return status === 'retrying' && !this.#claims ? { ...due, attempts: number, dueMs } : undefined; // a claim ends with its attempt
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
        if (this.#stopping) return;
        this.#port.log.error('an attempt cannot be written down and waits', { execution: records[0]?.job, error: String(error) });
        await new Promise((resolve) => this.#self.clock.setTimer(STORE_RETRY_MS, () => resolve(undefined)));
      }
    }
  }
}

const allOf = (due: Due): readonly Due[] => [due, ...(due.others ?? [])];

class Ready {
  readonly due: Due;
  constructor(due: Due) {
    this.due = due;
  }
}
