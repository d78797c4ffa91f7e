/**
 * What a rule of four comparisons takes, part by part: ten thousand of them, of fields and values of their own, without windows. Bytes of the heap
 * after a collection, V8's own with them. To be run with --expose-gc.
 */
import { type Ask, call } from '../../lib/call.ts';
import { type Init, ok, startLink } from '../../lib/gen-server.ts';
import { type Pid, type Process, spawn } from '../../lib/process.ts';
import { started } from '../../lib/start.ts';
import { Feed } from '../../actors/feed.ts';
import { setLogLevel } from '../../actors/logger.ts';
import { INACTIVE } from '../../actors/rules/alert/alert-state.ts';
import { compile } from '../../actors/rules/condition/compile.ts';
import { parseCondition } from '../../actors/rules/condition/condition.ts';
import { identityOf } from '../../actors/rules/condition/identity.ts';
import type { Tree } from '../../actors/rules/condition/tree.ts';
import { Instance } from '../../actors/rules/instance.ts';
import { programOf, readsOf } from '../../actors/rules/program.ts';
import { ruleChild } from '../../actors/rules/rule.ts';
import { machine, table } from '../support.ts';
import { conditionOf, memoryPort, monitorOf, RULES, ruleOf } from './workload.ts';

/** Bytes in use, of the heap and outside of it. */
function memory(): number {
  for (let i = 0; i < 3; i++) globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
setLogLevel('error');
const keep: unknown[] = [];
/** Bytes that each of them takes which are made. What is made first, of the last hundred, takes the code with it. */
async function each(make: (i: number) => unknown): Promise<number> {
  for (let i = RULES; i < RULES + 100; i++) await make(i);
  const before = memory();
  const all: unknown[] = [];
  for (let i = 0; i < RULES; i++) all.push(await make(i));
  const bytes = (memory() - before) / RULES - 8;
  keep.push(all);
  return bytes;
}

/** Fields are four of a hundred that all monitors have, or four that no other rule reads. */
const SHARED = (i: number) => (n: number) => `payload.field_${(i * 7 + n * 13) % 100}`;
const OWN = (i: number) => (n: number) => `payload.own_${i}_${n}`;

function treeOf(condition: unknown): Tree {
  const parsed = parseCondition(condition, {});
  if (!('condition' in parsed)) throw new Error(JSON.stringify(parsed.faults));
  return parsed.condition;
}

const root: Process = spawn(() => new Promise<never>(() => {}), { name: 'bench' });
const BLANK = { init: (): Init<undefined> => ok(undefined) };

async function rows(path: (i: number) => (n: number) => string): Promise<Map<string, number>> {
  const conditions = Array.from({ length: RULES + 100 }, (_, i) => conditionOf(i, path(i)));
  const configs = conditions.map((condition, i) => ruleOf(i, condition));
  const at = <T>(list: readonly T[], i: number): T => list[i] as T;
  const found = new Map<string, number>();
  found.set('the condition as JSON, in the configuration', await each((i) => conditionOf(i, path(i))));
  found.set('its tree', await each((i) => treeOf(at(conditions, i))));
  found.set('its closures', await each((i) => compile(treeOf(at(conditions, i)))));
  found.set(
    'what it means, and what it reads',
    await each((i) => {
      const tree = treeOf(at(conditions, i));
      const config = at(configs, i);
      return [identityOf({ mode: config.mode, condition: tree }), readsOf(config, tree)];
    }),
  );
  const programs = configs.map((config) => programOf(config, []));
  found.set('all that is compiled: the program', await each((i) => programOf(at(configs, i), [])));
  found.set('an instance', await each((i) => new Instance('', at(programs, i), INACTIVE, 0)));
  const index = new Feed(async () => 1);
  const alive = await idle('reader');
  found.set("the feed's index, by monitor and field, and its inbox", await each((i) => index.subscribe(`${path(0)(0)}${i}`, alive, at(programs, i).reads)));
  keep.push(index);
  return found;
}
const idle = async (name: string): Promise<Pid> => started(await startLink(root, BLANK, { name }));

const shared = await rows(SHARED);
const own = await rows(OWN);
const idleBytes = await each((i) => idle(`idle ${i}`));
const feed = new Feed(async () => 1);
const port = memoryPort(feed);
const configs = Array.from({ length: RULES + 100 }, (_, i) => ruleOf(i, conditionOf(i, SHARED(i))));
const rules: Pid[] = [];
const wholeBytes = await each(async (i) => {
  const config = configs[i] as (typeof configs)[number];
  const pid = started(await ruleChild(config.name, config, port).start(root));
  await call(pid, { ask: 'status' } as Ask<unknown>);
  rules.push(pid);
});
const beforeWoken = memory();
const fields = { payload: Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`field_${n}`, n])) };
for (let i = 0; i < 1_000; i++) await feed.publish({ monitor: monitorOf(i), observations: [{ atMs: Date.now(), fields }] });
for (const pid of rules) await call(pid, { ask: 'status' } as Ask<unknown>);
const woken = (memory() - beforeWoken) / RULES;

console.log(`${machine()}; bytes a rule of four comparisons, of ${RULES}\n`);
const bytes = (n: number | undefined): string => Math.round(n ?? Number.NaN).toLocaleString('en');
console.log(
  table(
    ['part', 'fields that others read too', 'fields of its own'],
    [
      ...[...shared].map(([part, n]) => [part, bytes(n), bytes(own.get(part))]),
      ['an idle process of lib/', bytes(idleBytes), ''],
      ['the whole rule as an actor, its program, instance, index and process', bytes(wholeBytes), ''],
      ['what it takes more once it has judged', bytes(woken), ''],
    ],
  ),
);
process.exit(0);
