/** Admin: takes commands, makes them plans, and lets the branches carry them out. It stands last in the tree, and its init fills the branches. */
import { isDeepStrictEqual } from 'node:util';
import type { CallMessage } from '../../lib/call.ts';
import type { ChildSpec } from '../../lib/child-spec.ts';
import { Exit, reasonText } from '../../lib/exit.ts';
import { type GenServer, type Init, type Next, noreply, ok, reply, startLink } from '../../lib/gen-server.ts';
import type { Process } from '../../lib/process.ts';
import { DownMessage } from '../../lib/signal.ts';
import type { Applied, Declaration, Declared, OverlayEntry, Source } from '../../proto/api.ts';
import { logger, setLogLevel } from '../logger.ts';
import { keyOf, type Step } from './branches.ts';
import { type AdminPort, type Command, type CommandReply, ConfigError, deskOn, failure, type Live, usersOf } from './desk.ts';
import { overlayThatFits } from './overlay.ts';
import { Quarantine } from './quarantine.ts';

export const adminChild = (port: AdminPort): ChildSpec => ({
  id: 'admin',
  shutdown: 10_000,
  start: (parent) => startLink(parent, new Admin(port), { name: 'admin' }),
});

/** A log line names so many changes; `argos history` has them all. */
const SHOWN = 20;
const REMEMBERED_MS = 7 * 86_400_000;

class Probe {
  readonly key: string;
  constructor(key: string) {
    this.key = key;
  }
}

class Admin implements GenServer<undefined, Command> {
  readonly #port: AdminPort;
  readonly #quarantine = new Quarantine();
  readonly #log = logger('admin');
  #self!: Process;
  #sources: readonly Source[] = [];
  #overlay: readonly OverlayEntry[] = [];
  readonly #live: Live = { declared: [], system: {}, version: 0, secrets: [] };

  constructor(port: AdminPort) {
    this.#port = port;
  }

  async init(self: Process): Promise<Init<undefined>> {
    this.#self = self;
    await this.#port.branches.settled();
    const last = await this.#port.lastVersion();
    this.#live.version = last?.number ?? 0;
    this.#overlay = (last?.overlay as readonly OverlayEntry[] | undefined) ?? []; // this actor wrote it
    const { branches } = this.#port;
    this.#sources = branches.sources ?? this.#port.readSources(); // after a crash: what was accepted, not what somebody is just editing
    await this.#port.serve(deskOn(this.#live, this.#port, this.#quarantine), self.signal); // first: a second node is to find out before it has touched anything
    const { declaration, overlay, unfit } = await overlayThatFits(this.#overlay, (entries) => this.#declare(this.#sources, entries));
    if (declaration.faults.length > 0) throw new ConfigError(declaration.faults);
    for (const { entry, faults } of unfit)
      this.#log.error('what the CLI has made does not fit the configuration any more and is left out', { resource: keyOf(entry), faults });
    this.#overlay = overlay;
    const { declared, system } = declaration;
    setLogLevel(String(system.log_level ?? 'info')); // before anything starts and has something to say
    this.#port.adopt(declared); // before a rule can tell anything
    const running = branches.living();
    for (const { pid } of running) self.monitor(pid);
    const plan = this.#port.diff(
      running.map((one) => one.declared),
      declared,
    );
    for (const { do: verb, declared: one } of plan) {
      if (one.kind === 'listener') await this.#port.replay(); // what is stored and not judged comes before anything new
      if (verb === 'stop' || verb === 'replace') await branches.stop(self, one);
      if (verb === 'start' || verb === 'replace') await this.#startOrPark(one);
    }
    await this.#port.replay();
    try {
      await this.#take(declared, system, this.#sources, overlay, 'node', 'start', plan);
    } catch (error) {
      this.#log.error('the start cannot be written into the history', { error: reasonText(error) }); // a full disk is no reason not to watch
      this.#adopt(declared, system, this.#sources, overlay);
    }
    await this.#port
      .forgetOthers(declared)
      .catch((error: unknown) => this.#log.error('what is left of rules that are gone cannot be told', { error: reasonText(error) }));
    this.#port.names.register(self, 'admin', undefined);
    return ok(undefined);
  }

  async handleCall(command: Command, _from: CallMessage): Promise<Next<undefined>> {
    return reply(await this.#command(command), undefined);
  }

  async handleInfo(message: unknown): Promise<Next<undefined>> {
    if (message instanceof DownMessage) this.#ended(message);
    else if (message instanceof Probe && this.#quarantine.has(message.key)) {
      const declared = this.#live.declared.find((one) => keyOf(one) === message.key);
      this.#quarantine.probe(message.key);
      this.#log.info('a quarantined resource is tried again', { resource: message.key });
      if (declared) await this.#startOrPark(declared);
    }
    return noreply(undefined);
  }

  async #command(command: Command): Promise<CommandReply> {
    if (command.do === 'reload') {
      let sources: readonly Source[];
      try {
        sources = this.#port.readSources();
      } catch (error) {
        return failure('failed', `the configuration cannot be read: ${reasonText(error)}`);
      }
      return this.#change(sources, this.#overlay, command.author, 'reload');
    }
    const { kind, name } = command;
    const there = this.#live.declared.some((one) => one.kind === kind && (one.name === name || kind === 'system_config'));
    if (command.do === 'put' && command.mode === 'create' && there) return failure('conflict', `there is a ${kind} named ${name} already: use update`);
    if (!there && (command.do === 'delete' || command.mode === 'update')) return failure('not_found', `there is no ${kind} named ${name}`);
    if (command.do === 'delete') {
      const users = usersOf(this.#live.declared, kind, name);
      if (users.length > 0)
        return failure(
          'conflict',
          `${kind} ${name} is used by rule ${users.join(', rule ')}: change or delete ${users.length === 1 ? 'that rule' : 'those rules'} first`,
        );
    }
    const others = this.#overlay.filter((one) => (one.kind !== kind || one.name !== name) && !(kind === 'silence' && this.#isLongOver(one)));
    const entry: OverlayEntry = { kind, name, origin: 'cli', source: command.do === 'put' ? command.source : null };
    const ofFile = command.do === 'put' || (await this.#declare(this.#sources, others)).declared.some((one) => one.kind === kind && one.name === name);
    return this.#change(
      this.#sources,
      ofFile ? [...others, entry] : others, // what the file does not have needs no tombstone
      command.author,
      `${command.do === 'put' ? command.mode : 'delete'} ${kind} ${name}`,
    );
  }

  /** Silences that were given by hand are remembered for a while after their end. */
  #isLongOver({ kind, name, source }: OverlayEntry): boolean {
    if (kind !== 'silence' || source === null) return false;
    const { status, endedMs } = this.#port.silences.standing(name);
    return status === 'expired' && Date.now() > endedMs + REMEMBERED_MS;
  }

  /** Plan, apply, write down; on a fault nothing has changed. */
  async #change(sources: readonly Source[], overlay: readonly OverlayEntry[], author: string, reason: string): Promise<CommandReply> {
    const declaration = await this.#declare(sources, overlay);
    const { declared, system, faults } = declaration;
    if (faults.length > 0)
      return failure('config_invalid', `the configuration has ${faults.length} fault${faults.length === 1 ? '' : 's'}; nothing was changed`, { faults });
    const plan = this.#port.diff(this.#live.declared, declared);
    this.#port.adopt(declared);
    const { ok: applied, resources } = await this.#port.branches.apply(this.#self, plan);
    if (!applied) {
      this.#port.adopt(this.#live.declared);
      for (const { do: verb, declared: one } of plan) if (verb === 'start') this.#port.feed.forget(one.kind, one.name);
      return failure('failed', `${resources.find(({ outcome }) => outcome === 'rejected')?.reason}; everything is as it was`, { resources });
    }
    const before = this.#live.declared;
    try {
      await this.#take(declared, system, sources, overlay, author, reason, plan);
    } catch (error) {
      this.#port.adopt(before);
      await this.#port.branches.apply(this.#self, this.#port.diff(declared, before));
      return failure('failed', `the change cannot be written down (${reasonText(error)}); everything is as it was`, { resources });
    }
    for (const { do: verb, declared: one } of plan) {
      if (verb !== 'keep') this.#quarantine.release(keyOf(one));
      if (verb !== 'stop') continue;
      this.#port.feed.forget(one.kind, one.name);
      await this.#port.forget(one);
    }
    const changed: Applied[] = resources.filter(({ outcome }) => outcome !== 'unchanged');
    return { version: this.#live.version, resources: changed, ...this.#port.atRestart(declaration) };
  }

  async #declare(sources: readonly Source[], overlay: readonly OverlayEntry[]): Promise<Declaration> {
    const secrets = await this.#port.secrets();
    this.#live.secrets = Object.values(secrets);
    return this.#port.declare({ sources, overlay, environment: this.#port.environment, secrets });
  }

