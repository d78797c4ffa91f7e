/**
 * A rule: one actor that judges the events of the monitors that it reads, and, when its verdict changes, owes executions. Its state and
 * the executions become lasting in one transaction, before it takes the next event.
 */
import { type CallMessage, CastMessage } from '../../lib/call.ts';
import type { ChildSpec } from '../../lib/child-spec.ts';
import { type GenServer, type Init, type Next, noreply, ok, reply, startLink } from '../../lib/gen-server.ts';
import type { Process } from '../../lib/process.ts';
import type { Alert } from '../alert.ts';
import type { Fields, Observation } from '../event.ts';
import { type Reads, touches, type Wake } from '../feed.ts';
import type { Job } from '../job.ts';
import * as vitals from '../vitals.ts';
import { type AlertState, type Damping, type Effect, INACTIVE, step, stepOfEvent } from './alert-state.ts';
import { compile, type Compiled, ConditionError, type Facts, type Truth, truthOf } from './compile.ts';
import { parseCondition } from './condition.ts';
import { details, explain } from './explain.ts';
import type { Execution, RulePort, RuleStatus } from './port.ts';
import type { RuleConfig } from './schema.ts';
import { reads, type Tree } from './tree.ts';

export type { RulePort, RuleStatus };

/** Something to tell, or, after a cooldown that outlasted the episode, not to. */
interface Verdict {
  readonly effect: Effect;
  readonly alert: Alert;
}
const SAID: Readonly<Record<Effect, string>> = { fire: 'firing', resolve: 'resolved', suppress: 'ended untold: cooldown' };

const MOST_AT_ONCE = 1_000;
const COMMIT_RETRY_MS = 1_000;
const TICK = Symbol('time may have changed the verdict');

/** Which monitors and fields wake the rule: those that `monitor` names, else those that the condition reads. */
export function readsOf(config: RuleConfig, condition: Tree): Reads {
  const fields = reads(condition).monitors;
  const named = config.monitor === undefined ? [...fields.keys()] : [config.monitor].flat();
  return new Map(named.map((monitor) => [monitor, fields.get(monitor) ?? 'all']));
}

/** @param needs monitors whose states the rule's actions name beside those that it reads. */
export const ruleChild = (name: string, config: RuleConfig, port: RulePort, needs: readonly string[] = []): ChildSpec => ({
  id: `rule:${name}`,
  start: (parent) => startLink(parent, new Rule(name, config, port, needs), { name: `rule:${name}` }),
});

class Rule implements GenServer<AlertState, { readonly ask: 'status' }, Wake> {
  readonly #name: string;
  readonly #config: RuleConfig;
  readonly #parameters: Fields;
  readonly #port: RulePort;
  readonly #condition: Tree;
  readonly #holds: Compiled;
  readonly #damping: Damping;
  readonly #reads: Reads;
  readonly #monitors: readonly string[];
  /** The last observation of each monitor that has been judged: the next one may have changed from it. */
  readonly #judged = new Map<string, Observation>();
  /** The last stored batch of each monitor that has been judged. */
  readonly #seen = new Map<string, number>();
  #self!: Process;
  #cancelTick: () => void = () => {};

  constructor(name: string, config: RuleConfig, port: RulePort, needs: readonly string[]) {
    this.#name = name;
    this.#config = config;
    this.#parameters = config.parameters;
    this.#port = port;
    const parsed = parseCondition(config.condition, config.parameters);
    if (!('condition' in parsed)) throw new TypeError(`rule ${name}: ${parsed.faults[0]?.path} is not a condition`); // load.ts has checked it
    this.#condition = parsed.condition;
    this.#holds = compile(parsed.condition);
    this.#damping = { forMs: config.for * 1_000, keepFiringForMs: config.keep_firing_for * 1_000, cooldownMs: config.cooldown * 1_000 };
    this.#reads = readsOf(config, parsed.condition);
    this.#monitors = [...new Set([...reads(parsed.condition).monitors.keys(), ...needs])];
  }

