/** A scenario's tree on `lib/`: its supervisors and workers, doing what the scenario says and nothing else. */
import type { ChildSpec, StartChild } from '../../lib/child-spec.ts';
import { fail, type GenServer, ignore, type Init, type Next, noreply, ok, startLink, stop } from '../../lib/gen-server.ts';
import type { Process } from '../../lib/process.ts';
import { ExitMessage } from '../../lib/signal.ts';
import { isStarted, type StartResult } from '../../lib/start.ts';
import { type Flags, startSupervisor, type SupervisorSpec } from '../../lib/supervisor.ts';
import type { ChildJson, Json, Outcome, Starts, SupervisorJson, WorkerJson } from './scenario.ts';
import { BadReturn, decode, thrown } from './terms.ts';
import type { World } from './world.ts';

/** What a step asks a worker to do. */
export type Command =
  | { readonly do: 'stop'; readonly reason: unknown }
  | { readonly do: 'raise'; readonly kind: string; readonly reason: unknown }
  | { readonly do: 'link' | 'unlink'; readonly other: Process }
  | { readonly do: 'unlink_parent' };

export class Tree {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  term(json: Json | undefined): unknown {
    return decode(json, (name) => this.#world.resolve(name)?.pid);
  }

  startSupervisor(parent: Process, path: string, json: SupervisorJson): Promise<StartResult> {
    const n = this.#world.next(path);
    const [how, argument] = outcome(json.init, n);
    const init = (self: Process): SupervisorSpec | 'ignore' => {
      this.#world.started(self, path, n, json.strategy === 'simple_one_for_one' ? 'simple' : 'sup');
      switch (how) {
        case 'ignore':
          return 'ignore';
        case 'raise':
        case 'exit':
          throw thrown(how, this.term(argument));
        case 'bad':
          return argument === 'ignore' ? argument : (new BadReturn(this.term(argument)) as never);
        default:
          return { flags: this.#flags(json), children: this.#children(path, json) };
      }
    };
    return startSupervisor(parent, init, { name: `${path}#${n}` });
  }

  async startWorker(parent: Process, path: string, json: WorkerJson): Promise<StartResult> {
    const n = this.#world.next(path);
    const [how, argument] = outcome(json.init, n);
    if (how.startsWith('start_')) {
      this.#world.notStarted(parent, path, n);
      const term = this.term(argument);
      if (how === 'start_raise') throw thrown('error', term);
      return how === 'start_error' ? { error: term } : (term as StartResult);
    }
    const result = await startLink(parent, new Worker(this.#world, this, path, n, json), { name: `${path}#${n}` });
    return how === 'extra' && isStarted(result) ? { ok: result.ok, info: this.term(argument) } : result;
  }

  /** A child spec with the keys that the scenario has, and no others. */
  childSpec(path: string, json: ChildJson): ChildSpec {
    const at = `${path}/${json.id ?? 'noid'}`;
    const { sup, w = {} } = json;
    return this.#spec(json, sup ? (parent) => this.startSupervisor(parent, at, sup) : (parent) => this.startWorker(parent, at, w));
  }

  #template(path: string, json: ChildJson): ChildSpec {
    const { sup, w } = json;
    return this.#spec(json, (parent, key, over) =>
      sup ? this.startSupervisor(parent, `${path}/${key}`, sup) : this.startWorker(parent, `${path}/${key}`, { ...w, ...(over as WorkerJson | undefined) }),
    );
  }

  #spec(json: ChildJson, start: StartChild): ChildSpec {
    const fields = (['id', 'restart', 'shutdown', 'type', 'significant'] as const)
      .filter((key) => json[key] !== undefined)
      .map((key) => [key, this.term(json[key])]);
    const spec = Object.fromEntries(json.no_start ? fields : [...fields, ['start', start]]);
    return spec as ChildSpec; // or not: that is what lib has to find out
  }

  #children(path: string, { children = [], template }: SupervisorJson): ChildSpec[] {
    return template ? [this.#template(path, template)] : children.map((child) => this.childSpec(path, child));
  }

