/**
 * A rule: one actor that judges the events of the monitors that it reads, and, when its verdict changes, owes executions. Its state and
 * the executions become lasting in one transaction, before it takes the next event.
 */
import { type CallMessage, CastMessage } from '../../lib/call.ts';
import type { ChildSpec } from '../../lib/child-spec.ts';
import { type GenServer, type Init, type Next, noreply, ok, reply, startLink } from '../../lib/gen-server.ts';
import type { Process } from '../../lib/process.ts';
import type { Wake } from '../feed.ts';
import type { Mark } from '../inbox.ts';
import type { Job } from '../job.ts';
import * as vitals from '../vitals.ts';
import type { AckReply } from '../../proto/api.ts';
import { INACTIVE } from './alert/alert-state.ts';
import { Asking } from './asking.ts';
import { verdictOfEdit } from './condition/identity.ts';
import type { Decision } from './decisions.ts';
import type { Instance } from './instance.ts';
import { Judge, type Judgement, type Need } from './judge.ts';
import { endsOf } from './closing.ts';
import { alertOf, type Execution, MonitorGone, RECONSIDER, type RuleAsk, type RulePort } from './port.ts';
import type { RuleConfig } from './schema.ts';
import { alertStatusOf, statusOf } from './status.ts';

export type { RulePort };

const MOST_AT_ONCE = 1_000;
const COMMIT_RETRY_MS = 1_000;
const TICK = Symbol('time may have changed the verdict');
const CAUGHT_UP = Symbol('the states of the monitors are up to date');

/** @param needs monitors whose states the rule's actions name beside those that it reads. */
export const ruleChild = (name: string, config: RuleConfig, port: RulePort, needs: readonly string[] = []): ChildSpec => ({
  id: `rule:${name}`,
  start: (parent) => startLink(parent, new Rule(name, config, port, needs), { name: `rule:${name}` }),
});

class Rule implements GenServer<undefined, RuleAsk, Wake> {
  readonly #name: string;
  readonly #port: RulePort;
  readonly #judge: Judge;
  /** Most rules have none. */
  #asking: Asking | undefined;
  /** The last stored batch of each monitor that has been judged. */
  readonly #seen = new Map<string, number>();
  /** Of the last event that it has judged. */
  #mark: Mark | undefined;
  /** Says so to the feed. */
  #done: (mark: Mark) => void = () => {};
  #published = false;
  /** Time alone decides nothing before the monitors' states are up to date. */
  #ticks = false;
  #self!: Process;
  #tickMs = Number.POSITIVE_INFINITY;
  #cancelTick: () => void = () => {};

