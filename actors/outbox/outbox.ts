/**
 * The outbox: carries every execution to its end. It claims what is due from the store, asks the action for one attempt at a time, writes down how it went, and
 * when it is to be tried again. All that is owed stands in the store: a crash loses the claims and nothing else.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type CallMessage, cast } from '../../lib/call.ts';
import type { ChildSpec } from '../../lib/child-spec.ts';
import { type GenServer, type Init, type Next, noreply, ok, reply, startLink } from '../../lib/gen-server.ts';
import type { Process } from '../../lib/process.ts';
import type { Job } from '../job.ts';
import type { Names, Terms } from '../names.ts';
import * as vitals from '../vitals.ts';
import type { BreakerState } from './breaker.ts';
import { Carrier, type Ended } from './carrier.ts';
import { Claims, type Hands, TICK } from './claims.ts';
import { Lanes } from './lanes.ts';
import { allOf, type Due, type OutboxPort } from './port.ts';

type Cast =
  /** Something of these actions may be due; left out: of any. */
  { readonly look: readonly string[] | undefined } | ({ readonly settled: Due; readonly terms: Terms } & Ended);
/** Answers OutboxDetail. */
export type OutboxAsk = { readonly ask: 'status' };
export interface OutboxDetail {
  /** The executions that are under way. */
  readonly running: readonly string[];
  readonly destinations: readonly { readonly destination: string; readonly breaker: BreakerState }[];
}

/** Tell the outbox of executions that have just been committed. */
export const dueNow = (names: Names, jobs: readonly Job[]): void => lookAgain(names, [...new Set(jobs.map(({ action }) => action))]);

/** Tell it that executions have been written down, of these actions or of any. When it is away it looks as it starts. */
export const lookAgain = (names: Names, look?: readonly string[]): void => {
  const outbox = names.whereis('outbox');
  if (outbox) cast<Cast>(outbox, { look });
};

/** An orderly stop waits so long for the attempts that are under way; what is not over then is made again after the next start. */
const DRAIN_MS = 5_000;

export const outboxChild = (port: OutboxPort): ChildSpec => ({
  id: 'outbox',
  shutdown: DRAIN_MS + 1_000,
  start: (parent) => startLink(parent, new Outbox(port), { name: 'outbox' }),
});

class Outbox implements GenServer<Lanes, OutboxAsk, Cast> {
  readonly #port: OutboxPort;
  readonly #lanes = new Lanes();
  readonly #underWay = new Set<Promise<void>>();
  /** When a destination is to be asked for again, by its name. */
  readonly #timers = new Map<string, number>();
  #self!: Process;
  #claims!: Claims;
  #carrier!: Carrier;

  constructor(port: OutboxPort) {
    this.#port = port;
  }

  async init(self: Process): Promise<Init<Lanes>> {
    this.#self = self;
    self.trapExit = true;
    const { queue, log, names } = this.#port;
    this.#carrier = new Carrier(this.#port, self);
    this.#claims = new Claims(
      queue,
      self,
      log,
      (action) => this.#hands(action),
      (action, dues) => this.#got(action, dues),
      () => this.#lanes.expired(Date.now()).flatMap(allOf),
    );
    await this.#claims.begin();
    names.register(self, 'outbox', undefined);
    vitals.outbox.held = () => this.#lanes.size;
    vitals.outbox.shut = () => this.#lanes.destinations(Date.now()).flatMap(({ destination, breaker }) => (breaker === 'closed' ? [] : [destination]));
    return ok(this.#lanes);
  }

  handleCall(_request: OutboxAsk, _from: CallMessage, lanes: Lanes): Next<Lanes> {
    const running = lanes.running.flatMap(allOf).map(({ job }) => job.id);
    return reply({ running, destinations: lanes.destinations(Date.now()) } satisfies OutboxDetail, lanes);
  }

  handleCast(message: Cast, lanes: Lanes): Next<Lanes> {
    if ('look' in message) {
      if (!message.look) this.#claims.look();
      for (const action of message.look ?? []) this.#claims.look(action);
    } else {
      const { settled, terms, outcome, againMs } = message;
      lanes.back(settled, terms, outcome, Date.now());
      if (outcome === 'absent') this.#release([settled]);
      if (againMs !== undefined) this.#lookAt(settled.job.action, againMs);
      this.#pump(terms.destination);
      this.#claims.look(settled.job.action);
    }

    return noreply(lanes);
  }

