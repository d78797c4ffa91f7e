/** Where a spec's actors hang: linked as to a supervisor, stopped as by one, and gone with it. */
import type { Static, TSchema } from 'typebox';
import { type Ask, call } from '../../lib/call.ts';
import type { ChildSpec } from '../../lib/child-spec.ts';
import type { ExitReason } from '../../lib/exit.ts';
import { type GenServer, type Init, type Next, noreply, ok, reply, startLink } from '../../lib/gen-server.ts';
import { type Pid, type Process, spawn } from '../../lib/process.ts';
import { started } from '../../lib/start.ts';
import type { Alert } from '../../actors/alert.ts';
import type { Event } from '../../actors/event.ts';
import type { Feed, Wake } from '../../actors/feed.ts';
import type { Terms } from '../../actors/names.ts';
import type { Job } from '../../actors/job.ts';
import type { RetryPolicy } from '../../actors/retry-policy.ts';
import { check } from '../../actors/schema.ts';

export class Root {
  readonly self: Process = spawn(() => new Promise<never>(() => {}), { name: 'spec' });
  readonly #children: Pid[] = [];

  constructor() {
    this.self.trapExit = true;
  }

  /** @throws what kept it from starting. */
  async start(spec: ChildSpec): Promise<Pid> {
    const pid = started(await spec.start(this.self));
    this.#children.push(pid);
    return pid;
  }

  /** Stop an actor, and wait for its end. Answers the reason with which it ended. */
  stop(pid: Pid, reason: ExitReason = 'shutdown'): Promise<ExitReason> {
    const end = endOf(pid);
    this.self.exit(pid, reason);
    return end;
  }

  /** The last started stops first. */
  async end(reason: ExitReason = 'shutdown'): Promise<void> {
    for (const pid of this.#children.splice(0).reverse()) await this.stop(pid, reason);
    this.self.die('normal');
  }
}

/** The reason with which a process ends, when it has. */
export const endOf = (pid: Pid): Promise<ExitReason> =>
  new Promise((resolve) => {
    if (pid.isAlive) pid.onExit(resolve);
    else resolve(pid.exitReason);
  });

/** What a user would have written, with the defaults filled in. @throws with every fault that it has. */
export function configOf<S extends TSchema>(schema: S, written: object): Static<S> {
  const checked = check(schema, written);
  if ('value' in checked) return checked.value;
  throw new Error(`the spec's own config is wrong: ${JSON.stringify(checked.faults)}`);
}

export const retryPolicyOf = (more: Partial<RetryPolicy> = {}): RetryPolicy => ({
  max_retries: 3,
  backoff_strategy: 'fixed',
  retry_timeout: 10,
  max_backoff: 60_000,
  ...more,
});

let readers = 0;

/** Takes what a Feed wakes it for, as a rule does, and keeps it. */
export class Reader implements GenServer<undefined, Ask<undefined>, Wake> {
  readonly events: Event[] = [];
  /** Under which the feed knows it. */
  readonly name: string;
  readonly #feed: Feed;
  #pid!: Pid;

  constructor(feed: Feed, name: string) {
    this.#feed = feed;
    this.name = name;
  }

  /** Start one that is woken by these fields of these monitors. `name`: that of one whose place it takes. */
  static async start(root: Root, feed: Feed, reads: Readonly<Record<string, readonly string[] | 'all'>>, name = `reader ${++readers}`): Promise<Reader> {
    const reader = new Reader(feed, name);
    await root.start({ id: 'reader', start: (parent) => startLink(parent, reader, { name: 'reader' }) });
    feed.subscribe(reader.name, reader.pid, new Map(Object.entries(reads)));
    return reader;
  }

  get pid(): Pid {
    return this.#pid;
  }
  /** Resolves when it has taken all that was sent to it before. */
  settled(): Promise<undefined> {
    return call(this.#pid, {} as Ask<undefined>);
  }

  init(self: Process): Init<undefined> {
    this.#pid = self;
    return ok(undefined);
  }
  handleCall(): Next<undefined> {
    return reply(undefined, undefined);
  }
  handleCast({ event, mark }: Wake): Next<undefined> {
    this.events.push(event);
    this.#feed.judged(this.name, mark);
    return noreply(undefined);
  }
}

/** How an action is served, when nothing else is said: nobody is kept away. */
export const termsOf = (more: Partial<Terms>): Terms => ({
  retry: retryPolicyOf(),
  concurrency: 8,
  ordered: false,
  destination: 'action:it',
  breaker: { failures: 1_000_000, coolMs: 1 },
  ...more,
});

/** An alert and the execution that it owes. */
export const alertOf = (more: Partial<Alert> = {}): Alert => ({
  rule: 'too_hot',
  description: 'It is too hot',
  severity: 'critical',
  labels: {},
  state: 'firing',
  episode: 'too_hot#1@1000',
  sinceMs: 1_000,
  atMs: 2_000,
  details: 'boiler.payload.temperature > 80 (91)',
  monitor: 'boiler',
  monitors: { boiler: { payload: { temperature: 91 }, up: true } },
  event: { payload: { temperature: 91 }, up: true },
  parameters: { limit: 80 },
  ...more,
});
export const jobOf = ({ alert = {}, ...more }: Partial<Omit<Job, 'alert'>> & { readonly alert?: Partial<Alert> } = {}): Job => ({
  id: 'too_hot#1@1000/firing/act',
  action: 'act',
  createdMs: 2_000,
  alert: alertOf(alert),
  ...more,
});
