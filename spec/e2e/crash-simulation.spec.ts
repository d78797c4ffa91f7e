// Crash simulation: any process of a running node is killed at any moment, again and again, while devices send. Whatever dies, the node
// settles in its configured shape or a stated quarantine, what it has acknowledged is stored and told, and its rules go on where they were.
import { expect } from 'chai';
import fc from 'fast-check';
import type { Status } from '../../proto/api.ts';
import { eventually } from '../support/eventually.ts';
import { type Kill, type Killed, Killer } from '../support/killer.ts';
import { cli } from '../support/node.ts';
import { type Sending, SimulatedNode } from '../support/simulated.ts';

const RUNS = process.env.ARGOS_LONG ? 200 : 8;
const SEED = Number(process.env.ARGOS_SEED ?? Date.now() % 2 ** 31);
/** After so many a node is stopped in order, and another goes on with its data: it has not used up what the root bears in a minute. */
const LIFE = 20;
const SETTLES_MS = 20_000;
/** A resource that has relapsed stands in quarantine for 10, then 20, then 40 s. */
const QUARANTINE_MS = 90_000;

/** The parts without which a promise cannot be seen to be kept. */
const STORED = ['listener:http'];
const TOLD = ['monitor:each', 'rule:each', 'action:each', 'monitor:left', 'rule:left', 'action:left'];
const HOT = ['listener:http', 'monitor:boiler', 'rule:hot', 'action:hot'];

