/**
 * A custom function: one actor with a thread of its own, in which the function runs, one call after the other. Whatever the function does, a call is
 * answered within its budget; without an answer its value is unknown, and that is counted. A thread that had to be ended is back later and later.
 */
import { type Ask, type CallMessage, call } from '../../lib/call.ts';
import type { ChildSpec } from '../../lib/child-spec.ts';
import { type GenServer, type Init, type Next, noreply, ok, reply, startLink } from '../../lib/gen-server.ts';
import type { Process } from '../../lib/process.ts';
import type { Logger } from '../logger.ts';
import type { Names } from '../names.ts';
import * as vitals from '../vitals.ts';
import type { Failure, Outcome } from './outcome.ts';
import type { FunctionConfig } from './schema.ts';
import { FunctionThread } from './thread.ts';

type Request = { readonly call: readonly unknown[] } | { readonly ask: 'status' };
interface Waiting {
  readonly args: readonly unknown[];
  readonly answer: (outcome: Outcome) => void;
}
export interface FunctionStatus {
  readonly phase: 'ready' | 'resting';
  readonly calls: number;
  /** Calls without an answer. */
  readonly failures: number;
  readonly lastFailure: string | null;
}

/** Calls that wait for their turn. */
const MOST_WAITING = 1_000;
const FIRST_REST_MS = 100;
const LONGEST_REST_MS = 60_000;
/** A function that goes wrong is told of no more often. */
const TELL_EVERY_MS = 60_000;
const START = Symbol('start the thread anew');

export const functionChild = (config: FunctionConfig, names: Names, log: Logger): ChildSpec => ({
  id: `function:${config.name}`,
  start: (parent) => startLink(parent, new CustomFunction(config, names, log), { name: `function:${config.name}` }),
});

/** What a function answers; undefined when it has no answer, for whatever reason. */
export async function callFunction(names: Names, name: string, args: readonly unknown[]): Promise<unknown> {
  const pid = names.whereis(`function:${name}`);
  const outcome = pid && (await call(pid, { call: args } as Ask<Outcome>, Number.POSITIVE_INFINITY).catch(() => undefined)); // its own budget bounds it
  if (!outcome) vitals.functionCalls.inc({ function: name, outcome: 'absent' });
  return outcome && 'value' in outcome ? outcome.value : undefined;
}

class CustomFunction implements GenServer<undefined, Request, never> {
  readonly #config: FunctionConfig;
  readonly #names: Names;
  readonly #log: Logger;
  #self!: Process;
  #thread: FunctionThread | undefined;
  readonly #waiting: Waiting[] = [];
  #running = false;
  #restMs = FIRST_REST_MS;
  #calls = 0;
  #failures = 0;
  #lastFailure: string | null = null;
  #tellMs = Number.NEGATIVE_INFINITY;
  #untold = 0;

  constructor(config: FunctionConfig, names: Names, log: Logger) {
    this.#config = config;
    this.#names = names;
    this.#log = log;
  }

  async init(self: Process): Promise<Init<undefined>> {
    this.#self = self;
    await this.#start();
    this.#names.register(self, `function:${this.#config.name}`, undefined);
    return ok(undefined);
  }

  handleCall(request: Request, from: CallMessage): Next<undefined> {
    if ('ask' in request) return reply(this.#status(), undefined);
    const answer = (outcome: Outcome): void => {
      this.#count(outcome);
      from.reply(outcome);
    };
    if (!this.#thread) answer({ failure: 'resting', message: 'its thread is on the way back' });
    else if (this.#waiting.length >= MOST_WAITING) answer({ failure: 'overload', message: `${MOST_WAITING} calls wait already` });
    else {
      this.#waiting.push({ args: request.call, answer });
      if (!this.#running) void this.#run();
    }
    return noreply(undefined);
  }

  async handleInfo(message: unknown): Promise<Next<undefined>> {
    if (message !== START || this.#thread) return noreply(undefined);
    try {
      await this.#start();
    } catch (error) {
      this.#rest(error instanceof Error ? error.message : String(error));
    }
    return noreply(undefined);
  }

  async terminate(): Promise<void> {
    await this.#thread?.stop();
  }

  #status(): FunctionStatus {
    return { phase: this.#thread ? 'ready' : 'resting', calls: this.#calls, failures: this.#failures, lastFailure: this.#lastFailure };
  }

  async #start(): Promise<void> {
    this.#thread = await FunctionThread.start(this.#config, this.#self.signal, (text) => this.#log.debug('the function has printed', { text }));
  }

  /** All that waits, one after the other. */
  async #run(): Promise<void> {
    this.#running = true;
    for (let next = this.#waiting.shift(); next && this.#thread; next = this.#waiting.shift()) {
      const thread = this.#thread;
      const outcome = await thread.call(next.args, this.#config.budget_ms);
      next.answer(outcome);
      if (thread.ended === undefined) {
        this.#restMs = FIRST_REST_MS;
        continue;
      }
      this.#thread = undefined;
      this.#rest(thread.ended);
    }
    this.#running = false;
  }

  /** A function that ends its thread again and again is not to keep a core busy. Meanwhile its calls have no answer. */
  #rest(reason: string): void {
    if (!this.#self.isAlive) return;
    for (const { answer } of this.#waiting.splice(0)) answer({ failure: 'resting', message: reason });
    this.#self.sendAfter(this.#restMs, START);
    this.#restMs = Math.min(LONGEST_REST_MS, 2 * this.#restMs);
  }

  #count(outcome: Outcome): void {
    const { name } = this.#config;
    this.#calls++;
    const failed: Failure | undefined = 'failure' in outcome ? outcome.failure : undefined;
    vitals.functionCalls.inc({ function: name, outcome: failed ?? 'answered' });
    if (!('failure' in outcome) || outcome.failure === 'unknown') return;
    this.#failures++;
    this.#untold++;
    this.#lastFailure = `${outcome.failure}: ${outcome.message}`;
    const nowMs = performance.now();
    if (nowMs < this.#tellMs) return;
    this.#tellMs = nowMs + TELL_EVERY_MS;
    this.#log.warn('a call has no answer', { outcome: outcome.failure, error: outcome.message, calls: this.#untold });
    this.#untold = 0;
  }
}
