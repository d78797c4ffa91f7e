/** What leads from the resources that run to those that are wanted. Pure. */
import { isDeepStrictEqual } from 'node:util';
import type { Declared } from '../proto/api.ts';

/** One step. `replace` carries both, so that it can be taken back. */
export type Change =
  | { readonly do: 'start' | 'stop' | 'keep'; readonly declared: Declared }
  | { readonly do: 'replace'; readonly declared: Declared; readonly before: Declared };

/** Stops come first, and those who send before those who receive; starts come after, the other way. What is equal is kept. */
export function diff(running: readonly Declared[], wanted: readonly Declared[]): readonly Change[] {
  const before = new Map(running.map((one) => [key(one), one]));
  const after = new Set(wanted.map(key));
  const stops = running.filter((one) => !after.has(key(one))).map((declared): Change => ({ do: 'stop', declared }));
  const rest = wanted.map((declared): Change => {
    const old = before.get(key(declared));
    if (!old) return { do: 'start', declared };
    return isDeepStrictEqual([old.spec, old.needs], [declared.spec, declared.needs]) ? { do: 'keep', declared } : { do: 'replace', declared, before: old };
  });
  return [...stops.sort(byPlace).reverse(), ...rest.sort(byPlace)];
}

const ORDER: readonly string[] = ['system_config', 'silence', 'action', 'function', 'rule', 'monitor', 'listener'];
const byPlace = (a: Change, b: Change): number => ORDER.indexOf(a.declared.kind) - ORDER.indexOf(b.declared.kind);
const key = ({ kind, name }: Declared): string => `${kind}/${name}`;
