/** A tree that several processes use and crash at the same time, in any order that fast-check's scheduler finds: what holds in every order. */
import { expect } from 'chai';
import fc from 'fast-check';
import { CallError, call } from '../../lib/call.ts';
import { exit, type Process, processes, runQueue, spawn } from '../../lib/process.ts';
import { DownMessage, ExitMessage } from '../../lib/signal.ts';
import { crash, type Instance, type Op, type Question, RealTree } from './real-tree.ts';
import { child, type Spec, tree, under } from './trees.ts';

const RUNS = process.env.ARGOS_LONG ? 50_000 : 1_000;

/** What a client does. Numbers choose among those that there are by then. */
type Deed =
  | { readonly do: 'ask'; readonly op: Op; readonly who: number; readonly child: number; readonly spec: Spec }
  | { readonly do: 'question'; readonly who: number; readonly to: Question['to'] }
  | { readonly do: 'crash'; readonly who: number; readonly reason: unknown }
  | { readonly do: 'watch'; readonly who: number };

const OPS: Op[] = ['start', 'start', 'terminate', 'terminate', 'restart', 'delete', 'which', 'count'];
const nth = fc.nat({ max: 99 });
const action = <Do extends string>(word: Do): { do: fc.Arbitrary<Do>; who: fc.Arbitrary<number> } => ({ do: fc.constant(word), who: nth });
const asks = fc.record({ ...action('ask'), op: fc.constantFrom(...OPS), child: nth, spec: child(1) });
const questions = fc.record({ ...action('question'), to: fc.constantFrom('answer', 'answer', 'be silent', 'crash') });
const crashes = fc.record({ ...action('crash'), reason: fc.constantFrom<unknown[]>('normal', 'shutdown', 'boom', 'kill') });
const deed: fc.Arbitrary<Deed> = fc.oneof(asks, asks, asks, questions, crashes, fc.record(action('watch')));
const deeds = fc.array(deed, { minLength: 1, maxLength: 8, size: 'max' });
/** How many turns `lib/` gets before somebody else's turn comes; at 4 the clock is moved first. */
const paces = fc.array(fc.nat({ max: 4 }), { minLength: 1, maxLength: 10 });

const isPool = ({ sup }: Spec): boolean => sup?.strategy === 'simple_one_for_one' || sup?.strategy === 'dynamic';
const namesOf = (list: readonly Instance[]): string[] => list.map(({ name }) => name);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A tree, its clients, and one who watches them all. */
class Bustle {
  readonly real: RealTree;
  /** DOWNs and exits that are to come, and how often each has. */
  readonly told = new Map<DownMessage | Process, number>();
  readonly observer: Process;
  /** What clients have failed with. */
  readonly faults: unknown[] = [];
  readonly #scheduler: fc.Scheduler;
  readonly #paces: readonly number[];
  /** Then those that it left behind may still be there when their successors are. */
  killedSup = false;

  constructor(scheduler: fc.Scheduler, paces: readonly number[]) {
    this.#scheduler = scheduler;
    this.#paces = paces;
    this.real = new RealTree((label) => scheduler.schedule(Promise.resolve(), label));
    const hear = (message: unknown): void => {
      const key = message instanceof DownMessage ? message : message instanceof ExitMessage ? message.from : undefined;
      if (key) this.told.set(key, (this.told.get(key) ?? 0) + 1);
    };
    const observing = (self: Process): typeof hear => {
      self.trapExit = true;
      return hear;
    };
    this.observer = spawn(observing, { name: 'observer', clock: this.real.clock });
  }

  /** Whoever the scheduler chooses comes next; time passes when nobody can come. Until `isOver`, or until nobody has anything left to do. */
  async drive(isOver: () => boolean): Promise<void> {
    const { clock } = this.real;
    for (let i = 0; !isOver(); i++) {
      if (i > 20_000) throw new Error('this never comes to rest');
      const pace = this.#paces[i % this.#paces.length] ?? 0;
      for (let turns = 0; turns < pace; turns++) await turn();
      if (pace === 4) clock.advance();
      if (this.#scheduler.count() > 0) await this.#scheduler.waitNext(1);
      else {
        await turn();
        if (this.#scheduler.count() === 0 && runQueue() === 0 && !isOver() && !clock.advance()) return;
      }
    }
  }

  client(name: string, mine: readonly Deed[]): Process {
    const body = async (): Promise<void> => {
      for (const one of mine) {
        await this.#scheduler.schedule(Promise.resolve(), `${name}: ${one.do}`);
        await this.#do(one);
      }
    };
    const pid = spawn(body, { name, clock: this.real.clock });
    pid.onExit((reason) => reason !== 'normal' && this.faults.push(reason));
    return pid;
  }

  /** What `which` answers of a supervisor that is at rest: those that are alive. */
  async checkChildren(): Promise<void> {
    for (const sup of this.living.filter(({ spec }) => spec.sup)) {
      let listed: unknown;
      void this.real.ask(sup.name, 'which').then((answer) => {
        listed = answer;
      });
      await this.drive(() => listed !== undefined);
      const names = Array.isArray(listed) ? listed.flatMap(([, name]: readonly unknown[]) => name ?? []) : [listed];
      const alive = namesOf(this.living.filter(({ pid }) => pid.parent === sup.pid));
      expect(names, `children of ${sup.name}`).to.have.members(alive);
    }
  }

  /**
   * Nobody was there twice: of one supervisor no two children with the same id, nor of its incarnations, unless one was killed, whose children
   * may still be there when the next one's are. (A pool's children have no ids.)
   */
  checkIncarnations(): void {
    const pools = [...this.real.instances.values()].filter(({ spec }) => isPool(spec));
    const alive = new Map<string, Instance>();
    for (const [what, name] of this.real.log) {
      const one = this.real.instance(name);
      const { parent } = one.pid;
      if (what === 'down') alive.delete(name);
      else {
        const ofPool = pools.some(({ pid }) => pid === parent);
        const underPool = pools.some(({ path }) => one.path.startsWith(`${path}/`));
        const isFree = (other: Instance): boolean => (other.pid.parent === parent ? ofPool : underPool || this.killedSup);
        const twins = [...alive.values()].filter((other) => other.path === one.path && !isFree(other));
        expect(namesOf(twins), `alive when ${name} starts`).to.deep.equal([]);
        alive.set(name, one);
      }
    }
  }

  get living(): Instance[] {
    return [...this.real.instances.values()].filter(({ pid }) => pid.isAlive);
  }

  async #do(what: Deed): Promise<void> {
    const all = what.who % 9 === 0 ? [...this.real.instances.values()] : this.living;
    const fitting = all.filter(({ spec }) => (what.do === 'ask' ? spec.sup : what.do !== 'question' || !spec.sup));
    const one = fitting[what.who % fitting.length];
    if (!one) return;
    switch (what.do) {
      case 'ask':
        return this.#answered(one, this.#ask(one, what));
      case 'question': {
        const question: Question = { to: what.to };
        return this.#answered(
          one,
          call(one.pid, question, 1_000).then((name) => expect(name).to.equal(one.name)),
        );
      }
      case 'crash':
        this.killedSup ||= one.spec.sup !== undefined && what.reason === 'kill';
        return crash(one, what.reason);
      case 'watch':
        this.told.set(this.observer.monitor(one.pid), 0);
        if (this.observer.links.includes(one.pid)) return;
        if (one.pid.isAlive) this.told.set(one.pid, 0);
        if (one.pid.isAlive) this.observer.link(one.pid);
    }
  }

