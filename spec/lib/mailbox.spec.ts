/** The mailbox against a plain array: whatever is done to it, the same comes out of it in the same order. */
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import fc from 'fast-check';
import { Mailbox, NOTHING } from '../../lib/mailbox.ts';
import { ExitMessage, ExitSignal } from '../../lib/signal.ts';

/** What the spec's process makes of a signal, by its reason: nothing, a message, or its end. */
type Verdict = 'drop' | 'fatal' | ExitMessage;
const verdictOf = ({ reason }: ExitSignal): Verdict => (reason === 'message' ? new ExitMessage(undefined, reason) : (reason as Verdict));

/** A mailbox and the array that says what it should hold. */
class Pair {
  readonly real = new Mailbox();
  model: unknown[] = [];
  #sent = 0;

  get hasSignals(): boolean {
    return this.model.some((one) => one instanceof ExitSignal);
  }

  push(): void {
    const message = this.#sent++;
    this.real.push(message);
    this.model.push(message);
  }
  pushSignal(reason: 'drop' | 'message' | 'fatal'): void {
    const signal = new ExitSignal(undefined, reason, false);
    this.real.pushSignal(signal);
    this.model.push(signal);
  }
  shift(): void {
    expect(this.real.shift()).to.equal(this.model.shift());
  }
  /** The first number that leaves `rest`, modulo `by`: signals and what was made of them are no numbers. */
  take(by: number, rest: number): void {
    const match = (message: unknown): boolean => typeof message === 'number' && message % by === rest;
    const expected = this.model.find(match);
    expect(this.real.take(match)).to.equal(expected ?? NOTHING);
    this.model = this.model.filter((one) => one !== expected);
  }
  /** Each is asked about once, in order, and none behind a fatal one, at which the process is over: its mailbox is cleared. */
  applySignals(): void {
    const asked: ExitSignal[] = [];
    const made = new Map<ExitSignal, Verdict>();
    const fatal = this.real.applySignals((signal) => {
      asked.push(signal);
      made.set(signal, verdictOf(signal));
      return made.get(signal) as Verdict;
    });
    const signals = this.model.filter((one) => one instanceof ExitSignal);
    const end = signals.findIndex(({ reason }) => reason === 'fatal');
    expect(asked).to.deep.equal(end < 0 ? signals : signals.slice(0, end + 1));
    expect(fatal).to.equal(signals[end]);
    if (fatal) this.clear();
    else this.model = this.model.flatMap((one) => (one instanceof ExitSignal ? (made.get(one) === 'drop' ? [] : [made.get(one)]) : [one]));
  }
  clear(): void {
    this.real.clear();
    this.model = [];
  }
}

/** So many at once that the array gives its taken slots back, which it does from 1,024 on. */
const many = fc.oneof({ weight: 4, arbitrary: fc.nat(20) }, { weight: 1, arbitrary: fc.nat(3_000) });
const step = fc.oneof(
  fc.record({ do: fc.constant('push' as const), times: many }),
  fc.record({ do: fc.constant('shift' as const), times: many }),
  fc.record({ do: fc.constant('pushSignal' as const), reason: fc.constantFrom('drop' as const, 'message' as const, 'fatal' as const) }),
  fc.integer({ min: 1, max: 5 }).chain((by) => fc.record({ do: fc.constant('take' as const), by: fc.constant(by), rest: fc.nat(by) })),
  fc.record({ do: fc.constantFrom('applySignals' as const, 'clear' as const) }),
);

const collect: () => void = (() => {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc');
})();

