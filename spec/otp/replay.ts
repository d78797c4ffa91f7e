/**
 * Replays supervision scenarios on `lib/` and compares the traces with those recorded from Erlang/OTP.
 *
 *     node spec/otp/replay.ts [--reports] FILE…
 */
import { readFileSync } from 'node:fs';
import { onReport } from '../../lib/report.ts';
import { isStarted, type StartResult } from '../../lib/start.ts';
import { difference } from './compare.ts';
import { traceOf } from './grouping.ts';
import { type Entry, type Json, parseScenarios, type Scenario, type Trace } from './scenario.ts';
import { Steps } from './steps.ts';
import { Tree } from './tree.ts';
import { World } from './world.ts';

/** What happens when a scenario's tree is started and its steps are done. */
export async function play({ tree: json, steps: script }: Pick<Scenario, 'tree' | 'steps'>): Promise<Trace> {
  const world = new World();
  const tree = new Tree(world);
  const steps = new Steps(world, tree);
  const reports: Json[] = [];
  const silence = onReport((report) => {
    if (report.report !== 'supervisor_report') return;
    const { supervisor, errorContext: context, reason, offender } = report;
    const { id, pid, nbChildren } = offender;
    reports.push({
      sup: world.nameOf(supervisor),
      context,
      reason: world.encode(reason),
      child: world.encode(id),
      ...(pid ? { pid: world.nameOf(pid) } : {}),
      ...(nbChildren === undefined ? {} : { nb_children: nbChildren }),
    });
  });
  try {
    let result: StartResult | undefined;
    world.root.deliver(async () => {
      result = await tree.startSupervisor(world.root, 'top', json);
    });
    await world.quiet();
    const start: Entry = { r: startResult(world, result), ev: traceOf(world.take()) };
    const entries: Entry[] = [];
    for (const step of script) entries.push(await steps.run(step));
    const alive = world.alive.map(({ name }) => name).sort();
    const top: Json = world.topDown ? { down: world.encode(world.topDown.reason) } : 'alive';
    const state: Record<string, Json> = {};
    for (const one of world.alive) if (one.kind !== 'worker') state[one.name] = await asked(world, steps.which(one));
    return { start, steps: entries, alive, top, state, reports };
  } finally {
    silence();
    await world.close();
  }
}

function startResult(world: World, result: StartResult | undefined): Json {
  if (result === undefined) throw new Error('start_link does not answer, and nobody has anything to do');
  if (result === 'ignore') return result;
  return world.encode(isStarted(result) ? ['ok', result.ok] : ['error', result.error]);
}

async function asked(world: World, answer: Promise<Json>): Promise<Json> {
  await world.quiet();
  return answer;
}

function scenariosOf(file: string): Scenario[] {
  try {
    return parseScenarios(readFileSync(file, 'utf8'));
  } catch (thrown) {
    throw new Error(`${file}: ${thrown instanceof Error ? thrown.message : String(thrown)}`, { cause: thrown });
  }
}

/** Undefined when the replayed trace is the recorded one, else what is different. */
export async function replay(scenario: Scenario, withReports = false): Promise<string | undefined> {
  try {
    return difference(scenario, await play(scenario), withReports && scenario.trace.reports !== undefined);
  } catch (thrown) {
    return `${scenario.id}: ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}`;
  }
}

/** Replay all, and say what differs. Answers the exit code. */
export async function main(scenarios: readonly Scenario[], print: (line: string) => void, withReports = false): Promise<0 | 1> {
  let failed = 0;
  for (const scenario of scenarios) {
    const different = await replay(scenario, withReports);
    if (different === undefined) continue;
    failed++;
    print(`${different}\n`);
  }
  print(`${scenarios.length - failed} passed, ${failed} failed`);
  return failed > 0 ? 1 : 0;
}

if (import.meta.main) {
  const args = process.argv.slice(2);
  const files = args.filter((arg) => arg !== '--reports');
  try {
    if (files.length === 0) throw new Error('which scenarios? make otp-replay FILES="spec/fixtures/otp/traces-public.jsonl"');
    process.exitCode = await main(files.flatMap(scenariosOf), (line) => console.log(line), args.includes('--reports'));
  } catch (thrown) {
    console.error(thrown instanceof Error ? thrown.message : thrown);
    process.exitCode = 2;
  }
}
