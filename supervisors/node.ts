/** Puts the node together: what the stages share, and what each is handed of it. Nothing runs before `startNode`. */
import { hostname } from 'node:os';
import { isDeepStrictEqual } from 'node:util';
import { adminChild } from '../actors/admin/admin.ts';
import { Branches } from '../actors/admin/branches.ts';
import { type AdminPort, ConfigError } from '../actors/admin/desk.ts';
import { readiness } from '../actors/admin/health.ts';
import { Restarts } from '../actors/admin/restarts.ts';
import { routes } from '../actors/admin/routes/routes.ts';
import { serveOn } from '../actors/admin/unix-socket.ts';
import { Berth } from '../actors/berth.ts';
import { Feed } from '../actors/feed.ts';
import { callFunction } from '../actors/functions/function.ts';
import { logger } from '../actors/logger.ts';
import type { Names } from '../actors/names.ts';
import { dueNow, lookAgain, outboxChild } from '../actors/outbox/outbox.ts';
import { Secrets, secretsChild } from '../actors/secrets/secrets.ts';
import { MonitorGone } from '../actors/rules/port.ts';
import type { RuleConfig } from '../actors/rules/schema.ts';
import { Silenced } from '../actors/rules/silenced.ts';
import { archiveOf } from '../actors/store/archive.ts';
import { faultsOf } from '../actors/store/health.ts';
import { policyOf } from '../actors/store/retention.ts';
import { bytesOf, type RetentionConfig, type StoreConfig } from '../actors/store/schema.ts';
import { storeChild, type StoreOptions } from '../actors/store/server.ts';
import { Store } from '../actors/store/store.ts';
import { Upkeep } from '../actors/store/archive/upkeep.ts';
import { childOf, type Site } from '../config/catalogue.ts';
import { diff } from '../config/diff.ts';
import { declare } from '../config/load.ts';
import { SYSTEM, systemMonitor } from '../config/system.ts';
import type { ExitReason } from '../lib/exit.ts';
import { type Pid, type Process, spawn } from '../lib/process.ts';
import { Registry } from '../lib/registry.ts';
import { ExitMessage } from '../lib/signal.ts';
import { isStarted } from '../lib/start.ts';
import type { Declaration, Source } from '../proto/api.ts';
import { startArgos } from './argos.ts';
import { branch } from './branch.ts';
import { History } from './history.ts';
import { planIn } from './plan.ts';
import { resource } from './resource.ts';
import { forgetRule, rulesIn } from './rules.ts';
import { executionsIn, outboxIn, outboxStatus } from './outbox.ts';
import { nodeOf } from './shared.ts';
import { startError } from './start-error.ts';
import { papersOf } from './upkeep.ts';

export interface NodeOptions {
  /** The configuration's texts as they stand on disk now. @throws when they cannot be read. */
  readSources(): readonly Source[];
  readonly environment?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly dataDir: string;
  readonly socket: string;
  readonly argosVersion: string;
}
export interface RunningNode {
  /** Resolves with the reason when the node has ended: `shutdown` when it was asked to. */
  readonly ended: Promise<ExitReason>;
  /** Drain and stop. */
  stop(): void;
}
export { ConfigError };

/** Start the node. @throws ConfigError when the configuration is not valid; Error with the reason when a stage does not start. */
export function startNode(options: NodeOptions): Promise<RunningNode> {
  const restarts = new Restarts();
  const mute = restarts.listen();
  const declaration = declare({ sources: options.readSources(), overlay: [], environment: options.environment }, options.env);
  const kept = storeOptions(options.dataDir, declaration);
  return new Promise((resolve, reject) => {
    if (!kept) throw new ConfigError(declaration.faults);
    const init = async (self: Process): Promise<void> => {
      self.trapExit = true;
      let root: Pid | undefined;
      let asked = false;
      const stop = (): void => {
        asked = true;
        if (root) self.exit(root, 'shutdown');
      };
      const all = stages(options, declaration, kept, restarts, stop);
      restarts.starting = Object.keys(all);
      const started = await startArgos(self, all);
      restarts.starting = [];
      if (!isStarted(started)) {
        mute();
        reject(startError(started));
        return;
      }
      root = started.ok;
      const gaveUp = new Error('the stages of the node have failed too often; its log says why'); // a supervisor that gives up exits `shutdown` too
      const ended = new Promise<ExitReason>((settle) => started.ok.onExit((reason) => settle(reason === 'shutdown' && !asked ? gaveUp : reason))).finally(mute);
      resolve({ ended, stop });
      await self.receive((message): message is ExitMessage => message instanceof ExitMessage && message.from === root);
    };
    spawn(init, { name: 'init' });
  });
}

/** Where the store is, as the file says: what the CLI has put over the file is in the store itself. Undefined when the file has it wrong. */
function storeOptions(dataDir: string, { store, retention }: Declaration): StoreOptions | undefined {
  if (Object.keys(store).length === 0 || Object.keys(retention).length === 0) return undefined;
  const { url, durability, max_size, schema, node } = store as StoreConfig; // declare has checked both
  const maxBytes = max_size === undefined ? undefined : bytesOf(max_size);
  return { dataDir, url, durability, schema, node, maxBytes, retention: policyOf(retention as RetentionConfig) };
}

