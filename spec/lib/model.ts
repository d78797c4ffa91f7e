/**
 * What OTP promises of a supervision tree, as a sequential program: a process is a name, a mailbox a list, and whoever gets a message handles
 * it at once. Written from the manuals and sources of supervisor (OTP 25) and DynamicSupervisor (Elixir 1.14); it never calls lib/.
 */
import { LATE_MS, NO_SUPERVISOR, type Spec, START_MS, type SupSpec } from './trees.ts';

/** `child`: an id or, where children have none, the process. */
export type Request = { op: 'start' | 'terminate' | 'restart' | 'delete' | 'which' | 'count'; spec?: Spec | undefined; child?: string | Proc | undefined };
type Mail = readonly ['EXIT', Proc, unknown] | readonly ['try_again', string | Child] | readonly ['call', Request, (answer: unknown) => void];
type Child = { readonly spec: Spec; proc: Proc | undefined; restarting: boolean };
type Started = { readonly ok?: Proc | undefined; readonly error?: unknown };
type State = { alive: boolean; busy: boolean; frozen: boolean; readonly mail: Mail[]; children: Child[]; restarts: number[]; lost: number };
export type Proc = State & { readonly name: string; readonly path: string; readonly spec: Spec; readonly sup: SupSpec; readonly parent: Proc | undefined };

export const isPool = ({ sup }: Proc): boolean => sup.strategy === 'simple_one_for_one' || sup.strategy === 'dynamic'; // its children have no ids
const isAbnormal = (reason: unknown): boolean => reason !== 'normal' && reason !== 'shutdown' && !Array.isArray(reason);
const failed = ({ id }: Spec, { error }: Started): unknown => error && ['shutdown', ['failed_to_start_child', id, error]];

export class Model {
  now = START_MS;
  readonly procs: Proc[] = [];
  readonly log: unknown[] = [];
  unordered = false; // whether things have happened at once, to which OTP gives no order
  readonly script = new Map<string, (string | undefined)[]>(); // how the next starts of a path go: well, or with `ignore`, or with an error

