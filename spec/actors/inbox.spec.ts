// The Inbox: what was sent and not done with is sent again to whoever comes in the reader's place, in order, and never more than fits.
import { setImmediate as turn } from 'node:timers/promises';
import { expect } from 'chai';
import fc from 'fast-check';
import type { CastMessage } from '../../lib/call.ts';
import { type Pid, exit, spawn } from '../../lib/process.ts';
import { Inbox, type Mark, type Marked, Post } from '../../actors/inbox.ts';
import { unjudged } from '../../actors/vitals.ts';
import { eventually } from '../support/eventually.ts';

const HIGH_WATER = 1_000;
const MOST_KEPT = 10_000;
const MOST_SENT = 10;

/** Reads, and says that it has done with a message only when it is told to. */
class Reader {
  readonly read: number[] = [];
  last: Mark | undefined;
  readonly pid: Pid = spawn(
    () => (mail: unknown) => {
      const { n, mark } = (mail as CastMessage).message as { n: number } & Marked;
      this.read.push(n);
      this.last = mark;
    },
    { name: 'reader' },
  );
  async kill(): Promise<void> {
    exit(this.pid, 'kill');
    await eventually(() => expect(this.pid.isAlive).to.equal(false));
  }
}

const post = new Post();
class Box extends Inbox<{ n: number }> {
  constructor(name = 'spec') {
    super(name, post);
  }
  send(n: number): void {
    this.put(post.letter({ n }));
  }
}

describe('Inbox', () => {
  const readers: Reader[] = [];
  const reader = (): Reader => {
    const one = new Reader();
    readers.push(one);
    return one;
  };
  const lost = async (name: string): Promise<number> => (await unjudged.get()).values.find(({ labels }) => labels.reader === name)?.value ?? 0;
  afterEach(async () => {
    for (const one of readers.splice(0)) await one.kill();
  });

  it('sends the next reader what the last one had not done with, before all that comes later', async () => {
    const inbox = new Box();
    const first = reader();
    inbox.open(first.pid);
    inbox.send(1);
    await eventually(() => expect(first.read).to.deep.equal([1]));
    inbox.done(first.last as Mark);
    inbox.send(2);
    await first.kill();
    inbox.send(3); // while nobody reads
    const second = reader();
    inbox.open(second.pid);
    inbox.send(4);
    await eventually(() => expect(second.read).to.deep.equal([2, 3, 4]));
  });

  it('sends nothing again that its reader knows to be done, and ignores a mark of another inbox', async () => {
    const inbox = new Box();
    const first = reader();
    inbox.open(first.pid);
    for (const n of [1, 2, 3]) inbox.send(n);
    await eventually(() => expect(first.read).to.have.length(3));
    const { inbox: id, number } = first.last as Mark;
    await first.kill();
    const second = reader();
    inbox.open(second.pid, { inbox: id, number: number - 1 }); // as its committed state says
    await eventually(() => expect(second.read).to.deep.equal([3]));
    await second.kill();
    const third = reader();
    inbox.open(third.pid, { inbox: 'of a node that is no more', number: 1_000 });
    await eventually(() => expect(third.read).to.deep.equal([3]));
  });

  it('loses nothing and turns nothing round, whenever its readers die and however far they have come', async () => {
    const step = fc.oneof(fc.constant('put' as const), fc.constant('put' as const), fc.constant('done' as const), fc.constant('kill' as const));
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const inbox = new Box();
        let one = reader();
        inbox.open(one.pid);
        let put = 0;
        let done = 0;
        let kills = 0;
        for (const what of steps) {
          if (what === 'put') inbox.send(++put);
          await turn();
          await turn();
          if (what === 'done' && one.last) {
            inbox.done(one.last);
            done = one.read.at(-1) ?? done;
          }
          if (what !== 'kill' || ++kills >= MOST_SENT) continue;
          await one.kill();
          one = reader();
          inbox.open(one.pid);
          await eventually(() => expect(one.read).to.deep.equal(Array.from({ length: put - done }, (_, i) => done + i + 1)));
        }
      }),
      { numRuns: 50 },
    );
  });

  it('keeps the newest for a reader that is away, and counts what it gives up', async () => {
    const inbox = new Box('spec away');
    for (let n = 1; n <= MOST_KEPT + 5; n++) inbox.send(n);
    const one = reader();
    inbox.open(one.pid);
    await eventually(() => expect(one.read).to.have.length(MOST_KEPT));
    expect([one.read[0], one.read.at(-1), await lost('spec away')]).to.deep.equal([6, MOST_KEPT + 5, 5]);
  });

  it('gives up a message that so many readers did not survive, and sends what came after it', async () => {
    const inbox = new Box('spec poison');
    inbox.send(1);
    for (let i = 0; i < MOST_SENT; i++) {
      const one = reader();
      inbox.open(one.pid);
      await eventually(() => expect(one.read).to.deep.equal([1]));
      await one.kill();
    }
    inbox.send(2);
    const last = reader();
    inbox.open(last.pid);
    await eventually(() => expect(last.read).to.deep.equal([2]));
    expect(await lost('spec poison')).to.equal(1);
  });

  it('holds nobody back for a reader that is away', async () => {
    const inbox = new Box();
    const one = reader();
    inbox.open(one.pid);
    one.pid.suspend();
    for (let n = 0; n <= HIGH_WATER; n++) inbox.send(n);
    let free = false;
    const room = inbox.room().then(() => {
      free = true;
    });
    await turn();
    expect(free).to.equal(false);
    await one.kill();
    await room;
  });
});
