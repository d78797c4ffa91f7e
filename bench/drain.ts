/**
 * A queue that has grown: executions that wait in the store while their receiver is away, a start of the node with all of them, and how fast they are drained to a
 * receiver on this machine. `node bench/drain.ts [executions]`, default 100,000; a minute.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { machine, round, startNode, table } from './support.ts';

const MANY = Number(process.argv[2] ?? 100_000);
const DRAINED_MS = 30_000;

let arrived = 0;
const keys = new Set<string>();
const sink = createServer((request, response) => {
  arrived++;
  keys.add(String(request.headers['idempotency-key']));
  request.resume().on('end', () => response.end());
});
await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${(sink.address() as AddressInfo).port}/`;
const config = (action: string): object => ({
  monitors: { single: [{ name: 'boiler', type: 'push', config: { name: 'boiler' } }] },
  actions: { single: [{ name: action, type: 'http', config: { url }, concurrency: 64 }] },
  rules: [{ name: 'hot', condition: 'boiler.value > 80', actions: [action] }],
});

const job = (i: number): string =>
  JSON.stringify({
    id: `hot#${i}/firing/call`,
    action: 'call',
    createdMs: i,
    alert: {
      ...{
        rule: 'hot',
        description: '',
        severity: 'warning',
        labels: {},
        state: 'firing',
        episode: `hot#${i}`,
        sinceMs: i,
        atMs: i,
        details: 'boiler.value > 80 (93)',
      },
      ...{ monitor: 'boiler', monitors: { boiler: { value: 93 } }, event: { value: 93 }, parameters: {} },
    },
  });
function fill(folder: string): void {
  const db = new Database(join(folder, 'data', 'argos.db'));
  const add = db.prepare("INSERT INTO jobs (id, rule, action, status, due_ms, created_ms, job) VALUES (?, 'hot', 'call', 'queued', ?, ?, ?)");
  db.transaction(() => {
    for (let i = 0; i < MANY; i++) add.run(`hot#${i}/firing/call`, i, i, job(i));
  })();
  db.close();
}

const first = await startNode(config('other')); // makes the database; nobody knows the action that is owed
const empty = first.memoryMb();
await first.stop({ keep: true });
fill(first.folder);
const idleMs = performance.now();
const waiting = await startNode(config('other'), first.folder);
const readyMs = performance.now() - idleMs;
await sleep(2_000);
const [held, open] = [waiting.memoryMb(), waiting.status().executions?.open];
await waiting.stop({ keep: true });

const node = await startNode(config('call'), first.folder);
const [fromCpu, fromMs, from] = [node.cpuSeconds(), performance.now(), arrived];
while (keys.size < MANY && performance.now() - fromMs < DRAINED_MS) await sleep(50);
const seconds = (performance.now() - fromMs) / 1_000;
const done = arrived - from;
const [cpu, memory] = [node.cpuSeconds() - fromCpu, node.memoryMb()];
await node.stop();
sink.close();
sink.closeAllConnections();

console.log(
  `${machine()}; ${MANY.toLocaleString('en')} executions\n\n${table(
    ['figure', '', 'mark'],
    [
      ['start with all of them waiting, until `argos status` answers', `${round(readyMs / 1_000, 2)} s`, '< 3 s'],
      ['memory with all of them waiting, beside that of an empty node', `${round(held)} MB, ${round(empty)} MB; ${open} open`, '< 100 MB more'],
      [
        'drained to an HTTP receiver, 64 at a time',
        `${Math.round(done / seconds).toLocaleString('en')}/s, ${round((cpu / done) * 1e6)} µs CPU each, ${round(memory)} MB`,
        '≥ 5,000/s',
      ],
      ['arrived · of these twice', `${keys.size} · ${arrived - keys.size}`, ''],
    ],
  )}`,
);
