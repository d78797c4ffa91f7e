/** The errand of an export: PostgreSQL. Each statement sees what is committed when it runs. */
import type { ExportQuery } from '../../../proto/api.ts';
import { carryOut } from '../archive/errand.ts';
import { exported } from '../archive/export.ts';
import { engine } from './engine.ts';
import { faultOf } from './faults.ts';
import { Session } from './session.ts';

interface Given {
  readonly urls: readonly string[];
  readonly schema: string | undefined;
  readonly node: string;
  readonly query: ExportQuery;
}

carryOut(
  async function* ({ urls, schema, node, query }: Given) {
    const session = await Session.open({ urls, schema, application: `argos/export/${node}` });
    try {
      return yield* exported(query, { engine, read: (statement) => session.table(statement) });
    } finally {
      session.drop();
    }
  },
  (error) => faultOf(error).message,
);
