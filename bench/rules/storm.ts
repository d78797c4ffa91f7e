/**
 * Ten thousand rules over a thousand monitors, each event concerning ten of them, within one process and without a store: what the feed's index routes
 * to mailboxes alone, and how long a real rule takes from the event to its decision at a steady pace. bench/rules/node.ts has the whole node.
 */
import { loadavg } from 'node:os';
import { setImmediate as turn } from 'node:timers/promises';
import { type Ask, call } from '../../lib/call.ts';
import { type GenServer, type Init, type Next, noreply, ok, startLink } from '../../lib/gen-server.ts';
import { type Pid, type Process, spawn } from '../../lib/process.ts';
import { started } from '../../lib/start.ts';
import type { Fields } from '../../actors/event.ts';
import { Feed, type Wake } from '../../actors/feed.ts';
import { setLogLevel } from '../../actors/logger.ts';
import { programOf } from '../../actors/rules/program.ts';
import { ruleChild } from '../../actors/rules/rule.ts';
import { machine, median, quantile, round, table } from '../support.ts';
import { conditionOf, memoryPort, MONITORS, monitorOf, RULES, ruleOf } from './workload.ts';

const ROUTE_MS = 1_000;
const RUNS = 5;
/** Events that are handed on before the rules have their turn: as many as a listener takes from the wire in one. */
const BURST = 1_000;
const PACE_SECONDS = 8;
const WARM_SECONDS = 3;

setLogLevel('error');
const root: Process = spawn(() => new Promise<never>(() => {}), { name: 'bench' });
const nowMs = (): number => performance.timeOrigin + performance.now();
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** Takes what it is sent, and does nothing with it but say so. */
class Sink implements GenServer<undefined, never, Wake> {
  static taken = 0;
  readonly #feed: Feed;
  readonly #name: string;
  constructor(feed: Feed, name: string) {
    this.#feed = feed;
    this.#name = name;
  }
  init(): Init<undefined> {
    return ok(undefined);
  }
  handleCast({ mark }: Wake): Next<undefined> {
    Sink.taken++;
    this.#feed.judged(this.#name, mark);
    return noreply(undefined);
  }
}

/** Each monitor has ten fields, and so each rule reads another four of them; beside these it has fields that nobody reads. */
const path = (i: number) => (n: number) => `field_${(Math.floor(i / MONITORS) + n) % 10}`;
const fieldsAt = (e: number): Fields => ({
  ...Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`field_${n}`, (e * 31 + n * 7) % 80])),
  up: true,
  note: 'nobody reads this',
});
const STATES = Array.from({ length: 256 }, (_, e) => fieldsAt(e));

async function routed(): Promise<string[]> {
  const feed = new Feed(async () => 1);
  for (let i = 0; i < RULES; i++) {
    const name = `rule_${i}`;
    const pid = started(await startLink(root, new Sink(feed, name), { name }));
    feed.subscribe(name, pid, programOf(ruleOf(i, conditionOf(i, path(i))), []).reads);
  }
  const rates: number[] = [];
  const cpus: number[] = [];
  let event = 0;
  for (let run = 0; run < RUNS + 2; run++) {
    const taken = Sink.taken;
    const began = performance.now();
    const beganCpu = cpuMs();
    let count = 0;
    for (; performance.now() - began < ROUTE_MS; count += BURST) {
      const published: Promise<void>[] = [];
      for (let i = 0; i < BURST; i++, event++)
        published.push(feed.publish({ monitor: monitorOf(event * 7), observations: [{ atMs: 0, fields: STATES[event & 255] ?? {} }] }));
      await Promise.all(published);
    }
    while (Sink.taken - taken < count * (RULES / MONITORS)) await turn();
    rates.push(count / ((performance.now() - began) / 1_000));
    cpus.push(count / ((cpuMs() - beganCpu) / 1_000));
  }
  return [
    'routed through the index to ten mailboxes each, and taken',
    `${rate(median(rates.slice(2)))} events/s (${rate(median(cpus.slice(2)))} a second of CPU)`,
  ];
}
const rate = (n: number): string => Math.round(n).toLocaleString('en');

/** @param share of the events that fire, each all ten rules of its monitor. */
async function decided(perSecond: number, share: number): Promise<string[]> {
  const feed = new Feed(async () => 1);
  const latencies: number[] = [];
  let measuring = false;
  const port = memoryPort(feed, ({ executions }) => {
    const now = nowMs();
    if (measuring) for (const { job } of executions) latencies.push(now - Number(job.alert.event.sentMs));
  });
  const pids: Pid[] = [];
  for (let i = 0; i < RULES; i++) {
    const config = ruleOf(i, { or: [conditionOf(i, path(i)), { field: `${monitorOf(i)}.hot`, op: '==', value: true }] }, { mode: 'event' });
    pids.push(started(await ruleChild(config.name, config, port).start(root)));
  }
  for (const pid of pids) await call(pid, { ask: 'status' } as Ask<unknown>);
  globalThis.gc?.();
  let sent = 0;
  let lag = 0;
  const began = performance.now();
  let beganCpu = cpuMs();
  let counted = 0;
  while (performance.now() - began < (WARM_SECONDS + PACE_SECONDS) * 1_000) {
    const passed = performance.now() - began;
    if (!measuring && passed > WARM_SECONDS * 1_000) {
      measuring = true;
      beganCpu = cpuMs();
      counted = sent;
    }
    const due = Math.floor((passed / 1_000) * perSecond);
    for (; sent < due; sent++) {
      const sentMs = performance.timeOrigin + began + (sent * 1_000) / perSecond; // when it was due, so that a pause counts for all that it holds up
      const hot = sent % Math.round(1 / share) === 0;
      void feed.publish({ monitor: monitorOf(sent * 7), observations: [{ atMs: Date.now(), fields: { ...STATES[sent & 255], hot, sentMs } }] });
    }
    lag = Math.max(lag, performance.now() - began - passed);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const cpu = ((cpuMs() - beganCpu) * 1_000) / (sent - counted);
  for (const pid of pids) await call(pid, { ask: 'status' } as Ask<unknown>);
  latencies.sort((a, b) => a - b);
  const ms = (q: number): string => round(quantile(latencies, q), 2);
  return [
    `event → decision of ten real rules at ${rate(perSecond)} events/s, one in ${Math.round(1 / share)} fires them`,
    `p50 ${ms(0.5)}, p95 ${ms(0.95)}, p99 ${ms(0.99)}, most ${round(latencies.at(-1) ?? Number.NaN)} ms (${rate(latencies.length)} decisions); ${round(cpu)} µs CPU an event`,
  ];
}

const [only] = process.argv.slice(2);
const rows: string[][] = [];
if (!only || only === 'routed') rows.push(await routed());
if (!only || only === 'decided') rows.push(await decided(Number(process.env.RATE ?? 10_000), 1 / 100));
console.log(`${machine()}; load ${round(loadavg()[0] ?? Number.NaN)}; ${RULES} rules over ${MONITORS} monitors\n`);
console.log(table(['what', 'figure'], rows));
process.exit(0);
