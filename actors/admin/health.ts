/** How the node is: the answers of `argos status` and of the readiness probe. */
import { type Ask, call } from '../../lib/call.ts';
import { processes } from '../../lib/process.ts';
import type { Declared, Kind, ResourceInfo, Status, StoreStatus } from '../../proto/api.ts';
import { KINDS } from '../../proto/api.ts';
import type { Names } from '../names.ts';
import * as vitals from '../vitals.ts';
import type { Desk } from './desk.ts';
import { keyOf } from './branches.ts';
import { redact } from './redact.ts';
import type { Restarts } from './restarts.ts';

/** A listener or rule that does not answer so fast is shown without its detail. */
const ANSWER_MS = 1_000;
const STAGES = ['store', 'outbox', 'actions', 'rules', 'monitors', 'listeners'];

export interface HealthPort {
  readonly names: Names;
  readonly restarts: Restarts;
  readonly argosVersion: string;
  /** Executions that are open, and those that have failed for good. */
  executions(): Promise<{ readonly open: number; readonly failed: number }>;
  /** Where executions go, and whether anybody is there. */
  destinations(): Promise<Status['destinations']>;
  /** Why nothing can be stored; undefined: it can. */
  storeTrouble(): string | undefined;
  /** How the store is, and what is wrong with it. */
  store(): Promise<{ readonly status: StoreStatus; readonly faults: readonly string[] }>;
}

/** Whether the node can do its work: every stage of the corridor is running. @param store why nothing can be stored. */
export function readiness(names: Names, store: string | undefined): { readonly ready: boolean; readonly faults: readonly string[] } {
  const faults = STAGES.filter((stage) => !names.whereis(stage)).map((stage) => `${stage} is not running`);
  if (store !== undefined) faults.push(`nothing can be stored: ${store}`);
  return { ready: faults.length === 0, faults };
}

export async function statusOf(desk: Desk, port: HealthPort): Promise<Status> {
  const { declared, quarantine } = desk;
  const resources = Object.fromEntries(KINDS.map((kind) => [kind, declared.filter((one) => one.kind === kind).length])) as Record<Kind, number>;
  const infos = await Promise.all(declared.filter(({ kind }) => kind === 'listener' || kind === 'rule').map((one) => infoOf(one, desk, port.names)));
  const details = (kind: Kind): { name: string; detail: Record<string, unknown> }[] =>
    infos.filter((one) => one.kind === kind).map(({ name, detail }) => ({ name, detail: (detail ?? {}) as Record<string, unknown> }));
  const parked = quarantine.list();
  const counted = await soon(port.executions()).catch((error: unknown) => String(error)); // a store that is away is a fault to tell, not one to fail by
  const store = await soon(port.store()).catch(() => null); // which `executions` has said already
  const destinations = await port.destinations();
  const faults = [
    ...readiness(port.names, port.storeTrouble()).faults,
    ...parked.map(({ resource, reason }) => `${resource} is quarantined: ${reason}`),
    ...destinations.flatMap(({ destination, breaker }) =>
      breaker === 'closed' ? [] : [`${destination} does not take executions: its circuit breaker is ${breaker}`],
    ),
    ...details('rule').flatMap(({ name, detail: { refused } }) =>
      Number(refused ?? 0) > 0 ? [`rule ${name} has no room for ${Number(refused)} monitors`] : [],
    ),
    ...(store?.faults ?? []),
    ...(typeof counted === 'string' ? [counted] : counted.failed > 0 ? [`${counted.failed} executions have failed for good`] : []),
  ];
  return {
    name: String(desk.system.name ?? 'argos'),
    health: faults.length > 0 ? 'degraded' : 'ok',
    faults,
    pid: process.pid,
    node: process.version,
    argos: port.argosVersion,
    startedAt: new Date(performance.timeOrigin).toISOString(),
    version: desk.version,
    environment: String(desk.system.environment ?? ''),
    processes: [...processes()].length,
    memoryBytes: process.memoryUsage.rss(),
    resources,
    firing: details('rule')
      .filter(({ detail }) => detail.phase === 'firing' || detail.phase === 'recovering')
      .map(({ name }) => name),
    listeners: details('listener').map(({ name, detail }) => ({
      name,
      address: String(detail.address ?? 'not open'),
      connections: Number(detail.connections ?? 0),
    })),
    items: { received: await sum(vitals.received), stored: await sum(vitals.stored), rejected: await sum(vitals.rejected), shed: await sum(vitals.shed) },
    executions: typeof counted === 'string' ? null : counted,
    destinations,
    store: store?.status ?? null,
    restarts: port.restarts.total,
    quarantine: parked,
  };
}

/** Whoever asks how the node is must be told also while the store does not answer. */
async function soon<T>(answer: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error('the store does not answer')), ANSWER_MS);
  return Promise.race([answer, promise]).finally(() => clearTimeout(timer));
}

/** One resource, with what it says of itself. */
export async function infoOf(declared: Declared, desk: Desk, names: Names, whole = false): Promise<ResourceInfo> {
  const { kind, name, type, origin, spec } = declared;
  const shown = whole ? { config: redact(spec, '', desk.secrets) } : {};
  if (kind === 'silence') {
    const { status, next } = desk.silences.standing(name);
    return { kind, name, type, origin, status, detail: { ...(redact(spec, '', desk.secrets) as object), next }, ...shown };
  }
  const pid = names.whereis(keyOf(declared));
  const asks = pid && kind !== 'action';
  const detail = asks ? await call(pid, { ask: 'status' } as Ask<unknown>, ANSWER_MS).catch(() => null) : null;
  const status = kind === 'system_config' || pid ? 'running' : desk.quarantine.has(keyOf(declared)) ? 'quarantined' : 'stopped';
  return { kind, name, type, origin, status, detail, ...shown };
}

const sum = async (counter: { get(): Promise<{ readonly values: readonly { readonly value: number }[] }> }): Promise<number> =>
  (await counter.get()).values.reduce((all, { value }) => all + value, 0);