  async init(self: Process): Promise<Init<AlertState>> {
    this.#self = self;
    const state = ((await this.#port.load(this.#name)) as AlertState | undefined) ?? INACTIVE;
    this.#port.feed.subscribe(this.#name, self, this.#reads, state.read);
    for (const [monitor, seq] of Object.entries(state.read?.judged ?? {})) this.#seen.set(monitor, seq);
    this.#port.names.register(self, `rule:${this.#name}`, undefined);
    self.deliver(TICK); // what it missed while it was away shows in the monitors' states
    return ok(state);
  }

  /** All events that are waiting are judged in one go, so that they cost one commit. */
  async handleCast(wake: Wake, state: AlertState): Promise<Next<AlertState>> {
    const verdicts: Verdict[] = [];
    let now = state;
    let { mark } = wake;
    for (const { event, mark: next } of [wake, ...this.#waiting()]) {
      const { monitor, observations, seq } = event;
      let previous = this.#judged.get(monitor) ?? this.#before(monitor, observations[0]);
      for (const observation of observations) {
        if (touches(observation, this.#reads.get(monitor))) now = this.#judge(now, this.#facts(monitor, observation, previous), monitor, observation, verdicts);
        previous = observation;
      }
      if (previous) this.#judged.set(monitor, previous);
      if (seq !== undefined) this.#seen.set(monitor, seq);
      mark = next;
    }
    if (now === state) {
      this.#port.feed.judged(this.#name, mark);
      return noreply(state);
    }
    const read = { ...now, read: { ...mark, judged: this.#port.feed.ahead(this.#seen) } };
    await this.#settle(read, verdicts);
    return noreply(read);
  }

  async handleInfo(message: unknown, state: AlertState): Promise<Next<AlertState>> {
    if (message !== TICK || this.#config.mode === 'event') return noreply(state);
    const verdicts: Verdict[] = [];
    const now = this.#judge(state, this.#facts(), undefined, { atMs: Date.now(), fields: {} }, verdicts);
    if (now !== state) await this.#settle(now, verdicts);
    return noreply(now);
  }

  handleCall(_request: { readonly ask: 'status' }, _from: CallMessage, state: AlertState): Next<AlertState> {
    const firing = state.phase === 'firing' || state.phase === 'recovering';
    const status: RuleStatus = {
      phase: state.phase,
      since: new Date(state.sinceMs).toISOString(),
      episode: firing ? this.#episode(state) : null,
      lastTold: state.toldMs === null ? null : new Date(state.toldMs).toISOString(),
      explanation: explain(this.#condition, this.#facts()),
    };
    return reply(status, state);
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

  /** A condition that cannot be evaluated is unknown, until `on_error` says more. */
  #truth(facts: Facts): Truth {
    try {
      return truthOf(this.#holds(facts));
    } catch (error) {
      if (error instanceof ConditionError) return undefined;
      throw error;
    }
  }

  #judge(state: AlertState, facts: Facts, monitor: string | undefined, observation: Observation, verdicts: Verdict[]): AlertState {
    const truth = this.#truth(facts);
    vitals.evaluations.inc({ rule: this.#name, result: truth === undefined ? 'unknown' : String(truth) });
    vitals.evaluationSeconds.observe(Math.max(0, Date.now() - observation.atMs) / 1_000);
    const nowMs = monitor === undefined ? observation.atMs : Math.max(observation.atMs, state.sinceMs);
    const { state: next, effect, wakeMs } = (this.#config.mode === 'event' ? stepOfEvent : step)(state, truth, nowMs, this.#damping);
    this.#tickAt(wakeMs);
    if (next === state) return state;
    const begun = next.episodes > state.episodes ? { ...next, monitor } : next;
    if (effect)
      verdicts.push({ effect, alert: this.#alert(begun, effect === 'resolve' ? 'resolved' : 'firing', facts, monitor ?? begun.monitor, observation) });
    return begun;
  }

  /** Make the new state lasting, with what it owes. A store that is away is waited for: the events behind these wait as well. */
  async #settle(state: AlertState, verdicts: readonly Verdict[]): Promise<void> {
    const executions = verdicts.flatMap(({ effect, alert }) =>
      (effect === 'resolve' ? this.#config.on_resolve : this.#config.actions).map((action): Execution => {
        const job: Job = { id: `${alert.episode}/${alert.state}/${action}`, action, alert, createdMs: alert.atMs };
        return effect === 'suppress' ? { job, suppressed: 'cooldown' } : { job };
      }),
    );
    while (this.#self.isAlive) {
      try {
        await this.#port.commit(this.#name, state, executions);
        break;
      } catch (error) {
        if (!this.#self.isAlive) return;
        this.#port.log.error('the verdict cannot be stored and waits', { error: String(error), retryMs: COMMIT_RETRY_MS });
        await this.#self.receive((message): message is never => message === NEVER, COMMIT_RETRY_MS);
      }
    }
    if (state.read) this.#port.feed.judged(this.#name, state.read);
    for (const { effect, alert } of verdicts) this.#port.log.info(SAID[effect], { episode: alert.episode, details: alert.details });
    const due = executions.flatMap(({ job, suppressed }) => (suppressed === undefined ? [job] : []));
    if (due.length > 0) this.#port.due(due);
  }

  #alert(state: AlertState, verdict: Alert['state'], facts: Facts, monitor: string | undefined, { atMs, fields }: Observation): Alert {
    const { description, severity } = this.#config;
    const monitors = Object.fromEntries(this.#monitors.flatMap((name) => (facts.now(name) ? [[name, facts.now(name) as Fields]] : [])));
    return {
      rule: this.#name,
      description,
      severity,
      state: verdict,
      episode: this.#episode(state),
      sinceMs: state.firingMs,
      atMs,
      details: details(this.#condition, facts, verdict),
      monitor: monitor ?? this.#monitors[0],
      monitors,
      event: fields,
      parameters: this.#parameters,
    };
  }

  /** The same decision, made again after a crash, has the same name; so do its executions. */
  #episode = ({ episodes, firingMs }: AlertState): string => `${this.#name}#${episodes}@${firingMs}`;

  #facts(monitor?: string, observation?: Observation, previous?: Observation): Facts {
    const { feed } = this.#port;
    return {
      now: (name) => (name === monitor ? observation?.fields : feed.latest(name)?.last.fields),
      before: (name) => (name === monitor ? previous?.fields : feed.latest(name)?.history.at(-2)?.fields),
      window: () => undefined, // the windows of rules are to come
      whole: () => undefined,
      call: () => undefined,
    };
  }

  #tickAt(wakeMs: number | undefined): void {
    this.#cancelTick();
    this.#cancelTick = wakeMs === undefined ? () => {} : this.#self.sendAfter(Math.max(1, wakeMs - Date.now()), TICK);
  }
}

const NEVER = Symbol('no such message');
