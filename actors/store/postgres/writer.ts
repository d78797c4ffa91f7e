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
import type { Answer, Order } from '../work.ts';
import { Away, faultOf, mayTryAgain, Unfit } from './faults.ts';
import { CHANNEL, InDoubt, transact } from './group.ts';
import { migrate } from './migrate.ts';
import { takePlace } from './node.ts';
import { type Server, Session } from './session.ts';
import { Telemetry } from './telemetry.ts';
import { hasTimescale } from './timescale.ts';

/** Requests and samples in one transaction at the most, so that the first of them does not wait long. */
const GROUP = 1_000;
const GROUP_SAMPLES = 100_000;
/** Less than the 30 s that a caller waits, so that it hears that nothing was written. */
const PATIENCE_MS = 25_000;
const [FIRST_BACKOFF_MS, MOST_BACKOFF_MS] = [100, 5_000];
/** Transactions that are in each other's way try again so often. */
const MOST_CONFLICTS = 10;
const CONFLICT_MS = 20;

export interface WriterData {
  readonly urls: readonly string[];
  readonly schema: string | undefined;
  readonly node: string;
  readonly durability: 'power' | 'process';
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

let session: Session | undefined;
let lastGroup = 0;
/** What came in, and before it, what has been taken and not been done, in parts that are one transaction each. */
const queue: Waiting[] = [];
let parts: (readonly Waiting[])[] = [];
/** A part whose commit was under way when the connection was lost. */
let doubt: { readonly part: readonly Waiting[]; readonly why: InDoubt } | undefined;
let conflicts = 0;
let running = false;

port.on('message', (order: Order) => {
  queue.push({ order, sinceMs: performance.now() });
  void run();
});
session = await begin(true);
port.postMessage({ id: 0 } satisfies Answer);

/** Until nothing is left to be done. One at a time. */
async function run(): Promise<void> {
  if (running) return;
  running = true;
  while (!session || parts.length + queue.length > 0) {
    session ??= await again();
    if (doubt) resolve(doubt);
    const part = parts.shift() ?? taken();
    if (part.length > 0) await settle(session, part);
  }
  running = false;
}

async function settle(on: Session, part: readonly Waiting[]): Promise<void> {
  const orders = part.map(({ order }) => order);
  try {
    tell(await transact({ session: on, node, telemetry, durability }, ++lastGroup, orders));
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

/** A connection that is ready to be written to. @throws Unfit; Away. */
async function begin(first: boolean): Promise<Session> {
  const fresh = await Session.open(server);
  try {
    await migrate(fresh, schema, first && (await hasTimescale(fresh, server)));
    lastGroup = await takePlace(fresh, node, application);
    await telemetry.begin(fresh);
    await fresh.listen(CHANNEL, (where) => void (where === fresh.schema && port?.postMessage({ notice: 'jobs' })));
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

/** The next connection, however long it takes. */
async function again(): Promise<Session> {
  for (let backoff = FIRST_BACKOFF_MS; ; backoff = Math.min(2 * backoff, MOST_BACKOFF_MS)) {
    try {
      return await begin(false);
    } catch (error) {
      if (error instanceof Unfit) throw error;
      giveUp(error);
    }
    await sleep(backoff * (0.5 + Math.random() / 2));
  }
}

/** Whoever has waited for long is told, and nothing of what he asked for is written: not those whose commit is in doubt. */
function giveUp(error: unknown): void {
  const overdue = ({ sinceMs }: Waiting): boolean => performance.now() - sinceMs > PATIENCE_MS;
  const fault = { code: 'away', message: error instanceof Error ? error.message : String(error) } as const;
  const late = [...parts.flat(), ...queue].filter(overdue);
  parts = parts.map((part) => part.filter((one) => !overdue(one))).filter((part) => part.length > 0);
  queue.splice(0, queue.length, ...queue.filter((one) => !overdue(one)));
  tell(late.map(({ order: { id } }) => ({ id, error: fault })));
}
