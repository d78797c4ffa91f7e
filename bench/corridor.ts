/** The whole corridor: from an MQTT publish to the rule's verdict and the action's start, and what a thousand monitors weigh. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BenchNode, machine, median, publish, quantile, round, startNode, table } from './support.ts';

const RUNS = 3;
const push = { name: 'air', type: 'push', config: { service: 'bench' } };
const rule = (more: object): object => ({
  name: 'hot',
  condition: {
    and: [
      { field: 'air.value', op: '>', value: 0 },
      { field: 'air.service', op: '==', value: 'bench' },
    ],
  },
  actions: ['act'],
  ...more,
});

/** Events a second, as many as the node takes: published, stored, judged. */
async function throughput(qos: 0 | 1): Promise<readonly string[]> {
  const node = await startNode({
    monitors: { single: [push] },
    actions: { single: [{ name: 'act', type: 'log', config: { level: 'debug' } }] },
    rules: [rule({ cooldown: 3_600 })],
  });
  const rates: number[] = [];
  const cpus: number[] = [];
  await publish({ port: node.mqttPort, qos, clients: 10, seconds: 2, perSecond: 0 }); // warm
  for (let run = 0; run < RUNS; run++) {
    const [cpu, judged, began] = [node.cpuSeconds(), await node.counter('argos_rule_evaluations_total'), performance.now()];
    await publish({ port: node.mqttPort, qos, clients: 10, seconds: 5, perSecond: 0 });
    const done = await drained(node);
    rates.push((done - judged) / ((performance.now() - began) / 1_000));
    cpus.push(((node.cpuSeconds() - cpu) / (done - judged)) * 1e6);
  }
  const memory = node.memoryMb();
  await node.stop();
  return [
    `MQTT QoS ${qos} → stored → rule evaluated`,
    `${round(median(rates), 0)} events/s`,
    `${round(median(cpus))} µs CPU an event`,
    `${round(memory, 0)} MB`,
  ];
}

/** aedes alone under the same load: what the protocol costs by itself. */
async function bare(qos: 0 | 1): Promise<readonly string[]> {
  const child = fork(join(import.meta.dirname, 'bare.ts'), { execArgv: ['--disable-warning=ExperimentalWarning'] });
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  const read = async (): Promise<{ count: number; cpuSeconds: number }> => {
    child.send('read');
    const [figures] = (await once(child, 'message')) as [{ count: number; cpuSeconds: number }];
    return figures;
  };
  await publish({ port, qos, clients: 10, seconds: 2, perSecond: 0 });
  const rates: number[] = [];
  const cpus: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const [before, began] = [await read(), performance.now()];
    await publish({ port, qos, clients: 10, seconds: 5, perSecond: 0 });
    const after = await read();
    rates.push((after.count - before.count) / ((performance.now() - began) / 1_000));
    cpus.push(((after.cpuSeconds - before.cpuSeconds) / (after.count - before.count)) * 1e6);
  }
  child.kill();
  return [`beside it: bare aedes, QoS ${qos}, JSON.parse, nothing kept`, `${round(median(rates), 0)} events/s`, `${round(median(cpus))} µs CPU an event`, ''];
}

/** Wait until the rule has judged all that there is. */
async function drained(node: BenchNode): Promise<number> {
  for (let last = -1; ; ) {
    const now = await node.counter('argos_rule_evaluations_total');
    if (now === last) return now;
    last = now;
    await sleep(200);
  }
}

/** From the publish to the action's request arriving, at a steady pace, every event firing. */
async function latency(perSecond: number): Promise<readonly string[]> {
  const took: number[] = [];
  const sink = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      took.push(performance.timeOrigin + performance.now() - Number(JSON.parse(body).sent));
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(sink.address() as AddressInfo).port}/`;
  const action = { name: 'act', type: 'http', config: { url, body_template: '{"sent": ${event.value}}' }, concurrency: 32 };
  const node = await startNode({ monitors: { single: [push] }, actions: { single: [action] }, rules: [rule({ mode: 'event' })] });
  await publish({ port: node.mqttPort, qos: 1, clients: 10, seconds: 2, perSecond });
  await sleep(1_000);
  took.length = 0;
  const cpu = node.cpuSeconds();
  const sent = await publish({ port: node.mqttPort, qos: 1, clients: 10, seconds: 8, perSecond });
  for (let i = 0; took.length < sent && i < 100; i++) await sleep(100);
  const used = ((node.cpuSeconds() - cpu) / sent) * 1e6;
  await node.stop();
  sink.close();
  const sorted = [...took].sort((a, b) => a - b);
  return [
    `event → action's request received, at ${perSecond} events/s, all firing`,
    `p50 ${round(quantile(sorted, 0.5))} ms, p95 ${round(quantile(sorted, 0.95))} ms, p99 ${round(quantile(sorted, 0.99))} ms`,
    `${round(used, 0)} µs CPU an event`,
    `${took.length} of ${sent} arrived`,
  ];
}

/** A thousand monitors that each poll a URL every ten seconds, and a rule on each. */
async function memory(monitors: number): Promise<readonly string[]> {
  const target = createServer((_request, response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{"status":"ok","value":21}'));
  await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(target.address() as AddressInfo).port}/`;
  const names = Array.from({ length: monitors }, (_, i) => `m${i}`);
  const before = await startNode({});
  await sleep(2_000);
  const empty = before.memoryMb();
  await before.stop();
  const node = await startNode({
    monitors: { single: names.map((name) => ({ name, type: 'http', config: { url, interval: 10_000 } })) },
    actions: { single: [{ name: 'act', type: 'log', config: {} }] },
    rules: names.map((name) => ({ name: `r_${name}`, condition: { field: `${name}.status_code`, op: '>=', value: 500 }, actions: ['act'] })),
  });
  await sleep(25_000);
  const full = node.memoryMb();
  await node.stop();
  target.close();
  return [
    `${monitors} http monitors (10 s) with a rule each`,
    `${round(full, 0)} MB resident`,
    `${round(((full - empty) * 1024) / monitors, 0)} KB a monitor and rule`,
    `${round(empty, 0)} MB without`,
  ];
}

const rows = [await throughput(0), await bare(0), await throughput(1), await bare(1), await latency(1_000), await latency(100), await memory(1_000)];
console.log(`${machine()}; medians of ${RUNS}; generator and node share the cores\n`);
console.log(table(['what', 'figure', 'cost', 'beside'], rows));
