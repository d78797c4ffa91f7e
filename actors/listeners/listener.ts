/** A listener: one actor that takes telemetry over one protocol. What its clients send, however malformed, costs their own connection at most. */
import type { Static, TSchema } from 'typebox';
import type { CallMessage } from '../../lib/call.ts';
import type { ChildSpec } from '../../lib/child-spec.ts';
import { type GenServer, type Init, type Next, noreply, ok, reply, startLink, stop } from '../../lib/gen-server.ts';
import type { Process } from '../../lib/process.ts';
import { Berth } from '../berth.ts';
import type { Log, Metric, Telemetry } from '../event.ts';
import type { Logger } from '../logger.ts';
import type { Names } from '../names.ts';
import type { Fault } from '../schema.ts';
import { Intake } from './intake.ts';

/** What the store has, newest first. Times are ms since 1970, both included. */
export interface TelemetryQuery {
  readonly service?: string;
  readonly name?: string;
  readonly level?: string;
  readonly from?: number;
  readonly to?: number;
  readonly limit?: number;
}
export interface Archive {
  metrics(query: TelemetryQuery): Promise<readonly Metric[]>;
  logs(query: TelemetryQuery): Promise<readonly Log[]>;
}

/** What a listener type is given to work with. */
export interface ListenerPort {
  readonly intake: Intake;
  readonly archive: Archive;
  readonly log: Logger;
  /** Whether the node can do its work, and what is wrong when it cannot. */
  health(): Promise<{ readonly ready: boolean; readonly faults: readonly string[] }>;
  /** It can take no more: the listener ends with this error and is started anew. */
  crash(error: Error): void;
}

/** A listener that is open. */
export interface Open {
  /** Where: `host:port`. */
  readonly address: string;
  /** Connections at this moment. */
  connections(): number;
  close(): Promise<void>;
}

/** The one thing to write for a new protocol. */
export interface ListenerType<S extends TSchema> {
  /** Its key under `listeners` in the config. */
  readonly type: string;
  readonly schema: S;
  /** Environment variables that override a key. */
  readonly env: Readonly<Record<string, string>>;
  check?(config: Static<S>): readonly Fault[];
  open(config: Static<S>, port: ListenerPort): Promise<Open>;
}

export interface ListenerStatus {
  readonly address: string;
  readonly connections: number;
}

export interface ListenerSettings {
  readonly names: Names;
  readonly log: Logger;
  readonly archive: Archive;
  /** Where each type stands, from one incarnation to the next. */
  readonly berths: Map<string, Berth>;
  ingest(telemetry: Telemetry): Promise<void>;
  health(): Promise<{ readonly ready: boolean; readonly faults: readonly string[] }>;
}

export const listenerChild = <S extends TSchema>(type: ListenerType<S>, config: Static<S>, settings: ListenerSettings): ChildSpec => ({
  id: `listener:${type.type}`,
  shutdown: 10_000,
  start: (parent) => startLink(parent, new Listener(type, config, settings), { name: `listener:${type.type}` }),
});

class Crash {
  readonly error: Error;
  constructor(error: Error) {
    this.error = error;
  }
}

class Listener<S extends TSchema> implements GenServer<Open, { readonly ask: 'status' }> {
  readonly #type: ListenerType<S>;
  readonly #config: Static<S>;
  readonly #settings: ListenerSettings;

  constructor(type: ListenerType<S>, config: Static<S>, settings: ListenerSettings) {
    this.#type = type;
    this.#config = config;
    this.#settings = settings;
  }

  async init(self: Process): Promise<Init<Open>> {
    self.trapExit = true;
    const { names, log, archive, berths, health, ingest } = this.#settings;
    const { type } = this.#type;
    const intake = new Intake(type, ingest);
    const port: ListenerPort = { intake, archive, log, health, crash: (error) => self.deliver(new Crash(error)) };
    const berth = berths.get(type) ?? new Berth();
    berths.set(type, berth);
    const open = await berth.take(self.signal, async () => closedOnce(await this.#type.open(this.#config, port)));
    names.register(self, `listener:${type}`, undefined);
    log.info('listening', { address: open.address });
    return ok(open);
  }

  handleCall(_request: { readonly ask: 'status' }, _from: CallMessage, open: Open): Next<Open> {
    return reply({ address: open.address, connections: open.connections() } satisfies ListenerStatus, open);
  }

  handleInfo(message: unknown, open: Open): Next<Open> {
    return message instanceof Crash ? stop(message.error, open) : noreply(open);
  }

  terminate(_reason: unknown, open: Open): Promise<void> {
    return open.close();
  }
}

/** By its terminate, and, when it was killed, by the end of its signal. */
function closedOnce(open: Open): Open {
  let closed: Promise<void> | undefined;
  return { ...open, close: () => (closed ??= open.close()) };
}

/** Without credentials a listener is for this machine only. */
export const loopbackOnly = (host: string): readonly Fault[] =>
  ['127.0.0.1', '::1', 'localhost'].includes(host)
    ? []
    : [{ path: '/host', expected: '127.0.0.1, ::1 or localhost: this version knows no credentials yet, and without them others must not reach it', got: host }];
