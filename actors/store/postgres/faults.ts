/** What PostgreSQL says that is wrong, as the others are told it. No message of it holds a password. */
import pg from 'pg';
import type { Fault } from '../work.ts';

/** The server or the way to it is gone, or it takes nobody at this moment. */
export class Away extends Error {
  override readonly name = 'Away';
}
/** This will be the same until a person has done something: the node does not start. */
export class Unfit extends Error {
  override readonly name = 'Unfit';
}

/** By SQLSTATE (PostgreSQL, Appendix A), or by its class, the first two characters. */
const CODES: Readonly<Record<string, Fault['code']>> = {
  '53100': 'full',
  '25006': 'readonly',
  '42501': 'readonly',
  XX001: 'corrupt',
  XX002: 'corrupt',
  '57014': 'timeout',
  '08': 'away',
  '53': 'away',
  '57': 'away',
  '58': 'away',
};
const SAID: Partial<Record<Fault['code'], (message: string) => string>> = {
  full: (message) => `the disk of the database server is full: ${message}`,
  readonly: (message) => `the database cannot be written: ${message}`,
  corrupt: (message) => `the database is damaged: ${message}`,
  timeout: () => 'the query took longer than it may',
};

export const stateOf = (error: unknown): string => (error instanceof pg.DatabaseError ? (error.code ?? '') : '');

export function faultOf(error: unknown): Fault {
  const state = stateOf(error);
  const code = error instanceof Away || error instanceof Unfit ? 'away' : (CODES[state] ?? CODES[state.slice(0, 2)] ?? 'refused');
  const message = error instanceof Error ? error.message : String(error);
  return { code, message: SAID[code]?.(message) ?? message };
}

/** Two transactions were in each other's way, and one had to yield: serialization failure, deadlock, a lock that was not to be had. */
export const mayTryAgain = (error: unknown): boolean => ['40001', '40P01', '55P03'].includes(stateOf(error));

/** Wrong password or role, no such database, no right to connect: waiting does not help. */
export const isPermanent = (error: unknown): boolean => error instanceof Unfit || /^(28|3D|42)/.test(stateOf(error));
