/**
 * What can be wrong with what is kept, looked for and said in words: things that refer to what is not there, texts that cannot be read any more, and
 * work that nobody does. Whether the pages themselves are sound is the engine's to say. It changes nothing.
 */
import type { StoreCheck } from '../../../proto/store.ts';
import { type Cell, type Rows, statement, type Statement } from '../query/program.ts';
import { TABLES } from './tables.ts';

export interface CheckGiven {
  /** The node is running: what is due or waits to be judged must not wait for long. */
  readonly online: boolean;
  /** Only that each page can be read, and not that each index agrees with its table. */
  readonly quick: boolean;
}
/** What the engine has to bring. */
export interface Ground {
  readonly engine: StoreCheck['engine'];
  read(statement: Statement): Promise<Rows> | Rows;
  /** The tables that are there. */
  tables(): Promise<readonly string[]> | readonly string[];
  /** What is wrong with the pages and indexes, in the engine's words; and how it was looked at. */
  integrity(quick: boolean): Promise<Integrity> | Integrity;
}
export interface Integrity {
  readonly how: string;
  readonly faults: readonly string[];
}

/** What waits longer while a node runs is waiting for somebody who does not come. */
const PATIENCE_MS = 600_000;
const OPEN = "status IN ('queued', 'running', 'retrying')";
const UNJUDGED = 100;

/** Rows that refer to a row of another table. */
const REFERENCES: readonly { readonly table: string; readonly column: string; readonly to: string; readonly what: string }[] = [
  ...['points', 'rollups', 'stale_rollups', 'late_points'].map((table) => ({ table, column: 'series_id', to: 'series', what: `${table} of series` })),
  { table: 'attempts', column: 'job_id', to: 'jobs', what: 'attempts of executions' },
];
/** Columns that hold JSON, in tables that are small; and so many of each are looked at. */
const TEXTS = 20_000;
const JSON_TEXTS: readonly { readonly table: string; readonly column: string; readonly where?: string }[] = [
  { table: 'rule_states', column: 'state' },
  { table: 'rule_instances', column: 'state' },
  { table: 'monitor_states', column: 'fields' },
  { table: 'jobs', column: 'job', where: OPEN },
  { table: 'config_versions', column: 'diff' },
  { table: 'config_versions', column: 'overlay' },
  { table: 'api_keys', column: 'roles' },
  { table: 'series', column: 'tags' },
];

export async function check(ground: Ground, { online, quick }: CheckGiven, nowMs = Date.now()): Promise<StoreCheck> {
  const findings: string[] = [];
  const { how, faults } = await ground.integrity(quick);
  findings.push(...faults.map((fault) => `the database is damaged: ${fault}`));
  const there = new Set(await ground.tables());
  /** A page that cannot be read spoils this question, and no other. */
  const ask = async (what: string, ...params: Parameters<typeof statement>): Promise<Rows> => {
    try {
      return await ground.read(statement(...params));
    } catch (error) {
      findings.push(`${what} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
      return [];
    }
  };
  const one = async (what: string, sql: string): Promise<readonly Cell[]> => (await ask(what, sql))[0] ?? [];

  const rows: Record<string, number> = {};
  for (const { name } of TABLES) if (there.has(name)) rows[name] = Number((await one(name, `SELECT count(*) FROM ${name}`))[0] ?? 0);
  for (const { table, column, to, what } of REFERENCES) {
    if (!there.has(table)) continue;
    const [lost] = await one(table, `SELECT count(*) FROM ${table} WHERE ${column} NOT IN (SELECT id FROM ${to})`);
    if (Number(lost ?? 0) > 0) findings.push(`${Number(lost)} ${what} that are not there`);
  }
  for (const { table, column, where = '1 = 1' } of JSON_TEXTS) {
    if (!there.has(table)) continue; // of an older Argos
    const torn = (await ask(`${table}.${column}`, `SELECT ${column} FROM ${table} WHERE ${where} LIMIT ${TEXTS}`)).filter(([text]) => !isJson(text)).length;
    if (torn > 0) findings.push(`${torn} of ${table}.${column} cannot be read: they are no JSON`);
  }

  const [jobs = 0, oldestJob = null] = await one('jobs', `SELECT count(*), min(due_ms) FROM jobs WHERE ${OPEN}`);
  // Of an action of which nothing is held and nothing is being tried again: a long queue is no fault.
  const overdue = await ask(
    'jobs',
    `SELECT action, count(*) FROM jobs WHERE ${OPEN} AND due_ms < ${nowMs - PATIENCE_MS} AND NOT EXISTS (SELECT 1 FROM jobs AS other WHERE other.action = jobs.action` +
      ` AND (other.lease_ms >= ${nowMs} OR (other.status = 'retrying' AND other.due_ms >= ${nowMs - PATIENCE_MS}))) GROUP BY action ORDER BY action`,
  );
  const [batches = 0, oldestBatch = null] = await one('unjudged', 'SELECT count(*), min(at_ms) FROM unjudged');
  const waitedMs = oldestBatch === null ? 0 : nowMs - Number(oldestBatch);
  for (const [action, many] of online ? overdue : [])
    findings.push(
      `${Number(many)} executions of action ${String(action)} have been due for more than ${PATIENCE_MS / 60_000} minutes, and nobody carries them out: is it declared?`,
    );
  if (online && waitedMs > PATIENCE_MS)
    findings.push(`${Number(batches)} batches wait to be judged, the oldest for ${Math.floor(waitedMs / 60_000)} minutes: the rules do not come on`);
  const strangers = await lostSeries(ask);
  if (strangers > 0) findings.push(`${strangers} batches that wait to be judged hold samples of series that are not there`);

  return {
    engine: ground.engine,
    integrity: how,
    findings,
    rows,
    openJobs: { count: Number(jobs), oldestDueMs: oldestJob === null ? null : Number(oldestJob) },
    unjudged: { batches: Number(batches), oldestMs: oldestBatch === null ? null : Number(oldestBatch) },
  };
}

function isJson(text: Cell | undefined): boolean {
  try {
    JSON.parse(String(text));
    return true;
  } catch {
    return false;
  }
}

/** How many batches name a series that is not there. */
async function lostSeries(ask: (what: string, ...params: Parameters<typeof statement>) => Promise<Rows>): Promise<number> {
  const known = new Set((await ask('series', 'SELECT id FROM series')).map(([id]) => Number(id)));
  let lost = 0;
  for (let at = 0; ; at += UNJUDGED) {
    const rows = await ask('unjudged', 'SELECT series FROM unjudged ORDER BY seq LIMIT ? OFFSET ?', UNJUDGED, at);
    lost += rows.filter(([blob]) => blob instanceof Uint8Array && idsOf(blob).some((id) => !known.has(id))).length;
    if (rows.length < UNJUDGED) return lost;
  }
}

/** A copy, since a typed array wants its bytes aligned. */
const idsOf = (blob: Uint8Array): readonly number[] => [...new Uint32Array(new Uint8Array(blob).slice().buffer)];
