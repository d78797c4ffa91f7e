/** What can happen to a tree: to the model and to the real one alike, which are compared after each of these. */
import { deepStrictEqual } from 'node:assert/strict';
import fc from 'fast-check';
import { CallError } from '../../lib/call.ts';
import { isPool, type Model, type Proc, type Request } from './model.ts';
import { crash, plain, type RealTree } from './real-tree.ts';
import { child, type Spec, under } from './trees.ts';

type Outcome = 'ignore' | 'fail' | undefined;
/** Numbers choose among those that there are: the n-th, counted round. */
type Action =
  | { readonly do: 'crash'; readonly who: number; readonly reason: unknown; readonly go: readonly Outcome[] }
  | { readonly do: 'ask'; readonly op: Request['op']; readonly sup: number; readonly child: number; readonly spec: Spec; readonly starts: Outcome }
  | { readonly do: 'next starts'; readonly who: number; readonly go: readonly Outcome[] }
  | { readonly do: 'time'; readonly ms: number }
  | { readonly do: 'stop'; readonly reason: unknown }
  | { readonly do: 'start' }
  | { readonly do: 'freeze'; readonly sup: number; readonly meanwhile: readonly Action[] };

const reason = fc.constantFrom<unknown[]>('normal', 'shutdown', ['shutdown', 'x'], 'boom', 'boom', 'kill', 'kill');
const outcome = fc.constantFrom<Outcome[]>(undefined, 'ignore', 'fail', 'fail');
const op = fc.constantFrom<Request['op'][]>('start', 'start', 'start', 'terminate', 'terminate', 'restart', 'restart', 'delete', 'which', 'count');
const nth = fc.nat({ max: 99 });
const action = <Do extends string>(word: Do): { do: fc.Arbitrary<Do> } => ({ do: fc.constant(word) });
/** How somebody's next starts go. */
const go = fc.array(outcome, { maxLength: 3, size: 'max' });
const crashes = fc.record({ ...action('crash'), who: nth, reason, go });
const asks = fc.record({ ...action('ask'), op, sup: nth, child: nth, spec: child(1), starts: fc.oneof(fc.constant(undefined), outcome) });
const scripts = fc.record({ ...action('next starts'), who: nth, go });
const time = fc.record({ ...action('time'), ms: fc.constantFrom(150, 400, 700, 1000, 1300, 2500) });
const meanwhile = fc.array(fc.oneof(crashes, asks, scripts, time), { minLength: 1, maxLength: 6, size: 'max' });
const freezes = fc.record({ ...action('freeze'), sup: nth, meanwhile });
const stops = fc.record({ ...action('stop'), reason: fc.constantFrom('normal', 'shutdown', 'boom') });
const starts = fc.record(action('start'));

/** For `fc.commands`; the more often a kind stands here, the more of it there is. */
export const commands: fc.Arbitrary<Command>[] = [crashes, crashes, crashes, asks, asks, asks, scripts, time, freezes, freezes, stops, starts, starts].map(
  (one: fc.Arbitrary<Action>) => one.map((what) => new Command(what)),
);

export interface Modelled {
  readonly model: Model;
  readonly tree: Spec;
}
/** What the model answers, and what the real tree will have answered when all is quiet. */
interface Answers {
  expected: unknown;
  readonly actual: Promise<unknown>;
}
const pick = <T>(list: readonly T[], n: number): T | undefined => list[n % list.length];
const top = ({ procs }: Model): Proc | undefined => procs.findLast(({ path }) => path === 'top');
const livingSups = ({ procs }: Model): Proc[] => procs.filter(({ alive, spec }) => alive && spec.sup);
const isBelow = (one: Proc, other: Proc): boolean => one.parent !== undefined && (one.parent === other || isBelow(one.parent, other));

export class Command implements fc.AsyncCommand<Modelled, RealTree> {
  readonly #action: Action;
  /** Whom it has hit, for people. */
  readonly #hits: string[] = [];
  constructor(action: Action) {
    this.#action = action;
  }

  check({ model }: Modelled): boolean {
    const isUp = top(model)?.alive ?? false;
    return this.#action.do === 'start' ? !isUp : isUp || this.#action.do === 'ask' || this.#action.do === 'next starts';
  }

