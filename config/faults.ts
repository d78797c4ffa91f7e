/** What is wrong with a configuration, as it is told: each fault once, and no secret in it. Pure. */
import { redact } from '../actors/admin/redact.ts';
import type { PlacedFault } from '../proto/api.ts';

/** @param secrets values that must not be shown, wherever they stand. */
export function told(faults: readonly PlacedFault[], secrets: Readonly<Record<string, string>>): readonly PlacedFault[] {
  const hidden = Object.values(secrets);
  const distinct = new Map(faults.map((one) => [JSON.stringify([one.file, one.line, one.column, one.pointer, one.expected]), one])); // two references to one faulty parameter name it twice
  return [...distinct.values()].map((one) => ('got' in one ? { ...one, got: shown(one, hidden) } : one));
}

const REFERENCE = /^\$\{[^{}]*\}$/;

function shown({ got, pointer }: PlacedFault, hidden: readonly string[]): unknown {
  if (typeof got === 'string' && REFERENCE.test(got)) return got; // it names a secret at the most
  return redact(got, pointer, hidden);
}
