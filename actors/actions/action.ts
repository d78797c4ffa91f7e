/** An action: one actor that carries out executions, each once when it is asked to. It classifies what came of it; only the outbox tries again. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Static, TSchema } from 'typebox';
import type { CallMessage } from '../../lib/call.ts';
import type { ChildSpec } from '../../lib/child-spec.ts';
import { type GenServer, type Init, type Next, noreply, ok, startLink } from '../../lib/gen-server.ts';
import type { Process } from '../../lib/process.ts';
import type { Fields } from '../event.ts';
import type { Job, Outcome } from '../job.ts';
import type { Logger } from '../logger.ts';
import type { Names, Terms } from '../names.ts';
import type { Fault } from '../schema.ts';
import { TemplateError } from './template.ts';

/** What an action type is given to work with. */
export interface ActionPort {
  readonly log: Logger;
  /** Aborted when the action stops: close pools and transports then. */
  readonly signal: AbortSignal;
}
/** Deliver once. What it throws counts as `retry`, a TemplateError as `discard`. */
export type Deliver = (job: Job, signal: AbortSignal) => Promise<Outcome>;

/** The one thing to write for a new kind of action. */
export interface ActionType<S extends TSchema> {
  /** The value of `"type"` in the config. */
  readonly type: string;
  readonly schema: S;
  /** An attempt may take so long, in milliseconds. */
  timeoutMs(config: Static<S>): number;
  /** What the schema cannot say, with paths from the config on. */
  check?(config: Static<S>): readonly Fault[];
  /** Where it goes, as executions of other actions may: they share its circuit breaker and rate limit. Left out: nowhere that others go. */
  destination?(config: Static<S>): string;
  /** What the other side would be sent for this execution, for `argos test`. Pure. @throws TemplateError */
  shown(config: Static<S>, job: Job): Fields;
  /** Make ready to deliver: open what all executions share. Nothing that needs the other side to be there. */
  prepare(config: Static<S>, port: ActionPort): Deliver;
}

/** Ask an action for one attempt. */
export interface DeliverRequest {
  readonly deliver: Job;
}

export const actionChild = <S extends TSchema>(name: string, type: ActionType<S>, config: Static<S>, terms: Terms, names: Names, log: Logger): ChildSpec => ({
  id: `action:${name}`,
  shutdown: DRAIN_MS + 1_000,
  start: (parent) => startLink(parent, new Action(name, type, config, terms, names, log), { name: `action:${name}` }),
});

/** An action that is stopped or replaced finishes what is under way, for so long. */
const DRAIN_MS = 5_000;

class Action<S extends TSchema> implements GenServer<Deliver, DeliverRequest> {
  readonly #name: string;
  readonly #type: ActionType<S>;
  readonly #config: Static<S>;
  readonly #terms: Terms;
  readonly #names: Names;
  readonly #log: Logger;
  #signal!: AbortSignal;
  readonly #underWay = new Set<Promise<void>>();

  constructor(name: string, type: ActionType<S>, config: Static<S>, terms: Terms, names: Names, log: Logger) {
    this.#name = name;
    this.#type = type;
    this.#config = config;
    this.#terms = terms;
    this.#names = names;
    this.#log = log;
  }

  init(self: Process): Init<Deliver> {
    self.trapExit = true;
    this.#signal = self.signal;
    const deliver = this.#type.prepare(this.#config, { log: this.#log, signal: self.signal });
    this.#names.register(self, `action:${this.#name}`, this.#terms);
    return ok(deliver);
  }

  /** Answers when the attempt is over; others run meanwhile. */
  handleCall({ deliver: job }: DeliverRequest, from: CallMessage, deliver: Deliver): Next<Deliver> {
    const timeout = AbortSignal.timeout(this.#type.timeoutMs(this.#config));
    const attempt = async (): Promise<Outcome> => deliver(job, AbortSignal.any([this.#signal, timeout]));
    const answered = attempt().then(
      (outcome) => from.reply(outcome),
      (error: unknown) => from.reply(outcomeOf(error, timeout.aborted)),
    );
    this.#underWay.add(answered);
    void answered.finally(() => this.#underWay.delete(answered));
    return noreply(deliver);
  }

  async terminate(): Promise<void> {
    await Promise.race([Promise.all(this.#underWay), sleep(DRAIN_MS, undefined, { ref: false })]);
  }
}

/** A fault of ours says nothing of the receiver. */
const OURS = [TypeError, RangeError, ReferenceError, SyntaxError] as const;

function outcomeOf(error: unknown, overdue: boolean): Outcome {
  if (error instanceof TemplateError) return { kind: 'discard', reason: error.message, class: 'client' };
  if (overdue) return { kind: 'retry', reason: 'the attempt took too long', class: 'timeout' };
  const reason = error instanceof Error ? error.message : String(error);
  return OURS.some((kind) => error instanceof kind) ? { kind: 'retry', reason } : { kind: 'retry', reason, class: 'network' };
}