describe('crash simulation', function () {
  this.timeout(process.env.ARGOS_LONG ? 1_800_000 : 180_000);
  const node = new SimulatedNode();
  const { told } = node;
  const killed: Killed = { stages: 0, resources: 0, supervisors: 0 };
  let killer: Killer;
  let shape: readonly string[];
  /** What the rule `broken` said when it began to fire, and what status said then. */
  let episode: string | null | undefined;
  let books: Status;

  let unproven: Sending[] = [];
  let parked: readonly string[] = [];
  let hot = false;
  const episodes = { firing: 0, resolved: 0 };
  const count = { sequences: 0, sent: 0, acked: 0, stored: 0 };

  before(async () => {
    await node.prepare();
    await start();
    shape = [...node.inside.names()].sort();
    books = await eventually(async () => {
      const now = await node.status();
      expect([now.executions?.open, told.requests('/broken')]).to.deep.equal([0, 1]);
      return now;
    });
    ({ episode } = await node.detail('rule', 'broken'));
  });
  after(async () => {
    await node.inside.stop();
    await node.close();
  });

  async function start(): Promise<void> {
    await node.start();
    killer = new Killer(node.inside, killed);
    await eventually(async () => expect(await node.detail('monitor', 'left')).to.include({ phase: 'up' }));
  }
  const well = (parts: readonly string[]): boolean => !parts.some((part) => parked.includes(part));
  const inOrder = (numbers: Iterable<number>): number[] => [...numbers].sort((a, b) => a - b);
  /** Items that were received and are neither stored nor refused nor shed. */
  const unaccounted = ({ items: { received, stored, rejected, shed } }: Status): number => received - stored - rejected - shed;

  /** All that is configured runs, each once, but for what is stated to be in quarantine and has reason to be. Answers that. */
  async function settled(): Promise<readonly string[]> {
    const stated = await eventually(async () => {
      const now = (await node.status()).quarantine.map(({ resource }) => resource);
      expect([...node.inside.names()].sort()).to.deep.equal(shape.filter((name) => !now.includes(name.replace(/ supervisor$/, ''))));
      return now;
    }, SETTLES_MS);
    expect([...killer.driven], 'what was killed too often for its supervisor').to.include.members(stated);
    return stated;
  }

  /** Each acknowledged item is in the store once, and nothing is there twice or was never sent. */
  async function proveStored({ name, device, boiler }: Sending): Promise<void> {
    for (const [service, { sent, acked }] of Object.entries({ device, boiler })) {
      const there = await node.stored(service, name);
      expect(inOrder(there), `${name}: ${service}, once each`).to.deep.equal(inOrder(new Set(there)));
      expect(there, `${name}: what ${service} was told is stored`).to.include.members([...acked]);
      expect([...sent], `${name}: what ${service} has sent`).to.include.members(there);
      count.stored += there.length;
    }
  }

  /** Every acknowledged event has reached the receiver: one of a listener under one key, one of a broker, which may repeat itself, under one or more. */
  async function proveTold({ name, device, left }: Sending): Promise<void> {
    await eventually(() => {
      expect(
        [...device.acked].filter((n) => told.keys('/each', n) === 0),
        `${name}: acknowledged and not told`,
      ).to.deep.equal([]);
      expect(
        [...device.sent].filter((n) => told.keys('/each', n) > 1),
        `${name}: told under two keys`,
      ).to.deep.equal([]);
      expect(
        [...left.acked].filter((n) => told.keys('/left', n) === 0),
        `${name}: acknowledged by the broker and not told`,
      ).to.deep.equal([]);
    }, SETTLES_MS);
  }

  /** As many episodes as the boiler had, each told once, and the running one goes on; the one that has fired all the time is the same. */
  async function proveEpisodes(): Promise<void> {
    if (well(['rule:broken'])) await eventually(async () => expect(await node.detail('rule', 'broken')).to.include({ phase: 'firing', episode }));
    expect(told.requests('/broken'), 'an episode that goes on is told once').to.equal(1);
    if (!well(HOT)) return;
    await eventually(async () => {
      expect((await node.detail('rule', 'hot')).phase).to.equal(hot ? 'firing' : 'inactive');
      expect({ firing: told.executions('/hot', '/firing/'), resolved: told.executions('/hot', '/resolved/') }).to.deep.equal(episodes);
    }, SETTLES_MS);
  }

  async function prove(): Promise<void> {
    await proveEpisodes();
    if (!well([...STORED, ...TOLD])) return;
    for (const sending of unproven) {
      await proveStored(sending);
      await proveTold(sending);
    }
    unproven = [];
  }

  /** Whatever is in quarantine comes back by itself, and then nothing is left to be proven. */
  async function recover(): Promise<void> {
    await eventually(async () => expect(await settled()).to.deep.equal([]), QUARANTINE_MS);
    const { stdout } = await cli(['status', '--json'], { socket: node.inside.socket });
    parked = (JSON.parse(stdout) as Status).quarantine.map(({ resource }) => resource);
    await prove();
    expect([parked, unproven]).to.deep.equal([[], []]);
    await eventually(async () => {
      const now = await node.status();
      expect([now.executions, unaccounted(now)]).to.deep.equal([{ open: 0, failed: 0 }, unaccounted(books)]);
    });
  }

  async function sequence(kills: readonly Kill[], wanted: boolean): Promise<void> {
    if (wanted !== hot && well(HOT)) {
      hot = wanted;
      episodes[hot ? 'firing' : 'resolved']++;
    }
    const { sending, stop } = node.send(`s${++count.sequences}`, hot);
    try {
      await killer.run(kills);
      parked = await settled();
      if (well(STORED)) await eventually(() => expect(sending.boiler.acked.size).to.be.above(0)); // so that the rule can know how the boiler is
    } finally {
      await stop();
    }
    for (const { sent, acked } of [sending.device, sending.boiler]) {
      count.sent += sent.size;
      count.acked += acked.size;
    }
    unproven.push(sending);
    await prove();
    if (count.sequences % LIFE > 0) return;
    await recover();
    await node.inside.stop();
    await start();
  }

  it('settles whatever is killed, and whenever; what was acknowledged is stored and told; episodes go on', async () => {
    try {
      await fc.assert(fc.asyncProperty(Killer.kills(shape), fc.boolean(), sequence), { numRuns: RUNS, seed: SEED, endOnFailure: true });
      await recover();
    } finally {
      const { stages, resources, supervisors } = killed;
      console.log(
        `      seed ${SEED}: ${count.sequences} sequences, ${stages + resources + supervisors} kills (stages ${stages}, resources ${resources}, their supervisors ${supervisors});`,
        `items sent ${count.sent}, acknowledged ${count.acked}, stored ${count.stored}`,
      );
    }
  });
});
