/** The errand of an export: SQLite. Each statement sees what is committed when it runs. */
import type { ExportQuery } from '../../../proto/store.ts';
import type Database from 'better-sqlite3';
import { carryOut } from '../archive/errand.ts';
import { exported } from '../archive/export.ts';
import type { Rows, Statement } from '../query/program.ts';
import { engine } from './engine.ts';
import { type Given, open, told } from './errands.ts';

carryOut(async function* (given: Given & { readonly query: ExportQuery }) {
  const { db, close } = open(given);
  try {
    const prepared = new Map<string, Database.Statement>();
    const read = ({ sql, params }: Statement): Rows => {
      const there = prepared.get(sql) ?? db.prepare(sql).raw();
      prepared.set(sql, there);
      return there.all(...params) as Rows;
    };
    return yield* exported(given.query, { engine, read });
  } finally {
    close();
  }
}, told);
