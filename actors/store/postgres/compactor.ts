/** The errand of compacting: PostgreSQL. Its own vacuum, of all tables, also while nodes run: what is gone is free for what comes. */
import type { Compacted } from '../../../proto/store.ts';
import { carryOut } from '../archive/errand.ts';
import { TABLES } from '../archive/tables.ts';
import { columnsOf } from './catalog.ts';
import { type Given, open, told } from './errands.ts';

carryOut(compacted, told);

async function compacted(given: Given): Promise<Compacted> {
  const session = await open(given, 'compact');
  const size = async (): Promise<number> =>
    Number(
      (await session.run("SELECT sum(pg_total_relation_size(oid)) AS size FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'"))
        .rows[0]?.size,
    );
  try {
    const beforeBytes = await size();
    for (const table of TABLES) if ((await columnsOf(session, table)).size > 0) await session.run(`VACUUM (ANALYZE) ${table.name}`);
    return { beforeBytes, afterBytes: await size() };
  } finally {
    session.drop();
  }
}