  async run({ model, tree }: Modelled, real: RealTree): Promise<void> {
    this.#hits.length = 0; // fast-check runs a command again, to find a shorter case
    const answers: Answers[] = [];
    await this.#perform(this.#action, model, real, tree, answers);
    await real.quiet();
    for (const sup of livingSups(model)) for (const op of ['which', 'count'] as const) answers.push(this.#ask(model, real, sup, { op }, undefined));
    await real.quiet();
    const nothing = new Promise((resolve) => setImmediate(() => resolve('no answer')));
    const answered = await Promise.all(answers.map(({ actual }) => Promise.race([actual, nothing])));
    const actual = { answers: answered, alive: real.alive, log: real.log.splice(0).map(plain), now: real.clock.now() };
    const alive = model.procs.filter((one) => one.alive).map(({ name }) => name);
    const expected = { answers: answers.map((one) => one.expected), alive, log: model.log.splice(0), now: model.now };
    const compared = ({ alive: names, log, ...rest }: typeof actual): object => ({ ...rest, alive: names.sort(), log: model.unordered ? sorted(log) : log });
    deepStrictEqual(compared(actual), compared(expected));
    model.unordered = false;
  }

  toString(): string {
    return `${JSON.stringify(this.#action)} (${this.#hits.join()})`;
  }

  async #perform(action: Action, model: Model, real: RealTree, tree: Spec, answers: Answers[], frozen?: Proc): Promise<void> {
    const within = frozen ? model.procs.filter((one) => isBelow(one, frozen)) : model.procs;
    const sups = frozen ? [frozen] : livingSups(model);
    switch (action.do) {
      case 'crash': {
        const victim = pick(
          within.filter(({ alive }) => alive),
          action.who,
        );
        if (!victim) return;
        this.#hits.push(victim.name);
        if (action.go.length > 0) this.#script(model, real, victim, action.go);
        if (!victim.spec.sup || action.reason === 'kill') model.crash(victim, action.reason); // a supervisor ignores all exits but its parent's
        crash(real.instance(victim.name), action.reason);
        return real.quiet();
      }
      case 'ask': {
        const sup = pick(sups, action.sup) ?? top(model);
        if (sup) answers.push(this.#ask(model, real, sup, requestOf(action, sup, model), frozen ? undefined : action.starts));
        return real.quiet();
      }
      case 'next starts': {
        const proc = pick(within, action.who);
        if (!proc) return;
        this.#hits.push(proc.path);
        this.#script(model, real, proc, action.go);
        return;
      }
      case 'time':
        model.now += action.ms;
        real.clock.setTimer(action.ms, () => {});
        return real.quiet();
      case 'stop': {
        const proc = top(model);
        if (!proc?.alive) return;
        model.end(proc, action.reason);
        real.root.exit(real.instance(proc.name).pid, action.reason);
        return;
      }
      case 'start': {
        const { ok, error } = model.start(undefined, tree);
        answers.push({ expected: error ? { error } : { ok: ok?.name }, actual: real.start(tree) });
        return;
      }
      case 'freeze': {
        const sup = pick(sups, action.sup);
        if (!sup) return;
        const { pid } = real.instance(sup.name);
        this.#hits.push(sup.name);
        sup.frozen = true;
        pid.suspend();
        for (const one of action.meanwhile) await this.#perform(one, model, real, tree, answers, sup);
        sup.frozen = false;
        model.run(sup);
        pid.resume();
      }
    }
  }

  #script(model: Model, real: RealTree, { path, parent }: Proc, go: readonly Outcome[]): void {
    // what OTP makes of an ignored restart under a simple_one_for_one is a bug (otp/README.md, 15)
    const isSimple = parent?.sup.strategy === 'simple_one_for_one';
    for (const { script } of [model, real])
      script.set(
        path,
        go.map((one) => (isSimple && one === 'ignore' ? 'fail' : one)),
      );
  }

  #ask(model: Model, real: RealTree, sup: Proc, request: Request, outcome: Outcome): Answers {
    const { op, spec, child } = request;
    if (op === 'start' && spec && outcome) for (const { script } of [model, real]) script.set(`${sup.path}/${spec.id}`, [outcome]);
    if (op !== 'which' && op !== 'count') this.#hits.push(`${sup.name} ${op} ${typeof child === 'object' ? child.name : (child ?? spec?.id)}`);
    const key = typeof child === 'object' ? real.instance(child.name).pid : child;
    const inOrder = (answer: unknown): unknown => (op === 'which' && isPool(sup) && Array.isArray(answer) ? sorted(answer) : answer);
    const exited = (thrown: unknown): unknown => (thrown instanceof CallError ? ['exit', thrown.reason] : ['thrown', thrown]);
    const answers: Answers = { expected: 'no answer', actual: real.ask(sup.name, op, key, spec).then(inOrder, exited) };
    const answer = (term: unknown): void => {
      answers.expected = inOrder(plain(term));
    };
    if (sup.alive) model.run(sup, ['call', request, answer]);
    else answer(['exit', 'noproc']);
    return answers;
  }
}

/** What can be asked of `sup`, and of whom there. */
function requestOf({ op, child: n, spec }: Extract<Action, { do: 'ask' }>, sup: Proc, { procs }: Model): Request {
  const { template, strategy } = sup.sup;
  if (op === 'start') return { op, spec: template ? { ...template, id: spec.id } : under(sup.sup, spec) };
  if (op === 'which' || op === 'count') return { op };
  if (!isPool(sup)) return { op, child: pick([...sup.children.map((one) => one.spec.id), 'a', 'x'], n) };
  if (strategy === 'simple_one_for_one' && n % 5 === 0) return { op, child: 'a' };
  const own = sup.children.flatMap(({ proc }) => proc ?? []);
  return { op: 'terminate', child: n % 4 > 0 && own.length > 0 ? pick(own, n) : pick(procs, n) };
}

const sorted = (list: readonly unknown[]): unknown[] => [...list].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
