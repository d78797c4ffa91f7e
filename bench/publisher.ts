/** Publishes metrics over MQTT from a process of its own: as fast as it is let, or at a steady pace. Each carries when it was sent. */
import { connectAsync, type MqttClient } from 'mqtt';

interface Options {
  readonly port: number;
  readonly qos: 0 | 1;
  readonly clients: number;
  readonly seconds: number;
  /** Of all clients together; 0: as fast as the broker takes them. */
  readonly perSecond: number;
}
const { port, qos, clients, seconds, perSecond } = JSON.parse(process.argv[2] ?? '{}') as Options;
const IN_FLIGHT = 100;

let count = 0;
const until = performance.now() + seconds * 1_000;
/** Wall clock in ms with fractions: the receiver may be another process. */
const nowMs = (): number => performance.timeOrigin + performance.now();

const send = (client: MqttClient): Promise<unknown> => {
  count++;
  return client.publishAsync(`argus/metrics/bench/temperature`, JSON.stringify({ value: nowMs() }), { qos });
};

async function flood(client: MqttClient): Promise<void> {
  while (performance.now() < until) await Promise.all(Array.from({ length: IN_FLIGHT }, () => send(client)));
}

async function pace(client: MqttClient): Promise<void> {
  const began = performance.now();
  let sent = 0;
  while (performance.now() < until) {
    const due = Math.floor(((performance.now() - began) / 1_000) * (perSecond / clients));
    for (; sent < due; sent++) void send(client);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

const connected = await Promise.all(Array.from({ length: clients }, () => connectAsync(`mqtt://127.0.0.1:${port}`)));
await Promise.all(connected.map(perSecond === 0 ? flood : pace));
await Promise.all(connected.map((client) => client.endAsync()));
process.send?.(count);
process.disconnect?.();
