/**
 * The thread that writes: PostgreSQL, one connection. All requests that are waiting go into one transaction, so that while one commits the next
 * gathers. Nothing is answered before its commit.
 *
 * When the server or the way to it is gone the thread stays, tries again and again, and keeps what is not answered: each is written once, or told
 * `away` after PATIENCE_MS, and then nothing of it is written. Only a group whose commit was under way is neither, until the server can be asked
 * how it ended; whoever gave up waiting before that has to take it for possible that it was kept.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import type { Policy } from '../retention.ts';
import type { Answer, Notice, Order } from '../work.ts';
import { Away, faultOf, mayTryAgain, Unfit } from './faults.ts';
import { CHANNEL, InDoubt, transact } from './group.ts';
import { Condition } from './health.ts';
import { migrate } from './migrate.ts';
import { takePlace } from './node.ts';
import { type Server, Session } from './session.ts';
import { Telemetry } from './telemetry.ts';

/** Requests and samples in one transaction at the most, so that the first of them does not wait long. */
const GROUP = 1_000;
const GROUP_SAMPLES = 100_000;
/** Less than the 30 s that a caller waits, so that it hears that nothing was written. */
const PATIENCE_MS = 25_000;
const LATE_MS = 1_000;
/** Between two looks at a server that is starting. */
const STARTING_MS = 500;
/** For a new connection: migrations, and the lock of a node that is gone. */
const BEGIN_MS = 60_000;
const [FIRST_BACKOFF_MS, MOST_BACKOFF_MS] = [100, 2_000];
/** Transactions that are in each other's way try again so often. */
const MOST_CONFLICTS = 10;
const CONFLICT_MS = 20;

export interface WriterData {
  readonly urls: readonly string[];
  readonly schema: string | undefined;
  readonly node: string;
  readonly durability: 'power' | 'process';
  /** How long what is kept. Left out: for ever. */
  readonly retention?: Policy | undefined;
}
interface Waiting {
  readonly order: Order;
  readonly sinceMs: number;
}

const port = parentPort;
if (!port) throw new Error('actors/store/postgres/writer.ts runs as a worker thread only');
const { urls, schema, node, durability } = workerData as WriterData;
/** Of this process alone: by it, connections are recognised that it has lost and the server has not. */
const application = `argos/${randomBytes(6).toString('hex')}/${node.replaceAll(/[^ -~]/g, '_')}`.slice(0, 63);
const server: Server = { urls, schema, application };
const telemetry = new Telemetry(node);
const condition = new Condition();

let session: Session | undefined;
let lastGroup = 0;
/** What came in; and what has been taken and is not done, in parts of which each is one transaction. */
let queue: Waiting[] = [];
let parts: (readonly Waiting[])[] = [];
/** A part whose commit was under way when the connection was lost. */
let doubt: { readonly part: readonly Waiting[]; readonly why: InDoubt } | undefined;
/** What is in the way at this moment. */
let trouble = '';
let conflicts = 0;
let running = false;

port.on('message', (order: Order) => {
  queue.push({ order, sinceMs: performance.now() });
  void run();
});
session = await start();
port.postMessage({ id: 0 } satisfies Answer);
setInterval(giveUp, LATE_MS);
condition.keepHouse(workerData);

/** At first, what is wrong with the server is told; and it may take its time to start, as long as a caller has patience. */
async function start(): Promise<Session> {
  for (const until = performance.now() + PATIENCE_MS; ; await sleep(STARTING_MS)) {
    try {
      return await begin(await Session.open(server));
    } catch (error) {
      if (!(error instanceof Away) || performance.now() > until) throw error;
    }
  }
}

/** Until nothing is left to be done. One at a time. */
async function run(): Promise<void> {
  if (running) return;
  running = true;
  while (!session || parts.length + queue.length > 0) {
    session ??= await again();
    if (doubt) resolve(doubt);
    if (parts.length > 0) giveUp(); // what has failed before may have waited long enough
    const part = parts.shift() ?? taken();
    if (part.length > 0) await settle(session, part);
  }
  running = false;
}