  async #ask(sup: Instance, { op, child: n, spec }: Extract<Deed, { do: 'ask' }>): Promise<void> {
    const { template, strategy = '', children = [] } = sup.spec.sup ?? {};
    const pids = [...this.real.instances.values()].map(({ pid }) => pid);
    const ids = [...children.map(({ id }) => id), 'a'];
    const child = isPool(sup.spec) ? pids[n % pids.length] : ids[n % ids.length];
    const fitting = sup.spec.sup && under(sup.spec.sup, template ? { ...template, id: spec.id } : spec);
    await this.real.ask(sup.name, strategy === 'dynamic' && (op === 'restart' || op === 'delete') ? 'count' : op, child, fitting);
  }

  /** A call that gets no answer says of whom. */
  async #answered(server: Instance, answer: Promise<unknown>): Promise<void> {
    try {
      await answer;
    } catch (thrown) {
      if (!(thrown instanceof CallError)) throw thrown;
      expect(thrown.server).to.equal(server.name);
      expect(thrown.message).to.include(server.name);
    }
  }
}

describe('a supervision tree that several use and crash at once', function () {
  this.timeout(process.env.ARGOS_LONG ? 1_200_000 : 60_000);
  const rejections: unknown[] = [];
  const onRejection = (reason: unknown): void => {
    rejections.push(reason);
  };
  before(() => process.on('unhandledRejection', onRejection));
  after(() => process.off('unhandledRejection', onRejection));

  it('comes to rest, answers every call or says whose answer is missing, has nobody twice, and leaves nothing behind', async () => {
    const plans = fc.array(deeds, { minLength: 1, maxLength: 4, size: 'max' });
    await fc.assert(
      fc.asyncProperty(tree, plans, fc.scheduler(), paces, fc.boolean(), fc.boolean(), async (spec, mine, scheduler, paced, waits, rests) => {
        const before = [...processes()].length;
        const bustle = new Bustle(scheduler, paced);
        const { real, observer, told } = bustle;
        try {
          let started: unknown;
          void real.start(spec).then((result) => {
            started = result;
          });
          if (waits) await bustle.drive(() => started !== undefined);
          const clients = mine.map((one, i) => bustle.client(`client ${i}`, one));
          const isDone = (): boolean => started !== undefined && clients.every(({ isAlive }) => !isAlive);
          await bustle.drive(isDone);
          expect(isDone(), 'somebody waits for ever').to.equal(true);
          if (rests) await bustle.drive(() => false);
          if (rests) await bustle.checkChildren();
          for (const { path, pid } of bustle.living) if (path === 'top') real.root.exit(pid, 'shutdown');
          const isOver = (): boolean => real.alive.every((name) => name === 'observer');
          await bustle.drive(isOver);
          // one that did not stop in time may have lost the supervisor that was to kill it
          const isStray = ({ spec: { stops } }: Instance): boolean => bustle.killedSup && stops === 'late';
          expect(namesOf(bustle.living.filter((one) => !isStray(one)))).to.deep.equal([]);
          for (const { pid } of bustle.living) exit(pid, 'kill');
          await bustle.drive(isOver);
          expect(real.alive).to.deep.equal(['observer']);
          expect(real.clock.pending, 'timers').to.equal(0);
          await bustle.drive(() => false);
          bustle.checkIncarnations();
          expect([...told.values()].every((times) => times === 1)).to.equal(true);
          expect(observer.links).to.deep.equal([]);
          expect(bustle.faults).to.deep.equal([]);
        } finally {
          await bustle.drive(() => false);
          await real.close();
        }
        expect([...processes()].length).to.equal(before);
        expect(rejections).to.deep.equal([]);
      }),
      { numRuns: RUNS },
    );
  });
});
