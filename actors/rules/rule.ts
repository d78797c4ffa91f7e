/**
 * A rule: one actor that judges the events of the monitors that it reads, and, when its verdict changes, owes executions. Its state and
 * the executions become lasting in one transaction, before it takes the next event.
 */
import { type CallMessage, CastMessage } from '../../lib/call.ts';
import type { ChildSpec } from '../../lib/child-spec.ts';
import { type GenServer, type Init, type Next, noreply, ok, reply, startLink } from '../../lib/gen-server.ts';
import type { Process } from '../../lib/process.ts';
import type { Observation } from '../event.ts';
import { touches, type Wake } from '../feed.ts';
import type { Mark } from '../inbox.ts';
import * as vitals from '../vitals.ts';
import { close, INACTIVE } from './alert/alert-state.ts';
import { verdictOfEdit } from './condition/identity.ts';
import { Instance, type States } from './instance.ts';
import type { RulePort, RuleState } from './port.ts';
import { type Program, programOf } from './program.ts';
import type { RuleConfig } from './schema.ts';
import { statusOf } from './status.ts';
import { type Decision, Desk } from './decisions.ts';

export type { RulePort };

const MOST_AT_ONCE = 1_000;
const COMMIT_RETRY_MS = 1_000;
/** Alerts of one rule; monitors beyond that are not judged by it, and that is said. */
const MOST_INSTANCES = 10_000;
const TICK = Symbol('time may have changed the verdict');

/** @param needs monitors whose states the rule's actions name beside those that it reads. */
export const ruleChild = (name: string, config: RuleConfig, port: RulePort, needs: readonly string[] = []): ChildSpec => ({
  id: `rule:${name}`,
  start: (parent) => startLink(parent, new Rule(name, config, port, needs), { name: `rule:${name}` }),
});

class Rule implements GenServer<undefined, { readonly ask: 'status' }, Wake> {
  readonly #name: string;
  readonly #port: RulePort;
  readonly #program: Program;
  readonly #desk: Desk;
  readonly #instances = new Map<string, Instance>();
  /** The last observation of each monitor that has been judged: the next one may have changed from it. */
  readonly #judged = new Map<string, Observation>();
  /** The last stored batch of each monitor that has been judged. */
  readonly #seen = new Map<string, number>();
  #read: Mark | undefined;
  #published = false;
  #self!: Process;
  #tickMs = Number.POSITIVE_INFINITY;
  #cancelTick: () => void = () => {};

  constructor(name: string, config: RuleConfig, port: RulePort, needs: readonly string[]) {
    this.#name = name;
    this.#port = port;
    this.#program = programOf(name, config, needs);
    this.#desk = new Desk(name, config, this.#program);
  }

