/**
 * Ten thousand rules over a thousand push monitors in a whole node, as users run it: `bin/argos start`, SQLite, a thousand events a second over MQTT
 * (QoS 1), each concerning ten rules. CPU, memory, the time from an event to the verdict by the node's own histogram, and how long it takes to start.
 * The publisher is this file again, in a process of its own.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectAsync } from 'mqtt';
import { type BenchNode, machine, round, startNode, table } from '../support.ts';
import { MONITORS, RULES } from './workload.ts';

const PER_SECOND = 1_000;
const [WARM_SECONDS, SECONDS] = [5, 20];
/** One event in so many lets the ten rules of its monitor fire; the next of that monitor ends it. */
const FIRING = 1_000;
const CLIENTS = 4;

async function publisher(port: number): Promise<void> {
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => connectAsync(`mqtt://127.0.0.1:${port}`)));
  const began = performance.now();
  const until = (WARM_SECONDS + SECONDS) * 1_000;
  for (let sent = 0, passed = 0; passed < until; passed = performance.now() - began) {
    for (const due = Math.floor((passed / 1_000) * PER_SECOND); sent < due; sent++) {
      const value = sent % FIRING === 0 ? 100 : (sent * 31) % 80;
      void clients[sent % CLIENTS]?.publishAsync(`argus/metrics/s${(sent * 7) % MONITORS}/load`, JSON.stringify({ value, tags: { unit: 'kW' } }), { qos: 1 });
    }
    await sleep(1);
  }
  await Promise.all(clients.map((client) => client.endAsync()));
}

const conditionOf = (i: number): object => {
  const leaf = (field: string, op: string, value: unknown): object => ({ field: `m${i % MONITORS}.${field}`, op, value });
  return { and: [leaf('value', '>=', 90 + i / RULES), leaf('value', '<', 1_000 + i), leaf('tags.unit', '==', 'kW'), leaf('up', '==', true)] };
};

/** Verdicts by how long they took, cumulated, and all of them. */
async function verdicts(node: BenchNode): Promise<{ readonly bounds: readonly (readonly [seconds: number, count: number])[]; readonly count: number }> {
  const text = await (await fetch(`http://127.0.0.1:${node.httpPort}/metrics`)).text();
  const bounds = [...text.matchAll(/^argos_rule_evaluation_seconds_bucket\{le="([^"]+)"\} (\S+)$/gm)].map(
    ([, le, count]) => [Number(le), Number(count)] as const,
  );
  return { bounds: bounds.filter(([le]) => Number.isFinite(le)), count: Number(/^argos_rule_evaluation_seconds_count (\S+)$/m.exec(text)?.[1]) };
}

async function main(): Promise<void> {
  const began = performance.now();
  const node = await startNode({
    monitors: { single: Array.from({ length: MONITORS }, (_, i) => ({ name: `m${i}`, type: 'push', config: { service: `s${i}`, name: 'load' } })) },
    actions: { single: [{ name: 'act', type: 'log', config: { level: 'debug' } }] },
    rules: Array.from({ length: RULES }, (_, i) => ({ name: `rule_${i}`, condition: conditionOf(i), actions: ['act'] })),
  });
  try {
    const startSeconds = (performance.now() - began) / 1_000;
    const idleMb = node.memoryMb();
    const child = fork(import.meta.filename, [String(node.mqttPort)], { execArgv: ['--disable-warning=ExperimentalWarning'] });
    const ended = once(child, 'exit');
    await sleep(WARM_SECONDS * 1_000);
    const [cpu, before, sinceMs] = [node.cpuSeconds(), await verdicts(node), performance.now()];
    await ended;
    const [after, seconds] = [await verdicts(node), (performance.now() - sinceMs) / 1_000];
    const used = node.cpuSeconds() - cpu;
    const count = after.count - before.count;
    const share = after.bounds.map(([le, n], i) => [le, (n - (before.bounds[i]?.[1] ?? 0)) / count] as const);
    const below = (q: number): string => `${round((share.find(([, part]) => part >= q)?.[0] ?? Number.POSITIVE_INFINITY) * 1_000, 1)} ms`;
    const within = share.map(([le, part]) => `${round(le * 1_000, 1)} ms: ${round(part * 100, 2)} %`).slice(0, 6);
    console.log(
      `${machine()}; load ${round(loadavg()[0] ?? Number.NaN)}; ${RULES} rules over ${MONITORS} push monitors, ${PER_SECOND} events/s for ${SECONDS} s\n`,
    );
    console.log(
      table(
        ['what', 'figure'],
        [
          ['start, until `argos status` answers', `${round(startSeconds)} s`],
          ['resident: started · under load', `${round(idleMb, 0)} · ${round(node.memoryMb(), 0)} MB`],
          ['verdicts', `${Math.round(count / seconds).toLocaleString('en')}/s`],
          ['CPU, all threads', `${round((used / seconds) * 100, 0)} % of a core, ${round((used / seconds / PER_SECOND) * 1e6, 0)} µs an event`],
          ['event received → verdict, p50 · p95 · p99 at the most', [0.5, 0.95, 0.99].map(below).join(' · ')],
          ['the share within', within.join(', ')],
        ],
      ),
    );
  } finally {
    await node.stop();
  }
}

const [port] = process.argv.slice(2);
if (port) await publisher(Number(port));
else await main();
process.exit(0);