  constructor(name: string, config: RuleConfig, port: RulePort, needs: readonly string[]) {
    this.#name = name;
    this.#port = port;
    const tally = vitals.tallyOf(name);
    this.#judge = new Judge(name, config, needs, {
      latest: (monitor) => port.feed.latest(monitor),
      hold: (alert, atMs) => port.hold(alert, atMs),
      evaluated: ({ truth, failed }, { atMs }) => {
        tally[failed ? 'error' : truth === undefined ? 'unknown' : truth ? 'true' : 'false']++;
        vitals.evaluationSeconds.observe(Math.max(0, Date.now() - atMs) / 1_000);
      },
      unjudged: () => vitals.unjudged.inc({ reader: `rule:${name}` }),
    });
  }

  async init(self: Process): Promise<Init<undefined>> {
    this.#self = self;
    const { feed, names } = this.#port;
    const { each, reads, identity } = this.#judge.program;
    const [stored, alerts] = await Promise.all([this.#port.load(this.#name), this.#port.instances(this.#name)]);
    const edit = stored?.meant && verdictOfEdit(stored.meant, identity);
    for (const { instance, state } of alerts) this.#judge.add(instance, state, Date.now());
    if (!each || edit?.verdict === 'reset') this.#judge.add('', alertOf(stored), Date.now());
    this.#mark = stored?.read;
    for (const [monitor, seq] of Object.entries(stored?.read?.judged ?? {})) this.#seen.set(monitor, seq);
    const monitors = this.#port.monitors();
    if (each) for (const name of monitors) if (each.matches(name) && feed.latest(name) && !this.#judge.get(name)) this.#judge.add(name, INACTIVE, Date.now());
    for (const instance of this.#judge.instances) await this.#refill(instance);
    this.#done = feed.subscribe(this.#name, self, reads, stored?.read, each) ?? this.#done;
    names.register(self, `rule:${this.#name}`, undefined);
    if (edit?.verdict === 'reset') await this.#reset(edit.reason, stored?.config);
    for (const { key } of this.#judge.instances) if (key !== '' && !monitors.has(key)) await this.#part(key);
    await this.#publish(); // before any rule lets time decide: others may depend on this one
    void feed.caughtUp.then(() => self.deliver(CAUGHT_UP)); // what it missed while it was away shows in the monitors' states
    return ok(undefined);
  }

  /** All events that are waiting are judged in one go, so that they cost one commit; and what changes nothing costs no promise. */
  handleCast(wake: Wake): Next<undefined> | Promise<Next<undefined>> {
    this.#asking?.begin();
    return this.#take(this.#self.queueLength === 0 ? [wake] : [wake, ...this.#waiting()], 0, []);
  }
  #take(wakes: readonly Wake[], from: number, decisions: Decision[]): Next<undefined> | Promise<Next<undefined>> {
    for (let i = from; i < wakes.length; i++) {
      const wake = wakes[i] as Wake;
      const found = this.#judge.plain(wake.event) ?? this.#served(this.#judge.event(wake.event));
      if (found instanceof Promise) return found.then((late) => this.#took(wake, late, decisions)).then(() => this.#take(wakes, i + 1, decisions));
      this.#took(wake, found, decisions);
    }
    if (decisions.length > 0) return this.#settle(decisions).then(() => this.#taken());
    if (this.#mark) this.#done(this.#mark);
    return this.#taken();
  }
  #took({ event, mark }: Wake, found: readonly Decision[], decisions: Decision[]): void {
    for (const one of found) decisions.push(one);
    if (event.seq !== undefined) this.#seen.set(event.monitor, event.seq);
    this.#mark = mark;
  }
  #taken(): Next<undefined> {
    this.#tickAt(this.#judge.wakeMs);
    return noreply(undefined);
  }
  get #read(): Mark | undefined {
    return this.#mark && { ...this.#mark, judged: this.#port.feed.ahead(this.#seen) };
  }

  async handleInfo(message: unknown): Promise<Next<undefined>> {
    if (message instanceof MonitorGone) await this.#part(message.monitor);
    if (message === CAUGHT_UP) this.#ticks = true;
    if (message === RECONSIDER) this.#judge.reconsider();
    if (message === TICK) this.#tickMs = Number.POSITIVE_INFINITY;
    if (!this.#ticks) return noreply(undefined);
    this.#asking?.begin();
    const decisions = await this.#served(this.#judge.tick(Date.now()));
    if (decisions.length > 0) await this.#settle(decisions);
    else if (!this.#published) await this.#publish();
    this.#tickAt(this.#judge.wakeMs);
    return noreply(undefined);
  }

  async handleCall(request: RuleAsk, _from: CallMessage): Promise<Next<undefined>> {
    if (request.ask === 'ack') return reply(await this.#acknowledge(request), undefined);
    if (request.instance !== undefined) return reply(alertStatusOf(this.#name, this.#judge, request.instance), undefined);
    return reply(statusOf(this.#name, this.#judge), undefined);
  }

  #served(judgement: Judgement): readonly Decision[] | Promise<readonly Decision[]> {
    const { done, value } = judgement.next();
    if (done) return value;
    return ('fill' in value ? this.#refill(value.fill) : this.#asked(value)).then(() => this.#served(judgement));
  }

  #asked(need: Extract<Need, { ask: unknown }>): Promise<void> {
    this.#asking ??= new Asking((name, args) => this.#port.call(name, args));
    return this.#asking.serve(need);
  }

  /** What its windows held before this life of the rule. A store that does not answer leaves them empty: the rule judges what it has. */
  async #refill(instance: Instance): Promise<void> {
    const [nowMs, storedUpTo, upToMs] = [Date.now(), this.#port.storedUpTo(), new Map<string, number>()];
    for (const [monitor, { path, lengthMs }, aggregate] of instance.windows())
      try {
        for await (const { tsMs, value } of this.#port.history(monitor, path, nowMs - lengthMs)) {
          aggregate.add(tsMs, value);
          upToMs.set(monitor, Math.max(tsMs, upToMs.get(monitor) ?? 0));
        }
      } catch (error) {
        this.#port.log.warn('a window begins without its past', { monitor, path: path.join('.'), error: String(error) });
        return;
      }
    instance.filled(storedUpTo, upToMs);
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

  /** It means something else now: alerts that are open end, and who was told is told. */
  async #reset(reason: string, before: RuleConfig | undefined): Promise<void> {
    this.#port.log.info('the alert begins anew', { reason });
    const nowMs = Date.now();
    const ends = before && endsOf(this.#name, before, this.#judge, this.#port, reason, nowMs);
    await this.#settle(this.#judge.close(this.#judge.instances, reason, nowMs), [], ends);
    if (this.#judge.program.each) this.#judge.remove('');
  }

  async #acknowledge({ instance, by, comment }: Extract<RuleAsk, { ask: 'ack' }>): Promise<AckReply> {
    const decisions = this.#judge.acknowledge(instance, { atMs: Date.now(), by, comment });
    const episodes = decisions.map(({ alert }) => alert.episode);
    if (decisions.length === 0) return { episodes };
    await this.#settle(decisions);
    this.#port.log.info('acknowledged', { episodes, by, comment });
    return { episodes };
  }

  /** The monitor of an instance is no more. */
  async #part(key: string): Promise<void> {
    const instance = this.#judge.get(key);
    if (!this.#judge.program.each || !instance) return;
    const decisions = this.#judge.close([instance], `the monitor ${key} was removed`, Date.now());
    this.#judge.remove(key);
    await this.#settle(decisions, [key]);
  }

  /** Make the new states lasting, with what they owe. A store that is away is waited for: the events behind these wait as well. */
  /** @param executions what is owed for it, where another rule than this one says that. */
  async #settle(decisions: readonly Decision[], parted: readonly string[] = [], executions?: readonly Execution[]): Promise<void> {
    const { feed, log } = this.#port;
    const own = this.#judge.desk.newsOf(decisions, this.#judge.main, this.#read, parted);
    const news = executions ? { ...own, executions } : own;
    let due: readonly Job[] = [];
    while (this.#self.isAlive) {
      try {
        due = await this.#port.commit(this.#name, news);
        break;
      } catch (error) {
        if (!this.#self.isAlive) return;
        log.error('the verdict cannot be stored and waits', { error: String(error), retryMs: COMMIT_RETRY_MS });
        await this.#self.receive((message): message is never => message === NEVER, COMMIT_RETRY_MS);
      }
    }
    if (this.#read) feed.judged(this.#name, this.#read);
    for (const { said, alert } of decisions) if (said) log.info(said, { episode: alert.episode, details: alert.details });
    if (due.length > 0) this.#port.due(due);
    await this.#publish();
  }

  /** For the rules that read this one. */
  async #publish(): Promise<void> {
    this.#published = true;
    const observations = [this.#judge.desk.observation(this.#judge.instances, Date.now())];
    await this.#port.feed.publish({ monitor: `rule:${this.#name}`, observations });
  }

  #tickAt(wakeMs: number): void {
    if (!this.#ticks || wakeMs >= this.#tickMs) return;
    this.#tickMs = wakeMs;
    this.#cancelTick();
    this.#cancelTick = this.#self.sendAfter(Math.max(1, wakeMs - Date.now()), TICK);
  }
}

const NEVER = Symbol('no such message');