  async init(self: Process): Promise<Init<undefined>> {
    this.#self = self;
    const { feed, names } = this.#port;
    const { each, reads, identity } = this.#program;
    const stored = await this.#port.load(this.#name);
    const edit = stored?.meant && verdictOfEdit(stored.meant, identity);
    const alerts = await this.#port.instances(this.#name);
    for (const { instance, state } of alerts) this.#add(instance, state);
    if (!each || edit?.verdict === 'reset') this.#add('', stored ?? INACTIVE);
    this.#read = stored?.read;
    for (const [monitor, seq] of Object.entries(stored?.read?.judged ?? {})) this.#seen.set(monitor, seq);
    for (const instance of this.#instances.values()) await this.#refill(instance);
    feed.subscribe(this.#name, self, reads, stored?.read, each);
    names.register(self, `rule:${this.#name}`, undefined);
    if (edit?.verdict === 'reset') await this.#reset(edit.reason);
    self.deliver(TICK); // what it missed while it was away shows in the monitors' states
    return ok(undefined);
  }

  /** All events that are waiting are judged in one go, so that they cost one commit. */
  async handleCast(wake: Wake): Promise<Next<undefined>> {
    const decisions: Decision[] = [];
    let { mark } = wake;
    for (const { event, mark: next } of [wake, ...this.#waiting()]) {
      const { monitor, observations, seq } = event;
      let previous = this.#judged.get(monitor) ?? this.#before(monitor, observations[0]);
      for (const observation of observations) {
        for (const instance of await this.#concerned(monitor, observation)) {
          instance.see(monitor, observation);
          decisions.push(...this.#judge(instance, this.#states(monitor, observation, previous), monitor, observation));
        }
        previous = observation;
      }
      if (previous) this.#judged.set(monitor, previous);
      if (seq !== undefined) this.#seen.set(monitor, seq);
      mark = next;
    }
    this.#read = { ...mark, judged: this.#port.feed.ahead(this.#seen) };
    if (decisions.length > 0) await this.#settle(decisions);
    else this.#port.feed.judged(this.#name, mark);
    return noreply(undefined);
  }

  async handleInfo(message: unknown): Promise<Next<undefined>> {
    if (message !== TICK) return noreply(undefined);
    this.#tickMs = Number.POSITIVE_INFINITY;
    const nowMs = Date.now();
    const due = [...this.#instances.values()].filter(({ wakeMs }) => wakeMs <= nowMs);
    for (const one of due) one.wakeMs = Number.POSITIVE_INFINITY;
    const states = this.#states();
    const decisions = this.#program.life.mode === 'event' ? [] : due.flatMap((one) => this.#judge(one, states, undefined, { atMs: nowMs, fields: {} }));
    if (decisions.length > 0) await this.#settle(decisions);
    else if (!this.#published) await this.#publish();
    this.#tickAt(Math.min(...Array.from(this.#instances.values(), ({ wakeMs }) => wakeMs)));
    return noreply(undefined);
  }

  handleCall(_request: { readonly ask: 'status' }, _from: CallMessage): Next<undefined> {
    return reply(statusOf(this.#name, this.#program, [...this.#instances.values()], this.#states(), this.#desk.changes), undefined);
  }

  #add(key: string, state: RuleState): Instance {
    const { read: _read, meant: _meant, ...alert } = state;
    const instance = new Instance(key, this.#program, alert, Date.now());
    instance.wakeMs = 0;
    this.#instances.set(key, instance);
    return instance;
  }

  /** The instances that an observation concerns: that of its monitor, and, when others are read as well, all. */
  async #concerned(monitor: string, observation: Observation): Promise<readonly Instance[]> {
    const { each, reads } = this.#program;
    if (touches(observation, reads.get(monitor))) return [...this.#instances.values()];
    if (!each?.matches(monitor) || !touches(observation, each.fields)) return [];
    const there = this.#instances.get(monitor);
    if (there) return [there];
    if (this.#instances.size >= MOST_INSTANCES) {
      vitals.unjudged.inc({ reader: `rule:${this.#name}` });
      return [];
    }
    const fresh = this.#add(monitor, INACTIVE);
    await this.#refill(fresh);
    return [fresh];
  }

  /** What its windows held before this life of the rule. A store that does not answer leaves them empty: the rule judges what it has. */
  async #refill(instance: Instance): Promise<void> {
    const nowMs = Date.now();
    for (const [monitor, { path, lengthMs }, aggregate] of instance.windows())
      try {
        for await (const { tsMs, value } of this.#port.history(monitor, path, nowMs - lengthMs)) aggregate.add(tsMs, value);
      } catch (error) {
        this.#port.log.warn('a window begins without its past', { monitor, path: path.join('.'), error: String(error) });
      }
  }

  /** What the monitor had seen before this, as far as its history still has it. */
  #before(monitor: string, observation: Observation | undefined): Observation | undefined {
    const history = this.#port.feed.latest(monitor)?.history ?? [];
    return observation && history[history.indexOf(observation) - 1];
  }

  #waiting(): Wake[] {
    const waiting: Wake[] = [];
    while (waiting.length < MOST_AT_ONCE) {
      const next = this.#self.take((message) => message instanceof CastMessage);
      if (!(next instanceof CastMessage)) break;
      waiting.push(next.message as Wake); // nothing else is ever cast to a rule
    }
    return waiting;
  }

  /** One evaluation of one alert. Answers what it changed. */
  #judge(instance: Instance, states: States, monitor: string | undefined, observation: Observation): readonly Decision[] {
    const nowMs = monitor === undefined ? observation.atMs : Math.max(observation.atMs, instance.state.sinceMs);
    const { turn, found, error } = instance.judge(states, nowMs);
    vitals.evaluations.inc({ rule: this.#name, result: found.failed ? 'error' : found.truth === undefined ? 'unknown' : String(found.truth) });
    vitals.evaluationSeconds.observe(Math.max(0, Date.now() - observation.atMs) / 1_000);
    this.#tickAt(instance.wakeMs);
    return this.#desk.decide(instance, turn, states, { monitor, observation, nowMs, error });
  }

  /** It means something else now: alerts that are open end, and who was told is told. */
  async #reset(reason: string): Promise<void> {
    const nowMs = Date.now();
    const decisions = [...this.#instances.values()].flatMap((instance) => {
      const step = close(instance.state, nowMs);
      return this.#desk.decide(instance, { ...step, cause: 'condition' }, this.#states(), {
        monitor: instance.state.monitor,
        observation: { atMs: nowMs, fields: {} },
        nowMs,
        error: undefined,
        reason,
      });
    });
    this.#port.log.info('the alert begins anew', { reason });
    await this.#settle(decisions);
    if (this.#program.each) this.#instances.delete('');
  }

  /** Make the new states lasting, with what they owe. A store that is away is waited for: the events behind these wait as well. */
  async #settle(decisions: readonly Decision[]): Promise<void> {
    const { feed, log } = this.#port;
    const news = this.#desk.newsOf(decisions, this.#instances.get('')?.state ?? INACTIVE, this.#read);
    while (this.#self.isAlive) {
      try {
        await this.#port.commit(this.#name, news);
        break;
      } catch (error) {
        if (!this.#self.isAlive) return;
        log.error('the verdict cannot be stored and waits', { error: String(error), retryMs: COMMIT_RETRY_MS });
        await this.#self.receive((message): message is never => message === NEVER, COMMIT_RETRY_MS);
      }
    }
    if (this.#read) feed.judged(this.#name, this.#read);
    for (const { said, alert } of decisions) if (said) log.info(said, { episode: alert.episode, details: alert.details });
    const due = news.executions.flatMap(({ job, suppressed }) => (suppressed === undefined ? [job] : []));
    if (due.length > 0) this.#port.due(due);
    await this.#publish();
  }

  /** For the rules that read this one. */
  async #publish(): Promise<void> {
    this.#published = true;
    const observations = [this.#desk.observation([...this.#instances.values()])];
    await this.#port.feed.publish({ monitor: `rule:${this.#name}`, observations });
  }

  #states(monitor?: string, observation?: Observation, previous?: Observation): States {
    const { feed } = this.#port;
    return {
      now: (name) => (name === monitor ? observation?.fields : feed.latest(name)?.last.fields),
      before: (name) => (name === monitor ? previous?.fields : feed.latest(name)?.history.at(-2)?.fields),
    };
  }

  #tickAt(wakeMs: number): void {
    if (wakeMs >= this.#tickMs) return;
    this.#tickMs = wakeMs;
    this.#cancelTick();
    this.#cancelTick = this.#self.sendAfter(Math.max(1, wakeMs - Date.now()), TICK);
  }
}

const NEVER = Symbol('no such message');
