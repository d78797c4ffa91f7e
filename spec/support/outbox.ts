/** An outbox over a real store, wired as in a node, with actions that do what a spec says. */
import { expect } from 'chai';
import { Type } from 'typebox';
import type { Pid } from '../../lib/process.ts';
import { type ActionType, actionChild, type Deliver } from '../../actors/actions/action.ts';
import type { Job } from '../../actors/job.ts';
import { logger } from '../../actors/logger.ts';
import type { Terms } from '../../actors/names.ts';
import { type Ask, call } from '../../lib/call.ts';
import { dueNow, lookAgain, type OutboxDetail, outboxChild } from '../../actors/outbox/outbox.ts';
import type { AttemptRecord, Queue } from '../../actors/outbox/port.ts';
import { outboxIn, queueIn } from '../../supervisors/outbox.ts';
import type { Attempt } from '../../actors/store/changes.ts';
import type { StoredJob } from '../../actors/store/reads.ts';
import { jobOf, termsOf, type Root } from './actors.ts';
import { eventually } from './eventually.ts';
import { TestStore } from './store.ts';

export const job = (id: string, action = 'act'): Job => jobOf({ id, action, createdMs: Date.now() });

/** Times between the end of one attempt and the start of the next. */
export const waits = (all: readonly Attempt[]): number[] =>
  all.slice(1).map(({ startedMs }, i) => startedMs - (all[i]?.startedMs ?? 0) - (all[i]?.durationMs ?? 0));

export class TestOutbox {
  readonly root: Root;
  readonly under: TestStore;
  pid!: Pid;
  /** Where it takes from. */
  queue: Queue;

  constructor(root: Root, under = new TestStore(root)) {
    this.root = root;
    this.under = under;
    this.queue = queueIn(under.store);
  }

  /** How it writes an attempt down. */
  write = (records: readonly AttemptRecord[]): Promise<void> => outboxIn(this.under.store, undefined).attempted(records);
  async start(): Promise<void> {
    const { names, store } = this.under;
    store.onJobs = () => lookAgain(names);
    this.pid = await this.root.start(outboxChild({ names, log: logger('spec'), queue: this.queue, attempted: (attempt) => this.write(attempt) }));
  }
  action(name: string, deliver: Deliver, terms: Partial<Terms> = {}): Promise<Pid> {
    const schema = Type.Object({});
    const type: ActionType<typeof schema> = { type: 'spec', schema, timeoutMs: () => 60_000, shown: () => ({}), prepare: () => deliver };
    return this.root.start(actionChild(name, type, {}, termsOf({ destination: `action:${name}`, ...terms }), this.under.names, logger('spec')));
  }

  /** As a rule does it: stored first, then said. */
  async owe(...jobs: readonly Job[]): Promise<void> {
    await this.under.store.commit(jobs.map((one) => ({ set: 'job', job: one, status: 'queued' })));
    this.tell(...jobs);
  }
  tell(...jobs: readonly Job[]): void {
    dueNow(this.under.names, jobs);
  }
  /** As an operator does it. */
  async putBack(...ids: readonly string[]): Promise<void> {
    await this.under.store.commit([{ set: 'redrive', ids, dueMs: Date.now() }]);
    lookAgain(this.under.names);
  }
  async destinations(): Promise<OutboxDetail['destinations']> {
    return (await call(this.pid, { ask: 'status' } as Ask<OutboxDetail>)).destinations;
  }
  async running(): Promise<OutboxDetail['running']> {
    return (await call(this.pid, { ask: 'status' } as Ask<OutboxDetail>)).running;
  }
  async stored(id: string): Promise<StoredJob | undefined> {
    return (await this.under.store.jobs({ id }))[0];
  }
  attempts(id: string): Promise<readonly Attempt[]> {
    return this.under.store.attempts(id);
  }
  /** Wait until it has this status. */
  ends(id: string, status: string): Promise<unknown> {
    return eventually(async () => expect((await this.stored(id))?.status).to.equal(status));
  }
}
