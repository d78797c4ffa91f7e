/** Devices that send numbered telemetry, each item once and never again, and remember which of it was acknowledged to them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type MqttClient } from 'mqtt';

/** A device whose receiver says nothing for so long takes the item for not acknowledged. */
const PATIENCE_MS = 5_000;
const RECONNECT_MS = 20;

/** What a group of devices has sent so far. */
export class Sent {
  readonly sent = new Set<number>();
  readonly acked = new Set<number>();
}

/** Send one item, or a few at once, and answer whether they were acknowledged. */
type Send = (numbers: readonly number[]) => Promise<boolean>;

export class Devices {
  #last = 0;
  #running = true;
  readonly #loops: Promise<void>[] = [];

  /** @param last the numbers go on from there. */
  constructor(last: number) {
    this.#last = last;
  }
  get last(): number {
    return this.#last;
  }

  /** POST `/api/metrics`, `count` items at once, until stopped. */
  http(url: string, body: (n: number) => object, sent: Sent, everyMs: number, count = 1): void {
    this.#start(sent, everyMs, count, (numbers) => post(url, numbers.map(body)));
  }

  /** Publish with QoS 1 until stopped. A connection that breaks is made anew, and what was on its way is not sent again. */
  mqtt(url: string, topic: string, payload: (n: number) => unknown, sent: Sent, everyMs: number): void {
    let client: MqttClient | undefined;
    const send: Send = async ([n = 0]) => {
      client ??= connect(url, { reconnectPeriod: 0, connectTimeout: PATIENCE_MS }).on('error', () => {}); // it closes after that
      const acked = await acknowledged(client, topic, JSON.stringify(payload(n)));
      if (acked) return true;
      client.end(true);
      client = undefined;
      return false;
    };
    this.#start(sent, everyMs, 1, send, () => client?.end(true));
  }

  /** Resolves when nothing is on its way any more. */
  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#loops);
  }

  #start(sent: Sent, everyMs: number, count: number, send: Send, end: () => void = () => {}): void {
    const loop = async (): Promise<void> => {
      while (this.#running) {
        const numbers = Array.from({ length: count }, () => ++this.#last);
        for (const n of numbers) sent.sent.add(n);
        const acked = await send(numbers).catch(() => false);
        if (acked) for (const n of numbers) sent.acked.add(n);
        await sleep(acked ? everyMs : RECONNECT_MS);
      }
      end();
    };
    this.#loops.push(loop());
  }
}

async function post(url: string, items: readonly object[]): Promise<boolean> {
  const body = JSON.stringify(items.length === 1 ? items[0] : items);
  const answer = await fetch(`${url}/api/metrics`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  await answer.arrayBuffer();
  return answer.ok;
}

/** Whether the connection was made and the PUBACK came before it broke. */
function acknowledged(client: MqttClient, topic: string, payload: string): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (acked: boolean): void => {
      clearTimeout(patience);
      client.off('close', lost);
      resolve(acked);
    };
    const lost = (): void => settle(false);
    const patience = setTimeout(lost, PATIENCE_MS);
    client.once('close', lost);
    const publish = (): void => void client.publish(topic, payload, { qos: 1 }, (error) => settle(!error));
    if (client.connected) publish();
    else client.once('connect', publish);
  });
}
