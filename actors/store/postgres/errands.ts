/** What the errands of PostgreSQL share: a session on a database that this Argos knows, and their errors in words. */
import { Refusal } from '../archive/errand.ts';
import { faultOf } from './faults.ts';
import { versionOf } from './migrate.ts';
import { Session } from './session.ts';

export interface Given {
  readonly urls: readonly string[];
  readonly schema: string | undefined;
  readonly node: string;
}

/** @param what the errand, as the server's list of sessions has it. @throws Refusal `not_found` when no node has used the database; Away; Unfit. */
export async function open({ urls, schema, node }: Given, what: string): Promise<Session> {
  const session = await Session.open({ urls, schema, application: `argos/${what}/${node}` });
  try {
    if ((await versionOf(session)) > 0) return session;
    throw new Refusal('not_found', `PostgreSQL at ${session.host}: there is no database of Argos: name it with --store-url`);
  } catch (error) {
    session.drop();
    throw error;
  }
}

export const told = (error: unknown): string => faultOf(error).message;
