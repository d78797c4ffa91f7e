/** Custom functions for a virtual clock: called in this process, at once. They have no budget here, and what goes wrong in them is unknown, as in a node. */
import { pathToFileURL } from 'node:url';
import type { FunctionConfig } from '../actors/functions/schema.ts';
import type { Declared } from '../proto/api.ts';

type Answers = (name: string, args: readonly unknown[]) => unknown;

export async function answersOf(declared: readonly Declared[]): Promise<Answers> {
  const functions = new Map<string, (...args: readonly unknown[]) => unknown>();
  for (const { kind, name, spec } of declared) {
    if (kind !== 'function') continue;
    const { module, export: exported } = spec as FunctionConfig; // load.ts has checked it
    const found: Readonly<Record<string, unknown>> = await import(pathToFileURL(module).href);
    const one = found[exported];
    if (typeof one === 'function') functions.set(name, (...args) => Reflect.apply(one, undefined, args));
  }
  return (name, args) => {
    try {
      const value = functions.get(name)?.(...structuredClone(args));
      return value === undefined || value instanceof Promise ? undefined : (JSON.parse(JSON.stringify(value)) as unknown);
    } catch {
      return undefined;
    }
  };
}
