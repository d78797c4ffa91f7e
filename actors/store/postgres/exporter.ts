/** The errand of an export: PostgreSQL. Each statement sees what is committed when it runs. */
import type { ExportQuery } from '../../../proto/store.ts';
import { carryOut } from '../archive/errand.ts';
import { exported } from '../archive/export.ts';
import { engine } from './engine.ts';
import { type Given, open, told } from './errands.ts';

carryOut(async function* (given: Given & { readonly query: ExportQuery }) {
  const session = await open(given, 'export');
  try {
    return yield* exported(given.query, { engine, read: (statement) => session.table(statement) });
  } finally {
    session.drop();
  }
}, told);