async function settle(on: Session, part: readonly Waiting[]): Promise<void> {
  const orders = part.map(({ order }) => order);
  try {
    tell(await transact({ session: on, node, telemetry, condition, durability }, ++lastGroup, orders));
    conflicts = 0;
  } catch (error) {
    if (error instanceof Unfit) throw error;
    if (error instanceof InDoubt) doubt = { part, why: error };
    else if (error instanceof Away) parts.unshift(part);
    else if (mayTryAgain(error) && conflicts++ < MOST_CONFLICTS) {
      parts.unshift(part);
      await sleep(CONFLICT_MS * Math.random());
    } else fail(part, error);
    if (error instanceof InDoubt || error instanceof Away) lose(on);
  }
}

/** One bad request spoils no other: halves of halves, until it stands alone. */
function fail(part: readonly Waiting[], error: unknown): void {
  const fault = faultOf(error);
  const half = Math.ceil(part.length / 2);
  if (part.length > 1 && fault.code === 'refused') parts.unshift(part.slice(0, half), part.slice(half));
  else tell(part.map(({ order: { id } }) => ({ id, error: fault })));
}

function tell(answers: readonly Answer[]): void {
  for (const answer of answers) port?.postMessage(answer);
}

function taken(): readonly Waiting[] {
  let samples = 0;
  const end = queue.findIndex(({ order: { work } }, i) => {
    samples += work.do === 'append' ? work.batch.columns.ts.length : 0;
    return i > 0 && (i >= GROUP || samples > GROUP_SAMPLES);
  });
  return queue.splice(0, end < 0 ? queue.length : end);
}

/** The number of the last group that was committed tells how it ended. */
function resolve({ part, why }: NonNullable<typeof doubt>): void {
  doubt = undefined;
  if (lastGroup === why.number) tell(why.answers);
  else parts.unshift(part);
}

function lose(lost: Session): void {
  lost.drop();
  if (session === lost) session = undefined;
}

/** The next connection, however long it takes. Of what it says here, only that is for good which this thread has found out by itself. */
async function again(): Promise<Session> {
  for (let backoff = FIRST_BACKOFF_MS; ; backoff = Math.min(2 * backoff, MOST_BACKOFF_MS)) {
    const fresh = await Session.open(server).catch(inTrouble);
    const ready = fresh && (await begin(fresh).catch((error: unknown) => (error instanceof Unfit ? Promise.reject(error) : inTrouble(error))));
    if (ready) return ready;
    await sleep(backoff * (0.5 + Math.random() / 2));
  }
}
function inTrouble(error: unknown): undefined {
  trouble = error instanceof Error ? error.message : String(error);
}

/** Makes a connection one that can be written to. @throws Unfit; Away. */
async function begin(fresh: Session): Promise<Session> {
  try {
    await fresh.within(BEGIN_MS, prepare(fresh));
  } catch (error) {
    fresh.drop();
    throw error;
  }
  void fresh.ended.then(() => {
    lose(fresh);
    void run();
  });
  return fresh;
}

async function prepare(fresh: Session): Promise<void> {
  await migrate(fresh, server);
  lastGroup = await takePlace(fresh, node, application);
  await telemetry.begin(fresh);
  const here = (await fresh.run('SELECT current_schema() AS here')).rows[0]?.here;
  await fresh.listen(CHANNEL, (where) => where === here && port?.postMessage({ notice: 'jobs' } satisfies Notice));
}

/** Whoever has waited for long is told, and nothing of what he asked for is written. Those whose commit is in doubt are not told before it is known. */
function giveUp(): void {
  const overdue = ({ sinceMs }: Waiting): boolean => performance.now() - sinceMs > PATIENCE_MS;
  const late = [...parts.flat(), ...queue].filter(overdue);
  if (late.length === 0) return;
  const message = session ? `PostgreSQL at ${session.host} is too slow: not written within ${PATIENCE_MS / 1_000} s` : trouble;
  parts = parts.map((part) => part.filter((one) => !overdue(one))).filter((part) => part.length > 0);
  queue = queue.filter((one) => !overdue(one));
  tell(late.map(({ order: { id } }) => ({ id, error: { code: 'away', message } })));
}
