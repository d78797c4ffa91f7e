/**
 * Requests that wait, as one transaction. It leaves its number in the node's row, so that after a cut in the middle of a commit it can be told
 * whether it came through: by the number itself, not by PostgreSQL's transaction ids, which a promoted standby may give out a second time.
 */
import { type Change, statementsOf } from '../changes.ts';
import { claim, type Read, readOf } from '../reads.ts';
import type { Answer, Ask, Order, Write } from '../work.ts';
import { counts } from './counts.ts';
import { Away, Unfit } from './faults.ts';
import type { Condition } from './health.ts';
import type { Session } from './session.ts';
import type { Telemetry } from './telemetry.ts';

export const CHANNEL = 'argos_jobs';
/** A transaction that is not through in so long is taken for lost, and so is its connection. The caller waits for 30 s. */
const STUCK_MS = 15_000;
/** All series of a large database take their time. */
const BOOT_MS = 600_000;

/** The connection was lost while the transaction was being committed: it came through, or not. */
export class InDoubt extends Error {
  override readonly name = 'InDoubt';
  readonly number: number;
  /** What is to be answered if it came through. */
  readonly answers: readonly Answer[];
  constructor(number: number, answers: readonly Answer[]) {
    super('the connection was lost during a commit');
    this.number = number;
    this.answers = answers;
  }
}

export interface Scope {
  readonly session: Session;
  readonly node: string;
  readonly telemetry: Telemetry;
  readonly condition: Condition;
  /** `process`: a commit of telemetry alone does not wait for the server's disk. */
  readonly durability: 'power' | 'process';
}

/** @param number greater than that of any group before. @throws InDoubt; Away: nothing is written; what the server says of one of them: neither. */
export async function transact(scope: Scope, number: number, orders: readonly Order[]): Promise<readonly Answer[]> {
  const { session, condition } = scope;
  const begun = performance.now();
  const answers = await session.within(orders.some(({ work }) => work.do === 'boot') ? BOOT_MS : STUCK_MS, written(scope, number, orders));
  const ready = performance.now();
  try {
    await session.within(STUCK_MS, session.run('COMMIT'));
  } catch (error) {
    throw error instanceof Away ? new InDoubt(number, answers) : error;
  }
  condition.took(performance.now() - begun, performance.now() - ready);
  return answers;
}

/** All but the commit. When one of them fails, all do. */
async function written(scope: Scope, number: number, orders: readonly Order[]): Promise<readonly Answer[]> {
  const { session, telemetry, node, durability } = scope;
  const batches = orders.flatMap(({ work }) => (work.do === 'append' ? [work.batch] : []));
  await telemetry.prepare(session, batches);
  const relaxed = durability === 'process' && orders.every(({ work }) => work.do !== 'commit' && work.do !== 'claim');
  const begun = session.run(relaxed ? 'BEGIN; SET LOCAL synchronous_commit = off' : 'BEGIN');
  const judged = Math.max(0, ...orders.map((order) => order.judged ?? 0));
  const marked = session.ask('UPDATE nodes SET last_group = ?, judged = greatest(judged, ?) WHERE node = ? AND last_group < ?', [number, judged, node, number]);
  const sent: Promise<unknown>[] = [begun, marked];
  try {
    if (judged > 0) sent.push(session.ask('DELETE FROM unjudged WHERE node = ? AND seq <= ?', [node, judged]));
    if (batches.length > 0) sent.push(...telemetry.append(session, batches));
    const values = orders.map(({ work }) => perform(scope, work as Write | Ask, orders.length)); // the store sends queries to those that read
    sent.push(...values);
    if (orders.some(wakes)) sent.push(session.run(`SELECT pg_notify('${CHANNEL}', current_schema())`));
    await all(sent);
    if ((await marked).count !== 1) throw new Unfit(`another node has taken the place of node ${node} in the database`);
    const done = await Promise.all(values);
    return orders.map(({ id }, i) => ({ id, value: done[i] }));
  } catch (error) {
    await Promise.allSettled([...sent, session.run('ROLLBACK')]);
    throw error;
  }
}

async function perform({ session, telemetry, condition }: Scope, work: Write | Ask, waiting: number): Promise<unknown> {
  switch (work.do) {
    case 'append':
      return undefined; // with all others of the group
    case 'commit':
      return all(work.changes.flatMap(statementsOf).map(({ sql, params }) => session.ask(sql, params)));
    case 'claim':
      return read(session, claim(work, 'FOR UPDATE SKIP LOCKED'));
    case 'boot':
      return telemetry.boot(session);
    case 'unjudged':
      return telemetry.unjudged(session, work.after, work.limit);
    case 'health':
      return condition.health(session, waiting);
    case 'counts':
      return read(session, counts);
    default:
      return read(session, readOf(work));
  }
}

const read = async <T>(session: Session, { sql, params, as }: Read<T>): Promise<T> => as((await session.ask(sql, params)).rows);

/** Waits for every one, and throws what the first in order threw: those behind it failed because it did. */
async function all(sent: readonly Promise<unknown>[]): Promise<void> {
  const outcomes = await Promise.allSettled(sent);
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed) throw failed.reason;
}

/** Jobs that are due at once: other nodes may have hands free. */
const wakes = ({ work }: Order): boolean => work.do === 'commit' && work.changes.some(isDue);
const isDue = (change: Change): boolean =>
  (change.set === 'leases' && change.untilMs === null) ||
  (change.set === 'job' && change.status === 'queued') ||
  (change.set === 'job_status' && change.status === 'queued');
