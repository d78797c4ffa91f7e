/** An outbox over a real store, wired as in a node, with actions that do what a spec says. */
import { expect } from 'chai';
import { Type } from 'typebox';
import type { Pid } from '../../lib/process.ts';
import { type ActionType, actionChild, type Deliver } from '../../actors/actions/action.ts';
import type { Job } from '../../actors/job.ts';
import { logger } from '../../actors/logger.ts';
import type { Terms } from '../../actors/names.ts';
import { dueNow, lookAgain, outboxChild } from '../../actors/outbox/outbox.ts';
import type { AttemptRecord, SharedQueue } from '../../actors/outbox/port.ts';
import type { Attempt } from '../../actors/store/changes.ts';
import type { StoredJob } from '../../actors/store/reads.ts';
import { jobOf, retryPolicyOf, type Root } from './actors.ts';
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
  /** In a store that others share: it claims what it carries out. */
  shared: SharedQueue | undefined;

  constructor(root: Root, under = new TestStore(root)) {
    this.root = root;
    this.under = under;
  }

  /** How it writes an attempt down. */
  write = (records: readonly AttemptRecord[]): Promise<void> =>
    this.under.store.commit(
      records.map(({ job: id, fence, number, startedMs, durationMs, outcome, status, dueMs }) => ({
        set: 'attempt',
        status,
        dueMs,
        fence,
        attempt: { job: id, number, startedMs, durationMs, outcome: outcome.kind, reason: 'reason' in outcome ? outcome.reason : null },
      })),
    );
  async start(): Promise<void> {
    const { names, store } = this.under;
    const { shared } = this;
    if (shared) store.onJobs = () => lookAgain(names);
    this.pid = await this.root.start(
      outboxChild({ names, log: logger('spec'), open: () => store.openJobs(), attempted: (attempt) => this.write(attempt), shared }),
    );
  }
  action(name: string, deliver: Deliver, terms: Partial<Terms> = {}): Promise<Pid> {
    const schema = Type.Object({});
    const type: ActionType<typeof schema> = { type: 'spec', schema, timeoutMs: () => 60_000, shown: () => ({}), prepare: () => deliver };
    return this.root.start(actionChild(name, type, {}, { retry: retryPolicyOf(), concurrency: 8, ...terms }, this.under.names, logger('spec')));
  }

  /** As a rule does it: stored first, then said. */
  async owe(...jobs: readonly Job[]): Promise<void> {
    await this.under.store.commit(jobs.map((one) => ({ set: 'job', job: one, status: 'queued' })));
    this.tell(...jobs);
  }
  tell(...jobs: readonly Job[]): void {
    dueNow(this.under.names, jobs);
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