  #flags(json: SupervisorJson): Flags {
    const names = { strategy: 'strategy', intensity: 'intensity', period: 'period', auto_shutdown: 'autoShutdown' } as const;
    const keys = (['strategy', 'intensity', 'period', 'auto_shutdown'] as const).filter((key) => json[key] !== undefined);
    return Object.fromEntries(keys.map((key) => [names[key], this.term(json[key])]));
  }
}

/** How the n-th start goes. */
function outcome(init: Starts | undefined, n: number): readonly [how: string, argument?: Json] {
  const found: Outcome = init?.[n] ?? init?.['*'] ?? 'ok';
  return typeof found === 'string' ? [found] : found;
}

/** What `init` answers, in Erlang's words; those that gen_server knows are what `lib/` has for them. */
function initAnswer(term: unknown): unknown {
  if (term === 'ignore') return ignore;
  const [tag, ...rest] = Array.isArray(term) ? term : [];
  if (tag === 'stop' && rest.length === 1) return fail(rest[0]);
  return tag === 'ok' && rest.length === 1 ? ok(null) : term;
}
/** The same for `handle_cast`, which knows other words. */
function castAnswer(term: unknown): unknown {
  const [tag, ...rest] = Array.isArray(term) ? term : [];
  if (tag === 'stop' && rest.length === 2) return stop(rest[0], null);
  return tag === 'noreply' && rest.length === 1 ? noreply(null) : term;
}

/** What a worker's code throws; in a callback a `throw` is its answer. */
const raised = (kind: string, term: unknown, answerOf = (it: unknown): unknown => it): unknown => (kind === 'throw' ? answerOf(term) : thrown(kind, term));

class Worker implements GenServer<null, never, Command> {
  readonly #world: World;
  readonly #tree: Tree;
  readonly #path: string;
  readonly #n: number;
  readonly #json: WorkerJson;
  #self!: Process;

  constructor(world: World, tree: Tree, path: string, n: number, json: WorkerJson) {
    this.#world = world;
    this.#tree = tree;
    this.#path = path;
    this.#n = n;
    this.#json = json;
  }

  init(self: Process): Init<null> | Promise<Init<null>> {
    this.#self = self;
    self.trapExit = this.#json.trap ?? false;
    this.#world.started(self, this.#path, this.#n, 'worker');
    const [how, argument] = outcome(this.#json.init, this.#n);
    const term = this.#tree.term(argument);
    switch (how) {
      case 'ignore':
        return ignore;
      case 'error':
        return fail(term);
      case 'raise':
      case 'exit':
      case 'throw':
        throw raised(how, term, initAnswer);
      case 'bad':
        return initAnswer(term) as Init<null>;
      case 'continue_stop':
        return ok(null, { continue: term });
      case 'sleep':
        return this.#sleep(Number(argument)).then(() => ok(null));
      default:
        return ok(null);
    }
  }

  handleContinue(reason: unknown): Next<null> {
    return stop(reason, null);
  }

  handleCast(command: Command): Next<null> {
    switch (command.do) {
      case 'stop':
        return stop(command.reason, null);
      case 'raise':
        throw raised(command.kind, command.reason, castAnswer);
      case 'link':
        this.#self.link(command.other);
        break;
      case 'unlink':
        this.#self.unlink(command.other);
        break;
      case 'unlink_parent':
        if (this.#self.parent) this.#self.unlink(this.#self.parent);
    }
    return noreply(null);
  }

  handleInfo(message: unknown): Next<null> {
    if (message instanceof ExitMessage) this.#world.exitMessage(this.#self, message.from, message.reason);
    return noreply(null);
  }

  async terminate(reason: unknown): Promise<void> {
    this.#world.terminating(this.#self, reason);
    const { term = 'ok' } = this.#json;
    const [how, argument] = typeof term === 'string' ? [term] : term;
    if (how === 'hang') await this.#sleep(Number.POSITIVE_INFINITY);
    else if (how === 'sleep') await this.#sleep(Number(argument));
    else if (how !== 'ok') throw raised(how, this.#tree.term(argument));
  }

  async #sleep(ms: number): Promise<void> {
    await this.#self.receive((_message): _message is never => false, ms);
  }
}