  /** From here on this is what is declared; a change of it is a version. */
  async #take(
    declared: readonly Declared[],
    system: Readonly<Record<string, unknown>>,
    sources: readonly Source[],
    overlay: readonly OverlayEntry[],
    author: string,
    reason: string,
    plan: readonly Step[],
  ): Promise<void> {
    const signs = { start: '+', stop: '-', replace: '~', keep: '=' };
    const diff = plan.filter((step) => step.do !== 'keep').map(({ do: verb, declared: { kind, name } }) => `${signs[verb]} ${kind} ${name}`);
    if (!this.#self.isAlive) throw new Exit(this.#self.exitReason); // killed meanwhile: the next one goes by what is written down
    if (diff.length > 0 || !isDeepStrictEqual(overlay, this.#overlay)) {
      this.#live.version = await this.#port.saveVersion({ number: this.#live.version + 1, atMs: Date.now(), author, reason, diff, overlay });
      this.#log.info('the configuration has changed', { reason, author, version: this.#live.version, changes: diff.length, diff: diff.slice(0, SHOWN) });
    }
    this.#adopt(declared, system, sources, overlay);
  }

  #adopt(declared: readonly Declared[], system: Readonly<Record<string, unknown>>, sources: readonly Source[], overlay: readonly OverlayEntry[]): void {
    this.#live.declared = declared;
    this.#live.system = system;
    this.#overlay = overlay;
    this.#sources = sources;
    this.#port.branches.sources = sources;
    setLogLevel(String(system.log_level ?? 'info'));
  }

  /** At the start and after a quarantine a resource that does not start is parked: one bad part never keeps the node from running. */
  async #startOrPark(declared: Declared): Promise<void> {
    const reason = await this.#port.branches.start(this.#self, declared);
    if (reason !== undefined) this.#park(keyOf(declared), reason);
  }

  #ended({ pid, reason }: DownMessage): void {
    const key = this.#port.branches.ended(pid);
    if (key !== undefined)
      this.#park(key, reason === 'shutdown' ? `it crashed too often in too short a time, last: ${this.#port.lastExit(key) ?? 'unknown'}` : reasonText(reason));
  }

  #park(key: string, reason: string): void {
    const waitMs = this.#quarantine.park(key, reason, Date.now());
    this.#self.sendAfter(waitMs, new Probe(key));
    this.#log.error('quarantined', { resource: key, reason, nextProbeMs: waitMs });
  }
}
