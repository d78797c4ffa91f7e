/** better-sqlite3 alone, on the thread of whoever asks: the store's own table and settings, batches already in columns and in the table's order. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { tempFolder } from '../spec/support/services.ts';
import { BATCH, batches, type Contestant, SERIES, STEP_MS, timeOf, sampleOf } from './history.ts';

const TABLE =
  'CREATE TABLE points (series_id INTEGER NOT NULL, ts INTEGER NOT NULL, seq INTEGER NOT NULL, value REAL NOT NULL, PRIMARY KEY (series_id, ts, seq)) WITHOUT ROWID';
const AVG = 'SELECT count(*), sum(value) FROM points WHERE series_id = ? AND ts BETWEEN ? AND ?';

export function bareSqlite(): Contestant & { commit(state: number): void } {
  const file = join(tempFolder(), 'bare.db');
  const db = new Database(file);
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.exec(`${TABLE}; CREATE TABLE rule_states (rule TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID`);
  const insert = db.prepare('INSERT INTO points (series_id, ts, seq, value) VALUES (?, ?, 0, ?)');
  const avg = db.prepare(AVG).raw();
  const state = db.prepare("INSERT INTO rule_states (rule, state) VALUES ('r', ?) ON CONFLICT (rule) DO UPDATE SET state = excluded.state");
  const sumOf = (series: number, fromMs: number, toMs: number): readonly [number, number] => avg.get(series + 1, fromMs, toMs) as [number, number];
  const write = db.transaction((from: number) => {
    for (let series = 0; series < SERIES; series++)
      for (let n = from + series; n < from + BATCH; n += SERIES) insert.run(series + 1, timeOf(from) + Math.floor((n - from) / SERIES) * STEP_MS, sampleOf(n));
  });
  return {
    name: 'better-sqlite3 alone',
    fill: async (total) => {
      const [since, cpu] = [performance.now(), process.cpuUsage()];
      for (const first of batches(total)) write(first);
      const { user, system } = process.cpuUsage(cpu);
      return { perSecond: total / ((performance.now() - since) / 1_000), cpuMicros: (user + system) / total };
    },
    bytes: async () => {
      db.pragma('wal_checkpoint(TRUNCATE)');
      return statSync(file).size;
    },
    avgOfOne: async (series, fromMs, toMs) => {
      const [count, sum] = sumOf(series, fromMs, toMs);
      return sum / count;
    },
    avgOfAll: async (fromMs, toMs) => {
      let [count, sum] = [0, 0];
      for (let series = 0; series < SERIES; series++) {
        const [more, value] = sumOf(series, fromMs, toMs);
        count += more;
        sum += value;
      }
      return sum / count;
    },
    commit: (value) => void state.run(String(value)),
    stop: async () => void db.close(),
  };
}