describe('A mailbox', () => {
  it('gives what it got in the order in which it came, whatever is taken out of the middle, and knows how much is left', () => {
    const history = fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const pair = new Pair();
      for (const one of steps) {
        switch (one.do) {
          case 'push':
            for (let i = 0; i < one.times; i++) pair.push();
            break;
          case 'shift':
            if (pair.hasSignals) pair.applySignals(); // as the runner does before it hands out a message
            for (let i = 0; i < one.times && pair.model.length > 0; i++) pair.shift();
            break;
          case 'pushSignal':
            pair.pushSignal(one.reason);
            break;
          case 'take':
            pair.take(one.by, one.rest);
            break;
          default:
            pair[one.do]();
        }
        expect(pair.real.length).to.equal(pair.model.length);
        expect(pair.real.hasSignals).to.equal(pair.hasSignals);
      }
      if (pair.hasSignals) pair.applySignals();
      while (pair.model.length > 0) pair.shift();
      expect(pair.real.length).to.equal(0);
    });
    fc.assert(history);
  });

  it('knows where its signals lie, whatever is taken out of the midst of it before they are applied', () => {
    const mailbox = new Mailbox();
    for (let i = 0; i < 3_000; i++) mailbox.push(i);
    mailbox.pushSignal(new ExitSignal(undefined, 'boom', false));
    for (let i = 0; i < 2_999; i++) mailbox.take((message) => message !== 7);
    mailbox.push('last');
    const message = new ExitMessage(undefined, 'boom');
    expect(mailbox.applySignals(() => message)).to.equal(undefined);
    expect([mailbox.length, mailbox.shift(), mailbox.shift(), mailbox.shift()]).to.deep.equal([3, 7, message, 'last']);
  });

  it('never shows a signal to whoever looks for a message', () => {
    const mailbox = new Mailbox();
    mailbox.pushSignal(new ExitSignal(undefined, 'boom', false));
    mailbox.push('message');
    const shown: unknown[] = [];
    const see = (message: unknown): boolean => {
      shown.push(message);
      return false;
    };
    expect([mailbox.take(see), shown, mailbox.length]).to.deep.equal([NOTHING, ['message'], 2]);
  });

  /** A signal that comes to nothing lies behind `words`: what is left must be the words. */
  const keeps = (words: readonly unknown[]): void => {
    const mailbox = new Mailbox();
    for (const word of words) mailbox.push(word);
    mailbox.pushSignal(new ExitSignal(undefined, 'boom', false));
    expect(mailbox.applySignals(() => 'drop')).to.equal(undefined);
    expect(words.map(() => mailbox.shift())).to.deep.equal(words);
    expect(mailbox.length).to.equal(0);
  };

  it('keeps any message as it is when signals are applied: drop and fatal are what a signal comes to, and not what a message says', () => {
    keeps(['drop', 'fatal', undefined, null, 0, '']);
  });

  it('is no other mailbox: what one holds or has held, another does not', () => {
    const [first, second] = [new Mailbox(), new Mailbox()];
    first.push(1);
    first.clear();
    first.push(2);
    expect([first.length, second.length, second.take(() => true), first.shift(), second.length]).to.deep.equal([1, 0, NOTHING, 2, 0]);
  });

  it('takes room for what waits, and not for what has been taken out of the midst of it', () => {
    const used = (): number => {
      for (const _twice of [1, 2]) collect();
      return process.memoryUsage().heapUsed;
    };
    const taken = (rounds: number): Mailbox => {
      const mailbox = new Mailbox();
      for (let i = 0; i < 100; i++) mailbox.push('waits');
      for (let i = 0; i < rounds; i++) {
        mailbox.push(i);
        mailbox.push('comes');
        mailbox.take((message) => message === i);
        mailbox.take((message) => message === 'comes');
      }
      expect(mailbox.length).to.equal(100);
      return mailbox;
    };
    taken(5_000);
    const before = used();
    const mailboxes = Array.from({ length: 20 }, () => taken(5_000)); // 100 that wait, and 10,000 that do not
    const bytes = (used() - before) / mailboxes.length;
    expect(bytes).to.be.below(30_000); // 8 for each slot, and 2,048 slots at the most
  });

  it('lets go of what it has handed out, though others wait behind it', async () => {
    const mailbox = new Mailbox();
    const handedOut = ((): WeakRef<object> => {
      mailbox.push({});
      for (const one of [1, 2]) mailbox.push(one);
      return new WeakRef(mailbox.shift() as object);
    })();
    await setImmediate(); // a WeakRef holds on to its target until the end of the turn
    collect();
    expect([handedOut.deref(), mailbox.length]).to.deep.equal([undefined, 2]);
  });
});