  start(parent: Proc | undefined, spec: Spec): Started {
    const path = parent ? `${parent.path}/${spec.id}` : spec.id;
    const name = `${path}#${this.procs.filter((one) => one.path === path).length + 1}`;
    const state: State = { alive: true, busy: true, frozen: false, mail: [], children: [], restarts: [], lost: 0 };
    const proc: Proc = { ...state, name, path, spec, sup: spec.sup ?? NO_SUPERVISOR, parent };
    this.procs.push(proc);
    this.log.push(['start', name]);
    let fault: unknown = this.script.get(path)?.shift();
    for (const child of proc.sup.children) fault ??= failed(child, this.#add(proc, child));
    if (fault) this.end(proc, fault === 'ignore' ? 'normal' : fault);
    proc.busy = false;
    this.run(proc);
    return fault && fault !== 'ignore' ? { error: fault } : { ok: fault ? undefined : proc };
  }
  /** It ends by itself or is killed. Those that a supervisor leaves behind go while it is being replaced. */
  crash(proc: Proc, reason: unknown): void {
    const orphans = proc.children.flatMap((child) => (child.proc?.alive ? [child.proc] : []));
    this.#together([this.#gone(proc, reason === 'kill' ? 'killed' : reason), ...orphans.map((one) => () => this.end(one, 'killed'))]);
  }
  /** A supervisor stops its children first, from the last to the first. */
  end(proc: Proc, reason: unknown): void {
    proc.busy = true;
    const stops = proc.children.toReversed().map((child) => () => this.#terminate(proc, child));
    if (isPool(proc)) this.#together(stops);
    else for (const stop of stops) stop();
    this.#gone(proc, reason)();
  }
  run(sup: Proc, ...mail: readonly Mail[]): void {
    sup.mail.push(...mail);
    while (sup.alive && !sup.busy && !sup.frozen && sup.mail.length > 0) {
      const next = sup.mail.shift();
      sup.busy = true;
      if (next?.[0] === 'call') next[2](this.#answer(sup, next[1]));
      else if (next) this.#hear(sup, next);
      sup.busy = false;
    }
  }
  #gone(proc: Proc, reason: unknown): () => void {
    proc.alive = false;
    this.log.push(['down', proc.name, reason]);
    for (const mail of proc.mail) if (mail[0] === 'call') mail[2](['exit', reason]);
    return () => proc.parent?.alive && this.run(proc.parent, ['EXIT', proc, reason]);
  }
  /** Beside each other: it takes as long as the longest. */
  #together([act, ...others]: readonly (() => void)[]): void {
    const began = this.now;
    act?.();
    const ended = this.now;
    this.now = began;
    if (others.length > 0) this.#together(others);
    this.now = Math.max(ended, this.now);
    this.unordered ||= others.length > 0;
  }
  #hear(sup: Proc, [what, key, reason]: readonly ['EXIT' | 'try_again', unknown, unknown?]): void {
    const child = sup.children.find((one) => (what === 'EXIT' ? one.proc === key : one.restarting && (one === key || one.spec.id === key)));
    if (!child) return;
    const { restart, significant } = child.spec;
    const again = what === 'try_again' || restart === 'permanent' || (restart === 'transient' && isAbnormal(reason));
    const { intensity, period, autoShutdown } = sup.sup;
    const second = Math.floor(this.now / 1000); // OTP counts whole seconds, bounds included
    if (again) sup.restarts = [...sup.restarts, second].filter((one) => one >= second - period);
    if (again && sup.restarts.length <= intensity) this.#restart(sup, child);
    else {
      this.#forget(sup, child);
      const isLast = !sup.children.some((one) => one.spec.significant && (one.proc || one.restarting));
      if (again || (significant && (autoShutdown === 'any_significant' || isLast))) this.end(sup, 'shutdown');
    }
  }
  /** A start that fails comes back through the mailbox, behind what is there; those after it wait for that. */
  #restart(sup: Proc, child: Child): void {
    const { strategy } = sup.sup;
    const group = strategy === 'one_for_all' ? sup.children : strategy === 'rest_for_one' ? sup.children.slice(sup.children.indexOf(child)) : [];
    for (const one of group.toReversed()) this.#terminate(sup, one);
    const failing = (group.length > 0 ? group : [child]).find((one) => one.spec.restart !== 'temporary' && 'error' in this.#again(sup, one));
    if (!failing) return;
    failing.restarting = true;
    sup.mail.push(['try_again', isPool(sup) ? failing : failing.spec.id]);
  }
  #again(sup: Proc, child: Child): Started {
    const started = this.start(sup, child.spec);
    if (!started.error) [child.proc, child.restarting] = [started.ok, false];
    if (isPool(sup) && !child.proc) this.#forget(sup, child); // dynamic; in a simple_one_for_one OTP has a bug here (otp/README.md, 15)
    return started;
  }
  #add(sup: Proc, spec: Spec): Started {
    const started = this.start(sup, spec);
    if (started.ok || !(started.error || spec.restart === 'temporary' || isPool(sup))) sup.children.push({ spec, proc: started.ok, restarting: false });
    return started;
  }
  #terminate(sup: Proc, child: Child): void {
    const { proc, spec, restarting } = child;
    if (restarting) sup.lost++; // OTP counts the restarting ones of a simple_one_for_one apart, and does not count this one off (15a)
    if (proc?.alive && spec.stops === 'late') this.now += LATE_MS;
    if (proc?.alive) this.end(proc, spec.stops === 'promptly' ? 'shutdown' : 'killed');
    this.#forget(sup, child);
  }
  #forget(sup: Proc, child: Child): void {
    [child.proc, child.restarting] = [undefined, false];
    if (child.spec.restart === 'temporary' || isPool(sup)) sup.children = sup.children.filter((one) => one !== child);
  }
  #answer(sup: Proc, { op, spec, child: key = spec?.id }: Request): unknown {
    const { children } = sup;
    const isSimple = sup.sup.strategy === 'simple_one_for_one';
    if (op === 'which') return children.toReversed().map((one) => [isPool(sup) ? undefined : one.spec.id, one.restarting ? 'restarting' : one.proc]);
    if (op === 'count') {
      const supervisors = children.filter((one) => one.spec.sup).length;
      const active = children.filter((one) => !one.restarting && (isPool(sup) || one.proc?.alive)).length - (isSimple ? sup.lost : 0);
      return { specs: isSimple ? 1 : children.length, active, supervisors, workers: children.length - supervisors };
    }
    const child = children.find((one) => (isPool(sup) ? one.proc : one.spec.id) === key);
    if (op === 'start' && child) return { error: child.proc && !child.restarting ? ['already_started', child.proc] : 'already_present' };
    if (op === 'start' && spec) {
      const { ok, error } = this.#add(sup, spec);
      if (error) return { error: isPool(sup) ? error : [error, spec.id] };
      return ok || sup.sup.strategy !== 'dynamic' ? { ok } : 'ignore';
    }
    if (isSimple && (op !== 'terminate' || typeof key === 'string')) return { error: 'simple_one_for_one' };
    if (!child) return isSimple && typeof key === 'object' && !key.alive ? 'ok' : { error: 'not_found' };
    if (op === 'terminate') this.#terminate(sup, child);
    else if (child.proc || child.restarting) return { error: child.restarting ? 'restarting' : 'running' };
    else if (op === 'delete') sup.children = children.filter((one) => one !== child);
    else return this.#again(sup, child);
    return 'ok';
  }
}