function stages(options: NodeOptions, started: Declaration, kept: StoreOptions, restarts: Restarts, stop: () => void) {
  const { readSources, environment, env, dataDir, socket, argosVersion } = options;
  const node = nodeOf(kept);
  const names: Names = new Registry();
  const store = new Store(names);
  const secrets = new Secrets(names);
  const caughtUp = Promise.withResolvers<void>();
  const feed = new Feed(
    (telemetry, atMs) => store.append(telemetry, atMs),
    (event) => event.monitor !== SYSTEM && store.observed(event), // what Argos itself was is over with the process
    caughtUp.promise,
  );
  store.judged = () => feed.judgedUpTo;
  store.onJobs = () => lookAgain(names);
  store.onStates = (states) => feed.restore(states);
  store.stateOf = (monitor) => feed.latest(monitor)?.last;
  let replayed = false;
  let { declared } = started;
  const site: Site = {
    names,
    feed,
    rules: {
      ...rulesIn(store, () => declared, node),
      due: (jobs) => dueNow(names, jobs),
      call: (name, args) => callFunction(names, name, args),
      storedUpTo: () => Math.max(feed.lastSeq, store.bootSeq),
      hold: (alert, atMs) => silenced.hold(alert, atMs),
    },
    listeners: {
      berths: new Map(),
      ingest: (telemetry) => feed.ingest(telemetry),
      archive: archiveOf(store),
      health: async () => readiness(names, store.trouble),
    },
  };
  const silenced = new Silenced(names);
  const history = new History(store, kept.node ?? hostname(), node !== undefined);
  const control = new Berth();
  const upkeep = new Upkeep(kept, true);
  const branches = new Branches(names, (declared) => resource(childOf(declared, site)));
  const admin: AdminPort = {
    names,
    feed,
    environment,
    readSources,
    declare: (wanted) => declare(wanted, env),
    secrets: () => secrets.values(),
    diff,
    atRestart: (declaration) => changedSections(started, declaration),
    branches,
    adopt: (all) => {
      declared = all;
      silenced.set(all);
    },
    silences: silenced,
    lastExit: (child) => restarts.of(child)?.lastExit,
    lastVersion: () => history.last(),
    saveVersion: (version) => history.save(version),
    replay: async () => {
      if (replayed) return;
      for await (const { telemetry, seq, atMs } of store.unjudged()) await feed.replay(telemetry, seq, atMs);
      await feed.drained();
      caughtUp.resolve();
      replayed = true;
    },
    forget: async (gone) => {
      if (gone.kind === 'rule') await forgetRule(store, site.rules, feed, gone.name, gone.spec as RuleConfig); // what declare has checked
      if (gone.kind === 'action' && node === undefined) await store.commit([{ set: 'forget_action', action: gone.name, atMs: Date.now() }]); // else another node may have it
      if (gone.kind !== 'monitor') return;
      for (const { kind, name } of declared) if (kind === 'rule') names.whereis(`rule:${name}`)?.deliver(new MonitorGone(gone.name));
      await store.commit([{ set: 'forget_monitor', monitor: gone.name }]);
    },
    forgetOthers: async (all) => {
      for (const rule of await store.rules()) {
        const there = all.some(({ kind, name }) => kind === 'rule' && name === rule);
        if (!there && (await site.rules.load(rule))?.node === node) await forgetRule(store, site.rules, feed, rule); // another node's is its own
      }
    },
    serve: (desk, signal) =>
      serveOn(
        socket,
        control,
        (app) =>
          routes(app, desk, {
            names,
            restarts,
            argosVersion,
            stop,
            executions: () => store.jobCounts(),
            destinations: async () => (await outboxStatus(names))?.destinations ?? [],
            storeTrouble: () => store.trouble,
            store: async () => {
              const status = await store.health();
              return { status, faults: faultsOf(status) };
            },
            executionsOf: executionsIn(store, names),
            versions: (limit) => store.versions(limit),
            secrets,
            upkeep: {
              backup: (telemetry, signal) =>
                upkeep.backup({ argos: argosVersion, telemetry, papers: papersOf(dataDir, branches.sources ?? readSources()) }, signal),
              check: (quick, signal) => upkeep.check(quick, signal),
              export: (query, signal) => upkeep.export(query, signal),
            },
            validate: (sources) => declare({ sources: sources ?? readSources(), overlay: [], environment }, env).faults,
            plan: (running, sources) => planIn({ ...admin, store, secrets, env }, running, sources),
          }),
        signal,
      ),
  };
  return {
    store: storeChild(store, names, kept),
    secrets: secretsChild(names, dataDir, env.ARGOS_SECRET_KEY),
    actions: branch('actions', names),
    outbox: outboxChild({ names, log: logger('outbox'), ...outboxIn(store, node) }),
    rules: branch('rules', names),
    monitors: branch('monitors', names, [resource(childOf(systemMonitor(), site))]),
    listeners: branch('listeners', names),
    admin: adminChild(admin),
  };
}

/** The store is opened once: what is changed of it counts from the next start. */
function changedSections(started: Declaration, now: Declaration): { readonly atRestart?: readonly string[] } {
  const changed = (['store', 'retention'] as const).filter((section) => !isDeepStrictEqual(started[section], now[section]));
  return changed.length > 0 ? { atRestart: changed } : {};
}
