/** A scenario's steps on a running tree, and what each of them answers (SCENARIOS.md, section 5). */
import { CallError, cast, type ServerRef, stopServer } from '../../lib/call.ts';
import type { ChildSpec } from '../../lib/child-spec.ts';
import { type Pid, spawn } from '../../lib/process.ts';
import * as supervisor from '../../lib/supervisor.ts';
import { canonical } from './compare.ts';
import { traceOf } from './grouping.ts';
import type { Entry, Json, Step } from './scenario.ts';
import type { Command, Tree } from './tree.ts';
import type { Instance, World } from './world.ts';

const NO_PROCESS = { skip: 'no_process' };

export class Steps {
  readonly #world: World;
  readonly #tree: Tree;

  constructor(world: World, tree: Tree) {
    this.#world = world;
    this.#tree = tree;
  }

  async run(step: Step): Promise<Entry> {
    if (step.op === 'frozen') return this.#frozen(step);
    const result = this.#answer(step);
    await this.#world.quiet();
    return { r: await settled(result, step), ev: traceOf(this.#world.take()) };
  }

  /** Suspend supervisors, do things, and let them go on one by one. */
  async #frozen({ sups = [], steps = [] }: Step): Promise<Entry> {
    const frozen = sups.flatMap((path) => this.#world.resolve(path) ?? []);
    for (const { pid } of frozen) pid.suspend();
    const inner: (() => Promise<Entry>)[] = [];
    for (const step of steps) {
      const target = step.sup === undefined ? undefined : this.#world.resolve(step.sup);
      const result = this.#answer(step);
      await this.#world.quiet();
      if (target && frozen.includes(target)) inner.push(async () => ({ r: await settled(result, step), async: true }));
      else {
        const entry = { r: await settled(result, step), ev: traceOf(this.#world.take()) };
        inner.push(async () => entry);
      }
    }
    const resume: Entry[] = [];
    for (const { pid } of frozen) {
      pid.resume();
      await this.#world.quiet();
      resume.push({ ev: traceOf(this.#world.take()) });
    }
    return { steps: await Promise.all(inner.map((entry) => entry())), resume };
  }

  /** What the step answers, sooner or later; it is looked at when all is quiet (`settled`), and a failure then is not news. */
  #answer(step: Step): Promise<Json> {
    const answer = this.#try(step);
    answer.catch(() => {});
    return answer;
  }

  async #try(step: Step): Promise<Json> {
    try {
      return await this.#do(step);
    } catch (thrown) {
      if (!(thrown instanceof CallError)) throw thrown;
      return { exit: this.#world.encode(thrown.reason) };
    }
  }

  #do(step: Step): Json | Promise<Json> {
    if (step.op === 'sleep') return this.#sleep(step.ms ?? 0);
    if (step.op === 'align') return this.#sleep(((step.ms ?? 0) - (this.#world.clock.now() % 1000) + 2000) % 1000);
    const target = this.#world.resolve(step.path ?? step.sup ?? '');
    if (!target) return NO_PROCESS;
    return step.sup === undefined ? this.#toProcess(target, step) : this.#toSupervisor(target, step);
  }

  #sleep(ms: number): Promise<Json> {
    return new Promise((resolve) => this.#world.clock.setTimer(ms, () => resolve('ok')));
  }

  async #toProcess(target: Instance, step: Step): Promise<Json> {
    const reason = this.#tree.term(step.reason);
    switch (step.op) {
      case 'exit':
        this.#world.root.exit(target.pid, reason);
        return 'ok';
      case 'gs_stop': {
        const last = this.#world.encode(await stopServer(target.pid, reason));
        return canonical(last) === canonical(step.reason ?? null) ? 'ok' : { exit: last };
      }
      case 'stop':
        return tell(target, { do: 'stop', reason });
      case 'raise':
        return tell(target, { do: 'raise', kind: step.class ?? 'error', reason });
      case 'unlink_parent':
        return tell(target, { do: 'unlink_parent' });
      case 'link':
      case 'unlink': {
        const other = this.#world.resolve(step.other ?? '');
        return other ? tell(target, { do: step.op, other: other.pid }) : NO_PROCESS;
      }
    }
    throw new TypeError(`unknown step ${step.op}`);
  }

  async #toSupervisor(target: Instance, step: Step): Promise<Json> {
    const { pid, path } = target;
    const id = step.child === undefined ? this.#tree.term(step.id) : (this.#world.resolve(step.child)?.pid ?? aDeadPid());
    switch (step.op) {
      case 'start_child':
        if (step.key !== undefined) return this.#started(await supervisor.startChildWith(pid, step.key, ...(step.w ? [step.w] : [])));
        return this.#started(await supervisor.startChild(pid, step.spec ? this.#tree.childSpec(path, step.spec) : (this.#tree.term(step.raw) as ChildSpec)));
      case 'restart_child':
        return this.#started(await supervisor.restartChild(pid, id));
      case 'terminate_child':
        return this.#result(await supervisor.terminateChild(pid, id));
      case 'delete_child':
        return this.#result(await supervisor.deleteChild(pid, id));
      case 'get_childspec': {
        const found = await supervisor.getChildspec(pid, id);
        return 'ok' in found ? this.#world.encode(['ok', found.ok]) : this.#result(found);
      }
      case 'count_children':
        return { ...(await supervisor.countChildren(pid)) };
      case 'which_children':
        return this.which(target);
    }
    throw new TypeError(`unknown step ${step.op}`);
  }

  async which({ pid, kind }: Instance): Promise<Json> {
    const list = (await supervisor.whichChildren(pid)).map((child) => ({
      t: [...[child.id, child.pid, child.type].map((term) => this.#world.encode(term)), '$mods'],
    }));
    return kind === 'simple' ? { set: list } : list;
  }

  #started(result: Awaited<ReturnType<typeof supervisor.startChild>>): Json {
    if ('ok' in result) return this.#world.encode(result.info === undefined ? ['ok', result.ok] : ['ok', result.ok, result.info]);
    const { error } = result;
    // `{error, {Reason, Child}}`: the one place where a spec stands for OTP's record of the child
    const [reason, spec] = Array.isArray(error) && error.length === 2 ? error : [];
    const isSpec = typeof spec === 'object' && spec !== null && 'start' in spec;
    return isSpec ? { t: ['error', { t: [this.#world.encode(reason), { child: this.#world.encode(spec.id) }] }] } : this.#world.encode(['error', error]);
  }

  #result(result: 'ok' | supervisor.Failed): Json {
    return this.#world.encode(result === 'ok' ? result : ['error', result.error]);
  }
}

function tell(target: Instance, command: Command): Json {
  if (target.kind !== 'worker') return { skip: 'bad_target' };
  cast(target.pid as ServerRef<never, Command>, command);
  return 'ok';
}

function aDeadPid(): Pid {
  const pid = spawn(() => {});
  pid.die('normal');
  return pid;
}

/** The answer, which must be there by now. */
function settled(result: Promise<Json>, { op }: Step): Promise<Json> {
  const late = new Promise<never>((_resolve, reject) => {
    setImmediate(() => reject(new Error(`no answer to ${op}, and nobody has anything to do`)));
  });
  return Promise.race([result, late]);
}