  handleInfo(message: unknown, lanes: Lanes): Next<Lanes> {
    if (message === TICK) this.#claims.tick();
    if (message instanceof LookAt) this.#claims.look(message.action);
    if (message instanceof GateOpens) {
      this.#timers.delete(message.destination);
      this.#pump(message.destination);
    }
    return noreply(lanes);
  }

  /** The actions stand below and still run. */
  async terminate(): Promise<void> {
    this.#carrier.isStopping = true;
    if (!this.#port.names.whereis('store')) return; // then nothing can be written down, and the stages above wait to come back
    await Promise.race([Promise.all(this.#underWay), sleep(DRAIN_MS, undefined, { ref: false })]);
    await this.#port.queue
      .release()
      .catch((error: unknown) => this.#port.log.warn('claims are not released; others wait for their end', { error: String(error) }));
  }

  #terms(action: string): Terms | undefined {
    return this.#port.names.lookup(`action:${action}`)[0]?.value;
  }

  /** What the actions that are here could take. */
  #hands(wanted: string | undefined): readonly Hands[] {
    if (this.#carrier.isStopping) return [];
    const actions =
      wanted === undefined
        ? this.#port.names.names().flatMap((name) => (typeof name === 'string' && name.startsWith(ACTION) ? [name.slice(ACTION.length)] : []))
        : [wanted];
    return actions.flatMap((action) => {
      const terms = this.#terms(action);
      return terms ? [{ action, free: this.#lanes.free(action, terms), ordered: terms.ordered }] : [];
    });
  }

  #got(action: string, dues: readonly Due[]): void {
    const terms = this.#terms(action);
    if (!terms || this.#carrier.isStopping) {
      this.#release([...this.#lanes.empty(action), ...dues]);
      return;
    }
    for (const due of dues) this.#lanes.add(action, terms, due);
    this.#pump(terms.destination);
  }

  /** The action is gone: whoever has it may take them; here they are looked for again when it is back. */
  #release(dues: readonly Due[]): void {
    const all = dues.flatMap(allOf);
    if (all.length > 0)
      this.#port.queue
        .release(all)
        .catch((error: unknown) => this.#port.log.warn('claims are not released; others wait for their end', { error: String(error) }));
  }

  /** As many to this destination as may go now. One action's queue never holds up another's, but on a way that they share. */
  #pump(destination: string): void {
    while (!this.#carrier.isStopping) {
      const nowMs = Date.now();
      const late = this.#lanes.expired(nowMs);
      if (late.length > 0) this.#release(late); // the next tick ends them
      const next = this.#lanes.next(destination, nowMs);
      if ('atMs' in next) {
        this.#pumpAt(destination, next.atMs, nowMs);
        return;
      }
      const { due, terms } = next;
      const attempt = this.#carrier.attempt(due, terms).then(
        ({ outcome, againMs }) => void cast<Cast>(this.#self, { settled: due, terms, outcome, againMs }),
        (error: unknown) => this.#self.die(error), // cannot happen unless this file is wrong: then it starts anew from the store
      );
      this.#underWay.add(attempt);
      void attempt.finally(() => this.#underWay.delete(attempt));
    }
  }

  #pumpAt(destination: string, atMs: number | undefined, nowMs: number): void {
    if (atMs === undefined || (this.#timers.get(destination) ?? Number.POSITIVE_INFINITY) <= atMs) return;
    this.#timers.set(destination, atMs);
    this.#self.sendAfter(Math.max(1, atMs - nowMs), new GateOpens(destination));
  }

  #lookAt(action: string, atMs: number): void {
    this.#self.sendAfter(Math.max(1, atMs - Date.now()), new LookAt(action));
  }
}

const ACTION = 'action:';

class LookAt {
  readonly action: string;
  constructor(action: string) {
    this.action = action;
  }
}
class GateOpens {
  readonly destination: string;
  constructor(destination: string) {
    this.destination = destination;
  }
}
