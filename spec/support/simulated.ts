/** A node for the crash simulation: real monitors, rules and actions, devices that are never silent, and a receiver that keeps what it is told. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ask } from '../../bin/client.ts';
import type { ResourceInfo, Status } from '../../proto/api.ts';
import { Devices, Sent } from './devices.ts';
import { type InsideNode, startInside } from './inside.ts';
import { freePort, mosquitto, tempFolder } from './services.ts';
import { type Seen, startWebServer, type WebServer } from './web.ts';

const RETRY = { retry_timeout: 20, max_backoff: 100, max_retries: 1_000 };

/** What the devices have sent while one sequence of kills ran. */
export interface Sending {
  /** By this name the items are asked for. */
  readonly name: string;
  /** Over HTTP and MQTT to the node's own listeners, for the rule `each`. */
  readonly device: Sent;
  /** Over HTTP, for the rule `hot`. */
  readonly boiler: Sent;
  /** To a broker outside, for the rule `left`. */
  readonly left: Sent;
}

/** The receiver of all actions, by the path that is each one's own. */
export class Receiver {
  readonly #paths = new Map<string, { requests: number; readonly keys: Map<unknown, Set<string>> }>();

  hear({ path, headers, body }: Seen): void {
    const said = JSON.parse(body) as { readonly value?: number; readonly payload?: { readonly n: number }; readonly id?: string };
    const what = said.value ?? said.payload?.n ?? said.id;
    const at = this.#paths.get(path) ?? { requests: 0, keys: new Map<unknown, Set<string>>() };
    at.requests++;
    at.keys.set(what, (at.keys.get(what) ?? new Set()).add(String(headers['idempotency-key'])));
    this.#paths.set(path, at);
  }
  /** How often it was spoken to there. */
  requests(path: string): number {
    return this.#paths.get(path)?.requests ?? 0;
  }
  /** The `Idempotency-Key`s under which it was told a thing: the number of an item, else the name of an execution. */
  keys(path: string, what: unknown): number {
    return this.#paths.get(path)?.keys.get(what)?.size ?? 0;
  }
  /** The executions that it was told of, whose names hold this. */
  executions(path: string, like: string): number {
    return [...(this.#paths.get(path)?.keys.keys() ?? [])].filter((name) => String(name).includes(like)).length;
  }
}

export class SimulatedNode {
  readonly told = new Receiver();
  #inside!: InsideNode;
  #config: object = {};
  #folder = '';
  #broker = '';
  #http = 0;
  #mqtt = 0;
  #lastNumber = 0;
  readonly #servers: WebServer[] = [];

  get inside(): InsideNode {
    return this.#inside;
  }

  async prepare(): Promise<void> {
    const hook = await startWebServer(async (seen) => {
      this.told.hear(seen);
      await sleep(30 * Math.random()); // time for whoever waits for the answer to be killed
      return { status: seen.path !== '/broken' && Math.random() < 0.1 ? 503 : 200 };
    });
    const pump = await startWebServer(() => ({ status: 200, headers: { 'content-type': 'application/json' }, body: '{"status":"error"}' }));
    this.#servers.push(hook, pump);
    this.#folder = tempFolder();
    this.#broker = (await mosquitto()).url;
    this.#http = await freePort(); // its own, so that devices find the listener again
    this.#mqtt = await freePort();
    const action = (name: string, more: object = {}): object => ({ name, type: 'http', config: { url: `${hook.url}/${name}`, ...more }, retry_policy: RETRY });
    const seen = { body_template: '${monitor.data}' };
    const both = (name: string): object => ({ actions: [name], on_resolve: [name] });
    this.#config = {
      listeners: { http: { host: 'localhost', port: this.#http }, mqtt: { host: 'localhost', port: this.#mqtt } }, // a name is looked up: time to be killed in
      monitors: {
        single: [
          {
            name: 'left',
            type: 'mqtt',
            config: { broker_url: this.#broker, topic: 'simulation/left', qos: 1, client_id: 'simulation', clean_session: false },
            retry_policy: RETRY,
          },
          { name: 'pump', type: 'http', config: { url: pump.url, interval: 50 }, retry_policy: RETRY },
          { name: 'each', type: 'push', config: { service: 'device' } },
          { name: 'boiler', type: 'push', config: { service: 'boiler' } },
        ],
      },
      actions: { single: [action('each', seen), action('left', seen), action('hot'), action('broken')] },
      rules: [
        { name: 'each', mode: 'event', condition: { field: 'each.value', op: '>', value: 0 }, actions: ['each'] },
        { name: 'left', mode: 'event', condition: { field: 'left.payload.n', op: '>', value: 0 }, actions: ['left'] },
        { name: 'hot', condition: { field: 'boiler.value', op: '>', value: 0 }, for: 0.2, keep_firing_for: 0.2, ...both('hot') },
        { name: 'broken', condition: { field: 'pump.body.status', op: '==', value: 'error' }, ...both('broken') },
      ],
    };
  }
  async close(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.close()));
  }

  /** Start it, on the data that its last life has left. */
  async start(): Promise<void> {
    this.#inside = await startInside(this.#config, {}, this.#folder);
  }

  status(): Promise<Status> {
    return ask(this.#inside.socket, 'GET', '/v1/status');
  }
  /** What a rule or monitor says of itself. @throws when it does not answer. */
  async detail(kind: 'rule' | 'monitor', name: string): Promise<{ readonly phase: string; readonly episode?: string | null }> {
    const { detail } = await ask<ResourceInfo>(this.#inside.socket, 'GET', `/v1/resources/${kind}/${name}`);
    if (!detail) throw new Error(`${kind} ${name} does not answer`);
    return detail as { phase: string; episode?: string | null };
  }
  /** The numbers of a service's items that the store has under this name, as anybody may ask for them. */
  async stored(service: string, name: string): Promise<readonly number[]> {
    const answer = await fetch(`http://localhost:${this.#http}/api/metrics?service=${service}&name=${name}&limit=10000`);
    const { metrics } = (await answer.json()) as { metrics: { value: number }[] };
    return metrics.map(({ value }) => Math.abs(value));
  }

  /** Let the devices send, the boiler above 0 when it is hot and below when it is not. */
  send(name: string, hot: boolean): { readonly sending: Sending; stop(): Promise<void> } {
    const sending: Sending = { name, device: new Sent(), boiler: new Sent(), left: new Sent() };
    const devices = new Devices(this.#lastNumber);
    const http = `http://localhost:${this.#http}`;
    const metric = (value: number): object => ({ service: 'device', name, value });
    devices.http(http, metric, sending.device, 8);
    devices.http(http, metric, sending.device, 12, 3);
    devices.mqtt(`mqtt://localhost:${this.#mqtt}`, `argus/metrics/device/${name}`, (value) => ({ value }), sending.device, 8);
    devices.mqtt(this.#broker, 'simulation/left', (n) => ({ n }), sending.left, 15);
    devices.http(http, (n) => ({ service: 'boiler', name, value: hot ? n : -n }), sending.boiler, 20);
    const stop = async (): Promise<void> => {
      await devices.stop();
      this.#lastNumber = devices.last;
    };
    return { sending, stop };
  }
}
